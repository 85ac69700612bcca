from odoo import api, models


class TradeTicketLog(models.Model):
    """What became of tickets that belong together."""

    _inherit = "trade.ticket.log"

    @api.model
    def _get_reason(self, cause, details):
        if cause == "merged" and "names" in details:
            return self.env._("took over %(names)s", names=", ".join(details["names"]))
        if cause in ("into", "into_new", "out_of"):
            ticket = self._get_name("helpdesk.ticket", details["ticket_id"], details["ticket"])
            if cause == "into":
                return self.env._("into %(ticket)s", ticket=ticket)
            if cause == "into_new":
                return self.env._("a message became %(ticket)s", ticket=ticket)
            return self.env._("out of %(ticket)s", ticket=ticket)
        return super()._get_reason(cause, details)
