"""What a campaign brought that would not have come without it, against the hold-out."""

from typing import NamedTuple

from .means import Sample
from .proportions import ALPHA, Difference
from .sequence import get_information, get_mean_sequence

# Fewer customers or purchases held out are no yardstick.
MIN_HELD_OUT = 30
MIN_PURCHASES = 10


class Group(NamedTuple):
    """Everybody who was contacted, or everybody who was held out, bought or not."""

    buyers: int
    orders: Sample
    revenue: Sample
    margin: Sample


class Increment(NamedTuple):
    """Totals over those contacted, each a :class:`Difference`; None when it cannot be told.

    :param roi: what remains of the margin after the cost, per unit of cost
    """

    orders: Difference | None = None
    revenue: Difference | None = None
    margin: Difference | None = None
    profit: Difference | None = None
    roi: Difference | None = None


def get_increment(contacted, held_out, cost, expected, alpha=ALPHA):
    """Incremental orders, revenue, margin and return on what was spent.

    The difference of the means per customer, times the customers that were contacted: also those
    count who never got the message, because those held out were not asked either. The intervals
    hold at every look.

    :param contacted, held_out: :class:`Group`
    :param cost: in the currency of the margin
    :param expected: share of buyers that is expected at the end, fixed beforehand, between 0 and 1
    :return: :class:`Increment`

    >>> few = Group(0, Sample(5, 0, 0), Sample(5, 0, 0), Sample(5, 0, 0))
    >>> get_increment(few, few, 0, 0.1).orders is None
    True
    """
    size = contacted.orders.count
    if (
        min(size, held_out.orders.count) < MIN_HELD_OUT
        or contacted.buyers + held_out.buyers < MIN_PURCHASES
    ):
        return Increment()
    successes = (contacted.buyers, held_out.buyers)
    sizes = (size, held_out.orders.count)
    planned = get_information([expected * count for count in sizes], sizes)

    def total(one, two):
        difference = get_mean_sequence(one, two, successes, planned, alpha)
        return Difference(*(float(figure) * size for figure in difference))

    margin = total(contacted.margin, held_out.margin)
    profit = Difference(*(figure - cost for figure in margin))
    return Increment(
        orders=total(contacted.orders, held_out.orders),
        revenue=total(contacted.revenue, held_out.revenue),
        margin=margin,
        profit=profit,
        roi=Difference(*(figure / cost for figure in profit)) if cost > 0 else None,
    )
