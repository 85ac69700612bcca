from odoo import api, fields, models


class TradeCampaignWinner(models.TransientModel):
    _name = "trade.campaign.winner"
    _description = "Choose the Winner of an Experiment"

    campaign_id = fields.Many2one("utm.campaign", required=True, ondelete="cascade")
    variant_id = fields.Many2one(
        "trade.campaign.variant",
        "Winner",
        required=True,
        domain="[('campaign_id', '=', campaign_id)]",
        compute="_compute_variant_id",
        store=True,
        readonly=False,
        ondelete="cascade",
    )
    verdict = fields.Char(compute="_compute_verdict")
    waiting_count = fields.Integer(related="campaign_id.trade_waiting_count")

    @api.depends("campaign_id")
    def _compute_variant_id(self):
        for wizard in self:
            verdict, _ratio = wizard.campaign_id._get_verdict()
            wizard.variant_id = verdict.winner

    @api.depends("campaign_id")
    def _compute_verdict(self):
        for wizard in self:
            verdict, _ratio = wizard.campaign_id._get_verdict()
            wizard.verdict = wizard.campaign_id._explain_verdict(verdict)

    def action_choose(self):
        self.ensure_one()
        self.campaign_id._choose_winner(
            self.variant_id,
            self.env._(
                "%(user)s chose it. %(verdict)s", user=self.env.user.name, verdict=self.verdict
            ),
        )
        return {"type": "ir.actions.act_window_close"}
