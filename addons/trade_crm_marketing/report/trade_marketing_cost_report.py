from odoo import api, fields, models
from odoo.tools import SQL

from ..models.trade_campaign_cost import KINDS


class TradeMarketingCostReport(models.Model):
    """What marketing costs beside what is sold, by month.

    A cost is shared out to territories as the customers of its campaign are; one of a campaign that
    reached nobody belongs to none. Revenue is that of all sales, net of tax, less refunds.
    """

    _name = "trade.marketing.cost.report"
    _description = "Marketing Cost Share"
    _inherit = ["trade.territory.report.mixin"]
    _auto = False
    _order = "month desc, id"

    _territory_optional = True

    month = fields.Date(readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    currency_id = fields.Many2one("res.currency", readonly=True)
    campaign_id = fields.Many2one("utm.campaign", readonly=True)
    kind = fields.Selection(KINDS, "Kind of cost", readonly=True)
    planned = fields.Monetary("Planned cost", readonly=True)
    cost = fields.Monetary(readonly=True)
    revenue = fields.Monetary("Revenue of all sales", readonly=True)
    share = fields.Float(
        "Cost share", readonly=True, aggregator="avg", help="Cost per unit of revenue of all sales."
    )

    @property
    def _table_query(self):
        self.env["trade.campaign.cost"].flush_model()
        return SQL(
            """
            SELECT row.*, company.currency_id, NULL::float8 AS share
              FROM (%s UNION ALL %s) row
              JOIN res_company company ON company.id = row.company_id
            """,
            self._get_cost_sql(),
            self._get_revenue_sql(),
        )

    def _get_cost_sql(self):
        # The number of a row is that of what it is made of, so that it stays the same for everybody.
        return SQL(
            """
            SELECT 2 * (cost.id * 1000000::bigint + COALESCE(part.territory_id, 0)) + 1 AS id,
                   date_trunc('month', cost.date)::date AS month, cost.company_id,
                   part.territory_id, cost.campaign_id, cost.kind,
                   cost.planned * COALESCE(part.share, 1) AS planned,
                   cost.actual * COALESCE(part.share, 1) AS cost,
                   0::numeric AS revenue
              FROM trade_campaign_cost cost
              LEFT JOIN (
                    SELECT campaign_id, territory_id,
                           count(*) / sum(count(*)) OVER (PARTITION BY campaign_id) AS share
                      FROM trade_campaign_member
                     WHERE variant_id IS NOT NULL
                     GROUP BY campaign_id, territory_id
                   ) part ON part.campaign_id = cost.campaign_id
             WHERE cost.date IS NOT NULL
            """
        )

    def _get_revenue_sql(self):
        return SQL(
            """
            SELECT 2 * min(fact.id)::bigint,
                   date_trunc('month', fact.day)::date, fact.company_id, customer.territory_id,
                   NULL::int, NULL::varchar, 0, 0, sum(fact.revenue)
              FROM trade_sales_fact fact
              JOIN res_partner customer ON customer.id = fact.partner_id
             GROUP BY 2, 3, 4
            """
        )

    @api.model
    def _read_group_select(self, aggregate_spec, query):
        """The share of a month is that of its sums."""
        if aggregate_spec != "share:avg":
            return super()._read_group_select(aggregate_spec, query)
        return SQL(
            "SUM(%s)::float8 / NULLIF(SUM(%s), 0)",
            self._field_to_sql(self._table, "cost", query),
            self._field_to_sql(self._table, "revenue", query),
        )
