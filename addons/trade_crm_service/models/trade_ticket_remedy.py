"""Documents know the complaint that they were made for."""

from odoo import fields, models

from .helpdesk_ticket_remedy import COMPLAINT


class StockMove(models.Model):
    _inherit = "stock.move"

    trade_complaint_id = fields.Many2one(
        "helpdesk.ticket",
        "Complaint",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
        groups="base.group_user",
    )

    def _prepare_move_split_vals(self, qty):
        return super()._prepare_move_split_vals(qty) | {COMPLAINT: self.trade_complaint_id.id}


class StockRule(models.Model):
    _inherit = "stock.rule"

    def _get_custom_move_fields(self):
        return [*super()._get_custom_move_fields(), COMPLAINT]


class AccountMove(models.Model):
    _inherit = "account.move"

    trade_complaint_id = fields.Many2one(
        "helpdesk.ticket",
        "Complaint",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
        groups="base.group_user",
    )
