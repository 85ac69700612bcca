"""Models whose customer is not in ``partner_id``, and models whose ``partner_id`` is no customer."""

from odoo import api, models


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"

    @api.model
    def _get_export_partner_field(self):
        return "order_partner_id"


class StockMoveLine(models.Model):
    _inherit = "stock.move.line"

    @api.model
    def _get_export_partner_field(self):
        return "picking_id.partner_id"


class TradeOrderHistoryLine(models.Model):
    _inherit = "trade.order.history.line"

    @api.model
    def _get_export_partner_field(self):
        return "history_id.partner_id"


class ResUsers(models.Model):
    _inherit = "res.users"

    @api.model
    def _get_export_partner_field(self):
        """Who works here is no customer."""
        return False


class ResCompany(models.Model):
    _inherit = "res.company"

    @api.model
    def _get_export_partner_field(self):
        return False
