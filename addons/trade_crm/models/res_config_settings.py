from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    trade_tz = fields.Selection(related="company_id.trade_tz", readonly=False, required=True)
    trade_tier_policy_id = fields.Many2one(
        "trade.tier.policy", string="Tier policy", compute="_compute_trade_tier_policy_id"
    )

    def _compute_trade_tier_policy_id(self):
        for settings in self:
            settings.trade_tier_policy_id = self.env["trade.tier.policy"].search(
                [("company_id", "=", settings.company_id.id)], limit=1
            )

    def action_trade_tier_policy(self):
        """Open the policy of the company, or a new one where it has none."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Tier policy"),
            "res_model": "trade.tier.policy",
            "res_id": self.trade_tier_policy_id.id,
            "view_mode": "form",
        }
