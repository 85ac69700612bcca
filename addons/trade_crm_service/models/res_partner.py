from odoo import models
from odoo.tools.misc import format_date

from .res_partner_complaint import SEVERE_PRIORITIES

# Before everything else.
SEVERE_SEQUENCE = 5


class ResPartner(models.Model):
    _inherit = "res.partner"

    def _get_trade_panels(self):
        panels = super()._get_trade_panels()
        panel = self._get_ticket_panel()
        return [*panels, panel] if panel else panels

    def _get_ticket_panel(self):
        """Tickets that are open; first of all where a severe complaint is among them."""
        domain = [
            ("partner_id.commercial_partner_id", "=", self.id),
            ("company_id", "in", [self.env.company.id, False]),
            ("stage_id.closed", "=", False),
        ]
        panel = self._get_record_panel(
            "tickets",
            self.env._("Tickets"),
            80,
            "helpdesk.ticket",
            domain,
            ["name", "number", "stage_id", "create_date", "priority", "trade_type_id"],
            lambda ticket: {
                "title": ticket.name,
                "subtitle": f"{ticket.number} · {ticket.stage_id.name}",
                "value": format_date(self.env, ticket.create_date),
                "is_bad": ticket.trade_type_id.is_complaint
                and ticket.priority in SEVERE_PRIORITIES,
            },
            self.env._("No ticket is open."),
            order="priority desc, id desc",
        )
        if panel and any(row.get("is_bad") for row in panel["rows"]):
            panel["sequence"] = SEVERE_SEQUENCE
        return panel
