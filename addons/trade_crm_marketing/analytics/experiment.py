"""What an experiment with two or more variants says."""

from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.polynomial.legendre import leggauss
from scipy.special import betainc, betaincinv
from scipy.stats import chi2

from .proportions import ALPHA, Difference
from .sequence import get_information, get_share_sequence

# Below this the groups are not what they were drawn to be: A. Fabijan et al., Diagnosing sample ratio
# mismatch in online controlled experiments, KDD 2019, 2156-2164.
RATIO_ALPHA = 0.001
# Fewer purchases in all are not judged: the intervals are those of large samples.
MIN_SUCCESSES = 20
NODES = 200

BETTER, SAME, OPEN, UNSOUND = "better", "same", "open", "unsound"


class Arm(NamedTuple):
    key: Any
    size: int
    successes: int


class Verdict(NamedTuple):
    """What may be said.

    :param kind: "better" (``winner`` beats every other one), "same" (no two differ by what
        matters), "open" (not enough data) or "unsound" (the groups are not as drawn)
    :param differences: ``{(key, key): Difference}`` of all pairs, valid together and at every look
    """

    kind: str
    winner: Any
    differences: dict


def check_ratio(counts, weights):
    """Whether groups have the sizes that they were drawn to have (chi-square test).

    :return: p value; 1 without anybody
    :raises ValueError: unless weights are positive

    >>> round(float(check_ratio([821_588, 815_482], [1, 1])), 8)
    1.82e-06
    """
    counts, weights = (np.asarray(figures, dtype=np.float64) for figures in (counts, weights))
    if (weights <= 0).any():
        raise ValueError("weights have to be positive")
    if not counts.sum() or len(counts) < 2:
        return 1.0
    expected = counts.sum() * weights / weights.sum()
    return float(chi2.sf((np.square(counts - expected) / expected).sum(), len(counts) - 1))


def get_best_probabilities(arms):
    """Probability of each arm to have the highest share, from uniform priors.

    The product of the other arms' distribution functions, over the first one's (Gauss-Legendre).
    It tells chances; it is no test, and grows by looking often.

    :param arms: list of :class:`Arm`
    :return: array that adds up to 1

    >>> get_best_probabilities([Arm("A", 10, 5), Arm("B", 10, 5)]).round(4).tolist()
    [0.5, 0.5]
    """
    nodes, weights = leggauss(NODES)
    levels = (nodes + 1) / 2
    hits = [arm.successes + 1 for arm in arms]
    misses = [arm.size - arm.successes + 1 for arm in arms]
    chances = []
    for first in range(len(arms)):
        shares = betaincinv(hits[first], misses[first], levels)
        others = [
            betainc(hits[other], misses[other], shares)
            for other in range(len(arms))
            if other != first
        ]
        chances.append(float(np.dot(weights / 2, np.prod(others, axis=0) * np.ones(NODES))))
    chances = np.asarray(chances)
    return chances / chances.sum() if len(chances) else chances


def judge(arms, expected, matters, alpha=ALPHA, ratio=1.0, is_over=True):
    """The verdict on the shares of two or more arms.

    All pairs are compared, each at ``alpha`` divided by their number (Bonferroni), by intervals
    that hold at every look: in ``alpha`` of the experiments, looked at as often as one likes, any
    interval is ever wrong, and so is the verdict.

    :param arms: list of :class:`Arm`
    :param expected: share that is expected at the end, fixed beforehand, between 0 and 1
    :param matters: the smallest difference of shares that matters, positive
    :param ratio: p value of :func:`check_ratio`
    :param is_over: whether everybody had the time to respond. Before that both shares are near 0, so
        that no difference can be larger than what matters: "same" is not said.
    :return: :class:`Verdict`
    """
    arms = [arm for arm in arms if arm.size]
    pairs = list(combinations(arms, 2))
    differences = {
        (one.key, two.key): _compare(one, two, expected, alpha / len(pairs)) for one, two in pairs
    }
    kind, winner = OPEN, None
    if ratio < RATIO_ALPHA:
        kind = UNSOUND
    elif pairs and sum(arm.successes for arm in arms) >= MIN_SUCCESSES:
        kind, winner = _decide(arms, differences, matters if is_over else 0)
    return Verdict(kind, winner, differences)


def _compare(one, two, expected, alpha):
    sizes = (one.size, two.size)
    planned = get_information([size * expected for size in sizes], sizes)
    difference = get_share_sequence((one.successes, two.successes), sizes, planned, alpha)
    return Difference(*map(float, difference))


def _decide(arms, differences, matters):
    if all(-matters < low and high < matters for _value, low, high in differences.values()):
        return SAME, None
    for arm in arms:
        if all(
            (low > 0 if one == arm.key else high < 0)
            for (one, two), (_value, low, high) in differences.items()
            if arm.key in (one, two)
        ):
            return BETTER, arm.key
    return OPEN, None
