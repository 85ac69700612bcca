"""Intervals that hold at every look at once: confidence sequences.

Whoever looks at a 95 % interval 20 times and stops when it leaves out zero is wrong far more often
than 5 %. The bound here is the two-sided normal mixture of S. R. Howard, A. Ramdas, J. McAuliffe and
J. Sekhon, Time-uniform, nonparametric, nonasymptotic confidence sequences, Annals of Statistics 49
(2021), 1055-1080, equation (14), in large samples: I. Waudby-Smith, D. Arbour, R. Sinha, E. H. Kennedy
and A. Ramdas, Time-uniform central limit theory and asymptotic confidence sequences, Annals of
Statistics 52 (2024), 2613-2640. It is the interval of the mixture sequential test of R. Johari,
P. Koomen, L. Pekelis and D. Walsh, Always valid inference, Operations Research 70 (2022), 1806-1821.

A sum of variance v stays within sqrt((v + r) log((v + r) / (r alpha²))) of what is expected for ever,
with probability 1 - alpha. In standard errors that is sqrt((1 + 1 / k) log((1 + k) / alpha²)), where
k = v / r. Any r that is fixed beforehand is valid; it is chosen so that the bound is narrowest when
the experiment has gathered the information that was planned.

The audience of a campaign is fixed and its purchases come in, or it grows while the campaign is
being sent: both make v grow, and v, the effective number of purchases, measures the progress.
"""

import numpy as np

from .means import get_mean_difference
from .proportions import ALPHA, get_share_difference


def get_information(successes, sizes):
    """Variance that two groups have gathered: about the purchases, times the share of the other group.

    :param successes, sizes: pairs of numbers or of arrays

    >>> round(float(get_information((50, 50), (1000, 1000))), 2)
    23.75
    """
    (one, two), (size_one, size_two) = successes, sizes
    total = np.asarray(size_one + size_two, dtype=np.float64)
    pooled = (one + two) / total
    return size_one * size_two / total * pooled * (1 - pooled)


def get_mixture(planned, alpha=ALPHA):
    """r for which the bound is narrowest at the information ``planned`` (Howard et al., eq. 17)."""
    logarithm = -2 * np.log(alpha)
    return planned / (logarithm + np.log1p(logarithm))


def get_multiplier(information, planned, alpha=ALPHA):
    """How many standard errors an interval takes that holds at every look.

    Without information there is no limit: infinity.

    :param information: see :func:`get_information`; number or array
    :param planned: information that is expected at the end, positive, fixed beforehand

    >>> [round(float(get_multiplier(share, 1.0)), 2) for share in (0.01, 0.1, 1, 10)]
    [9.08, 3.86, 3.04, 3.24]
    """
    progress = np.asarray(information, dtype=np.float64) / get_mixture(planned, alpha)
    with np.errstate(divide="ignore"):
        return np.sqrt((1 + 1 / progress) * np.log((1 + progress) / alpha**2))


def get_final_multiplier(alpha=ALPHA):
    """The multiplier when the experiment has gathered what was planned, for its sample size.

    >>> round(float(get_final_multiplier()), 4)
    3.0352
    """
    return get_multiplier(1.0, 1.0, alpha)


def get_share_sequence(successes, sizes, planned, alpha=ALPHA):
    """Difference of two shares with an interval that holds at every look.

    Newcombe's interval takes the place of the symmetric one: as wide in large samples, and not too
    narrow when there are few purchases.

    :return: :class:`Difference`; from -1 to 1 while nobody has bought
    """
    information = get_information(successes, sizes)
    # The score interval of infinitely many standard errors is everything; 1e6 say the same.
    quantile = np.minimum(get_multiplier(information, planned, alpha), 1e6)
    return get_share_difference(successes, sizes, quantile)


def get_mean_sequence(one, two, successes, planned, alpha=ALPHA):
    """Difference of two means with an interval that holds at every look.

    Progress is measured by the purchases, which is what gives the means their variance.

    :param one, two: :class:`Sample`
    :param successes: customers with a purchase in each
    :return: :class:`Difference`; infinite while nobody has bought
    """
    information = get_information(successes, (one.count, two.count))
    quantile = np.minimum(get_multiplier(information, planned, alpha), 30)
    difference = get_mean_difference(one, two, quantile)
    unknown = np.asarray(information) <= 0
    return difference._replace(
        low=np.where(unknown, -np.inf, difference.low),
        high=np.where(unknown, np.inf, difference.high),
    )
