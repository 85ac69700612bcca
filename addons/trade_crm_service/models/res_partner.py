from odoo import models
from odoo.tools.misc import format_date


class ResPartner(models.Model):
    _inherit = "res.partner"

    def _get_trade_panels(self):
        panels = super()._get_trade_panels()
        panel = self._get_ticket_panel()
        return [*panels, panel] if panel else panels

    def _get_ticket_panel(self):
        """Tickets that are open."""
        domain = [
            ("partner_id.commercial_partner_id", "=", self.id),
            ("company_id", "in", [self.env.company.id, False]),
            ("stage_id.closed", "=", False),
        ]
        return self._get_record_panel(
            "tickets",
            self.env._("Tickets"),
            80,
            "helpdesk.ticket",
            domain,
            ["name", "number", "stage_id", "create_date"],
            lambda ticket: {
                "title": ticket.name,
                "subtitle": f"{ticket.number} · {ticket.stage_id.name}",
                "value": format_date(self.env, ticket.create_date),
            },
            self.env._("No ticket is open."),
        )
