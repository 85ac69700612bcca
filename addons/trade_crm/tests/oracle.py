"""Customer profiles computed a second time, with pandas, from the raw tables.

Written from what the columns mean and apart from the addon, of whose code nothing is used: amounts
are ``Decimal`` and ``Fraction``, days are Python dates, and the customers are taken one by one. It
is slow and plain on purpose.
"""

from datetime import datetime, timezone
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pandas as pd
from dateutil.relativedelta import relativedelta

KEY = ["company_id", "partner_id"]
MONEY = ["revenue", "margin", "average_order_value", "window_revenue"]
FLOATS = ["items_per_order", "gap_mean_days", "gap_std_days", "discounted_share"]
DATES = ["first_order_date", "last_order_date", "next_order_date", "next_change_on"]
COUNTS = ["order_count", "window_order_count", "tier_id"]
COLUMNS = MONEY + FLOATS + DATES + COUNTS


class Policy(NamedTuple):
    """What a company says about its customers."""

    company_id: int
    zone: ZoneInfo
    step: Decimal
    window: relativedelta
    tiers: list

    def round(self, amount):
        """``amount``, a Fraction, in the smallest unit of the currency, halves away from zero."""
        units = amount / Fraction(self.step)
        half = Fraction(1, 2)
        whole = int(abs(units) + half)
        return (whole if units > 0 else -whole) * self.step


def read_table(cr, table):
    """All rows of ``table`` as a DataFrame of Python objects; numbers with a fraction as Decimal."""
    cr.execute(
        "SELECT column_name, data_type FROM information_schema.columns"
        " WHERE table_schema = current_schema AND table_name = %s ORDER BY ordinal_position",
        [table],
    )
    types = dict(cr.fetchall())
    # As text, because Odoo has psycopg2 turn a numeric into a float.
    fields = ", ".join(
        f'"{name}"::text' if kind == "numeric" else f'"{name}"' for name, kind in types.items()
    )
    cr.execute(f'SELECT {fields} FROM "{table}" ORDER BY 1')  # noqa: S608 - names of the catalogue
    frame = pd.DataFrame(cr.fetchall(), columns=list(types), dtype=object)
    for name, kind in types.items():
        if kind == "numeric":
            frame[name] = pd.Series(
                [None if pd.isna(value) else Decimal(value) for value in frame[name]], dtype=object
            )
    return frame


def read_profiles(cr):
    """The profiles that the addon keeps, in the shape that :func:`compute_profiles` returns."""
    frame = read_table(cr, "trade_customer_profile")
    return frame.set_index(KEY)[COLUMNS].sort_index()


def compute_profiles(cr, today=None):
    """The profiles as they have to be.

    :param today: a date, or None for the day that it is in each company now
    :return: DataFrame of :data:`COLUMNS`, indexed by :data:`KEY`
    """
    policies = _read_policies(cr)
    partners = read_table(cr, "res_partner")
    commercial = dict(zip(partners.id, partners.commercial_partner_id, strict=True))
    documents = pd.concat(
        [
            _get_orders(cr, policies),
            _get_refunds(cr, policies),
            _get_history(cr),
            _get_prospects(partners, policies),
        ],
        ignore_index=True,
    )
    items = pd.concat([_get_order_items(cr), _get_history_items(cr)], ignore_index=True)
    for frame in (documents, items):
        frame["partner_id"] = frame.partner_id.map(commercial)
    items_of = dict(list(items.groupby(KEY)))
    nothing = items.iloc[:0]
    rows = {}
    for (company, partner), documents_of in documents.groupby(KEY):
        if company in policies:
            policy = policies[company]
            day = today or datetime.now(policy.zone).date()
            rows[company, partner] = _compute_row(
                documents_of, items_of.get((company, partner), nothing), policy, day
            )
    index = pd.MultiIndex.from_tuples(rows, names=KEY) if rows else pd.MultiIndex([[], []], [[], []], names=KEY)
    return pd.DataFrame(list(rows.values()), columns=COLUMNS, index=index, dtype=object).sort_index()


def describe_differences(expected, found, limit=5):
    """Every difference between two frames of profiles as text; empty when there is none."""
    lines = []
    for key in sorted(set(expected.index) ^ set(found.index)):
        lines.append(f"{key}: {'missing' if key in expected.index else 'should not be there'}")
    for key in expected.index.intersection(found.index):
        for name in COLUMNS:
            wanted, got = expected.at[key, name], found.at[key, name]
            if not _is_same(name, wanted, got):
                lines.append(f"{key}: {name} is {got!r}, should be {wanted!r}")
    if len(lines) > limit:
        lines = [*lines[:limit], f"and {len(lines) - limit} more"]
    return "\n".join(lines)


def _is_same(name, wanted, got):
    if pd.isna(wanted) or pd.isna(got):
        return bool(pd.isna(wanted) and pd.isna(got))
    if name in FLOATS:
        return abs(wanted - got) <= 1e-9 * max(1.0, abs(wanted))
    return wanted == got


# ----------------------------------------------------------------------
# Policies
# ----------------------------------------------------------------------


def _read_policies(cr):
    companies = read_table(cr, "res_company").set_index("id")
    currencies = read_table(cr, "res_currency").set_index("id")
    policies = read_table(cr, "trade_tier_policy")
    tiers = read_table(cr, "trade_tier")
    result = {}
    for policy in policies[policies.active == True].itertuples():  # noqa: E712 - element by element
        company = companies.loc[policy.company_id]
        own = tiers[(tiers.policy_id == policy.id) & (tiers.active == True)]  # noqa: E712
        result[policy.company_id] = Policy(
            company_id=policy.company_id,
            zone=ZoneInfo(company.trade_tz),
            step=Decimal(1).scaleb(-int(currencies.loc[company.currency_id].decimal_places)),
            window=relativedelta(months=policy.window_months),
            tiers=own.sort_values(["sequence", "id"]).to_dict("records"),
        )
    return result


def _get_tier(policy, today, first, last, order_count, window_revenue, window_count):
    for tier in policy.tiers:
        months = {name: relativedelta(months=tier[name] or 0) for name in ("inactive_months", "tenure_months")}
        if tier["never_bought"] and order_count:
            continue
        if tier["inactive_months"] and not (last and last + months["inactive_months"] <= today):
            continue
        if tier["tenure_months"] and not (first and first + months["tenure_months"] > today):
            continue
        if tier["min_revenue"] and window_revenue < tier["min_revenue"]:
            continue
        if tier["min_order_count"] and window_count < tier["min_order_count"]:
            continue
        return tier["id"]
    return None


# ----------------------------------------------------------------------
# One customer
# ----------------------------------------------------------------------


def _compute_row(documents, items, policy, today):
    bought = documents[documents.orders == 1]
    days = sorted(set(bought.day))
    first, last = (days[0], days[-1]) if days else (None, None)
    revenue = sum(documents.revenue, Decimal(0))
    leaves = pd.Series(
        [None if day is None else day + policy.window for day in documents.day],
        index=documents.index,
        dtype=object,
    )
    inside = documents[[day is not None and day > today for day in leaves]]
    window_revenue = sum(inside.revenue, Decimal(0))
    window_count = int(inside.orders.sum())
    tier_id = _get_tier(policy, today, first, last, len(bought), window_revenue, window_count)
    return {
        "first_order_date": first,
        "last_order_date": last,
        "order_count": len(bought),
        "revenue": revenue,
        "margin": sum(documents.margin, Decimal(0)),
        "average_order_value": policy.round(Fraction(revenue) / len(bought)) if len(bought) else None,
        "window_revenue": window_revenue,
        "window_order_count": window_count,
        "tier_id": tier_id,
        "next_change_on": _get_next_change(inside, leaves, first, last, policy, today),
        **_compute_gaps(days),
        **_compute_items(items, len(bought)),
    }


def _compute_gaps(days):
    """Mean and sample deviation of the days between two days with a purchase."""
    gaps = pd.Series(pd.to_datetime(pd.Series(days, dtype=object))).diff().dropna().dt.days
    if gaps.empty:
        return {"gap_mean_days": None, "gap_std_days": None, "next_order_date": None}
    mean = Fraction(int(gaps.sum()), len(gaps))
    return {
        "gap_mean_days": float(mean),
        "gap_std_days": float(gaps.std(ddof=1)) if len(gaps) > 1 else None,
        "next_order_date": days[-1] + relativedelta(days=int(mean + Fraction(1, 2))),
    }


def _compute_items(items, order_count):
    """Items per order of known quantity, and the share of lines with a discount."""
    measured = order_count - int(items.unmeasured.sum())
    lines = int(items.lines.sum())
    known = not items.empty and measured
    return {
        "items_per_order": float(Fraction(sum(items.quantity, Fraction(0))) / measured) if known else None,
        "discounted_share": float(Fraction(int(items.discounted.sum()), lines)) if lines else None,
    }


def _get_next_change(inside, leaves, first, last, policy, today):
    days = [
        leaves[index]
        for index in inside.index
        if inside.at[index, "orders"] or inside.at[index, "revenue"]
    ]
    for tier in policy.tiers:
        if tier["inactive_months"] and last:
            days.append(last + relativedelta(months=tier["inactive_months"]))
        if tier["tenure_months"] and first:
            days.append(first + relativedelta(months=tier["tenure_months"]))
    return min((day for day in days if day > today), default=None)


# ----------------------------------------------------------------------
# Documents: partner_id, company_id, day, orders, revenue, margin
# ----------------------------------------------------------------------


def _make_documents(rows):
    columns = ["partner_id", "company_id", "day", "orders", "revenue", "margin"]
    return pd.DataFrame(rows, columns=columns, dtype=object)


def _get_local_day(moment, zone):
    return moment.replace(tzinfo=timezone.utc).astimezone(zone).date()


def _get_rate(rate):
    """Units of the order's currency for one of the company's."""
    return Fraction(rate) if rate is not None and not pd.isna(rate) and rate else Fraction(1)


def _get_orders(cr, policies):
    orders = read_table(cr, "sale_order")
    rows = []
    for order in orders[orders.company_id.isin(policies)].itertuples():
        policy = policies[order.company_id]
        rate = _get_rate(order.currency_rate)
        sold = order.state == "sale"
        rows.append(
            (
                order.partner_id,
                order.company_id,
                _get_local_day(order.date_order, policy.zone),
                int(sold),
                *(
                    (policy.round(Fraction(amount) / rate) if rate != 1 else amount) if sold else Decimal(0)
                    for amount in (order.amount_untaxed, order.margin)
                ),
            )
        )
    return _make_documents(rows)


def _get_refunds(cr, policies):
    """Posted refunds: those of confirmed orders, and those that are of no order at all."""
    moves = read_table(cr, "account_move").set_index("id")
    lines = read_table(cr, "account_move_line")
    links = read_table(cr, "sale_order_line_invoice_rel")
    order_lines = read_table(cr, "sale_order_line").set_index("id")
    orders = read_table(cr, "sale_order").set_index("id")
    lines_of_orders = set(links.invoice_line_id)
    moves_of_orders = set(lines[lines.id.isin(lines_of_orders)].move_id)
    order_line_of = dict(zip(links.invoice_line_id, links.order_line_id, strict=True))

    refunds = moves[
        (moves.move_type == "out_refund") & (moves.state == "posted") & moves.company_id.isin(policies)
    ]
    lines = lines[lines.move_id.isin(refunds.index) & (lines.display_type == "product")]
    rows, per_order_line = [], {}
    for line in lines.itertuples():
        move = refunds.loc[line.move_id]
        day = move.date if pd.isna(move.invoice_date) else move.invoice_date
        if line.id in order_line_of:
            per_order_line.setdefault(order_line_of[line.id], []).append((day, line.balance))
        elif pd.isna(move.reversed_entry_id) or move.reversed_entry_id in moves_of_orders:
            rows.append((move.partner_id, move.company_id, day, 0, -line.balance, -line.balance))

    for order_line_id, refunded in per_order_line.items():
        order_line = order_lines.loc[order_line_id]
        order = orders.loc[order_line.order_id]
        if order.state != "sale" or order_line.is_downpayment:
            continue
        policy = policies[order.company_id]
        for day, amount in _limit_refunds(order_line, order, refunded):
            share = (
                Fraction(order_line.margin or 0) / Fraction(order_line.price_subtotal)
                if order_line.price_subtotal
                else Fraction(0)
            )
            rows.append(
                (
                    order.partner_id,
                    order.company_id,
                    day,
                    0,
                    -policy.round(amount),
                    -policy.round(amount * share),
                )
            )
    return _make_documents(rows)


def _limit_refunds(order_line, order, refunded):
    """Refunds of one order line count at most for what is invoiced less than was ordered."""
    total = sum((Fraction(amount) for _day, amount in refunded), Fraction(0))
    missing = Fraction(order_line.price_subtotal) - Fraction(order_line.untaxed_amount_invoiced or 0)
    missing /= _get_rate(order.currency_rate)
    share = min(Fraction(1), max(Fraction(0), missing / total)) if total else Fraction(0)
    return [(day, Fraction(amount) * share) for day, amount in refunded]


def _get_history(cr):
    history = read_table(cr, "trade_order_history")
    return _make_documents(
        [
            (row.partner_id, row.company_id, row.date, 1, row.amount, row.margin or Decimal(0))
            for row in history.itertuples()
        ]
    )


def _get_prospects(partners, policies):
    """Commercial partners that were entered as customers belong to every company they may buy in."""
    rows = []
    for partner in partners[partners.customer_rank.fillna(0) > 0].itertuples():
        if partner.commercial_partner_id == partner.id:
            companies = policies if pd.isna(partner.company_id) else [partner.company_id]
            rows += [(partner.id, company, None, 0, Decimal(0), Decimal(0)) for company in companies]
    return _make_documents(rows)


# ----------------------------------------------------------------------
# Items: partner_id, company_id, quantity, unmeasured, lines, discounted
# ----------------------------------------------------------------------


def _make_items(rows):
    columns = ["partner_id", "company_id", "quantity", "unmeasured", "lines", "discounted"]
    return pd.DataFrame(rows, columns=columns, dtype=object)


def _get_order_items(cr):
    lines = read_table(cr, "sale_order_line")
    orders = read_table(cr, "sale_order").set_index("id")
    factors = read_table(cr, "uom_uom").set_index("id").factor
    rows = []
    for line in lines.itertuples():
        order = orders.loc[line.order_id]
        item = pd.isna(line.display_type) and not line.is_downpayment and line.price_subtotal >= 0
        if order.state == "sale" and item:
            factor = Fraction(1) if pd.isna(line.product_uom_id) else Fraction(factors[line.product_uom_id])
            rows.append(
                (
                    order.partner_id,
                    order.company_id,
                    Fraction(line.product_uom_qty) * factor,
                    0,
                    1,
                    int(bool(line.discount) and line.discount > 0),
                )
            )
    return _make_items(rows)


def _get_history_items(cr):
    history = read_table(cr, "trade_order_history")
    return _make_items(
        [
            (
                row.partner_id,
                row.company_id,
                Fraction(row.quantity or 0),
                int(not row.quantity),
                row.line_count or 0,
                row.discounted_count or 0,
            )
            for row in history.itertuples()
        ]
    )
