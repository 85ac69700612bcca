from odoo import fields, models
from odoo.tools import SQL

DAYS_FIELDS = ("trade_follow_up_days", "trade_escalation_days", "trade_recycle_days")


class CrmStage(models.Model):
    """How long a lead may stay without a contact, and what happens then.

    A day is 24 hours, counted from the moment of the last contact: the same for a salesperson in
    Shanghai and the manager in Rotterdam.
    """

    _inherit = "crm.stage"

    trade_follow_up_days = fields.Integer(
        "Contact within",
        default=3,
        help="Days of 24 hours within which a lead in this stage has to be contacted again; 0 asks "
        "for nothing. Won stages ask for nothing either.",
    )
    trade_escalation_days = fields.Integer(
        "Tell the manager after",
        default=2,
        help="Days after the deadline; 0 never tells the manager.",
    )
    trade_recycle_days = fields.Integer(
        "To the pool after",
        default=7,
        help="Days after the deadline until the lead goes to the public pool, with a warning "
        "beforehand; 0 leaves it with its salesperson.",
    )

    _check_trade_follow_up_days = models.Constraint(
        "CHECK (LEAST(trade_follow_up_days, trade_escalation_days, trade_recycle_days) >= 0)",
        "The days for following up leads cannot be negative; 0 switches a step off.",
    )

    def write(self, vals):
        changes = {"is_won", *DAYS_FIELDS} & vals.keys()
        result = super().write(vals)
        if changes:
            leads = self.env["crm.lead"]
            leads._refresh_follow_up(SQL("lead.stage_id = ANY(%s)", list(self.ids)), keep_due=True)
        return result
