from odoo import fields, models

from .trade_campaign_order import MARGIN


class TradeCampaignMember(models.Model):
    """What became of a member. Written by ``trade.campaign.order`` alone, by SQL.

    What the customer bought in all is compared with those held out; what is due to the campaign is
    what it may claim for itself. Both are net of tax and of refunds, in company currency.
    """

    _inherit = "trade.campaign.member"

    currency_id = fields.Many2one(related="company_id.currency_id")
    sent_at = fields.Datetime("Reached on", readonly=True)
    opened_at = fields.Datetime("Opened on", readonly=True)
    clicked_at = fields.Datetime("Clicked on", readonly=True)
    coupon_used = fields.Boolean("Coupon used", readonly=True)
    order_count = fields.Integer(
        "All orders",
        readonly=True,
        help="From the start of the campaign to the end of its days of effect, whatever they are due to.",
    )
    revenue = fields.Monetary("Revenue of all orders", readonly=True)
    margin = fields.Monetary("Margin of all orders", readonly=True, groups=MARGIN)
    due_count = fields.Integer("Orders of the campaign", readonly=True)
    due_revenue = fields.Monetary("Revenue of the campaign", readonly=True)
    due_margin = fields.Monetary("Margin of the campaign", readonly=True, groups=MARGIN)
    segment_ids = fields.Many2many(
        "trade.segment",
        "trade_campaign_member_segment_rel",
        "member_id",
        "segment_id",
        string="Segments at the start",
        readonly=True,
    )
    is_waiting = fields.Boolean(
        "Gets the winner",
        readonly=True,
        help="Was not in the test: gets the variant that wins.",
    )
