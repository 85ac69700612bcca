from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    trade_lead_guard = fields.Boolean(related="company_id.trade_lead_guard", readonly=False)
    trade_protection_days = fields.Integer(
        related="company_id.trade_protection_days", readonly=False
    )
    trade_claim_daily_cap = fields.Integer(
        related="company_id.trade_claim_daily_cap", readonly=False
    )
    trade_claim_total_cap = fields.Integer(
        related="company_id.trade_claim_total_cap", readonly=False
    )
    trade_reclaim_days = fields.Integer(related="company_id.trade_reclaim_days", readonly=False)
    trade_lead_follow_up = fields.Boolean(related="company_id.trade_lead_follow_up", readonly=False)
    trade_recycle_warning_days = fields.Integer(
        related="company_id.trade_recycle_warning_days", readonly=False
    )
