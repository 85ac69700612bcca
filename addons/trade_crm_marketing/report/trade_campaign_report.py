from odoo import api, fields, models
from odoo.tools import SQL

from ..models.trade_campaign_order import MARGIN
from ..models.trade_campaign_variant import CHANNELS
from ..models.utm_campaign import PURPOSES

# Aggregates that do not add up: what is divided by what, of sums.
RATIOS = {
    "conversion:avg": (("buyers",), ("contacted",)),
    "roi:avg": (("margin", "-cost"), ("cost",)),
    "incremental_roi:avg": (("incremental_margin", "-cost"), ("cost",)),
}


class TradeCampaignReport(models.Model):
    """Campaigns compared, one row per member.

    Costs are shared out evenly by the customers who were contacted. What a campaign changed is on their
    rows: what the customer bought, less what those held out in the same campaign and tier bought on
    average. So it may be summed over campaigns, variants, channels and tiers in any way. It is empty
    where nobody was held out.
    """

    _name = "trade.campaign.report"
    _description = "Campaigns Compared"
    _inherit = ["trade.territory.report.mixin"]
    _auto = False
    _order = "started_on desc, id desc"

    campaign_id = fields.Many2one("utm.campaign", readonly=True)
    variant_id = fields.Many2one("trade.campaign.variant", readonly=True)
    channel = fields.Selection(CHANNELS, readonly=True)
    purpose = fields.Selection(PURPOSES, readonly=True)
    program_id = fields.Many2one("loyalty.program", "Coupon", readonly=True)
    tier_id = fields.Many2one("trade.tier", "Tier at the start", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    currency_id = fields.Many2one("res.currency", readonly=True)
    started_on = fields.Date("Started", readonly=True)
    audience = fields.Integer("Customers", readonly=True)
    held_out = fields.Integer("Held out", readonly=True)
    contacted = fields.Integer("Not held out", readonly=True)
    reached = fields.Integer(readonly=True)
    opened = fields.Integer(readonly=True)
    clicked = fields.Integer(readonly=True)
    participants = fields.Integer("Participated", readonly=True)
    buyers = fields.Integer("Ordered", readonly=True)
    conversion = fields.Float(readonly=True, aggregator="avg")
    orders = fields.Integer(readonly=True)
    revenue = fields.Monetary(readonly=True)
    cost = fields.Monetary(readonly=True)
    margin = fields.Monetary(readonly=True, groups=MARGIN)
    roi = fields.Float("ROI", readonly=True, aggregator="avg", groups=MARGIN)
    incremental_orders = fields.Float("Incremental orders", readonly=True)
    incremental_revenue = fields.Monetary("Incremental revenue", readonly=True)
    incremental_margin = fields.Monetary(
        "Incremental margin",
        readonly=True,
        groups=MARGIN,
        help="What would not have come without the campaign, by comparison with those held out.",
    )
    incremental_roi = fields.Float(
        "Incremental ROI", readonly=True, aggregator="avg", groups=MARGIN
    )

    @property
    def _table_query(self):
        for name in ("utm.campaign", "trade.campaign.cost", "trade.campaign.variant"):
            self.env[name].flush_model()
        return SQL(
            """
            WITH stratum AS (
                SELECT campaign_id, tier_id, count(variant_id)::numeric AS contacted,
                       avg(COALESCE(order_count, 0)) FILTER (WHERE %(held_out)s) AS orders,
                       avg(COALESCE(revenue, 0)) FILTER (WHERE %(held_out)s) AS revenue,
                       avg(COALESCE(margin, 0)) FILTER (WHERE %(held_out)s) AS margin
                  FROM trade_campaign_member member
                 GROUP BY campaign_id, tier_id
            ), campaign AS (
                SELECT stratum.campaign_id, sum(stratum.contacted) AS contacted, (
                           SELECT sum(actual) FROM trade_campaign_cost
                            WHERE campaign_id = stratum.campaign_id
                       ) AS cost
                  FROM stratum
                 GROUP BY stratum.campaign_id
            ), figure AS (
                SELECT member.*,
                       (member.variant_id IS NOT NULL)::int AS is_contacted,
                       (%(held_out)s)::int AS is_held_out,
                       CASE WHEN member.variant_id IS NOT NULL
                            THEN COALESCE(member.order_count, 0) - stratum.orders END AS more_orders,
                       CASE WHEN member.variant_id IS NOT NULL
                            THEN COALESCE(member.revenue, 0) - stratum.revenue END AS more_revenue,
                       CASE WHEN member.variant_id IS NOT NULL
                            THEN COALESCE(member.margin, 0) - stratum.margin END AS more_margin,
                       CASE WHEN member.variant_id IS NOT NULL
                            THEN campaign.cost / NULLIF(campaign.contacted, 0) END AS cost
                  FROM trade_campaign_member member
                  JOIN stratum ON stratum.campaign_id = member.campaign_id
                   AND stratum.tier_id IS NOT DISTINCT FROM member.tier_id
                  JOIN campaign ON campaign.campaign_id = member.campaign_id
            )
            SELECT figure.id, figure.campaign_id, figure.variant_id, figure.tier_id,
                   figure.territory_id, figure.company_id, company.currency_id,
                   variant.channel, variant.program_id, planned.trade_purpose AS purpose,
                   (planned.trade_started_at AT TIME ZONE 'UTC'
                       AT TIME ZONE COALESCE(company.trade_tz, 'UTC'))::date AS started_on,
                   1 AS audience, figure.is_held_out AS held_out, figure.is_contacted AS contacted,
                   (figure.sent_at IS NOT NULL)::int AS reached,
                   (figure.opened_at IS NOT NULL)::int AS opened,
                   (figure.clicked_at IS NOT NULL)::int AS clicked,
                   (figure.clicked_at IS NOT NULL OR COALESCE(figure.coupon_used, FALSE))::int
                       AS participants,
                   (COALESCE(figure.due_count, 0) > 0)::int AS buyers,
                   (COALESCE(figure.due_count, 0) > 0)::int::float8 AS conversion,
                   COALESCE(figure.due_count, 0) AS orders,
                   COALESCE(figure.due_revenue, 0) AS revenue,
                   COALESCE(figure.due_margin, 0) AS margin,
                   COALESCE(figure.cost, 0) AS cost,
                   (figure.due_margin - figure.cost) / NULLIF(figure.cost, 0) AS roi,
                   figure.more_orders AS incremental_orders,
                   figure.more_revenue AS incremental_revenue,
                   figure.more_margin AS incremental_margin,
                   (figure.more_margin - figure.cost) / NULLIF(figure.cost, 0) AS incremental_roi
              FROM figure
              JOIN utm_campaign planned ON planned.id = figure.campaign_id
              JOIN res_company company ON company.id = figure.company_id
              LEFT JOIN trade_campaign_variant variant ON variant.id = figure.variant_id
            """,
            held_out=SQL("member.variant_id IS NULL AND NOT COALESCE(member.is_waiting, FALSE)"),
        )

    @api.model
    def _read_group_select(self, aggregate_spec, query):
        """Shares and returns of several members are those of their sums."""
        if aggregate_spec not in RATIOS:
            return super()._read_group_select(aggregate_spec, query)
        self._check_field_access(self._fields[aggregate_spec.partition(":")[0]], "read")
        above, below = (
            SQL(" ").join(self._get_sum_sql(name, query) for name in names)
            for names in RATIOS[aggregate_spec]
        )
        return SQL("(%s)::float8 / NULLIF(%s, 0)", above, below)

    def _get_sum_sql(self, name, query):
        sign = SQL("-") if name.startswith("-") else SQL("+")
        field = self._field_to_sql(self._table, name.lstrip("-"), query)
        return SQL("%s COALESCE(SUM(%s), 0)", sign, field)
