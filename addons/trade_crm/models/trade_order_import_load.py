import psycopg2

from odoo import models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import SQL

from .trade_order_history import ITEM_DIGITS
from .trade_order_import_run import MATCH_SHARE

ORDER_CHUNK = 5000
CANDIDATES = 3

# What a customer is looked up by, of the partner ``p`` and of the staged customer ``c``.
LOOKUPS = {
    "id": ("p.id::text", "c.value"),
    "ref": ("lower(btrim(p.ref))", "lower(c.value)"),
    "vat": ("upper(regexp_replace(p.vat, '[^[:alnum:]]', '', 'g'))", "upper(c.value)"),
    "email": ("COALESCE(p.email_normalized, lower(btrim(p.email)))", "lower(c.value)"),
    "phone": (
        "ltrim(regexp_replace(COALESCE(p.phone_sanitized, p.phone), '[^0-9]', '', 'g'), '0')",
        "c.value",
    ),
    # Full-width brackets and blanks are how Chinese keyboards write the same name.
    "name": (
        "lower(translate(regexp_replace(btrim(p.name), '[\\s\u3000]+', ' ', 'g'), '（）', '()'))",
        "lower(translate(c.value, '（）', '()'))",
    ),
}


class TradeOrderImport(models.Model):
    """The statements that turn staged rows into purchases.

    A chunk is a range of order keys, so that it has all rows of its orders, and is worked on in
    three temporary tables: ``trade_import_product`` (which product a text is),
    ``trade_import_line`` (its rows) and ``trade_import_order`` (what to do about each order).
    """

    _inherit = "trade.order.import"

    # ------------------------------------------------------------------
    # Customers
    # ------------------------------------------------------------------

    def _step_match(self):
        """Find the customers of the file among those that the person may see."""
        self.env["res.partner"].flush_model()
        kinds = self.env.execute_query(
            SQL(
                "SELECT DISTINCT kind FROM trade_order_import_customer WHERE import_id = %s",
                self.id,
            )
        )
        for [kind] in kinds:
            self._match_customers(kind)
        self.env["trade.order.import.customer"].invalidate_model(flush=False)
        self.write({"step": "check", "cursor": "", "progress": MATCH_SHARE})

    def _match_customers(self, kind):
        """Find the customers that are looked up by ``kind``.

        Archived ones count where no active one fits. Contacts of one company are one customer.
        """
        self.env.cr.execute(
            SQL(
                """
                WITH wanted AS (
                    %(wanted)s
                ), candidate AS (
                    %(candidates)s
                ), ranked AS (
                    SELECT wanted.id, candidate.partner_id, candidate.customer_id,
                           rank() OVER (PARTITION BY wanted.id ORDER BY candidate.active DESC) AS place
                      FROM wanted JOIN candidate USING (value)
                ), found AS (
                    SELECT id,
                           count(DISTINCT customer_id) AS customers,
                           CASE WHEN count(DISTINCT partner_id) = 1 THEN min(partner_id)
                                ELSE min(customer_id) END AS partner_id,
                           (array_agg(DISTINCT partner_id))[1:%(limit)s] AS partner_ids
                      FROM ranked WHERE place = 1 GROUP BY id
                )
                UPDATE trade_order_import_customer c
                   SET state = CASE WHEN found.customers = 1 THEN 'found' ELSE 'ambiguous' END,
                       partner_id = CASE WHEN found.customers = 1 THEN found.partner_id END,
                       candidates = CASE WHEN found.customers > 1 THEN (
                           SELECT string_agg(p.name || ' (ID ' || p.id || ')', ', ' ORDER BY p.id)
                             FROM res_partner p WHERE p.id = ANY(found.partner_ids)
                       ) END
                  FROM found WHERE found.id = c.id
                """,
                wanted=self._get_wanted_sql(kind),
                candidates=self._get_candidate_sql(kind),
                limit=CANDIDATES,
            )
        )

    def _get_wanted_sql(self, kind):
        """Customers that nobody has decided on, with the value that a partner has to have."""
        value = SQL(LOOKUPS[kind][1]) if kind in LOOKUPS else SQL("c.value")
        query = SQL(
            "SELECT c.id, %s AS value FROM trade_order_import_customer c"
            " WHERE c.import_id = %s AND c.kind = %s AND c.state <> 'chosen'",
            value,
            self.id,
            kind,
        )
        code = self.company_id.country_id.phone_code
        if kind != "phone" or not code:
            return query
        # A number may be written with or without the code of the company's country.
        return SQL("%s UNION SELECT w.id, %s || w.value FROM (%s) w", query, str(code), query)

    def _get_candidate_sql(self, kind):
        """Partners that purchases of the company may belong to, with their value."""
        partners = (
            self.env["res.partner"]
            .with_context(active_test=False)
            ._search(Domain("company_id", "in", [False, self.company_id.id]))
        )
        columns = SQL(
            "p.id AS partner_id, COALESCE(p.commercial_partner_id, p.id) AS customer_id, p.active"
        )
        visible = SQL("p.id IN %s", partners.subselect())
        if kind == "xmlid":
            return SQL(
                "SELECT %s, d.module || '.' || d.name AS value FROM res_partner p"
                " JOIN ir_model_data d ON d.res_id = p.id AND d.model = 'res.partner' WHERE %s",
                columns,
                visible,
            )
        return SQL(
            "SELECT %s, %s AS value FROM res_partner p WHERE %s",
            columns,
            SQL(LOOKUPS[kind][0]),
            visible,
        )

    # ------------------------------------------------------------------
    # Steps
    # ------------------------------------------------------------------

    def _step_check(self):
        """Tell what an import of the next orders would do."""
        last = self._evaluate_chunk()
        self._mark_needed_customers()
        self._write_errors()
        values = self._count_orders()
        if last is None:
            values["bad_count"] = self._count_bad_rows()
            values["partner_count"] = self._count_needed_customers()
        self._advance(values, last, MATCH_SHARE)
        if last is None:
            self._finish("checked", self.env._("The file is checked."))

    def _step_import(self):
        """Import the next orders."""
        last = self._evaluate_chunk()
        created = self._create_partners()
        self._write_errors()
        self._write_history()
        if self._is_by_line():
            self._write_lines()
        self._queue_customers()
        values = self._count_orders()
        values["partner_count"] = self.partner_count + created
        self._delete_imported_rows(last)
        if last is None:
            values["bad_count"] = self._count_bad_rows()
        self._advance(values, last, 0)
        if last is None:
            self._finish("done", self.env._("The purchases are imported."))
            self.env["trade.customer.profile"]._trigger_refresh()

    def _advance(self, values, last, start):
        """Keep how far the run has come; ``start`` is its progress when it began."""
        done = self.processed_count + values.pop("processed_count")
        share = start + (100 - start) * done / max(self.row_count, 1)
        self.write({**values, "processed_count": done, "progress": share, "cursor": last or ""})

    # ------------------------------------------------------------------
    # Evaluation
    # ------------------------------------------------------------------

    def _evaluate_chunk(self):
        """Decide what to do about the next orders, in ``trade_import_order``.

        :return: the last order key of the chunk, None if it is the last chunk
        """
        self.env.flush_all()
        last = self._get_last_key()
        self._make_product_table(last)
        self._make_line_table(last)
        self._make_order_table()
        return last

    def _get_last_key(self):
        rows = self.env.execute_query(
            SQL(
                "SELECT order_key FROM trade_order_import_row WHERE import_id = %s AND order_key > %s"
                " ORDER BY order_key OFFSET %s LIMIT 1",
                self.id,
                self.cursor or "",
                ORDER_CHUNK - 1,
            )
        )
        return rows[0][0] if rows else None

    def _get_range_sql(self, last):
        """Condition on rows ``r`` of the chunk."""
        return SQL(
            "r.import_id = %s AND r.order_key > %s AND %s",
            self.id,
            self.cursor or "",
            SQL("TRUE") if last is None else SQL("r.order_key <= %s", last),
        )

    def _make_table(self, name, query, joined):
        """Keep the result of ``query`` until the transaction ends; ``joined`` is a column."""
        table = SQL.identifier(name)
        self.env.cr.execute(SQL("DROP TABLE IF EXISTS %s", table))
        self.env.cr.execute(SQL("CREATE TEMPORARY TABLE %s ON COMMIT DROP AS %s", table, query))
        self.env.cr.execute(SQL("ANALYZE %s (%s)", table, SQL.identifier(joined)))

    def _make_product_table(self, last):
        """Product of each text in the chunk: by its reference, its barcode or its only name."""
        products = (
            self.env["product.product"]
            .with_context(active_test=False)
            ._search(Domain("company_id", "in", [False, self.company_id.id]))
        )
        self._make_table(
            "trade_import_product",
            SQL(
                """
                WITH wanted AS (
                    SELECT DISTINCT r.product AS text FROM trade_order_import_row r
                     WHERE %(range)s AND r.product IS NOT NULL
                ), coded AS (
                    SELECT w.text, p.id, 1 AS place
                      FROM wanted w JOIN product_product p ON p.default_code = w.text
                     UNION ALL
                    SELECT w.text, p.id, 2
                      FROM wanted w JOIN product_product p ON p.barcode = w.text
                ), named AS (
                    SELECT DISTINCT w.text, p.id, 3 AS place
                      FROM product_template t
                      JOIN jsonb_each_text(t.name) n ON TRUE
                      JOIN wanted w ON lower(w.text) = lower(n.value)
                      JOIN product_product p ON p.product_tmpl_id = t.id
                     WHERE w.text NOT IN (SELECT text FROM coded)
                ), ranked AS (
                    SELECT text, id, rank() OVER (PARTITION BY text ORDER BY place) AS place
                      FROM (SELECT * FROM coded UNION ALL SELECT * FROM named) found
                     WHERE id IN %(products)s
                )
                SELECT text, min(id) AS product_id FROM ranked
                 WHERE place = 1 GROUP BY text HAVING count(*) = 1
                """,
                range=self._get_range_sql(last),
                products=products.subselect(),
            ),
            "text",
        )

    def _make_line_table(self, last):
        """Rows of the chunk with the number of their order and their worth.

        Without order numbers, equal purchases are counted: the same file makes the same numbers.
        """
        counted = not self._is_by_line() and "external_id" not in self._get_columns()
        external_id = SQL("r.order_key")
        if counted:
            external_id = SQL(
                "r.order_key || '-' || row_number() OVER (PARTITION BY r.order_key ORDER BY r.number)"
            )
        decimals = ITEM_DIGITS[1]
        self._make_table(
            "trade_import_line",
            SQL(
                """
                SELECT r.id, r.number, r.customer_key, r.date, r.product, p.product_id,
                       r.errors IS NOT NULL AS is_bad,
                       %(external_id)s AS external_id,
                       %(amount)s AS amount,
                       %(margin)s AS margin,
                       round(r.quantity, %(decimals)s) AS quantity,
                       round(r.price_unit, %(decimals)s) AS price_unit,
                       round(r.discount, 2) AS discount,
                       %(line_amount)s AS line_amount
                  FROM trade_order_import_row r
                  LEFT JOIN trade_import_product p ON p.text = r.product
                 WHERE %(range)s
                """,
                external_id=external_id,
                amount=self._get_round_sql(SQL("r.amount")),
                margin=self._get_round_sql(SQL("r.margin")),
                decimals=decimals,
                line_amount=self._get_round_sql(
                    SQL(
                        "COALESCE(r.line_amount,"
                        " r.quantity * r.price_unit * (1 - COALESCE(r.discount, 0) / 100))"
                    )
                ),
                range=self._get_range_sql(last),
            ),
            "external_id",
        )

    def _get_round_sql(self, amount):
        """``amount`` rounded to the company's currency."""
        rounding = SQL("%s::numeric", str(self.currency_id.rounding))
        return SQL(
            "round(round(%s / %s) * %s, %s)",
            amount,
            rounding,
            rounding,
            self.currency_id.decimal_places,
        )

    def _make_order_table(self):
        """What to do about each order of the chunk: ``action`` is new, updated, unchanged or bad.

        A column that the file does not have leaves a purchase that is known as it is.
        """
        columns = self._get_columns()
        by_line = self._is_by_line()
        items = SQL("g.quantity, g.line_count, g.discounted_count")
        if not by_line:
            quantity = SQL("g.quantity") if "quantity" in columns else SQL("h.quantity")
            items = SQL("%s, COALESCE(h.line_count, 0), COALESCE(h.discounted_count, 0)", quantity)
        self._make_table(
            "trade_import_order",
            SQL(
                """
                WITH grouped AS (
                    %(grouped)s
                ), known AS (
                    SELECT g.*,
                           c.id AS customer_id,
                           c.partner_id,
                           h.id AS history_id,
                           h.partner_id AS old_partner_id,
                           CASE WHEN %(has_margin)s THEN g.margin ELSE h.margin END AS new_margin,
                           COALESCE(item.quantity, 0) AS new_quantity,
                           item.line_count AS new_line_count,
                           item.discounted_count AS new_discounted_count,
                           (h.date, h.amount) IS NOT DISTINCT FROM (g.date, g.amount)
                               AND (h.margin, h.quantity, h.line_count, h.discounted_count)
                                   IS NOT DISTINCT FROM (
                                   CASE WHEN %(has_margin)s THEN g.margin ELSE h.margin END,
                                   COALESCE(item.quantity, 0), item.line_count, item.discounted_count)
                               AND h.partner_id = c.partner_id
                               AND %(same_lines)s AS is_same,
                           %(error)s AS error,
                           COALESCE(NULLIF(c.name, ''), c.value) AS customer_name,
                           c.candidates
                      FROM grouped g
                      LEFT JOIN trade_order_import_customer c
                             ON c.import_id = %(import)s AND c.key = g.customer_key
                      LEFT JOIN trade_order_history h
                             ON h.company_id = %(company)s
                            AND h.source = %(source)s
                            AND h.external_id = g.external_id
                      CROSS JOIN LATERAL (SELECT %(items)s)
                           item (quantity, line_count, discounted_count)
                )
                SELECT *,
                       CASE WHEN error IS NOT NULL THEN 'bad'
                            WHEN history_id IS NULL THEN 'new'
                            WHEN is_same THEN 'unchanged'
                            ELSE 'updated' END AS action
                  FROM known
                """,
                grouped=self._get_grouped_sql(by_line),
                has_margin="margin" in columns,
                same_lines=self._get_same_lines_sql() if by_line else SQL("TRUE"),
                error=self._get_error_sql(),
                items=items,
                company=self.company_id.id,
                source=self.source,
                **{"import": self.id},
            ),
            "external_id",
        )

    def _get_grouped_sql(self, by_line):
        """Rows gathered by order. Lines add up; otherwise equal rows are one purchase."""
        if by_line:
            values = SQL(
                """
                COALESCE(max(amount), CASE WHEN count(line_amount) = count(*)
                                           THEN sum(line_amount) END) AS amount,
                min(amount) <> max(amount) AS amounts_differ,
                sum(margin) AS margin,
                sum(quantity) AS quantity,
                count(*)::int AS line_count,
                (count(*) FILTER (WHERE discount > 0))::int AS discounted_count
                """
            )
        else:
            values = SQL(
                """
                max(amount) AS amount,
                count(DISTINCT (amount, margin, quantity)) > 1 AS amounts_differ,
                max(margin) AS margin,
                max(quantity) AS quantity,
                0 AS line_count,
                0 AS discounted_count
                """
            )
        return SQL(
            """
            SELECT external_id,
                   array_agg(id) AS row_ids,
                   (array_agg(number ORDER BY number))[1:5] AS numbers,
                   (array_agg(number ORDER BY number) FILTER (WHERE is_bad))[1:5] AS bad_numbers,
                   bool_or(is_bad) AS is_bad,
                   min(customer_key) AS customer_key,
                   min(customer_key) <> max(customer_key) AS customers_differ,
                   min(date) AS date,
                   min(date) <> max(date) AS dates_differ,
                   %s
              FROM trade_import_line GROUP BY external_id
            """,
            values,
        )

    def _get_same_lines_sql(self):
        """Whether the lines of purchase ``h`` are those of order ``g``."""
        return SQL(
            """
            (SELECT jsonb_agg(jsonb_build_array(
                        l.product_id, l.product_name, l.quantity, l.price_unit, l.discount, l.amount
                    ) ORDER BY l.id)
               FROM trade_order_history_line l WHERE l.history_id = h.id)
            = (SELECT jsonb_agg(jsonb_build_array(
                        n.product_id, n.product, COALESCE(n.quantity, 0), COALESCE(n.price_unit, 0),
                        COALESCE(n.discount, 0), COALESCE(n.line_amount, 0)
                    ) ORDER BY n.number)
               FROM trade_import_line n WHERE n.external_id = g.external_id)
            """
        )

    def _get_error_sql(self):
        """Code of what is wrong with order ``g`` of customer ``c``, NULL if nothing is."""
        return SQL(
            """
            CASE WHEN g.is_bad THEN 'order_refused'
                 WHEN g.customers_differ THEN 'order_customers'
                 WHEN g.dates_differ THEN 'order_dates'
                 WHEN g.amounts_differ THEN 'order_amounts'
                 WHEN g.amount IS NULL THEN 'order_no_amount'
                 WHEN g.amount < 0 THEN 'order_negative'
                 WHEN c.partner_id IS NOT NULL THEN NULL
                 WHEN c.state = 'ambiguous' THEN 'customer_ambiguous'
                 WHEN NOT %s OR c.kind IN ('id', 'xmlid') THEN 'customer_unknown'
            END
            """,
            self.create_partners,
        )

    # ------------------------------------------------------------------
    # Results
    # ------------------------------------------------------------------

    def _write_errors(self):
        """Keep on the rows of bad orders what is wrong with the order."""
        self.env.cr.execute(
            """
            UPDATE trade_order_import_row r
               SET errors = jsonb_build_array(jsonb_build_object(
                       'code', o.error,
                       'order', o.external_id,
                       'rows', array_to_string(COALESCE(o.bad_numbers, o.numbers), ', '),
                       'customer', COALESCE(o.customer_name, ''),
                       'candidates', COALESCE(o.candidates, '')
                   ))
              FROM trade_import_order o
             WHERE o.error IS NOT NULL AND r.id = ANY(o.row_ids) AND r.errors IS NULL
            """
        )
        self.env["trade.order.import.row"].invalidate_model(flush=False)

    def _count_orders(self):
        """Values of the counts after this chunk."""
        [[new, updated, unchanged, rows]] = self.env.execute_query(
            SQL(
                """
                SELECT count(*) FILTER (WHERE action = 'new'),
                       count(*) FILTER (WHERE action = 'updated'),
                       count(*) FILTER (WHERE action = 'unchanged'),
                       COALESCE(sum(cardinality(row_ids)), 0)::int
                  FROM trade_import_order
                """
            )
        )
        return {
            "new_count": self.new_count + new,
            "updated_count": self.updated_count + updated,
            "unchanged_count": self.unchanged_count + unchanged,
            "processed_count": rows,
        }

    def _count_bad_rows(self):
        rows = self.env["trade.order.import.row"]
        return rows.search_count([("import_id", "=", self.id), ("errors", "!=", False)])

    def _mark_needed_customers(self):
        self.env.cr.execute(
            """
            UPDATE trade_order_import_customer c SET is_needed = TRUE
              FROM trade_import_order o
             WHERE o.customer_id = c.id AND o.error IS NULL AND o.partner_id IS NULL
            """
        )
        self.env["trade.order.import.customer"].invalidate_model(flush=False)

    def _count_needed_customers(self):
        customers = self.env["trade.order.import.customer"]
        return customers.search_count([("import_id", "=", self.id), ("is_needed", "=", True)])

    # ------------------------------------------------------------------
    # Customers that are created
    # ------------------------------------------------------------------

    def _create_partners(self):
        """Create the customers that good orders of the chunk need.

        :return: how many
        """
        rows = self.env.execute_query(
            SQL(
                "SELECT DISTINCT customer_id FROM trade_import_order"
                " WHERE error IS NULL AND partner_id IS NULL ORDER BY customer_id"
            )
        )
        customers = self.env["trade.order.import.customer"].browse(row[0] for row in rows)
        if not customers:
            return 0
        try:
            with self.env.cr.savepoint():
                self._create_partners_of(customers)
        except (UserError, ValidationError, psycopg2.IntegrityError):
            for customer in customers:
                self._try_create_partner(customer)
        self.env.flush_all()
        self._use_created_partners()
        return len(customers.filtered(lambda customer: customer.state == "created"))

    def _create_partners_of(self, customers):
        partners = self.env["res.partner"].create(customers._get_created_values())
        for customer, partner in zip(customers, partners, strict=True):
            customer.write({"partner_id": partner.id, "state": "created"})

    def _try_create_partner(self, customer):
        try:
            with self.env.cr.savepoint():
                self._create_partners_of(customer)
        except (UserError, ValidationError, psycopg2.IntegrityError) as error:
            customer.write({"state": "refused", "candidates": str(error)})

    def _use_created_partners(self):
        self.env.cr.execute(
            """
            UPDATE trade_import_order o
               SET partner_id = c.partner_id,
                   candidates = c.candidates,
                   error = CASE WHEN c.partner_id IS NULL THEN 'customer_refused' END,
                   action = CASE WHEN c.partner_id IS NULL THEN 'bad' ELSE o.action END
              FROM trade_order_import_customer c
             WHERE c.id = o.customer_id AND o.error IS NULL AND o.partner_id IS NULL
            """
        )

    # ------------------------------------------------------------------
    # Purchases
    # ------------------------------------------------------------------

    def _write_history(self):
        """Insert the new purchases of the chunk and update those that differ."""
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO trade_order_history AS h (
                    company_id, source, external_id, partner_id, date, amount, margin, quantity,
                    line_count, discounted_count, import_id,
                    create_uid, create_date, write_uid, write_date
                )
                SELECT %(company)s, %(source)s, external_id, partner_id, date, amount, new_margin,
                       new_quantity, new_line_count, new_discounted_count, %(import)s,
                       %(uid)s, %(now)s, %(uid)s, %(now)s
                  FROM trade_import_order
                 WHERE action IN ('new', 'updated')
                 ORDER BY numbers[1]
                    ON CONFLICT (company_id, source, external_id) DO UPDATE
                   SET partner_id = EXCLUDED.partner_id,
                       date = EXCLUDED.date,
                       amount = EXCLUDED.amount,
                       margin = EXCLUDED.margin,
                       quantity = EXCLUDED.quantity,
                       line_count = EXCLUDED.line_count,
                       discounted_count = EXCLUDED.discounted_count,
                       import_id = EXCLUDED.import_id,
                       write_uid = EXCLUDED.write_uid,
                       write_date = EXCLUDED.write_date
                """,
                company=self.company_id.id,
                source=self.source,
                uid=self.env.uid,
                now=self.env.cr.now(),
                **{"import": self.id},
            )
        )
        self.env["trade.order.history"].invalidate_model(flush=False)

    def _write_lines(self):
        """Replace the lines of the purchases that were inserted or updated."""
        self.env.cr.execute(
            """
            DELETE FROM trade_order_history_line l USING trade_import_order o
             WHERE o.action = 'updated' AND l.history_id = o.history_id
            """
        )
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO trade_order_history_line (
                    history_id, product_id, product_name, quantity, price_unit, discount, amount,
                    create_uid, create_date, write_uid, write_date
                )
                SELECT h.id, n.product_id, n.product, COALESCE(n.quantity, 0),
                       COALESCE(n.price_unit, 0), COALESCE(n.discount, 0),
                       COALESCE(n.line_amount, 0), %(uid)s, %(now)s, %(uid)s, %(now)s
                  FROM trade_import_order o
                  JOIN trade_import_line n ON n.external_id = o.external_id
                  JOIN trade_order_history h
                    ON h.company_id = %(company)s
                   AND h.source = %(source)s
                   AND h.external_id = o.external_id
                 WHERE o.action IN ('new', 'updated')
                 ORDER BY n.number
                """,
                company=self.company_id.id,
                source=self.source,
                uid=self.env.uid,
                now=self.env.cr.now(),
            )
        )
        self.env["trade.order.history.line"].invalidate_model(flush=False)

    def _queue_customers(self):
        """Have the customers refreshed whose purchases changed, the former ones as well."""
        rows = self.env.execute_query(
            SQL(
                "SELECT DISTINCT unnest(ARRAY[partner_id, old_partner_id]) FROM trade_import_order"
                " WHERE action IN ('new', 'updated')"
            )
        )
        partners = [partner for [partner] in rows if partner]
        self.env["trade.customer.profile"]._queue(partners, self.company_id.ids, "history")

    def _delete_imported_rows(self, last):
        self.env.cr.execute(
            SQL(
                "DELETE FROM trade_order_import_row r WHERE r.errors IS NULL AND %s",
                self._get_range_sql(last),
            )
        )
        self.env["trade.order.import.row"].invalidate_model(flush=False)
