"""Customer profiles computed a second time, with pandas, from the raw tables.

Written from what the columns mean and apart from the addon, of whose code nothing is used: amounts
are ``Decimal`` and ``Fraction``, days are Python dates.
"""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache
from types import SimpleNamespace
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pandas as pd
from dateutil.relativedelta import relativedelta

from . import oracle_value

KEY = ["company_id", "partner_id"]
MONEY = [
    "revenue",
    "margin",
    "average_order_value",
    "window_revenue",
    *oracle_value.MONEY,
]
FLOATS = ["items_per_order", "gap_mean_days", "gap_std_days", "discounted_share"]
DATES = ["first_order_date", "last_order_date", "next_order_date", "next_change_on"]
COUNTS = ["order_count", "window_order_count", "tier_id"]
COLUMNS = MONEY + FLOATS + DATES + COUNTS + oracle_value.OTHERS


class Policy(NamedTuple):
    """What a company says about its customers."""

    company_id: int
    zone: ZoneInfo
    step: Decimal
    window: relativedelta
    tiers: list
    today: date
    value: "Settings"

    def round(self, amount):
        """``amount``, a Fraction, in the smallest unit of the currency, halves away from zero."""
        units = amount / Fraction(self.step)
        half = Fraction(1, 2)
        whole = int(abs(units) + half)
        return (whole if units > 0 else -whole) * self.step


class Settings(SimpleNamespace):
    """What a policy says of value, with the names of its fields."""

    def __getitem__(self, name):
        return getattr(self, name)


TABLES = {
    "account_move": "id company_id partner_id move_type state invoice_date date reversed_entry_id",
    "account_move_line": "id move_id display_type balance",
    "res_company": "id trade_tz currency_id",
    "res_currency": "id decimal_places",
    "res_partner": "id commercial_partner_id company_id customer_rank",
    "sale_order": "id partner_id company_id state date_order amount_untaxed margin currency_rate",
    "sale_order_line": "id order_id display_type is_downpayment price_subtotal margin discount"
    " product_uom_id product_uom_qty untaxed_amount_invoiced",
    "sale_order_line_invoice_rel": "invoice_line_id order_line_id",
    "trade_order_history": "id partner_id company_id date amount margin quantity line_count discounted_count",
    "trade_tier": "id policy_id active sequence never_bought inactive_months tenure_months min_revenue"
    " min_order_count",
    "trade_tier_policy": " ".join(["id company_id active window_months", *oracle_value.SETTINGS]),
    "uom_uom": "id factor",
}


def read_table(cr, table, names):
    """Columns of all rows of ``table`` as a DataFrame of objects; what has a fraction as Decimal."""
    cr.execute(
        "SELECT column_name FROM information_schema.columns WHERE data_type = 'numeric'"
        " AND table_schema = current_schema AND table_name = %s",
        [table],
    )
    exact = {name for (name,) in cr.fetchall()}
    # As text, because Odoo has psycopg2 turn a numeric into a float.
    fields = ", ".join(f"{name}::text" if name in exact else name for name in names)
    cr.execute(f"SELECT {fields} FROM {table} ORDER BY 1")  # noqa: S608 - names from this module
    frame = pd.DataFrame(cr.fetchall(), columns=names, dtype=object)
    for name in exact.intersection(names):
        values = [None if pd.isna(value) else Decimal(value) for value in frame[name]]
        frame[name] = pd.Series(values, dtype=object)
    return frame


def read_tables(cr):
    """What :func:`compute_profiles` needs of the database: ``{table: DataFrame}``."""
    return {table: read_table(cr, table, names.split()) for table, names in TABLES.items()}


def read_profiles(cr):
    """The profiles that the addon keeps, in the shape that :func:`compute_profiles` returns."""
    return read_table(cr, "trade_customer_profile", KEY + COLUMNS).set_index(KEY).sort_index()


def compute_profiles(tables, today=None):
    """The profiles as they have to be.

    :param tables: see :func:`read_tables`
    :param today: a date, or None for the day that it is in each company now
    :return: DataFrame of :data:`COLUMNS`, indexed by :data:`KEY`
    """
    policies = _read_policies(tables, today)
    partners = tables["res_partner"]
    commercial = dict(zip(partners.id, partners.commercial_partner_id, strict=True))
    documents = pd.concat(
        [
            _get_orders(tables, policies),
            _get_refunds(tables, policies),
            _get_history(tables),
            _get_prospects(partners, policies),
        ],
        ignore_index=True,
    )
    items = pd.concat([_get_order_items(tables), _get_history_items(tables)], ignore_index=True)
    for frame in (documents, items):
        frame["partner_id"] = frame.partner_id.map(commercial)
    documents = documents[documents.company_id.isin(policies)]
    frame = _compute_purchases(documents, policies)
    frame = frame.join(_compute_gaps(documents)).join(_compute_items(items))
    frame = frame.join(_compute_value(documents, policies))
    frame["items_per_order"] = [
        float(row.quantity / (row.order_count - row.unmeasured))
        if not pd.isna(row.quantity) and row.order_count > row.unmeasured
        else None
        for row in frame.itertuples()
    ]
    for name in ("next_order_date", "tier_id", "next_change_on", "average_order_value"):
        compute = globals()[f"_get_{name}"]
        frame[name] = pd.Series(
            [compute(row, policies[row.Index[0]]) for row in frame.itertuples()],
            index=frame.index,
            dtype=object,
        )
    return frame[COLUMNS].astype(object).sort_index()


def describe_differences(expected, found, limit=5):
    """Every difference between two frames of profiles as text; empty when there is none."""
    lines = []
    for key in sorted(set(expected.index) ^ set(found.index)):
        lines.append(f"{key}: {'missing' if key in expected.index else 'should not be there'}")
    both = expected.index.intersection(found.index)
    for name in COLUMNS:
        for key, wanted, got in zip(
            both, expected.loc[both, name], found.loc[both, name], strict=True
        ):
            if not _is_same(name, wanted, got):
                lines.append(f"{key}: {name} is {got!r}, should be {wanted!r}")
    if len(lines) > limit:
        lines = [*lines[:limit], f"and {len(lines) - limit} more"]
    return "\n".join(lines)


def _is_same(name, wanted, got):
    if isinstance(wanted, list) or isinstance(got, list):
        return wanted == got
    if pd.isna(wanted) or pd.isna(got):
        return bool(pd.isna(wanted) and pd.isna(got))
    if name in FLOATS:
        return abs(wanted - got) <= 1e-9 * max(1.0, abs(wanted))
    return wanted == got


# ----------------------------------------------------------------------
# Policies
# ----------------------------------------------------------------------


def _read_policies(tables, today):
    companies = tables["res_company"].set_index("id")
    currencies = tables["res_currency"].set_index("id")
    policies = tables["trade_tier_policy"]
    tiers = tables["trade_tier"]
    result = {}
    for policy in policies[policies.active == True].itertuples():  # noqa: E712 - element by element
        company = companies.loc[policy.company_id]
        own = tiers[(tiers.policy_id == policy.id) & (tiers.active == True)]  # noqa: E712
        zone = ZoneInfo(company.trade_tz)
        currency = currencies.loc[company.currency_id]
        result[policy.company_id] = Policy(
            company_id=policy.company_id,
            zone=zone,
            step=Decimal(1).scaleb(-int(currency.decimal_places)),
            window=relativedelta(months=policy.window_months),
            tiers=own.sort_values(["sequence", "id"]).to_dict("records"),
            today=today or datetime.now(zone).date(),
            value=Settings(
                company_id=SimpleNamespace(currency_id=currency),
                window_months=policy.window_months,
                **{name: getattr(policy, name) for name in oracle_value.SETTINGS},
            ),
        )
    return result


# ----------------------------------------------------------------------
# Customers
# ----------------------------------------------------------------------


def _compute_purchases(documents, policies):
    """First and last purchase, count, sums, and the same within the window."""
    documents = documents.assign(
        leaves=[
            None if day is None else _add_months(day, policies[company].window)
            for day, company in zip(documents.day, documents.company_id, strict=True)
        ]
    )
    is_inside = [
        leaves is not None and leaves > policies[company].today
        for leaves, company in zip(documents.leaves, documents.company_id, strict=True)
    ]
    inside = documents[is_inside]
    moving = inside[(inside.orders == 1) | (inside.revenue != 0)]
    bought = documents[documents.orders == 1].groupby(KEY)
    frame = documents.groupby(KEY).agg(
        order_count=("orders", "sum"), revenue=("revenue", "sum"), margin=("margin", "sum")
    )
    frame = frame.join(bought.day.agg(first_order_date="min", last_order_date="max"))
    frame = frame.join(
        inside.groupby(KEY).agg(
            window_order_count=("orders", "sum"), window_revenue=("revenue", "sum")
        )
    )
    frame = frame.join(moving.groupby(KEY).agg(leaves=("leaves", "min")))
    frame["window_order_count"] = [
        0 if pd.isna(count) else int(count) for count in frame.window_order_count
    ]
    frame["window_revenue"] = pd.Series(
        [Decimal(0) if pd.isna(amount) else amount for amount in frame.window_revenue],
        index=frame.index,
        dtype=object,
    )
    return frame


def _compute_gaps(documents):
    """Mean and sample deviation of the days between two days with a purchase."""
    days = documents.loc[documents.orders == 1, [*KEY, "day"]].drop_duplicates()
    days = days.assign(day=pd.to_datetime(days.day)).sort_values([*KEY, "day"])
    days["gap"] = days.groupby(KEY).day.diff().dt.days
    return days.groupby(KEY).gap.agg(
        gap_mean_days="mean", gap_std_days="std", gap_sum="sum", gaps="count"
    )


def _compute_value(documents, policies):
    """The columns of :mod:`oracle_value`, and the days that change them."""
    dated = documents[documents.day.notna()]
    purchases = {
        key: list(zip(own.day, own.orders, own.revenue, strict=True))
        for key, own in dated.groupby(KEY)
    }
    rows = {}
    for key in documents.groupby(KEY).groups:
        policy = policies[key[0]]
        row, days = oracle_value.compute_row(purchases.get(key, []), policy.value, policy.today)
        rows[key] = {**row, "value_days": days}
    index = pd.MultiIndex.from_tuples(rows, names=KEY)
    return pd.DataFrame(list(rows.values()), index=index, dtype=object)


def _compute_items(items):
    """Quantity, purchases of unknown quantity, and the share of lines with a discount."""
    frame = items.groupby(KEY)[["quantity", "unmeasured", "lines", "discounted"]].sum()
    frame["discounted_share"] = [
        float(Fraction(int(row.discounted), int(row.lines))) if row.lines else None
        for row in frame.itertuples()
    ]
    return frame


@cache
def _add_months(day, months):
    """``day`` some months later; the last day of the month where that month is shorter."""
    return day + months


def _get_average_order_value(row, policy):
    return policy.round(Fraction(row.revenue) / row.order_count) if row.order_count else None


def _get_next_order_date(row, _policy):
    """The mean gap after the last purchase, half a day counting as a day."""
    if pd.isna(row.gaps) or not row.gaps:
        return None
    mean = Fraction(int(row.gap_sum), int(row.gaps))
    return row.last_order_date + timedelta(days=int(mean + Fraction(1, 2)))


def _get_tier_id(row, policy):
    bought = row.order_count > 0
    for tier in policy.tiers:
        if tier["never_bought"] and bought:
            continue
        if months := tier["inactive_months"]:
            if (
                not bought
                or _add_months(row.last_order_date, relativedelta(months=months)) > policy.today
            ):
                continue
        if months := tier["tenure_months"]:
            if (
                not bought
                or _add_months(row.first_order_date, relativedelta(months=months)) <= policy.today
            ):
                continue
        if tier["min_revenue"] and row.window_revenue < tier["min_revenue"]:
            continue
        if tier["min_order_count"] and row.window_order_count < tier["min_order_count"]:
            continue
        return tier["id"]
    return None


def _get_next_change_on(row, policy):
    """A purchase leaves the window, or a period of a tier since the first or last one is over."""
    days = [*row.value_days] if pd.isna(row.leaves) else [*row.value_days, row.leaves]
    if row.order_count:
        for tier in policy.tiers:
            for name, start in (
                ("inactive_months", row.last_order_date),
                ("tenure_months", row.first_order_date),
            ):
                if tier[name]:
                    days.append(_add_months(start, relativedelta(months=tier[name])))
    return min((day for day in days if day > policy.today), default=None)


# ----------------------------------------------------------------------
# Documents: partner_id, company_id, day, orders, revenue, margin
# ----------------------------------------------------------------------


def _make_documents(rows):
    columns = ["partner_id", "company_id", "day", "orders", "revenue", "margin"]
    return pd.DataFrame(rows, columns=columns, dtype=object)


def _get_local_day(moment, zone):
    return moment.replace(tzinfo=UTC).astimezone(zone).date()


def _get_rate(rate):
    """Units of the order's currency for one of the company's."""
    return Fraction(rate) if rate is not None and not pd.isna(rate) and rate else Fraction(1)


def _get_orders(tables, policies):
    orders = tables["sale_order"]
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
                    (policy.round(Fraction(amount) / rate) if rate != 1 else amount)
                    if sold
                    else Decimal(0)
                    for amount in (order.amount_untaxed, order.margin)
                ),
            )
        )
    return _make_documents(rows)


def _get_refunds(tables, policies):
    return _make_documents([document for _line, _share, document in find_refunds(tables, policies)])


def find_refunds(tables, policies):
    """Posted refunds: those of confirmed orders, and those that are of no order at all.

    :return: list of (id of the line of the refund, share of it that counts, document)
    """
    moves = tables["account_move"].set_index("id")
    lines = tables["account_move_line"]
    links = tables["sale_order_line_invoice_rel"]
    order_lines = tables["sale_order_line"].set_index("id")
    orders = tables["sale_order"].set_index("id")
    lines_of_orders = set(links.invoice_line_id)
    moves_of_orders = set(lines[lines.id.isin(lines_of_orders)].move_id)
    order_line_of = dict(zip(links.invoice_line_id, links.order_line_id, strict=True))

    refunds = moves[
        (moves.move_type == "out_refund")
        & (moves.state == "posted")
        & moves.company_id.isin(policies)
    ]
    lines = lines[lines.move_id.isin(refunds.index) & (lines.display_type == "product")]
    rows, per_order_line = [], {}
    for line in lines.itertuples():
        move = refunds.loc[line.move_id]
        day = move.date if pd.isna(move.invoice_date) else move.invoice_date
        if line.id in order_line_of:
            refunded = per_order_line.setdefault(order_line_of[line.id], [])
            refunded.append((line.id, day, line.balance))
        elif pd.isna(move.reversed_entry_id) or move.reversed_entry_id in moves_of_orders:
            amount = -line.balance
            document = (move.partner_id, move.company_id, day, 0, amount, amount)
            rows.append((line.id, Fraction(1), document))

    for order_line_id, refunded in per_order_line.items():
        order_line = order_lines.loc[order_line_id]
        order = orders.loc[order_line.order_id]
        if order.state != "sale" or order_line.is_downpayment:
            continue
        policy = policies[order.company_id]
        share = _get_refund_share(order_line, order, [amount for _line, _day, amount in refunded])
        margin_rate = (
            Fraction(order_line.margin or 0) / Fraction(order_line.price_subtotal)
            if order_line.price_subtotal
            else Fraction(0)
        )
        for line_id, day, amount in refunded:
            counted = Fraction(amount) * share
            document = (
                order.partner_id,
                order.company_id,
                day,
                0,
                -policy.round(counted),
                -policy.round(counted * margin_rate),
            )
            rows.append((line_id, share, document))
    return rows


def _get_refund_share(order_line, order, amounts):
    """Refunds of one order line count at most for what is invoiced less than was ordered."""
    total = sum((Fraction(amount) for amount in amounts), Fraction(0))
    missing = Fraction(order_line.price_subtotal) - Fraction(
        order_line.untaxed_amount_invoiced or 0
    )
    missing /= _get_rate(order.currency_rate)
    return min(Fraction(1), max(Fraction(0), missing / total)) if total else Fraction(0)


def _get_history(tables):
    history = tables["trade_order_history"]
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
            rows += [
                (partner.id, company, None, 0, Decimal(0), Decimal(0)) for company in companies
            ]
    return _make_documents(rows)


# ----------------------------------------------------------------------
# Items: partner_id, company_id, quantity, unmeasured, lines, discounted
# ----------------------------------------------------------------------


def _make_items(rows):
    columns = ["partner_id", "company_id", "quantity", "unmeasured", "lines", "discounted"]
    return pd.DataFrame(rows, columns=columns, dtype=object)


def _get_order_items(tables):
    lines = tables["sale_order_line"]
    orders = tables["sale_order"].set_index("id")
    factors = tables["uom_uom"].set_index("id").factor
    rows = []
    for line in lines.itertuples():
        order = orders.loc[line.order_id]
        item = pd.isna(line.display_type) and not line.is_downpayment and line.price_subtotal >= 0
        if order.state == "sale" and item:
            factor = (
                Fraction(1)
                if pd.isna(line.product_uom_id)
                else Fraction(factors[line.product_uom_id])
            )
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


def _get_history_items(tables):
    history = tables["trade_order_history"]
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
