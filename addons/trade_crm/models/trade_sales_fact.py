import logging

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

_logger = logging.getLogger(__name__)

MEASURES = ("quantity", "revenue", "margin", "discount", "line_count", "order_count")
# Any number will do, as long as nobody else uses it for an advisory lock.
FACT_LOCK = 0x7472666163


class TradeSalesFact(models.Model):
    """What a customer bought of a product on a day, in one company.

    It is written by SQL from the sources of the profile. Everything adds up: revenue and margin
    of a customer are those of the profile. What a source says beyond its products, and the number
    of orders, is on the row of that day that has no product.

    Nobody who sells waits for it: who changes a profile notes the customer in
    ``trade.fact.dirty``, and a job of its own follows within minutes.
    """

    _name = "trade.sales.fact"
    _inherit = ["trade.queue.mixin"]
    _description = "Sales by Customer, Product and Day"
    _order = "day desc, id"
    _rec_name = "partner_id"
    _log_access = False

    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="cascade")
    currency_id = fields.Many2one(related="company_id.currency_id")
    partner_id = fields.Many2one(
        "res.partner", "Customer", required=True, readonly=True, index=True, ondelete="cascade"
    )
    profile_id = fields.Many2one(
        "trade.customer.profile",
        "Customer profile",
        compute="_compute_profile_id",
        search="_search_profile_id",
        help="Profile of the customer in the company of the sale.",
    )
    tier_id = fields.Many2one(related="profile_id.tier_id", string="Tier today")
    product_id = fields.Many2one(
        "product.product",
        readonly=True,
        index="btree_not_null",
        ondelete="cascade",
        help="Empty for what a purchase says beyond its products.",
    )
    categ_id = fields.Many2one(related="product_id.categ_id", string="Product category")
    day = fields.Date(required=True, readonly=True)
    quantity = fields.Float(readonly=True, help="In the reference unit of measure.")
    revenue = fields.Monetary(
        readonly=True,
        help="Net of tax, in company currency at the rate of each order, less refunds.",
    )
    margin = fields.Monetary(
        readonly=True,
        groups="trade_crm.group_manager,trade_crm.group_auditor",
        help="Margin of the orders, less that of what was refunded.",
    )
    discount = fields.Monetary(
        readonly=True, help="What the discounts on order lines took off, net of tax."
    )
    line_count = fields.Integer("Lines", readonly=True)
    order_count = fields.Integer(
        "Orders", readonly=True, help="Counted once per order, on the row without a product."
    )

    # Two transactions that compute the same customer cannot both add its rows.
    _key_unique = models.UniqueIndex(
        "(company_id, partner_id, day, COALESCE(product_id, 0))",
        "A customer has one row per product and day in a company.",
    )
    _day_idx = models.Index("(company_id, day)")

    # ------------------------------------------------------------------
    # Profile
    # ------------------------------------------------------------------

    def _compute_profile_id(self):
        profiles = self.env["trade.customer.profile"].search_fetch(
            [("partner_id", "in", self.partner_id.ids), ("company_id", "in", self.company_id.ids)],
            ["partner_id", "company_id"],
        )
        by_key = {(profile.partner_id, profile.company_id): profile for profile in profiles}
        for fact in self:
            fact.profile_id = by_key.get((fact.partner_id, fact.company_id))

    def _search_profile_id(self, operator, value):
        if operator not in ("any", "any!"):
            return NotImplemented
        domain = value if isinstance(value, Domain) else Domain("id", "in", value)
        profiles = self.env["trade.customer.profile"]._search(domain, bypass_access=True)

        def to_sql(model, alias, query):
            return SQL(
                "(%s, %s) IN %s",
                SQL.identifier(alias, "partner_id"),
                SQL.identifier(alias, "company_id"),
                profiles.subselect("partner_id", "company_id"),
            )

        return Domain.custom(to_sql=to_sql)

    def _field_to_sql(self, alias, field_expr, query=None):
        if field_expr != "profile_id":
            return super()._field_to_sql(alias, field_expr, query)
        # Odoo joins the related fields under the name of the field.
        profile = query.make_alias(alias, "own_profile")
        query.add_join(
            "LEFT JOIN",
            profile,
            "trade_customer_profile",
            SQL(
                "%s = %s AND %s = %s",
                SQL.identifier(profile, "partner_id"),
                SQL.identifier(alias, "partner_id"),
                SQL.identifier(profile, "company_id"),
                SQL.identifier(alias, "company_id"),
            ),
        )
        return SQL.identifier(profile, "id")

    def action_view_partner(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "res.partner",
            "res_id": self.partner_id.id,
            "view_mode": "form",
        }

    # ------------------------------------------------------------------
    # Sources
    # ------------------------------------------------------------------

    @api.model
    def _get_fact_sources(self, scoped):
        """What was bought, per product.

        Each query returns one row per line with the columns partner_id (commercial), company_id,
        product_id, day, quantity (in reference units), revenue, margin, discount (numeric, in
        company currency, net of tax) and lines (0 or 1). What a channel does not tell here
        but in :meth:`trade.customer.profile._get_profile_sources` has no product.

        :return: list of ``SQL``
        """
        profiles = self.env["trade.customer.profile"]
        return [
            self._get_order_line_source(scoped),
            SQL(
                "SELECT partner_id, company_id, product_id, day, quantity, revenue, margin, 0, 0"
                " FROM (%s) refund",
                profiles._get_order_refund_line_source(scoped),
            ),
            SQL(
                "SELECT partner_id, company_id, product_id, day, quantity, revenue, margin, 0, 0"
                " FROM (%s) refund",
                profiles._get_other_refund_line_source(scoped),
            ),
            self._get_history_line_source(scoped),
        ]

    @api.model
    def _get_order_line_source(self, scoped):
        return SQL(
            """
            SELECT customer.partner_id,
                   so.company_id,
                   sol.product_id,
                   (so.date_order AT TIME ZONE 'UTC' AT TIME ZONE company.tz)::date AS day,
                   sol.product_uom_qty * COALESCE(uom.factor, 1) AS quantity,
                   round(sol.price_subtotal / rate.value, company.decimals) AS revenue,
                   round(COALESCE(sol.margin, 0) / rate.value, company.decimals) AS margin,
                   CASE WHEN sol.discount > 0 AND sol.discount < 100
                        THEN round(sol.price_subtotal * sol.discount / (100 - sol.discount) / rate.value,
                                   company.decimals)
                        ELSE 0
                   END AS discount,
                   1 AS lines
              FROM sale_order_line sol
              JOIN sale_order so ON so.id = sol.order_id
              JOIN company ON company.id = so.company_id
             CROSS JOIN LATERAL (SELECT COALESCE(NULLIF(so.currency_rate, 0), 1) AS value) rate
              LEFT JOIN uom_uom uom ON uom.id = sol.product_uom_id
                   %s
             WHERE so.state = 'sale'
               AND sol.display_type IS NULL
               AND sol.is_downpayment IS NOT TRUE
            """,
            self.env["trade.customer.profile"]._get_customer_join(
                SQL("sol.order_partner_id"), SQL("so.company_id"), scoped
            ),
        )

    @api.model
    def _get_history_line_source(self, scoped):
        return SQL(
            """
            SELECT customer.partner_id,
                   h.company_id,
                   line.product_id,
                   h.date,
                   line.quantity::numeric,
                   line.amount,
                   0,
                   CASE WHEN line.discount > 0 AND line.discount < 100
                        THEN round(line.amount * line.discount / (100 - line.discount), company.decimals)
                        ELSE 0
                   END,
                   1
              FROM trade_order_history_line line
              JOIN trade_order_history h ON h.id = line.history_id
              JOIN company ON company.id = h.company_id
                   %s
            """,
            self.env["trade.customer.profile"]._get_customer_join(
                SQL("h.partner_id"), SQL("h.company_id"), scoped
            ),
        )

    # ------------------------------------------------------------------
    # Rebuild
    # ------------------------------------------------------------------

    @api.model
    def _cron_refresh(self):
        """Bring the facts up to date for everybody who waits, one transaction per chunk."""
        queue = self.env["trade.fact.dirty"]
        self.env["ir.cron"]._commit_progress(remaining=queue._count_waiting())
        if companies := queue._get_whole_companies():
            self._rebuild_all(companies)
            self.env["ir.cron"]._commit_progress(len(companies))
        self._process_queue()

    @api.model
    def _lock_queue(self):
        return self._lock()

    @api.model
    def _take_rows(self, size):
        return self.env["trade.fact.dirty"]._take(size)

    @api.model
    def _work_off(self, rows):
        self._rebuild_pairs({(partner, company) for _id, partner, company in rows})

    @api.model
    def _leave_out(self, rows, error):
        """The weekly check of the customer's profile brings it back."""
        _logger.error("Sales of %s could not be added up", rows, exc_info=error)
        self.env["trade.fact.dirty"]._forget(rows)

    @api.model
    def _lock(self):
        """Keep others from writing facts until this transaction ends.

        :return: False if somebody is: what waits is left to the next run
        """
        [[locked]] = self.env.execute_query(SQL("SELECT pg_try_advisory_xact_lock(%s)", FACT_LOCK))
        return locked

    @api.model
    def _rebuild_all(self, companies=None):
        """Bring all facts of ``companies`` (all by default) up to date, in this transaction.

        :raise UserError: when they are being rebuilt already
        """
        if not self._lock():
            raise UserError(
                self.env._("The sales are being added up already: wait for that to end.")
            )
        self.env["trade.fact.dirty"]._clear(companies)
        profiles = self.env["trade.customer.profile"]
        within = (
            SQL("TRUE") if companies is None else SQL("old.company_id = ANY(%s)", companies.ids)
        )
        policies = profiles._get_policies(companies, cached=False)
        if policies:
            self._compute_facts(profiles._get_company_sql(policies), scoped=False)
            self._apply(within)
        else:
            self.env.cr.execute(SQL("DELETE FROM trade_sales_fact old WHERE %s", within))
        self.env.invalidate_all(flush=False)

    @api.model
    def _rebuild_pairs(self, pairs):
        """Bring the facts of some customers up to date, in this transaction.

        :param pairs: set of (partner id, company id)
        """
        profiles = self.env["trade.customer.profile"]
        policies = profiles._get_policies(cached=False)
        if not pairs or not policies:
            return
        company = profiles._get_company_sql(policies)
        profiles._create_temporary_table(
            SQL("trade_fact_scope"),
            SQL("WITH %s %s", company, profiles._get_scope_sql(dict.fromkeys(pairs, "order"))),
        )
        scope = SQL("scope AS NOT MATERIALIZED (SELECT * FROM trade_fact_scope)")
        self._compute_facts(SQL("%s, %s", company, scope), scoped=True)
        self._apply(
            SQL(
                "EXISTS (SELECT FROM trade_fact_scope scope WHERE scope.id = old.partner_id"
                " AND scope.company_id = old.company_id)"
            )
        )
        self.env.invalidate_all(flush=False)

    @api.model
    def _compute_facts(self, ctes, scoped):
        """Compute the facts into the table ``trade_fact_new``.

        The details come first; ``order_count`` is empty on them. Then, per customer and day, what
        the documents say beyond the products.
        """
        profiles = self.env["trade.customer.profile"]
        self.env.flush_all()
        profiles._prepare_large_statement()
        details = SQL(
            """
            WITH %s
            SELECT company_id, partner_id, product_id, day, sum(quantity)::float8 AS quantity,
                   sum(revenue) AS revenue, sum(margin) AS margin, sum(discount) AS discount,
                   sum(lines)::int AS line_count, NULL::int AS order_count
              FROM (%s) line
             WHERE company_id IN (SELECT id FROM company)
             GROUP BY company_id, partner_id, day, product_id
            """,
            ctes,
            SQL(" UNION ALL ").join(self._get_fact_sources(scoped)),
        )
        profiles._create_temporary_table(SQL("trade_fact_new"), details)
        self.env.cr.execute(
            SQL(
                """
                WITH %s
                INSERT INTO trade_fact_new
                SELECT company_id, partner_id, NULL, day, sum(quantity), sum(revenue), sum(margin),
                       sum(discount), sum(line_count), sum(order_count)
                  FROM (
                        SELECT company_id, partner_id, day, 0 AS quantity, -revenue AS revenue,
                               -margin AS margin, 0 AS discount, 0 AS line_count, 0 AS order_count
                          FROM trade_fact_new
                         WHERE product_id IS NOT NULL
                         UNION ALL
                        SELECT company_id, partner_id, day, quantity, 0, 0, discount, line_count, 0
                          FROM trade_fact_new
                         WHERE product_id IS NULL
                         UNION ALL
                        SELECT company_id, partner_id, day, 0, revenue, margin, 0, 0, orders
                          FROM (%s) document (
                                partner_id, company_id, day, orders, revenue, margin
                               )
                         WHERE day IS NOT NULL AND company_id IN (SELECT id FROM company)
                       ) rest
                 GROUP BY company_id, partner_id, day
                HAVING sum(revenue) <> 0 OR sum(margin) <> 0 OR sum(order_count) <> 0
                    OR sum(line_count) <> 0
                """,
                ctes,
                SQL(" UNION ALL ").join(profiles._get_profile_sources(scoped)),
            )
        )
        self.env.cr.execute(
            "DELETE FROM trade_fact_new WHERE product_id IS NULL AND order_count IS NULL"
        )

    @api.model
    def _apply(self, within):
        """Write what differs between ``trade_fact_new`` and the facts.

        :param within: condition on ``old``: the facts that the new ones are complete for
        """
        names = [SQL.identifier(name) for name in MEASURES]
        self.env["trade.customer.profile"]._create_temporary_table(
            SQL("trade_fact_change"),
            SQL(
                """
                SELECT old.id AS old_id, new.*
                  FROM trade_fact_new new
                  FULL JOIN (SELECT * FROM trade_sales_fact old WHERE %s) old
                         ON old.company_id = new.company_id
                        AND old.partner_id = new.partner_id
                        AND old.day = new.day
                        AND COALESCE(old.product_id, 0) = COALESCE(new.product_id, 0)
                 WHERE old.id IS NULL
                    OR new.company_id IS NULL
                    OR (%s) IS DISTINCT FROM (%s)
                """,
                within,
                SQL(", ").join(SQL("old.%s", name) for name in names),
                SQL(", ").join(self._get_new_values("new")),
            ),
        )
        self.env.cr.execute(
            "DELETE FROM trade_sales_fact old USING trade_fact_change new WHERE old.id = new.old_id"
        )
        # By day, as new sales come: what was sold in a period is read from few pages then.
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO trade_sales_fact (company_id, partner_id, product_id, day, %s)
                SELECT company_id, partner_id, product_id, day, %s
                  FROM trade_fact_change new
                 WHERE company_id IS NOT NULL
                 ORDER BY company_id, day
                """,
                SQL(", ").join(names),
                SQL(", ").join(self._get_new_values("new")),
            )
        )

    @api.model
    def _get_new_values(self, alias):
        return [
            SQL("COALESCE(%s, 0)", SQL.identifier(alias, name))
            if name == "order_count"
            else SQL.identifier(alias, name)
            for name in MEASURES
        ]
