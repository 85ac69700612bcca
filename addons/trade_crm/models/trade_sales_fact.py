from odoo import api, fields, models
from odoo.tools import SQL

MEASURES = ("quantity", "revenue", "margin", "discount", "line_count", "order_count")


class TradeSalesFact(models.Model):
    """What a customer bought of a product on a day, in one company.

    It is written by SQL together with the profile and from the same sources. Everything adds up:
    revenue and margin of a customer are those of the profile. What a source says beyond its
    products, and the number of orders, is on the row of that day that has no product.
    """

    _name = "trade.sales.fact"
    _description = "Sales by Customer, Product and Day"
    _order = "day desc, id"
    _rec_name = "product_id"
    _log_access = False

    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, index=True, ondelete="cascade"
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    partner_id = fields.Many2one(
        "res.partner", "Customer", required=True, readonly=True, ondelete="cascade"
    )
    product_id = fields.Many2one(
        "product.product",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
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

    _customer_idx = models.Index("(company_id, partner_id, day)")
    _day_idx = models.Index("(company_id, day)")


class TradeCustomerProfile(models.Model):
    """The statement that computes the facts; its sources are those of the profile."""

    _inherit = "trade.customer.profile"

    # ------------------------------------------------------------------
    # Sources
    # ------------------------------------------------------------------

    @api.model
    def _get_fact_sources(self, scoped):
        """What was bought, per product.

        Each query returns one row per line with the columns partner_id (commercial), company_id,
        product_id, day, quantity (in reference units), revenue, margin, discount (numeric, in
        company currency, net of tax) and lines (0 or 1). See :meth:`_get_profile_sources`, of which
        it is the detail.

        :return: list of ``SQL``
        """
        return [
            self._get_order_line_source(scoped),
            SQL(
                "SELECT partner_id, company_id, product_id, day, quantity, revenue, margin, 0, 0"
                " FROM (%s) refund",
                self._get_order_refund_line_source(scoped),
            ),
            SQL(
                "SELECT partner_id, company_id, product_id, day, quantity, revenue, margin, 0, 0"
                " FROM (%s) refund",
                self._get_other_refund_line_source(scoped),
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
            self._get_customer_join(SQL("sol.order_partner_id"), SQL("so.company_id"), scoped),
        )

    @api.model
    def _get_history_line_source(self, scoped):
        return SQL(
            """
            SELECT customer.partner_id,
                   h.company_id,
                   line.product_id,
                   h.date,
                   line.quantity,
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
            self._get_customer_join(SQL("h.partner_id"), SQL("h.company_id"), scoped),
        )

    # ------------------------------------------------------------------
    # Statement
    # ------------------------------------------------------------------

    @api.model
    def _get_fact_sql(self, scoped):
        """Rows of ``trade_sales_fact``: the details, and what the documents say beyond them."""
        return SQL(
            """
            detail (partner_id, company_id, product_id, day, quantity, revenue, margin, discount, lines)
            AS MATERIALIZED (
                SELECT partner_id, company_id, product_id, day, sum(quantity), sum(revenue),
                       sum(margin), sum(discount), sum(lines)
                  FROM (%(details)s) line
                 GROUP BY partner_id, company_id, product_id, day
            ),
            fact AS (
                SELECT partner_id, company_id, product_id, day, quantity, revenue, margin, discount,
                       lines, 0 AS orders
                  FROM detail
                 WHERE product_id IS NOT NULL
                 UNION ALL
                SELECT partner_id, company_id, NULL, day, sum(quantity), sum(revenue), sum(margin),
                       sum(discount), sum(lines), sum(orders)
                  FROM (
                        SELECT partner_id, company_id, day, quantity, 0 AS revenue, 0 AS margin,
                               discount, lines, 0 AS orders
                          FROM detail
                         WHERE product_id IS NULL
                         UNION ALL
                        SELECT partner_id, company_id, day, 0, -revenue, -margin, 0, 0, 0
                          FROM detail
                         WHERE product_id IS NOT NULL
                         UNION ALL
                        SELECT partner_id, company_id, day, 0, revenue, margin, 0, 0, orders
                          FROM (%(documents)s) document
                         WHERE day IS NOT NULL
                       ) rest
                 GROUP BY partner_id, company_id, day
                HAVING sum(revenue) <> 0 OR sum(margin) <> 0 OR sum(orders) <> 0 OR sum(lines) <> 0
            )
            """,
            details=SQL(" UNION ALL ").join(self._get_fact_sources(scoped)),
            documents=SQL(" UNION ALL ").join(self._get_profile_sources(scoped)),
        )
