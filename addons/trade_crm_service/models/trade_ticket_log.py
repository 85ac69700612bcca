from odoo import api, fields, models
from odoo.exceptions import AccessError

KINDS = [
    ("route", "Routed"),
    ("hand_over", "Handed over"),
    ("stage", "Stage"),
    ("sla", "Deadlines set"),
    ("pause", "Clock paused"),
    ("resume", "Clock resumed"),
    ("first", "First answer"),
    ("warn", "Warned"),
    ("breach", "Deadline missed"),
    ("escalate", "Escalated"),
    ("reopen", "Reopened"),
    ("merge", "Merged"),
    ("split", "Split"),
]


class TradeTicketLog(models.Model):
    """What was decided about a ticket, by whom and why. Rows are only ever added.

    ``cause`` and ``details`` say why in a form that is put into words for each reader, by
    :meth:`_get_reason`.
    """

    _name = "trade.ticket.log"
    _inherit = ["trade.territory.path.mixin"]
    _description = "Ticket Decision"
    _log_access = False
    _order = "happened_at desc, id desc"
    _rec_name = "ticket_id"
    _territory_path = "ticket_id"

    happened_at = fields.Datetime("Date", required=True, readonly=True, index=True)
    kind = fields.Selection(KINDS, required=True, readonly=True)
    ticket_id = fields.Many2one(
        "helpdesk.ticket", required=True, readonly=True, index=True, ondelete="cascade"
    )
    user_id = fields.Many2one(
        "res.users", "By", readonly=True, ondelete="set null", help="Empty: by Odoo."
    )
    owner_id = fields.Many2one("res.users", readonly=True, ondelete="set null")
    from_owner_id = fields.Many2one("res.users", "Owner before", readonly=True, ondelete="set null")
    cause = fields.Char("Cause (raw)", readonly=True)
    details = fields.Json("Details (raw)", readonly=True)
    reason = fields.Char(compute="_compute_reason")

    @api.depends("cause", "details")
    @api.depends_context("lang", "tz")
    def _compute_reason(self):
        for log in self:
            log.reason = log._get_reason(log.cause, log.details or {}) if log.cause else False

    @api.model
    def _get_reason(self, cause, details):
        """A cause in the words of the user's language; who adds a cause extends this.

        :param cause: code of the cause
        :param details: dict of what goes into the sentence
        """
        if cause == "stage":
            return self._get_name("helpdesk.ticket.stage", details["stage_id"], details["stage"])
        return cause

    @api.model
    def _get_name(self, model, record_id, name):
        """As it is called now; what was deleted keeps the name that it had."""
        record_sudo = self.env[model].sudo().browse(record_id or 0).exists()
        return record_sudo.display_name or name

    # ------------------------------------------------------------------
    # Append-only
    # ------------------------------------------------------------------

    # pylint: disable=method-required-super

    def write(self, vals):
        self._refuse()

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        self._refuse()

    @api.model_create_multi
    def create(self, vals_list):
        if not self.env.su:
            self._refuse()
        return super().create(vals_list)

    def _refuse(self):
        raise AccessError(
            self.env._("What was decided about tickets is written down by Odoo alone.")
        )

    @api.model
    def _log(self, tickets, kind, cause=None, details=None, by_user=True, per_ticket=None):
        """Note one decision about each of ``tickets``.

        :param kind: one of ``KINDS``
        :param cause: code that :meth:`_get_reason` puts into words
        :param details: dict for that sentence
        :param by_user: whether the user decided, and not Odoo
        :param per_ticket: ``{ticket id: further values of its row}``
        """
        per_ticket = per_ticket or {}
        return self.sudo().create(
            [
                {
                    "happened_at": fields.Datetime.now(),
                    "kind": kind,
                    "ticket_id": ticket.id,
                    "user_id": self.env.uid if by_user else False,
                    "owner_id": ticket.user_id.id,
                    "cause": cause,
                    "details": details,
                    **per_ticket.get(ticket.id, {}),
                }
                for ticket in tickets.sudo()
            ]
        )
