"""What the policy says of value and lifecycle, computed a second time from the purchases.

Written from what the columns mean and apart from the addon, of whose code nothing is used: one
customer after the other, amounts as ``Decimal``, ratios as ``Fraction``, days as Python dates.
"""

from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import pairwise

from dateutil.relativedelta import relativedelta

MONEY = ["window_average_order_value", "recent_revenue", "previous_revenue"]
OTHERS = [
    "matrix_quadrant",
    "matrix_segment",
    "value_band",
    "lifecycle_status",
    "returned_on",
    "slips_on",
    "purchase_pattern",
    "potential_high_value",
    "ladder_step",
    "step_days",
]
COLUMNS = MONEY + OTHERS
# Fields of the policy that the columns depend on.
SETTINGS = [
    "matrix_order_value",
    "matrix_order_count",
    "band_high_revenue",
    "band_high_orders",
    "band_middle_revenue",
    "band_middle_orders",
    "lifecycle_new_months",
    "lifecycle_dormant_months",
    "lifecycle_lost_months",
    "lifecycle_returned_months",
    "trend_months",
    "trend_rate",
    "slip_factor",
    "bulk_max_orders",
    "bulk_order_value",
    "continuous_days",
    "potential_orders",
    "potential_gap_days",
]
LONGEST_LADDER = 12


def add_months(day, months):
    return day + relativedelta(months=months)


def compute_row(purchases, policy, today):
    """Value columns of one customer.

    :param purchases: list of (day, orders, revenue), a refund having 0 orders; may be empty
    :param policy: record of ``trade.tier.policy``, or what has its fields
    :return: pair of dict of :data:`COLUMNS` and list of the days after ``today`` that change them
    """
    days = sorted(day for day, orders, _revenue in purchases if orders)
    if not days:
        none = dict.fromkeys(COLUMNS)
        money = {"recent_revenue": Decimal(0), "previous_revenue": Decimal(0)}
        never = {"lifecycle_status": "prospect", "purchase_pattern": "never"}
        none = none | money | never | {"potential_high_value": False, "ladder_step": 0}
        return none | _sum_trend(purchases, policy, today), _get_trend_days(
            purchases, policy, today
        )
    row = _sum_trend(purchases, policy, today)
    row |= _get_steps(days, policy)
    window = [
        (day, orders, revenue)
        for day, orders, revenue in purchases
        if add_months(day, policy.window_months) > today
    ]
    revenue = sum((amount for _day, _orders, amount in window), Decimal(0))
    count = sum(orders for _day, orders, _amount in window)
    average = _round(revenue / count, policy) if count else None
    row["window_average_order_value"] = average
    row["lifecycle_status"] = status = _get_status(days, row, policy, today)
    large = average is not None and average >= Decimal(str(policy.matrix_order_value))
    often = count >= policy.matrix_order_count
    row["matrix_quadrant"] = {
        (True, True): "best",
        (True, False): "spender",
        (False, True): "frequent",
        (False, False): "uncertain",
    }[large, often]
    row["matrix_segment"] = None
    if not large and not often:
        if add_months(days[-1], policy.lifecycle_dormant_months) <= today:
            row["matrix_segment"] = "gone"
        elif add_months(days[0], policy.lifecycle_new_months) > today:
            row["matrix_segment"] = "new"
        else:
            row["matrix_segment"] = "steady"
    row["value_band"] = _get_band(revenue, count, policy)
    lifetime = sum((amount for _day, _orders, amount in purchases), Decimal(0))
    row["purchase_pattern"] = _get_pattern(
        _round(lifetime / len(days), policy),
        len(days),
        len({day for day, orders, _amount in window if orders}),
        policy,
    )
    gaps = _get_gaps(days)
    rhythm = Fraction(sum(gaps), len(gaps)) if gaps else None
    limit = policy.potential_gap_days
    row["potential_high_value"] = (
        large
        and status in ("new", "growing")
        and row["value_band"] != "high"
        and count >= policy.potential_orders
        and (not limit or (rhythm is not None and rhythm <= limit))
    )
    return row, _get_change_days(purchases, days, row, policy, today)


def _round(amount, policy):
    step = Decimal(1).scaleb(-policy.company_id.currency_id.decimal_places)
    return amount.quantize(step, ROUND_HALF_UP)


def _get_gaps(days):
    """Days between two days with a purchase."""
    return [(later - earlier).days for earlier, later in pairwise(sorted(set(days)))]


def _sum_trend(purchases, policy, today):
    recent = previous = Decimal(0)
    for day, _orders, revenue in purchases:
        if add_months(day, policy.trend_months) > today:
            recent += revenue
        elif add_months(day, 2 * policy.trend_months) > today:
            previous += revenue
    return {"recent_revenue": recent, "previous_revenue": previous}


def _get_steps(days, policy):
    steps = [(later - earlier).days for earlier, later in pairwise(days[:LONGEST_LADDER])]
    returns = [
        later
        for earlier, later in pairwise(days)
        if later > earlier and add_months(earlier, policy.lifecycle_dormant_months) <= later
    ]
    gaps = _get_gaps(days)
    slips_on = None
    if len(gaps) > 1:
        limit = Fraction(str(policy.slip_factor)) * sum(gaps) / len(gaps)
        slips_on = next(
            days[-1] + timedelta(days=late)
            for late in range(int(limit), int(limit) + 3)
            if late > limit
        )
    return {
        "ladder_step": min(len(days), LONGEST_LADDER),
        "step_days": steps or None,
        "returned_on": max(returns, default=None),
        "slips_on": slips_on,
    }


def _get_status(days, row, policy, today):
    first, last = days[0], days[-1]
    if add_months(last, policy.lifecycle_lost_months) <= today:
        return "lost"
    if add_months(last, policy.lifecycle_dormant_months) <= today:
        return "dormant"
    if (
        row["returned_on"]
        and add_months(row["returned_on"], policy.lifecycle_returned_months) > today
    ):
        return "won_back"
    if add_months(first, policy.lifecycle_new_months) > today:
        return "new"
    if row["slips_on"] and row["slips_on"] <= today:
        return "slipping"
    if add_months(first, 2 * policy.trend_months) <= today:
        change, before = Decimal(str(policy.trend_rate)), row["previous_revenue"]
        if row["recent_revenue"] < before * (1 - change):
            return "slipping"
        if row["recent_revenue"] > before * (1 + change):
            return "growing"
    return "stable"


def _get_band(revenue, count, policy):
    for band in ("high", "middle"):
        amount = Decimal(str(policy[f"band_{band}_revenue"]))
        if (not amount or revenue >= amount) and count >= policy[f"band_{band}_orders"]:
            return band
    return "low"


def _get_pattern(average, order_count, window_days, policy):
    bulk = average >= Decimal(str(policy.bulk_order_value))
    if bulk and order_count <= policy.bulk_max_orders:
        return "bulk_once"
    if window_days >= policy.continuous_days:
        return "continuous"
    return "bulk_repeated" if bulk else "occasional"


def _get_trend_days(purchases, policy, today):
    """A purchase passes from recent revenue to that before, or leaves it."""
    days = [
        add_months(day, months * policy.trend_months)
        for day, orders, revenue in purchases
        for months in (1, 2)
        if orders or revenue
    ]
    return [day for day in days if day > today]


def _get_change_days(purchases, days, row, policy, today):
    ends = [
        add_months(days[-1], policy.lifecycle_lost_months),
        add_months(days[-1], policy.lifecycle_dormant_months),
        add_months(days[0], policy.lifecycle_new_months),
        add_months(days[0], 2 * policy.trend_months),
    ]
    if row["returned_on"]:
        ends.append(add_months(row["returned_on"], policy.lifecycle_returned_months))
    if row["slips_on"]:
        ends.append(row["slips_on"])
    return [*_get_trend_days(purchases, policy, today), *(day for day in ends if day > today)]
