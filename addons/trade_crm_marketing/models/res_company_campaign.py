from odoo import fields, models


class ResCompany(models.Model):
    """What a company expects of its campaigns."""

    _inherit = "res.company"

    trade_campaign_approval = fields.Boolean(
        "Campaigns are approved",
        default=True,
        help="A campaign starts only after a marketing or sales manager approved it.",
    )
    trade_campaign_limit = fields.Monetary(
        "Without approval up to", help="Campaigns with a budget up to this one need no approval."
    )
    trade_campaign_approver_id = fields.Many2one(
        "res.users",
        "Who is asked to approve campaigns",
        ondelete="set null",
        domain=lambda self: [("all_group_ids", "in", self._get_campaign_manager_groups().ids)],
        help="Gets an activity. Every marketing or sales manager may approve.",
    )
    trade_campaign_holdout = fields.Float(
        "Held out by default (%)",
        default=10.0,
        help="Share of an audience that gets nothing, so that the effect of a campaign can be measured.",
    )
    trade_campaign_window = fields.Integer(
        "Days an order is due to a campaign",
        default=30,
        help="Orders so many days after a message count as its result.",
    )

    _check_trade_campaign_numbers = models.Constraint(
        "CHECK (trade_campaign_limit >= 0 AND trade_campaign_holdout BETWEEN 0 AND 50"
        " AND trade_campaign_window > 0)",
        "Campaigns: at most 50 % are held out, the window is 1 day or more, and the limit is not negative.",
    )

    def _get_campaign_manager_groups(self):
        return self.env.ref("trade_crm_marketing.group_marketing_manager") | self.env.ref(
            "trade_crm.group_manager"
        )


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    trade_campaign_currency_id = fields.Many2one(
        related="company_id.currency_id", string="Currency of campaigns"
    )
    trade_campaign_approval = fields.Boolean(
        related="company_id.trade_campaign_approval", readonly=False
    )
    trade_campaign_limit = fields.Monetary(
        related="company_id.trade_campaign_limit",
        readonly=False,
        currency_field="trade_campaign_currency_id",
    )
    trade_campaign_approver_id = fields.Many2one(
        related="company_id.trade_campaign_approver_id", readonly=False
    )
    trade_campaign_holdout = fields.Float(
        related="company_id.trade_campaign_holdout", readonly=False
    )
    trade_campaign_window = fields.Integer(
        related="company_id.trade_campaign_window", readonly=False
    )
