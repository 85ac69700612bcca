from odoo import api, fields, models

CAUSES = [("wait", "Waits for the customer"), ("closed", "Closed")]


class TradeTicketPause(models.Model):
    """A time in which the clock of a ticket stood still. Kept by Odoo; see ``helpdesk_ticket_sla``."""

    _name = "trade.ticket.pause"
    _inherit = ["trade.territory.path.mixin"]
    _description = "Ticket Pause"
    _log_access = False
    _order = "start, id"
    _rec_name = "ticket_id"
    _territory_path = "ticket_id"

    ticket_id = fields.Many2one(
        "helpdesk.ticket", required=True, readonly=True, index=True, ondelete="cascade"
    )
    cause = fields.Selection(CAUSES, required=True, readonly=True)
    start = fields.Datetime("From", required=True, readonly=True)
    stop = fields.Datetime("To", readonly=True, help="Empty: it goes on.")

    _open_unique = models.UniqueIndex(
        "(ticket_id) WHERE stop IS NULL", "The clock of this ticket stands still already."
    )

    @api.model
    def _begin(self, tickets, cause):
        """The clock stops; another pause that goes on ends."""
        now = fields.Datetime.now()
        self._end(tickets)
        self.sudo().create(
            [{"ticket_id": ticket.id, "cause": cause, "start": now} for ticket in tickets]
        )

    @api.model
    def _end(self, tickets):
        running = self.sudo().search([("ticket_id", "in", tickets.ids), ("stop", "=", False)])
        running.write({"stop": fields.Datetime.now()})
        # Before another one begins: a ticket has one pause that goes on.
        running.flush_recordset(["stop"])

    @api.model
    def _get_intervals(self, tickets):
        """``{ticket id: list of (start, stop) in seconds}``; a pause that goes on has no end yet.

        Nothing happens within it, and what is late before it stays late.
        """
        found = {}
        for pause in self.sudo().search_fetch(
            [("ticket_id", "in", tickets.ids)], ["ticket_id", "start", "stop"]
        ):
            stop = pause.stop or fields.Datetime.now()
            found.setdefault(pause.ticket_id.id, []).append(
                (to_seconds(pause.start), to_seconds(stop))
            )
        return found


def to_seconds(moment):
    """Whole seconds since 1970 of a naive ``datetime`` in UTC."""
    return int((moment - EPOCH).total_seconds())


EPOCH = fields.Datetime.to_datetime("1970-01-01 00:00:00")
