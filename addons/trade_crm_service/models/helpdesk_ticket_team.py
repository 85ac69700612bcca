from odoo import fields, models


class HelpdeskTicketTeam(models.Model):
    _inherit = "helpdesk.ticket.team"

    trade_calendar_id = fields.Many2one(
        "resource.calendar",
        "Working hours",
        ondelete="set null",
        help="The clock of the SLA runs in these hours. Empty: those of the company, and if it has none,"
        " around the clock.",
    )
    trade_by_load = fields.Boolean(
        "Share out by load",
        help="A ticket that comes into the team without an owner goes to the member with the least open"
        " tickets, also where no routing rule says so.",
    )
