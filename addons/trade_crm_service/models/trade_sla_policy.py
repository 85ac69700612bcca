from odoo import api, fields, models
from odoo.fields import Domain

PRIORITIES = [("0", "Low"), ("1", "Medium"), ("2", "High"), ("3", "Very high")]


class TradeSlaPolicy(models.Model):
    """How fast tickets are answered and solved. The first one that fits a ticket counts."""

    _name = "trade.sla.policy"
    _description = "SLA Policy"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one("res.company", default=lambda self: self.env.company)
    type_ids = fields.Many2many("trade.ticket.type", string="Ticket types", help="Empty: all.")
    tier_ids = fields.Many2many("trade.tier", string="Tiers", help="Empty: all.")
    priority = fields.Selection(PRIORITIES, "Priority from", help="Empty: all.")
    first_hours = fields.Float(
        "First answer", default=8.0, help="In working hours. 0: nothing is promised."
    )
    solve_hours = fields.Float(
        "Solved", default=40.0, help="In working hours. 0: nothing is promised."
    )
    warn_percent = fields.Integer(
        "Warn after", default=75, help="Per cent of the time, after which the owner is warned."
    )
    escalate_hours = fields.Float(
        "Escalate after",
        default=4.0,
        help="Working hours after a missed deadline, of which the team leader hears at once, until the"
        " manager of the territory hears of it.",
    )

    _hours_positive = models.Constraint(
        "CHECK (first_hours >= 0 AND solve_hours >= 0 AND escalate_hours >= 0)",
        "Enter hours of zero or more.",
    )
    _percent_valid = models.Constraint(
        "CHECK (warn_percent BETWEEN 1 AND 100)",
        "Enter after how many per cent of the time to warn, from 1 to 100.",
    )

    @api.model_create_multi
    def create(self, vals_list):
        policies = super().create(vals_list)
        self.env["helpdesk.ticket"]._request_sla_refresh()
        return policies

    def write(self, vals):
        result = super().write(vals)
        if vals.keys() - {"name"}:
            self.env["helpdesk.ticket"]._request_sla_refresh()
        return result

    def unlink(self):
        self.env["helpdesk.ticket"]._request_sla_refresh()
        return super().unlink()

    @api.model
    def _match(self, tickets):
        """``{ticket: its policy, or an empty one}``; called as superuser."""
        policies = self.search(Domain.TRUE)
        known, matched = {}, {}
        for ticket in tickets:
            key = (
                ticket.company_id.id,
                ticket.trade_type_id.id,
                ticket.trade_tier_id.id,
                ticket.priority or "0",
            )
            if key not in known:
                known[key] = next((policy for policy in policies if policy._fits(*key)), self)
            matched[ticket] = known[key]
        return matched

    def _fits(self, company_id, type_id, tier_id, priority):
        return (
            self.company_id.id in (False, company_id)
            and (not self.type_ids or type_id in self.type_ids._ids)
            and (not self.tier_ids or tier_id in self.tier_ids._ids)
            and priority >= (self.priority or "0")
        )
