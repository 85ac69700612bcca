from odoo import fields, models


class ResCompany(models.Model):
    _inherit = "res.company"

    trade_ticket_owner_id = fields.Many2one(
        "res.users",
        "Owner of last resort",
        domain=[("share", "=", False)],
        ondelete="set null",
        help="Gets tickets for which no rule, team leader or territory manager is found.",
    )
    trade_reopen_days = fields.Integer(
        "Reopen within",
        default=14,
        help="An answer of the customer within so many days reopens a solved ticket; later it becomes a"
        " new one that is linked to it.",
    )

    _trade_reopen_days_positive = models.Constraint(
        "CHECK (trade_reopen_days >= 0)", "Enter the days for reopening as zero or more."
    )
