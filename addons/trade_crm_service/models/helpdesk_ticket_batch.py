from odoo import models
from odoo.tools import is_html_empty


class HelpdeskTicket(models.Model):
    """One problem of many customers."""

    _inherit = "helpdesk.ticket"

    def _answer_all(self, body, tickets):
        """Send ``body`` to the customer of each of ``tickets``; nobody learns of the others."""
        if is_html_empty(body):
            return
        for ticket in tickets:
            ticket.message_post(
                body=body,
                message_type="comment",
                subtype_xmlid="mail.mt_comment",
                partner_ids=ticket.partner_id.ids,
            )
