from odoo import api, fields, models
from odoo.tools import format_datetime

METHODS = [
    ("coupon", "Coupon"),
    ("click", "Last click"),
    ("link", "Link of the campaign"),
    ("window", "Days of effect"),
]
MARGIN = (
    "trade_crm.group_manager,trade_crm.group_auditor,trade_crm_marketing.group_marketing_manager"
)


class TradeCampaignOrder(models.Model):
    """An order that is due to a campaign, and why: one campaign for an order.

    Beside the order, so that the job neither waits for who works on the order nor changes the campaign
    that a person or the web shop wrote on it. Rows are written by ``_attribute`` alone.
    """

    _name = "trade.campaign.order"
    _description = "Order of a Campaign"
    _inherit = ["trade.territory.path.mixin", "trade.queue.mixin"]
    _log_access = False
    _rec_name = "order_id"
    _order = "date_order desc, id desc"

    _territory_path = "order_id"

    order_id = fields.Many2one("sale.order", required=True, readonly=True, ondelete="cascade")
    campaign_id = fields.Many2one(
        "utm.campaign", required=True, readonly=True, index=True, ondelete="cascade"
    )
    member_id = fields.Many2one(
        "trade.campaign.member",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
        groups="trade_crm.group_marketer,trade_crm.group_manager,trade_crm.group_auditor",
        help="Empty when somebody outside the audience used a coupon or a link of the campaign.",
    )
    variant_id = fields.Many2one(
        "trade.campaign.variant", readonly=True, index="btree_not_null", ondelete="set null"
    )
    partner_id = fields.Many2one(
        "res.partner", "Customer", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="cascade")
    currency_id = fields.Many2one(related="company_id.currency_id")
    date_order = fields.Datetime("Ordered on", required=True, readonly=True)
    method = fields.Selection(METHODS, "Found by", required=True, readonly=True)
    touched_at = fields.Datetime("Reached on", readonly=True)
    coupon_id = fields.Many2one(
        "loyalty.card", readonly=True, index="btree_not_null", ondelete="set null"
    )
    revenue = fields.Monetary(
        readonly=True,
        help="Net of tax, in company currency at the rate of the order, less refunds.",
    )
    margin = fields.Monetary(readonly=True, groups=MARGIN)
    reason = fields.Char("Why", compute="_compute_reason")

    _order_unique = models.UniqueIndex("(order_id)", "An order is due to one campaign.")

    @api.depends("method", "touched_at", "coupon_id", "campaign_id")
    @api.depends_context("lang", "tz")
    def _compute_reason(self):
        for row in self:
            row.reason = getattr(row, f"_explain_{row.method}")(
                {
                    "campaign": row.campaign_id.sudo().title,
                    "moment": format_datetime(self.env, row.touched_at, dt_format="short"),
                    "days": (row.date_order - row.touched_at).days if row.touched_at else 0,
                }
            )

    def _explain_coupon(self, names):
        return self.env._("A coupon of “%(campaign)s” was used on it.", **names)

    def _explain_click(self, names):
        return self.env._(
            "The customer clicked in “%(campaign)s” on %(moment)s, the last click before the order.",
            **names,
        )

    def _explain_link(self, names):
        return self.env._("It came through a link of “%(campaign)s”.", **names)

    def _explain_window(self, names):
        return self.env._(
            "“%(campaign)s” reached the customer on %(moment)s, %(days)s days before the order, and "
            "nothing else did after it.",
            **names,
        )
