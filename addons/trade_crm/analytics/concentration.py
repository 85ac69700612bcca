"""Concentration: how much of the revenue comes from how few customers."""

from typing import NamedTuple

import numpy as np

# Where the classes end, as shares of the customers, from the largest one on.
CLASSES = (0.01, 0.05, 0.2, 0.5, 1.0)
TOP = 0.2
POINTS = 100


class Class(NamedTuple):
    """The customers with rank ``first`` to ``last``, counted from the largest one."""

    top: float  # the class ends at this share of the customers
    first: int
    last: int
    count: int
    amount: float
    share: float  # of the total amount
    cumulated: float  # share of the total amount, with all classes before
    least: float | None  # smallest amount in the class; None in an empty one


class Concentration(NamedTuple):
    count: int
    total: float
    gini: float | None  # None without anybody
    top_share: float | None  # share of the total amount of the top 20 %
    top_count: int
    curve: list  # Lorenz curve: pairs (share of the customers, share of the amount)
    classes: list


def concentrate(amounts, classes=CLASSES, points=POINTS):
    """Lorenz curve, Gini coefficient and classes of positive amounts.

    A share of the customers that is not a whole number of them is rounded up, so that the top 20 %
    of three customers are one. The curve starts with the smallest amounts (M. O. Lorenz, "Methods
    of measuring the concentration of wealth", 1905). The Gini coefficient is the mean absolute
    difference of two amounts over twice their mean: 0 if all are equal, (n - 1) / n if one has
    everything.

    :param amounts: positive numbers in any order
    :param classes: ascending shares, the last one is 1
    :return: :class:`Concentration`
    :raises ValueError: if an amount is not positive

    >>> result = concentrate([1, 1, 2, 4])
    >>> result.gini
    0.3125
    >>> result.curve
    [(0.0, 0.0), (0.25, 0.125), (0.5, 0.25), (0.75, 0.5), (1.0, 1.0)]
    >>> result.top_share, [entry.count for entry in result.classes]
    (0.5, [1, 0, 0, 1, 2])
    """
    ascending = np.sort(np.asarray(amounts, dtype=np.float64))
    count = len(ascending)
    if not count:
        return Concentration(0, 0.0, None, None, 0, [], [])
    if ascending[0] <= 0:
        raise ValueError("amounts have to be positive")
    sums = np.concatenate([[0.0], ascending.cumsum()])
    total = float(sums[-1])
    weights = 2 * np.arange(1, count + 1) - count - 1
    ranks = np.unique(np.linspace(0, count, min(count, points) + 1).round().astype(int))
    top_count = _get_rank(TOP, count)
    return Concentration(
        count=count,
        total=total,
        gini=float(np.dot(weights, ascending) / (count * total)),
        top_share=_get_top(sums, top_count) / total,
        top_count=top_count,
        curve=[(float(rank / count), float(sums[rank] / total)) for rank in ranks],
        classes=_get_classes(ascending, sums, classes),
    )


def _get_rank(share, count):
    # 0.2 * 5 is 1.0000000000000002 in some orders of computing; that is no second customer.
    return int(np.ceil(round(share * count, 9)))


def _get_top(sums, rank):
    """Sum of the ``rank`` largest amounts."""
    return float(sums[-1] - sums[len(sums) - 1 - rank])


def _get_classes(ascending, sums, shares):
    count, total, before, entries = len(ascending), float(sums[-1]), 0, []
    for share in shares:
        last = _get_rank(share, count)
        amount = _get_top(sums, last) - _get_top(sums, before)
        entries.append(
            Class(
                top=share,
                first=before + 1,
                last=last,
                count=last - before,
                amount=amount,
                share=amount / total,
                cumulated=_get_top(sums, last) / total,
                least=float(ascending[count - last]) if last > before else None,
            )
        )
        before = last
    return entries
