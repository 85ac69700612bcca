from odoo import fields, models

COUPON_STATES = [
    ("given", "Has a coupon"),
    ("same", "The same business or phone has one"),
    ("budget", "The budget for coupons is used up"),
]


class TradeCampaignMember(models.Model):
    """A customer in the audience of a campaign, as it was frozen at the start.

    Rows are written by ``utm.campaign._freeze_audience`` and by nobody else. Who sells does not see them: a
    held out customer who is called because of that would not be held out.
    """

    _name = "trade.campaign.member"
    _description = "Member of a Campaign"
    _inherit = ["trade.territory.mixin"]
    _log_access = False
    _rec_name = "partner_id"
    _order = "id"

    campaign_id = fields.Many2one("utm.campaign", required=True, readonly=True, ondelete="cascade")
    partner_id = fields.Many2one(
        "res.partner", "Customer", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="cascade")
    tier_id = fields.Many2one(
        "trade.tier",
        "Tier at the start",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    variant_id = fields.Many2one(
        "trade.campaign.variant",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
        help="Empty: held out to compare with, and gets nothing.",
    )
    coupon_id = fields.Many2one(
        "loyalty.card", readonly=True, index="btree_not_null", ondelete="set null"
    )
    coupon_state = fields.Selection(COUPON_STATES, "Whether it has one", readonly=True)

    # A constraint and no unique index: the merge of customers looks for constraints only.
    _member_unique = models.Constraint(
        "UNIQUE (campaign_id, partner_id)", "A customer is in the audience of a campaign once."
    )
