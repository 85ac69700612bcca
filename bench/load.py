"""Writes the arrays of ``dataset`` into the tables of Odoo.

Integers go into narrow staging tables by binary COPY; one INSERT … SELECT per table adds what follows
from them and fills the other columns from rows that Odoo itself made (``seed.make_patterns``). Indexes
and foreign keys are made after the rows, which also checks the latter.
"""

import io
import random

import numpy as np

from . import databases, dataset, seed
from .bulk import Bulk

CHUNK = 200_000  # orders


def load(name, size):
    """Fill database ``name``, which has the modules but no data."""
    products, customers = dataset.make_products(size), dataset.make_customers(size)
    with databases.environment(name) as env:
        ids = seed.make_seed(env, size, products)
        env.cr.commit()
        patterns = seed.make_patterns(env, ids)
    databases.release_connections(name)
    with databases.connect(name) as cursor:
        cursor.execute("SET synchronous_commit = off")
        cursor.execute("SET work_mem = '512MB'")
        cursor.execute("SET maintenance_work_mem = '1GB'")
        Loader(cursor, size, ids, patterns).load(customers, products)


class Loader(Bulk):
    """Loads the data set of ``size``, see ``seed`` for ``ids`` and ``patterns``."""

    def __init__(self, cursor, size, ids, patterns):
        super().__init__(cursor)
        self.size = size
        self.ids = ids
        self.patterns = patterns

    def load(self, customers, products):
        partner_ids = self._load_partners(customers)
        self._stage(customers, products, partner_ids)
        self._load_orders()
        if self.size.with_lines:
            self._load_lines()
            self._load_moves()
        self.execute(
            "DROP TABLE IF EXISTS stage_partner, stage_order, stage_line, stage_move, stage_product"
        )
        self.execute("VACUUM (ANALYZE)")

    # ------------------------------------------------------------------
    # Partners
    # ------------------------------------------------------------------

    def _load_partners(self, customers):
        """Load customers and contacts; return their ids, contacts last."""
        first = self.get_last_id("res_partner") + 1
        count, contacts = self.size.customers, len(customers.contact_parent)
        ids = first + np.arange(count + contacts)
        names = random.Random(dataset.SEED)
        company_ids = np.array(self.ids["companies"])[customers.home_company]
        reps = np.array(self.ids["reps"])[customers.rep]
        addresses = [
            "\t".join(make_address(district, self.ids["states"]))
            for district in range(dataset.DISTRICTS)
        ]
        stream = io.StringIO()
        for number in range(count):
            kind = 1 if customers.is_company[number] else 2
            name = _make_company_name(names, number) if kind == 1 else _make_person_name(names)
            own = company_ids[number] if customers.own_company[number] else r"\N"
            stream.write(
                f"{ids[number]}\t{kind}\t{name}\t\\N\t{ids[number]}\t{own}"
                f"\t{customers.customer_rank[number]}\t{reps[number]}"
                f"\t{addresses[customers.district[number]]}\n"
            )
        for number, parent in enumerate(customers.contact_parent):
            stream.write(
                f"{ids[count + number]}\t3\t{_make_person_name(names)}\t{ids[parent]}\t{ids[parent]}\t"
                f"{company_ids[parent] if customers.own_company[parent] else chr(92) + 'N'}"
                f"\t0\t{reps[parent]}\t{addresses[customers.district[parent]]}\n"
            )
        stream.seek(0)
        self.execute(
            "CREATE UNLOGGED TABLE stage_partner (id int, kind int, name text, parent_id int,"
            " commercial_id int, company_id int, rank int, user_id int,"
            " state_id int, city text, zip text)"
        )
        self.cursor.copy_expert("COPY stage_partner FROM STDIN", stream)
        with self.bulk("res_partner"):
            self.insert(
                "res_partner",
                [self.patterns[kind] for kind in ("company", "person", "contact")],
                "s.kind",
                {
                    "id": "s.id",
                    "name": "s.name",
                    "complete_name": "concat_ws(', ', parent.name, s.name)",
                    "parent_id": "s.parent_id",
                    "commercial_partner_id": "s.commercial_id",
                    "commercial_company_name": "CASE s.kind WHEN 1 THEN s.name WHEN 3 THEN parent.name END",
                    "company_id": "s.company_id",
                    "customer_rank": "s.rank",
                    "state_id": "s.state_id",
                    "city": "s.city",
                    "zip": "s.zip",
                    "user_id": "s.user_id",
                    "email": "'customer' || s.id || '@example.com'",
                    "email_normalized": "'customer' || s.id || '@example.com'",
                    "phone": "'+86 10 ' || 60000000 + s.id",
                    "phone_sanitized": "'+8610' || 60000000 + s.id",
                },
                "stage_partner s LEFT JOIN stage_partner parent ON parent.id = s.parent_id ORDER BY s.id",
            )
        return ids

    # ------------------------------------------------------------------
    # Orders
    # ------------------------------------------------------------------

    def _stage(self, customers, products, partner_ids):
        """COPY orders and lines into ``stage_order`` and ``stage_line``."""
        orders = dataset.make_orders(self.size, customers)
        first_order = self.get_last_id("sale_order") + 1
        next_line = self.get_last_id("sale_order_line") + 1
        reps = np.array(self.ids["reps"])
        for start in range(0, self.size.orders, CHUNK):
            stop = min(start + CHUNK, self.size.orders)
            chunk = {name: values[start:stop] for name, values in orders.items()}
            customer, contact = chunk["customer"], chunk["contact"]
            placed_by = np.where(contact < 0, customer, self.size.customers + contact)
            shared = {
                "partner_id": partner_ids[placed_by],
                "user_id": reps[customers.rep[customer]],
                "company": chunk["company"] + 1,
                "currency": np.where(
                    chunk["foreign"],
                    self.ids["foreign"],
                    np.array(self.ids["currencies"])[chunk["company"]],
                ),
                "rate": np.rint(chunk["rate"] * 1e6),
                "state": chunk["state"],
                "time": chunk["time"],
                "invoiced": chunk["invoiced"],
                "refund": chunk["refund"],
            }
            if self.size.with_lines:
                lines = dataset.make_lines(self.size, customers, products, orders, start, stop)
                amount, margin = dataset.sum_per_order(lines, start, stop)
                of = lines.pop("order") - start
                self.copy(
                    "stage_line",
                    {
                        "id": next_line + np.arange(len(of)),
                        "order_id": first_order + start + of,
                        **lines,
                        **{name: values[of] for name, values in shared.items()},
                    },
                )
                next_line += len(of)
            else:
                amount, margin = dataset.make_amounts(self.size, chunk)
            self.copy(
                "stage_order",
                {
                    "id": first_order + np.arange(start, stop),
                    "customer_id": partner_ids[customer],
                    **shared,
                    "invoice_day": chunk["invoice_day"],
                    "refund_day": chunk["refund_day"],
                    "amount": amount,
                    "margin": margin,
                },
            )
        self.execute("ANALYZE stage_order")

    def _load_orders(self):
        states = ", ".join(f"'{state}'" for state in dataset.STATES)
        at = f"TIMESTAMP '{dataset.FIRST_DAY}' + s.time * interval '1 second'"
        with self.bulk("sale_order"):
            self.insert(
                "sale_order",
                self.patterns["order"],
                "s.company",
                {
                    "id": "s.id",
                    "name": "'S' || lpad(s.id::text, 8, '0')",
                    "partner_id": "s.partner_id",
                    "partner_invoice_id": "s.customer_id",
                    "partner_shipping_id": "s.partner_id",
                    "currency_id": "s.currency",
                    "currency_rate": "trim_scale(s.rate * 0.000001)",
                    "user_id": "s.user_id",
                    "state": f"(ARRAY[{states}])[s.state + 1]",
                    "invoice_status": "CASE WHEN s.state <> 0 THEN 'no'"
                    " WHEN s.invoiced = 1 AND s.refund IN (0, 3) THEN 'invoiced' ELSE 'to invoice' END",
                    "delivery_status": "CASE WHEN s.state = 0 THEN 'full' END",
                    "effective_date": f"CASE WHEN s.state = 0 THEN {at} + interval '2 days' END",
                    "date_order": at,
                    "create_date": at,
                    "write_date": at,
                    "validity_date": f"({at})::date + 30",
                    "amount_untaxed": "s.amount * 0.01",
                    "amount_total": "s.amount * 0.01",
                    "margin": "s.margin * 0.01",
                    "margin_percent": "s.margin::float8 / NULLIF(s.amount, 0)",
                },
                "stage_order s",
            )

    def _load_lines(self):
        states = ", ".join(f"'{state}'" for state in dataset.STATES)
        at = f"TIMESTAMP '{dataset.FIRST_DAY}' + s.time * interval '1 second'"
        invoiced_quantity = (
            "CASE WHEN s.invoiced = 1 THEN s.quantity"
            " - CASE WHEN s.refund = 3 THEN 0 ELSE s.refund_quantity END ELSE 0 END"
        )
        invoiced = (
            "CASE WHEN s.invoiced = 1 THEN s.subtotal"
            " - CASE WHEN s.refund = 3 THEN 0 ELSE s.refunded END ELSE 0 END"
        )
        is_section, is_down_payment = (
            f"s.kind = {dataset.SECTION}",
            f"s.kind = {dataset.DOWN_PAYMENT}",
        )
        reduced = "round(s.subtotal * 0.01 / NULLIF(s.quantity, 0), 2)"
        self.copy(
            "stage_product",
            {"number": np.arange(self.size.products), "product_id": np.array(self.ids["products"])},
        )
        with self.bulk("sale_order_line"):
            self.insert(
                "sale_order_line",
                self.patterns["line"],
                "s.company",
                {
                    "id": "s.id",
                    "order_id": "s.order_id",
                    "sequence": "10 + s.position",
                    "currency_id": "s.currency",
                    "order_partner_id": "s.partner_id",
                    "salesman_id": "s.user_id",
                    "product_id": f"CASE WHEN NOT ({is_section} OR {is_down_payment}) THEN product.id END",
                    "product_uom_id": f"CASE WHEN {is_section} OR {is_down_payment} THEN NULL"
                    f" WHEN s.dozen = 1 THEN {self.ids['dozen']} ELSE template.uom_id END",
                    "display_type": f"CASE WHEN {is_section} THEN 'line_section' END",
                    "is_downpayment": is_down_payment,
                    "state": f"(ARRAY[{states}])[s.state + 1]",
                    "qty_delivered_method": f"CASE WHEN {is_section} OR {is_down_payment} THEN 'manual' ELSE 'stock_move' END",
                    "invoice_status": f"CASE WHEN s.state <> 0 THEN 'no'"
                    f" WHEN {is_section} OR {invoiced_quantity} >= s.quantity THEN 'invoiced'"
                    " ELSE 'to invoice' END",
                    "name": f"CASE WHEN {is_section} THEN 'Section' WHEN {is_down_payment}"
                    " THEN 'Down payment' ELSE template.name ->> 'en_US' END",
                    "product_uom_qty": "s.quantity",
                    "price_unit": "s.price * 0.01",
                    "technical_price_unit": "s.price * 0.01",
                    "discount": "s.discount",
                    "price_subtotal": "s.subtotal * 0.01",
                    "price_total": "s.subtotal * 0.01",
                    "price_reduce_taxexcl": f"COALESCE({reduced}, 0)",
                    "price_reduce_taxinc": f"COALESCE({reduced}, 0)",
                    "qty_delivered": "CASE WHEN s.state = 0 THEN s.quantity ELSE 0 END",
                    "qty_invoiced": invoiced_quantity,
                    "qty_to_invoice": f"CASE WHEN s.state = 0 THEN s.quantity - {invoiced_quantity} ELSE 0 END",
                    "untaxed_amount_invoiced": f"({invoiced}) * 0.01",
                    "untaxed_amount_to_invoice": f"CASE WHEN s.state = 0 THEN (s.subtotal - {invoiced}) * 0.01 ELSE 0 END",
                    "purchase_price": "s.cost * 0.01",
                    "margin": "(s.subtotal - s.cost * s.quantity) * 0.01",
                    "margin_percent": "COALESCE((s.subtotal - s.cost * s.quantity)::float8 / NULLIF(s.subtotal, 0), 0)",
                    "create_date": at,
                    "write_date": at,
                },
                "stage_line s JOIN stage_product p ON p.number = s.product"
                " JOIN product_product product ON product.id = p.product_id"
                " JOIN product_template template ON template.id = product.product_tmpl_id",
            )

    # ------------------------------------------------------------------
    # Invoices and refunds
    # ------------------------------------------------------------------

    def _load_moves(self):
        """Invoices of a tenth of the orders, their refunds, and a few refunds without an order."""
        self._stage_moves()
        move = "m.company + CASE WHEN m.is_refund THEN 2 ELSE 0 END"
        day = f"DATE '{dataset.FIRST_DAY}' + m.day::int"
        name = "m.prefix || lpad(m.number::text, 6, '0')"
        sign = "CASE WHEN m.is_refund THEN -1 ELSE 1 END"
        rated = "round({} * 0.01 / (m.rate * 0.000001), 2)"
        with self.bulk("account_move"):
            in_currency, signed = "m.amount * 0.01", f"{sign} * {rated.format('m.amount')}"
            self.insert(
                "account_move",
                [*self.patterns["invoice"], *self.patterns["refund"]],
                move,
                {
                    "id": "m.id",
                    "name": name,
                    "sequence_prefix": "m.prefix",
                    "sequence_number": "m.number",
                    "ref": "m.origin",
                    "payment_reference": f"CASE WHEN NOT m.is_refund THEN {name} END",
                    "delivery_date": day,
                    "invoice_origin": "m.origin",
                    "partner_id": "m.customer_id",
                    "commercial_partner_id": "m.customer_id",
                    "partner_shipping_id": "m.customer_id",
                    "invoice_partner_display_name": "p.complete_name",
                    "invoice_user_id": "m.user_id",
                    "currency_id": "m.currency",
                    "invoice_currency_rate": "m.rate * 0.000001",
                    "reversed_entry_id": "m.reverses",
                    "payment_state": "'not_paid'",
                    "date": day,
                    "invoice_date": day,
                    "invoice_date_due": day,
                    "create_date": day,
                    "write_date": day,
                    **{f"amount_{kind}": in_currency for kind in ("untaxed", "total", "residual")},
                    **{
                        f"amount_{kind}_in_currency_signed": f"{sign} * {in_currency}"
                        for kind in ("untaxed", "total")
                    },
                    **{
                        f"amount_{kind}_signed": signed for kind in ("untaxed", "total", "residual")
                    },
                },
                "stage_move m JOIN res_partner p ON p.id = m.customer_id ORDER BY m.id",
            )
        first = self.get_last_id("account_move_line")
        self.execute(
            f"""
            CREATE UNLOGGED TABLE stage_item AS
            SELECT %s + row_number() OVER (ORDER BY move_id, line_id NULLS LAST) AS id, item.*
              FROM (
                    SELECT m.id AS move_id, s.id AS line_id, s.product, s.dozen, s.price, s.discount,
                           CASE WHEN m.is_refund THEN s.refund_quantity ELSE s.quantity END AS quantity,
                           CASE WHEN m.is_refund THEN s.refunded ELSE s.subtotal END AS amount
                      FROM stage_move m JOIN stage_line s ON s.order_id = m.order_id
                     WHERE m.of_order AND s.kind IN ({dataset.PRODUCT}, {dataset.REBATE})
                       AND (NOT m.is_refund OR s.refund_quantity > 0)
                     UNION ALL
                    SELECT id, NULL, 0, 0, amount, 0, 1, amount FROM stage_move WHERE NOT of_order
                   ) item
            """,
            [first],
        )
        self.execute("ANALYZE stage_item")
        balance = rated.format("i.amount")
        with self.bulk("account_move_line"), self.bulk("sale_order_line_invoice_rel"):
            shared = {
                "move_id": "m.id",
                "move_name": name,
                "ref": "m.origin",
                "currency_id": "m.currency",
                "partner_id": "m.customer_id",
                "date": day,
                "invoice_date": day,
                "create_date": day,
                "write_date": day,
            }
            self.insert(
                "account_move_line",
                [*self.patterns["invoice_product"], *self.patterns["refund_product"]],
                move,
                {
                    **shared,
                    "id": "i.id",
                    "product_id": "CASE WHEN i.line_id IS NOT NULL THEN product.id END",
                    "product_uom_id": "CASE WHEN i.line_id IS NULL THEN NULL"
                    f" WHEN i.dozen = 1 THEN {self.ids['dozen']} ELSE template.uom_id END",
                    "name": "template.name ->> 'en_US'",
                    "quantity": "i.quantity",
                    "price_unit": "i.price * 0.01",
                    "discount": "i.discount",
                    "price_subtotal": "i.amount * 0.01",
                    "price_total": "i.amount * 0.01",
                    "amount_currency": f"-({sign}) * i.amount * 0.01",
                    "balance": f"-({sign}) * {balance}",
                    "debit": f"GREATEST(0, -({sign}) * {balance})",
                    "credit": f"GREATEST(0, {sign} * {balance})",
                },
                "stage_item i JOIN stage_move m ON m.id = i.move_id"
                " JOIN stage_product p ON p.number = i.product"
                " JOIN product_product product ON product.id = p.product_id"
                " JOIN product_template template ON template.id = product.product_tmpl_id",
            )
            last = first + self.count("stage_item")
            total = "sum(-l.balance)"
            self.insert(
                "account_move_line",
                [*self.patterns["invoice_term"], *self.patterns["refund_term"]],
                move,
                {
                    **shared,
                    "id": f"{last} + 1 + m.id - (SELECT min(id) FROM stage_move)",
                    "name": name,
                    "date_maturity": day,
                    "amount_currency": f"{sign} * m.amount * 0.01",
                    "amount_residual_currency": f"{sign} * m.amount * 0.01",
                    "balance": "l.balance",
                    "amount_residual": "l.balance",
                    "debit": "GREATEST(0, l.balance)",
                    "credit": "GREATEST(0, -l.balance)",
                    "reconciled": "FALSE",
                },
                f"stage_move m JOIN (SELECT move_id, {total} AS balance FROM account_move_line l"
                f" WHERE id > {first} GROUP BY move_id) l ON l.move_id = m.id",
            )
            self.execute(
                "INSERT INTO sale_order_line_invoice_rel (order_line_id, invoice_line_id)"
                " SELECT line_id, id FROM stage_item WHERE line_id IS NOT NULL"
            )
        self.execute("DROP TABLE stage_item")

    def _stage_moves(self):
        """``stage_move``: one row per invoice and refund, numbered by day and journal.

        Beside those of orders: goodwill for an invoiced order without naming a line, a refund of
        nothing in particular, and an invoice without an order that is taken back.
        """
        self.execute(
            """
            CREATE UNLOGGED TABLE stage_move AS
            SELECT row_number() OVER (ORDER BY day, key) + %(first)s AS id, draft.*
              FROM (
                    SELECT id * 10 AS key, id AS order_id, invoice_day AS day, FALSE AS is_refund,
                           TRUE AS of_order, NULL::bigint AS reverses_key, amount
                      FROM stage_order WHERE invoiced = 1
                     UNION ALL
                    SELECT o.id * 10 + 1, o.id, refund_day, TRUE, TRUE, o.id * 10, refunded
                      FROM stage_order o JOIN (
                            SELECT order_id, sum(refunded) AS refunded
                              FROM stage_line WHERE refund > 0 GROUP BY order_id
                           ) l ON l.order_id = o.id
                     WHERE refund > 0
                     UNION ALL
                    SELECT id * 10 + 2, id, refund_day, FALSE, TRUE, NULL, amount
                      FROM stage_order WHERE refund = 3
                     UNION ALL
                    SELECT id * 10 + 3, id, refund_day, TRUE, FALSE, id * 10, amount / 10
                      FROM stage_order WHERE invoiced = 1 AND refund = 0 AND id %% 97 = 3
                     UNION ALL
                    SELECT id * 10 + 4, id, refund_day, TRUE, FALSE, NULL, amount / 10
                      FROM stage_order WHERE state = 0 AND invoiced = 0 AND id %% 2000 = 7
                     UNION ALL
                    SELECT id * 10 + 5, id, invoice_day, FALSE, FALSE, NULL, amount / 10
                      FROM stage_order WHERE state = 0 AND invoiced = 0 AND id %% 2000 = 11
                     UNION ALL
                    SELECT id * 10 + 6, id, refund_day, TRUE, FALSE, id * 10 + 5, amount / 10
                      FROM stage_order WHERE state = 0 AND invoiced = 0 AND id %% 2000 = 11
                   ) draft
             WHERE amount > 0
            """,
            {"first": self.get_last_id("account_move")},
        )
        self.execute(
            f"""
            CREATE UNLOGGED TABLE stage_move_numbered AS
            SELECT m.id, m.order_id, m.day, m.is_refund, m.of_order, m.amount,
                   reversed.id AS reverses,
                   o.customer_id, o.user_id, o.company, o.currency, o.rate,
                   CASE WHEN m.of_order THEN 'S' || lpad(o.id::text, 8, '0') END AS origin,
                   CASE WHEN m.is_refund THEN 'RINV/' ELSE 'INV/' END || year || '/' AS prefix,
                   row_number() OVER (PARTITION BY m.is_refund, o.company, year ORDER BY m.id) AS number
              FROM stage_move m
              JOIN stage_order o ON o.id = m.order_id
              JOIN LATERAL (
                    SELECT extract(year FROM DATE '{dataset.FIRST_DAY}' + m.day::int)::int AS year
                   ) y ON TRUE
              LEFT JOIN stage_move reversed ON reversed.key = m.reverses_key
            """
        )
        self.execute("DROP TABLE stage_move")
        self.execute("ALTER TABLE stage_move_numbered RENAME TO stage_move")
        self.execute("ANALYZE stage_move")


def make_address(district, states):
    """State, city and zip of a district, as texts; every second city is a Chinese one."""
    city = f"Town {district:03}" if district % 2 else f"临江{district:03}市"
    return str(states[district % len(states)]), city, str(100_000 + district * 100)


def _make_company_name(names, number):
    if names.random() < 0.5:
        place = names.choice(
            [
                "北京",
                "上海",
                "广州",
                "深圳",
                "成都",
                "武汉",
                "杭州",
                "南京",
                "西安",
                "长沙",
                "青岛",
                "厦门",
            ]
        )
        word = "".join(names.sample("金鑫福瑞华泰恒盛宏达丰源隆昌顺和嘉祥永兴", 2))
        return f"{place}{word}{names.choice(['餐饮', '食品', '商贸', '超市', '酒店'])}有限公司"
    return " ".join(
        (
            names.choice(
                [
                    "Golden",
                    "Harbour",
                    "River",
                    "Summit",
                    "Jade",
                    "Maple",
                    "Lotus",
                    "Union",
                    "Pacific",
                    "Sunrise",
                ]
            ),
            names.choice(
                ["Kitchen", "Market", "Foods", "Trading", "Bistro", "Stores", "Catering", "Hotel"]
            ),
            str(number),
        )
    )


def _make_person_name(names):
    if names.random() < 0.5:
        family = names.choice("王李张刘陈杨赵黄周吴徐孙")
        return family + "".join(names.sample("伟芳娜敏静丽强磊洋艳勇军杰娟涛明超霞平刚", 2))
    first = names.choice(
        ["Anna", "Ben", "Carla", "David", "Ella", "Frank", "Grace", "Henry", "Iris", "Jack"]
    )
    return f"{first} {names.choice(['Adams', 'Brown', 'Clark', 'Davis', 'Evans', 'Foster', 'Green', 'Hall', 'Irwin', 'Jones'])}"
