"""Odoo's own dialogs tell the documents which complaint they were opened from."""

from odoo import models

from ..models.helpdesk_ticket_remedy import COMPLAINT


class StockReturnPickingLine(models.TransientModel):
    _inherit = "stock.return.picking.line"

    def _prepare_move_default_values(self, new_picking):
        values = super()._prepare_move_default_values(new_picking)
        return values | {COMPLAINT: self.env["helpdesk.ticket"]._get_complaint().id}


class StockReturnPicking(models.TransientModel):
    _inherit = "stock.return.picking"

    def _get_proc_values(self, line):
        """Of the exchange."""
        values = super()._get_proc_values(line)
        return values | {COMPLAINT: self.env["helpdesk.ticket"]._get_complaint().id}


class AccountMoveReversal(models.TransientModel):
    _inherit = "account.move.reversal"

    def _prepare_default_reversal(self, move):
        values = super()._prepare_default_reversal(move)
        complaint = self.env["helpdesk.ticket"]._get_complaint()
        return values | {COMPLAINT: complaint.id}
