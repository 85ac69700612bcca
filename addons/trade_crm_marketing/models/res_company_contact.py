from odoo import api, fields, models
from odoo.exceptions import ValidationError


class ResCompany(models.Model):
    """How much customers of the company are contacted, and when."""

    _inherit = "res.company"

    trade_quiet_from = fields.Float("Quiet from", default=21.0)
    trade_quiet_to = fields.Float("Quiet until", default=9.0)
    trade_cap_week = fields.Integer("Messages in 7 days", default=2)
    trade_cap_month = fields.Integer("Messages in 30 days", default=5)
    trade_wait_days = fields.Integer(
        "Wait at most",
        default=3,
        help="A message that has to wait for longer is not sent.",
    )

    _check_trade_contact_numbers = models.Constraint(
        "CHECK (trade_cap_week >= 0 AND trade_cap_month >= 0 AND trade_wait_days >= 0)",
        "Limits of messages and days to wait cannot be negative.",
    )

    @api.constrains("trade_quiet_from", "trade_quiet_to")
    def _check_trade_quiet(self):
        for company in self:
            hours = (company.trade_quiet_from, company.trade_quiet_to)
            if not all(0 <= hour <= 24 for hour in hours):
                raise ValidationError(self.env._("Quiet hours are between 00:00 and 24:00."))

    @api.model
    def _get_trade_caps(self):
        """``[(days, most messages)]`` of the company, without those that are switched off."""
        caps = [(7, self.trade_cap_week), (30, self.trade_cap_month)]
        return [(days, limit) for days, limit in caps if limit]


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    trade_quiet_from = fields.Float(related="company_id.trade_quiet_from", readonly=False)
    trade_quiet_to = fields.Float(related="company_id.trade_quiet_to", readonly=False)
    trade_cap_week = fields.Integer(related="company_id.trade_cap_week", readonly=False)
    trade_cap_month = fields.Integer(related="company_id.trade_cap_month", readonly=False)
    trade_wait_days = fields.Integer(related="company_id.trade_wait_days", readonly=False)

    def action_open_trade_consent_rules(self):
        rules = self.env["trade.consent.rule"]
        rules.check_access("write")
        rules._ensure(self.company_id)
        action = self.env["ir.actions.actions"]._for_xml_id(
            "trade_crm_marketing.trade_consent_rule_action"
        )
        return action | {"domain": [("company_id", "=", self.company_id.id)]}
