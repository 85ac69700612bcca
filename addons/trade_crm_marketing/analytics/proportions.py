"""Two shares compared: test, interval, power and sample size. Arguments may be arrays."""

from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

ALPHA = 0.05


class Difference(NamedTuple):
    """First minus second, with its interval. Numbers, or arrays of them."""

    value: Any
    low: Any
    high: Any


def get_quantile(alpha=ALPHA):
    """z of a two-sided test.

    >>> round(float(get_quantile(0.05)), 4)
    1.96
    """
    return ndtri(1 - np.asarray(alpha) / 2)


def get_wilson_interval(successes, size, quantile):
    """Score interval of a share: E. B. Wilson, Journal of the American Statistical Association 22 (1927).

    :param quantile: number of standard errors, 1.96 for 95 %
    :return: low, high

    >>> low, high = get_wilson_interval(15, 148, 1.96)
    >>> [round(float(limit), 4) for limit in (low, high)]
    [0.0624, 0.1605]
    """
    share, square = successes / size, quantile**2
    center = (share + square / (2 * size)) / (1 + square / size)
    margin = np.sqrt(share * (1 - share) / size + square / (4 * size**2))
    margin = margin * quantile / (1 + square / size)
    return np.maximum(center - margin, 0.0), np.minimum(center + margin, 1.0)


def get_share_difference(successes, sizes, quantile=None):
    """Difference of two shares with the hybrid score interval.

    R. G. Newcombe, Interval estimation for the difference between independent proportions, Statistics
    in Medicine 17 (1998), 873-890, method 10. It stays within -1 and 1, and covers also when nobody
    has ordered yet.

    :param successes, sizes: pairs of numbers or of arrays; sizes are positive
    :param quantile: number of standard errors, by default that of 95 %
    :return: :class:`Difference`

    >>> [round(float(figure), 4) for figure in get_share_difference((56, 48), (70, 80))]
    [0.2, 0.0524, 0.3339]
    """
    quantile = get_quantile() if quantile is None else quantile
    (one, two), (size_one, size_two) = map(_as_floats, (successes, sizes))
    low_one, high_one = get_wilson_interval(one, size_one, quantile)
    low_two, high_two = get_wilson_interval(two, size_two, quantile)
    share_one, share_two = one / size_one, two / size_two
    value = share_one - share_two
    below = np.sqrt((share_one - low_one) ** 2 + (high_two - share_two) ** 2)
    above = np.sqrt((high_one - share_one) ** 2 + (share_two - low_two) ** 2)
    return Difference(value, value - below, value + above)


def get_share_test(successes, sizes):
    """Test of equal shares with the pooled variance.

    :return: z and the two-sided p value; 0 and 1 when all or none succeeded

    >>> [round(float(figure), 4) for figure in get_share_test((56, 48), (70, 80))]
    [2.6502, 0.008]
    """
    (one, two), (size_one, size_two) = map(_as_floats, (successes, sizes))
    pooled = (one + two) / (size_one + size_two)
    error = np.sqrt(pooled * (1 - pooled) * (1 / size_one + 1 / size_two))
    difference = one / size_one - two / size_two
    statistic = np.divide(difference, error, out=np.zeros_like(difference), where=error > 0)
    return statistic, 2 * ndtr(-np.abs(statistic))


def get_share_power(share_one, share_two, size, quantile=None):
    """Probability that two groups of ``size`` each tell ``share_one`` from ``share_two``.

    J. L. Fleiss, Statistical Methods for Rates and Proportions (1981), chapter 3, without correction
    for continuity; the side that is the wrong one is left out.

    :param quantile: number of standard errors that the difference has to exceed

    >>> round(float(get_share_power(0.5, 0.75, 50)), 4)
    0.7402
    """
    quantile = get_quantile() if quantile is None else quantile
    under_null, under_effect = _get_deviations(share_one, share_two)
    effect = abs(share_one - share_two)
    return ndtr((np.sqrt(size) * effect - quantile * under_null) / under_effect)


def get_share_size(share_one, share_two, power=0.8, quantile=None):
    """Customers per group so that ``power`` is reached, not rounded; see :func:`get_share_power`.

    :raises ValueError: when the shares are equal or out of range

    >>> round(float(get_share_size(0.5, 0.75, 0.9)), 1)
    76.7
    """
    if share_one == share_two or not (0 <= share_one <= 1 and 0 <= share_two <= 1):
        raise ValueError("two different shares from 0 to 1 are needed")
    quantile = get_quantile() if quantile is None else quantile
    under_null, under_effect = _get_deviations(share_one, share_two)
    needed = quantile * under_null + ndtri(power) * under_effect
    return (needed / (share_one - share_two)) ** 2


def get_detectable_share(share, size, power=0.8, quantile=None):
    """The smallest higher share that groups of ``size`` tell from ``share``; None if there is none.

    >>> round(get_detectable_share(0.5, 76.7, 0.9), 3)
    0.75
    """

    def miss(other):
        return get_share_power(share, other, size, quantile) - power

    highest = 1 - 1e-12
    if share >= highest or miss(highest) < 0:
        return None
    return brentq(miss, share + 1e-12, highest)


def _get_deviations(share_one, share_two):
    """Standard deviations, without and with the difference, of one customer of each group."""
    pooled = (share_one + share_two) / 2
    variance = share_one * (1 - share_one) + share_two * (1 - share_two)
    return np.sqrt(2 * pooled * (1 - pooled)), np.sqrt(variance)


def _as_floats(pair):
    one, two = pair
    return np.asarray(one, dtype=np.float64), np.asarray(two, dtype=np.float64)
