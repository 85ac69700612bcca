from odoo import fields, models


class ResCompany(models.Model):
    """How a company treats its leads. Nothing of it acts until it is switched on in Settings."""

    _inherit = "res.company"

    trade_lead_guard = fields.Boolean(
        "Guard against doubles",
        help="Who sells cannot create a customer or lead that somebody has already, and takes leads "
        "over from the pool or by asking only.",
    )
    trade_protection_days = fields.Integer(
        "Protection period",
        default=90,
        help="Days after the last contact or purchase during which a customer or lead stays with "
        "its salesperson; 0 protects it for ever.",
    )
    trade_claim_daily_cap = fields.Integer(
        "Claims a day", default=5, help="Per salesperson, from the pool; 0 sets no limit."
    )
    trade_claim_total_cap = fields.Integer(
        "Claimed leads at a time",
        default=50,
        help="Open leads from the pool that a salesperson may hold; 0 sets no limit.",
    )
    trade_reclaim_days = fields.Integer(
        "Days before claiming again",
        default=7,
        help="Who gave a lead back, or lost it for want of a contact, cannot claim it during this time.",
    )
    trade_lead_follow_up = fields.Boolean(
        "Follow up leads",
        help="Remind of leads without a contact, tell managers, and put them in the pool.",
    )
    trade_recycle_warning_days = fields.Integer(
        "Warn before recycling",
        default=2,
        help="Days between the warning and the moment at which a lead goes to the pool.",
    )

    _check_trade_lead_numbers = models.Constraint(
        "CHECK (LEAST(trade_protection_days, trade_claim_daily_cap, trade_claim_total_cap,"
        " trade_reclaim_days, trade_recycle_warning_days) >= 0)",
        "The days and limits for leads cannot be negative.",
    )
