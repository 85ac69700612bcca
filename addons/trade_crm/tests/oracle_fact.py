"""Sales by customer, product and day computed a second time, from the raw tables.

Written from what the columns mean and apart from the addon, of whose code nothing is used.
"""

from collections import defaultdict
from decimal import Decimal
from fractions import Fraction

import pandas as pd

from . import oracle

MEASURES = ["quantity", "revenue", "margin", "discount", "line_count", "order_count"]
EXTRA = {
    "account_move_line": "id move_id display_type balance quantity product_id product_uom_id",
    "sale_order_line": f"{oracle.TABLES['sale_order_line']} product_id",
    "trade_order_history_line": "id history_id product_id quantity amount discount",
}


def read_facts(cr):
    """The facts that the addon keeps: ``{(company, customer, product or None, day): values}``."""
    frame = oracle.read_table(
        cr, "trade_sales_fact", ["company_id", "partner_id", "product_id", "day", *MEASURES]
    )
    rows = {}
    for company, partner, product, day, quantity, *values in frame.itertuples(index=False):
        key = (company, partner, None if pd.isna(product) else product, day)
        assert key not in rows, f"{key} is there twice"
        rows[key] = (round(quantity, 6), *values)
    return rows


def compute_facts(cr):
    """The facts as they have to be, in the shape of :func:`read_facts`."""
    tables = oracle.read_tables(cr)
    for table, names in EXTRA.items():
        tables[table] = oracle.read_table(cr, table, names.split())
    policies = oracle._read_policies(tables, None)
    partners = tables["res_partner"]
    commercial = dict(zip(partners.id, partners.commercial_partner_id, strict=True))
    sums = defaultdict(lambda: [Fraction(0)] * 6)

    def add(partner, company, product, day, *values):
        if company in policies:
            key = (company, commercial[partner], None if pd.isna(product) else product, day)
            sums[key] = [Fraction(a) + Fraction(b) for a, b in zip(sums[key], values, strict=True)]

    lines = [*_get_order_lines(tables, policies), *_get_history_lines(tables, policies)]
    lines += _get_refund_lines(tables, policies)
    for partner, company, product, day, quantity, revenue, margin, discount, count in lines:
        if pd.isna(product):
            add(partner, company, None, day, quantity, 0, 0, discount, count, 0)
        else:
            add(partner, company, product, day, quantity, revenue, margin, discount, count, 0)
            # The row without a product has what the documents say beyond the products.
            add(partner, company, None, day, 0, -revenue, -margin, 0, 0, 0)
    for frame in (
        oracle._get_orders(tables, policies),
        oracle._get_refunds(tables, policies),
        oracle._get_history(tables),
    ):
        for row in frame.itertuples():
            values = (0, row.revenue, row.margin, 0, 0, row.orders)
            add(row.partner_id, row.company_id, None, row.day, *values)
    return {
        key: (
            round(float(values[0]), 6),
            *map(_to_decimal, values[1:4]),
            *map(int, values[4:]),
        )
        for key, values in sums.items()
        if key[2] is not None or any(values[1:])
    }


def _to_decimal(value):
    return Decimal(value.numerator) / Decimal(value.denominator)


def _get_discount(policy, amount, discount):
    """What a discount of so many per cent took off, if ``amount`` is what was left."""
    discount = Fraction(discount or 0)
    if not 0 < discount < 100:
        return Decimal(0)
    return policy.round(Fraction(amount) * discount / (100 - discount))


def _get_factor(tables, uom):
    factors = tables["uom_uom"].set_index("id").factor
    return Fraction(1) if pd.isna(uom) else Fraction(factors[uom])


def _get_order_lines(tables, policies):
    orders = tables["sale_order"].set_index("id")
    for line in tables["sale_order_line"].itertuples():
        order = orders.loc[line.order_id]
        if order.state != "sale" or not pd.isna(line.display_type) or line.is_downpayment:
            continue
        policy = policies.get(order.company_id)
        if not policy:
            continue
        rate = oracle._get_rate(order.currency_rate)
        amount = Fraction(line.price_subtotal) / rate
        yield (
            order.partner_id,
            order.company_id,
            line.product_id,
            oracle._get_local_day(order.date_order, policy.zone),
            Fraction(line.product_uom_qty) * _get_factor(tables, line.product_uom_id),
            policy.round(amount),
            policy.round(Fraction(line.margin or 0) / rate),
            _get_discount(policy, amount, line.discount),
            1,
        )


def _get_history_lines(tables, policies):
    history = tables["trade_order_history"].set_index("id")
    for line in tables["trade_order_history_line"].itertuples():
        purchase = history.loc[line.history_id]
        policy = policies.get(purchase.company_id)
        if policy:
            yield (
                purchase.partner_id,
                purchase.company_id,
                line.product_id,
                purchase.date,
                Fraction(line.quantity or 0),
                line.amount,
                0,
                _get_discount(policy, line.amount, line.discount),
                1,
            )


def _get_refund_lines(tables, policies):
    links = tables["sale_order_line_invoice_rel"]
    order_line_of = dict(zip(links.invoice_line_id, links.order_line_id, strict=True))
    order_lines = tables["sale_order_line"].set_index("id")
    lines = tables["account_move_line"].set_index("id")
    for line_id, share, document in oracle.find_refunds(tables, policies):
        partner, company, day, _orders, revenue, margin = document
        line = lines.loc[line_id]
        origin = order_lines.loc[order_line_of[line_id]] if line_id in order_line_of else line
        quantity = -Fraction(line.quantity) * _get_factor(tables, line.product_uom_id) * share
        yield partner, company, origin.product_id, day, quantity, revenue, margin, 0, 0
