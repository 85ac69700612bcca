"""The order ladder: how many customers place a first, second, third … order, and when."""

from typing import NamedTuple

import numpy as np


class Rung(NamedTuple):
    """One order of the ladder; the customers who have reached it went on, wait or are gone."""

    step: int
    reached: int
    share: float | None  # of the customers who placed a first order
    expected: float | None  # probability to reach this order, see climb(); None where nobody tells
    moved: int  # placed the next order as well
    waiting: int  # did not, and may yet
    gone: int  # did not, and are dormant or lost
    moved_share: float | None  # of those who reached this order; None on the last rung


def climb(stopped, gone):
    """Rungs of the ladder from the customers who stopped at each order.

    ``expected`` is the product-limit estimate of Kaplan and Meier, "Nonparametric estimation from
    incomplete observations" (1958), with orders for time: who is gone is an event, who still waits
    is censored. A young group of customers is thus not taken for one that drops off.

    :param stopped: number of customers whose last order is order 1, 2, …; the last entry counts
        those who have reached that order, whether they went on or not
    :param gone: how many of ``stopped`` are gone; the last entry does not matter
    :return: list of :class:`Rung`; shares are None when there is no customer at all
    :raises ValueError: if the lengths differ or more customers are gone than have stopped

    >>> [rung.reached for rung in climb([5, 3, 2], [4, 1, 0])]
    [10, 5, 2]
    >>> [rung.waiting for rung in climb([5, 3, 2], [4, 1, 0])]
    [1, 2, 2]
    >>> [round(rung.expected, 2) for rung in climb([5, 3, 2], [4, 1, 0])]
    [1.0, 0.6, 0.48]
    """
    stopped = np.asarray(stopped, dtype=np.int64)
    gone = np.asarray(gone, dtype=np.int64)
    if stopped.shape != gone.shape or (gone > stopped).any() or (gone < 0).any():
        raise ValueError("gone has to be a part of stopped, order by order")
    reached = stopped[::-1].cumsum()[::-1]
    total = int(reached[0]) if reached.size else 0
    rungs, expected = [], 1.0
    for index, count in enumerate(reached.tolist()):
        is_last = index == len(reached) - 1
        moved = 0 if is_last else int(reached[index + 1])
        left = 0 if is_last else int(gone[index])
        rungs.append(
            Rung(
                step=index + 1,
                reached=count,
                share=count / total if total else None,
                expected=expected if count or (total and not expected) else None,
                moved=moved,
                waiting=count - moved - left,
                gone=left,
                moved_share=moved / count if count and not is_last else None,
            )
        )
        if count:
            expected *= 1 - left / count
    return rungs


def find_worst(rungs):
    """The order after which most customers are gone, or None if nobody is; the first of equals."""
    worst = max(rungs, key=lambda rung: (rung.gone, -rung.step), default=None)
    return worst.step if worst and worst.gone else None


def summarize_days(days, counts):
    """Mean and median of days that are given as a histogram.

    :param days: distinct values, ascending
    :param counts: how often each of them occurs
    :return: pair of floats, or of None when there is no value

    >>> summarize_days([10, 20, 90], [1, 2, 1])
    (35.0, 20.0)
    >>> summarize_days([10, 20], [1, 1])
    (15.0, 15.0)
    """
    days = np.asarray(days, dtype=np.int64)
    ends = np.cumsum(np.asarray(counts, dtype=np.int64))
    total = int(ends[-1]) if ends.size else 0
    if not total:
        return None, None
    mean = float(np.dot(days, np.diff(ends, prepend=0))) / total
    low, high = (days[np.searchsorted(ends, rank)] for rank in ((total + 1) // 2, total // 2 + 1))
    return mean, float(low + high) / 2
