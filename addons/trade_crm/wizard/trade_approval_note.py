from odoo import api, fields, models
from odoo.exceptions import UserError


class TradeApprovalNote(models.TransientModel):
    """The words that go with asking for approval, approving or refusing."""

    _name = "trade.approval.note"
    _description = "Words with an Approval"

    kind = fields.Selection(
        [("ask", "Ask for approval"), ("approve", "Approve"), ("refuse", "Refuse")],
        required=True,
        readonly=True,
    )
    order_id = fields.Many2one("sale.order", readonly=True)
    request_id = fields.Many2one("trade.approval.request", readonly=True)
    reason = fields.Text("Needs approval because", compute="_compute_reason")
    note = fields.Text()

    @api.depends("order_id", "request_id")
    def _compute_reason(self):
        for wizard in self:
            if wizard.kind == "ask":
                wizard.order_id.check_access("read")
                reasons = wizard.order_id._get_missing_approvals().get(wizard.order_id, {})
                wizard.reason = "\n".join(reasons.values())
            else:
                wizard.reason = wizard.request_id.reason

    @api.model
    def _open(self, kind, order=None, request=None):
        """The action of a dialog.

        :param kind: ``"ask"``, ``"approve"`` or ``"refuse"``
        """
        wizard = self.create(
            {"kind": kind, "order_id": order and order.id, "request_id": request and request.id}
        )
        labels = dict(self._fields["kind"]._description_selection(self.env))
        return wizard._get_records_action(name=labels[kind], target="new")

    def action_apply(self):
        """Do what the dialog was opened for."""
        self.ensure_one()
        if self.kind == "ask":
            self.order_id._ask_approval(self.note)
        elif self.kind == "approve":
            self.request_id._decide("approved", self.note)
        else:
            if not (self.note or "").strip():
                raise UserError(self.env._("Say why: who asked reads it."))
            self.request_id._decide("refused", self.note)
        return {"type": "ir.actions.client", "tag": "soft_reload"}
