from odoo import api, fields, models

KINDS = [
    ("media", "Media and advertising"),
    ("sending", "Sending messages"),
    ("gift", "Gifts and samples"),
    ("print", "Print"),
    ("agency", "Agency"),
    ("event", "Event"),
    ("other", "Other"),
]


class TradeCampaignCost(models.Model):
    """Something that a campaign costs: planned, and what it did cost."""

    _name = "trade.campaign.cost"
    _description = "Cost of a Campaign"
    _order = "campaign_id, date, id"

    campaign_id = fields.Many2one("utm.campaign", required=True, index=True, ondelete="cascade")
    company_id = fields.Many2one(
        related="campaign_id.trade_company_id", store=True, precompute=True, index=True
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    name = fields.Char("What for", required=True)
    kind = fields.Selection(KINDS, required=True, default="media")
    date = fields.Date(default=fields.Date.context_today)
    planned = fields.Monetary(aggregator="sum")
    actual = fields.Monetary(aggregator="sum", help="What was paid in the end.")

    _amounts_positive = models.Constraint(
        "CHECK (planned >= 0 AND actual >= 0)", "Costs are not negative."
    )

    @api.model_create_multi
    def create(self, vals_list):
        costs = super().create(vals_list)
        costs.campaign_id._check_budget()
        return costs

    def write(self, vals):
        before = self.campaign_id
        result = super().write(vals)
        if vals.keys() & {"planned", "campaign_id"}:
            (before | self.campaign_id)._check_budget()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_spent(self):
        self.campaign_id._check_marketer()
