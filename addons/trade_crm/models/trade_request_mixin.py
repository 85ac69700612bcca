from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

STATES = [
    ("open", "To decide"),
    ("granted", "Granted"),
    ("refused", "Refused"),
    ("withdrawn", "Withdrawn"),
]


class TradeRequestMixin(models.AbstractModel):
    """Somebody asks, and somebody else decides by a button, once.

    What inherits it writes ``action_grant``, :meth:`_check_may_decide` where not everybody with the
    right to write decides on everything, and :meth:`_on_refused`.
    """

    _name = "trade.request.mixin"
    _description = "Is Decided by Somebody Else"
    _inherit = ["mail.thread", "mail.activity.mixin"]

    user_id = fields.Many2one(
        "res.users", "Asked by", required=True, readonly=True, index=True, ondelete="restrict"
    )
    reason = fields.Text(required=True, readonly=True)
    state = fields.Selection(
        STATES, required=True, readonly=True, default="open", index=True, tracking=True
    )
    decision = fields.Text(help="Shown to who asked; say why.")
    decided_by_id = fields.Many2one("res.users", readonly=True, ondelete="restrict")
    decided_at = fields.Datetime("Decided", readonly=True)

    def write(self, vals):
        if not self.env.su and vals.keys() - {"decision"} - self._get_thread_fields():
            raise AccessError(self.env._("Requests are decided by their buttons only."))
        if not self.env.su and "decision" in vals and any(r.state != "open" for r in self):
            raise AccessError(self.env._("What was decided stays as it was said."))
        return super().write(vals)

    @api.model
    def _get_thread_fields(self):
        """Fields of activities and followers, which Odoo writes for who may write."""
        return {
            name
            for name in self._fields
            if name.startswith(("message_", "activity_", "my_activity_"))
        }

    def _on_refused(self):
        """What refusing does; ``self`` is as superuser."""

    def action_refuse(self):
        """Leave it as it is.

        :raise UserError: without a word on why
        """
        self.check_access("write")
        for request in self:
            if not (request.decision or "").strip():
                raise UserError(
                    self.env._(
                        "“%s”: say why you refuse, in the field Decision.", request.display_name
                    )
                )
        self._begin_decision("refused")._on_refused()

    def action_withdraw(self):
        """Take the request back; only who asked can."""
        if any(request.user_id != self.env.user for request in self):
            raise AccessError(self.env._("Only who asked takes a request back."))
        self._close("withdrawn")

    def _check_may_decide(self):
        """:raise AccessError: when the user asked for it"""
        for request in self:
            if request.user_id == self.env.user:
                raise AccessError(
                    self.env._(
                        "You asked for “%s” yourself: another manager decides.",
                        request.display_name,
                    )
                )

    def _begin_decision(self, state):
        """Close the requests, so that of two managers at once the second one sees that it is done.

        :return: the requests as superuser
        :raise AccessError: when the user decides on none, or not on one of these
        """
        self.check_access("write")
        self._check_may_decide()
        return self._close(state)

    def _close(self, state):
        requests_sudo = self.sudo()
        for request in requests_sudo:
            if request.state != "open":
                labels = dict(request._fields["state"]._description_selection(self.env))
                raise UserError(
                    self.env._(
                        "“%(name)s” is closed: %(state)s.",
                        name=request.display_name,
                        state=labels[request.state],
                    )
                )
        requests_sudo.write(
            {"state": state, "decided_by_id": self.env.uid, "decided_at": fields.Datetime.now()}
        )
        # Written now: who comes second waits here and starts again.
        requests_sudo.flush_recordset(["state"])
        requests_sudo.activity_unlink(["mail.mail_activity_data_todo"])
        return requests_sudo
