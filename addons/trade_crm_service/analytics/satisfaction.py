"""Net Promoter Score and satisfaction with intervals, and what moves them.

Answers to "how likely is it that you recommend us", 0 to 10, make promoters (9, 10), passives (7, 8)
and detractors (0 to 6); the score is the share of promoters minus that of detractors, from -100 to 100.
"""

from math import sqrt
from statistics import NormalDist
from typing import Any, NamedTuple

# Fewer answers say nothing that a decision could rest on.
MIN_ANSWERS = 10
CONFIDENCE = 0.95


class Tally(NamedTuple):
    """How many answered what."""

    promoters: int = 0
    passives: int = 0
    detractors: int = 0

    def __add__(self, other):
        return Tally(*(one + two for one, two in zip(self, other, strict=True)))

    def __sub__(self, other):
        return Tally(*(one - two for one, two in zip(self, other, strict=True)))

    @property
    def count(self):
        return sum(self)


class Estimate(NamedTuple):
    """A figure with its interval; value, low and high are None when there is no answer.

    :param is_enough: whether there are :data:`MIN_ANSWERS` answers
    """

    value: float | None
    low: float | None
    high: float | None
    count: int
    is_enough: bool


class Driver(NamedTuple):
    """What a cause does to the score.

    :param effect: points by which the score of all would differ if those with the cause had answered
        as those without it: negative where it costs points
    :param difference: score of those with the cause minus score of those without
    :param low: of the interval of ``difference``
    :param is_clear: whether the interval of the difference leaves out zero
    """

    key: Any
    effect: float | None
    difference: float | None
    low: float | None
    high: float | None
    count: int
    is_enough: bool
    is_clear: bool


def classify(score):
    """ "promoter", "passive" or "detractor".

    >>> [classify(score) for score in (0, 6, 7, 8, 9, 10)]
    ['detractor', 'detractor', 'passive', 'passive', 'promoter', 'promoter']
    """
    return "promoter" if score >= 9 else "passive" if score >= 7 else "detractor"


def get_quantile(confidence):
    """z of a two-sided interval.

    >>> round(get_quantile(0.95), 3)
    1.96
    """
    return NormalDist().inv_cdf((1 + confidence) / 2)


def get_nps(tally, confidence=CONFIDENCE):
    """Net Promoter Score with its adjusted Wald interval.

    Three answers are added, 3/4 of them promoters and 3/4 detractors, before the interval of the
    difference of two proportions is taken: B. Rocks, Interval Estimation for the "Net Promoter
    Score", The American Statistician 70 (2016), 365-372, finds it the best of those compared. The
    value is that of the answers themselves.

    :param tally: :class:`Tally`
    :return: :class:`Estimate`, from -100 to 100

    >>> get_nps(Tally(5, 3, 2)).value
    30.0
    >>> get_nps(Tally())
    Estimate(value=None, low=None, high=None, count=0, is_enough=False)
    """
    count = tally.count
    if not count:
        return Estimate(None, None, None, 0, False)
    center, variance = _get_adjusted(tally)
    margin = get_quantile(confidence) * sqrt(variance)
    return Estimate(
        100 * (tally.promoters - tally.detractors) / count,
        max(-100.0, 100 * (center - margin)),
        min(100.0, 100 * (center + margin)),
        count,
        count >= MIN_ANSWERS,
    )


def _get_adjusted(tally):
    """Center and variance of the adjusted Wald interval, as shares."""
    size = tally.count + 3
    promoters, detractors = (tally.promoters + 0.75) / size, (tally.detractors + 0.75) / size
    center = promoters - detractors
    return center, (promoters + detractors - center**2) / size


def get_share(part, count, confidence=CONFIDENCE):
    """Share ``part`` of ``count`` in percent with its score interval.

    E. B. Wilson, Probable Inference, the Law of Succession, and Statistical Inference, Journal of
    the American Statistical Association 22 (1927), 209-212.

    >>> [round(value, 1) for value in get_share(8, 10)[:3]]
    [80.0, 49.0, 94.3]
    """
    if not count:
        return Estimate(None, None, None, 0, False)
    z, share = get_quantile(confidence), part / count
    scale = 1 + z**2 / count
    center = (share + z**2 / (2 * count)) / scale
    margin = z * sqrt(share * (1 - share) / count + z**2 / (4 * count**2)) / scale
    return Estimate(
        100 * share,
        max(0.0, 100 * (center - margin)),
        min(100.0, 100 * (center + margin)),
        count,
        count >= MIN_ANSWERS,
    )


def rank_drivers(total, tallies, confidence=CONFIDENCE):
    """Causes by what they do to the score of all, those that cost most first.

    :param total: :class:`Tally` of all answers
    :param tallies: dict of a :class:`Tally` of the answers with each cause; an answer may have several
    :return: list of :class:`Driver`; those without enough answers on both sides come last

    >>> [late, taste] = rank_drivers(Tally(40, 0, 20), {"taste": Tally(10, 0, 0), "late": Tally(0, 0, 20)})
    >>> late.key, round(late.effect), late.count
    ('late', -67, 20)
    """
    drivers = [_get_driver(key, total, tally, confidence) for key, tally in tallies.items()]
    return sorted(
        drivers, key=lambda driver: (not driver.is_enough, driver.effect or 0.0, -driver.count)
    )


def _get_driver(key, total, tally, confidence):
    others = total - tally
    if not tally.count or not others.count:
        return Driver(key, None, None, None, None, tally.count, False, False)
    with_it, without = get_nps(tally).value, get_nps(others).value
    (center, variance), (other_center, other_variance) = map(_get_adjusted, (tally, others))
    margin = 100 * get_quantile(confidence) * sqrt(variance + other_variance)
    middle = 100 * (center - other_center)
    enough = min(tally.count, others.count) >= MIN_ANSWERS
    return Driver(
        key,
        get_nps(total).value - without,
        with_it - without,
        max(-200.0, middle - margin),
        min(200.0, middle + margin),
        tally.count,
        enough,
        enough and abs(middle) > margin,
    )
