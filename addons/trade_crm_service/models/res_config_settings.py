from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    trade_ticket_owner_id = fields.Many2one(
        related="company_id.trade_ticket_owner_id", readonly=False
    )
    trade_reopen_days = fields.Integer(related="company_id.trade_reopen_days", readonly=False)
