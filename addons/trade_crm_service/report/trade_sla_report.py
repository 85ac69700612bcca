from odoo import fields, models
from odoo.tools import SQL

from ..models.helpdesk_ticket_sla import SLA_STATES
from ..models.trade_sla_policy import PRIORITIES


class TradeSlaReport(models.Model):
    """What was promised and what was kept: one row per ticket.

    Tickets that were dropped, or of which nothing was promised, have no rate.
    """

    _name = "trade.sla.report"
    _inherit = ["trade.territory.report.mixin"]
    _description = "SLA Report"
    _auto = False
    _rec_name = "ticket_id"
    _order = "opened_at desc"
    _territory_optional = True
    _depends = {
        "helpdesk.ticket": [
            "active",
            "commercial_partner_id",
            "company_id",
            "priority",
            "team_id",
            "territory_id",
            "trade_ended_at",
            "trade_first_at",
            "trade_first_result",
            "trade_opened_at",
            "trade_policy_id",
            "trade_sla_state",
            "trade_solve_result",
            "trade_tier_id",
            "trade_type_id",
            "user_id",
        ]
    }

    ticket_id = fields.Many2one("helpdesk.ticket", readonly=True)
    opened_at = fields.Datetime("Opened on", readonly=True)
    partner_id = fields.Many2one("res.partner", "Customer", readonly=True)
    type_id = fields.Many2one("trade.ticket.type", readonly=True)
    tier_id = fields.Many2one("trade.tier", readonly=True)
    team_id = fields.Many2one("helpdesk.ticket.team", readonly=True)
    user_id = fields.Many2one("res.users", "Agent", readonly=True)
    policy_id = fields.Many2one("trade.sla.policy", "SLA", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    priority = fields.Selection(PRIORITIES, readonly=True)
    sla_state = fields.Selection(SLA_STATES, "SLA status", readonly=True)
    first_rate = fields.Float("First answer in time", readonly=True, aggregator="avg")
    solve_rate = fields.Float("Solved in time", readonly=True, aggregator="avg")
    first_missed = fields.Integer("First answers missed", readonly=True)
    solve_missed = fields.Integer("Solutions missed", readonly=True)
    first_hours = fields.Float(
        "Hours to first answer", readonly=True, aggregator="avg", help="By the clock on the wall."
    )
    solve_hours = fields.Float(
        "Hours to the end", readonly=True, aggregator="avg", help="By the clock on the wall."
    )

    @property
    def _table_query(self):
        return SQL(
            """
            SELECT ticket.id,
                   ticket.id AS ticket_id,
                   ticket.trade_opened_at AS opened_at,
                   ticket.commercial_partner_id AS partner_id,
                   ticket.trade_type_id AS type_id,
                   ticket.trade_tier_id AS tier_id,
                   ticket.territory_id,
                   ticket.team_id,
                   ticket.user_id,
                   ticket.trade_policy_id AS policy_id,
                   ticket.company_id,
                   ticket.priority,
                   ticket.trade_sla_state AS sla_state,
                   CASE ticket.trade_first_result WHEN 'met' THEN 1.0 WHEN 'missed' THEN 0.0 END
                       AS first_rate,
                   CASE ticket.trade_solve_result WHEN 'met' THEN 1.0 WHEN 'missed' THEN 0.0 END
                       AS solve_rate,
                   (ticket.trade_first_result = 'missed')::int AS first_missed,
                   (ticket.trade_solve_result = 'missed')::int AS solve_missed,
                   EXTRACT(EPOCH FROM ticket.trade_first_at - ticket.trade_opened_at) / 3600
                       AS first_hours,
                   EXTRACT(EPOCH FROM ticket.trade_ended_at - ticket.trade_opened_at) / 3600
                       AS solve_hours
              FROM helpdesk_ticket ticket
             WHERE ticket.active AND ticket.trade_opened_at IS NOT NULL
            """
        )
