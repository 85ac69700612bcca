from odoo import api, fields, models
from odoo.tools import format_datetime, html2plaintext

MESSAGES = 50
SHOWN = 70


class TradeTicketSplit(models.TransientModel):
    """Make a new ticket of one message."""

    _name = "trade.ticket.split"
    _description = "Split a Ticket"

    ticket_id = fields.Many2one("helpdesk.ticket", required=True)
    message = fields.Selection("_select_messages", required=True)
    name = fields.Char("Title of the new ticket", required=True)

    @api.model
    def default_get(self, fields_list):
        defaults = super().default_get(fields_list)
        defaults.setdefault("ticket_id", self.env.context.get("active_id"))
        return defaults

    @api.model
    def _select_messages(self):
        """The messages of the ticket, newest first."""
        ticket = self.env["helpdesk.ticket"].browse(self.env.context.get("active_id") or 0)
        if not ticket.exists():
            return []
        return [(str(one.id), self._describe(one)) for one in self._get_messages(ticket)]

    @api.model
    def _get_messages(self, ticket):
        return self.env["mail.message"].search(
            [
                ("model", "=", ticket._name),
                ("res_id", "=", ticket.id),
                ("message_type", "in", ("comment", "email")),
                ("is_internal", "=", False),
            ],
            order="id desc",
            limit=MESSAGES,
        )

    @api.model
    def _describe(self, message):
        text = " ".join(html2plaintext(message.body or "").split())
        if len(text) > SHOWN:
            text = text[:SHOWN].rstrip() + "…"
        author = message.author_id.sudo().name or message.email_from or ""
        moment = format_datetime(self.env, message.date, dt_format="short")
        return f"{moment} {author}: {text}"

    def action_split(self):
        self.ensure_one()
        message = self.env["mail.message"].browse(int(self.message))
        return self.ticket_id._split(message, self.name).get_formview_action()
