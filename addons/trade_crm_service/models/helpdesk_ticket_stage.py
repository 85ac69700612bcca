from odoo import api, fields, models

KINDS = [
    ("work", "We work on it"),
    ("wait", "Waits for the customer"),
    ("solved", "Solved"),
    ("dropped", "Dropped"),
]


class HelpdeskTicketStage(models.Model):
    _inherit = "helpdesk.ticket.stage"

    trade_kind = fields.Selection(
        KINDS,
        "Meaning",
        compute="_compute_trade_kind",
        store=True,
        readonly=False,
        required=True,
        precompute=True,
        help="The clock of the SLA stands still while a ticket waits for the customer. Dropped ones, "
        "as cancelled tickets and duplicates are, count neither as met nor as missed.",
    )
    trade_tell = fields.Boolean(
        "Tell the customer",
        help="The customer is told by mail that a ticket has come to this stage, and sees it as a step"
        " on the portal. Received, assigned and solved are told anyway.",
    )

    @api.depends("closed")
    def _compute_trade_kind(self):
        for stage in self:
            if stage.closed != (stage.trade_kind in ("solved", "dropped")):
                stage.trade_kind = "solved" if stage.closed else "work"
            stage.trade_kind = stage.trade_kind or "work"

    @api.model
    def _get_standard_kinds(self):
        """What the stages of helpdesk_mgmt mean: ``{name of the record: values}``"""
        return {
            "helpdesk_ticket_stage_in_progress": {"trade_tell": True},
            "helpdesk_ticket_stage_awaiting": {"trade_kind": "wait", "trade_tell": True},
            "helpdesk_ticket_stage_cancelled": {"trade_kind": "dropped"},
            "helpdesk_ticket_stage_rejected": {"trade_kind": "dropped"},
        }

    @api.model
    def _set_up_kinds(self):
        for xmlid, values in self._get_standard_kinds().items():
            stage = self.env.ref(f"helpdesk_mgmt.{xmlid}", raise_if_not_found=False)
            if stage:
                stage.write(values)

    def _get_kind(self):
        """``trade_kind``, also of no stage at all."""
        return self.trade_kind or "work"
