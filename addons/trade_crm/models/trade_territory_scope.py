"""Models of Odoo that belong to something in a territory, and documents that are in one."""

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL


class SaleOrder(models.Model):
    _name = "sale.order"
    _inherit = ["sale.order", "trade.territory.mixin"]

    def _prepare_invoice(self):
        return {**super()._prepare_invoice(), "territory_id": self.territory_id.id}


class SaleOrderLine(models.Model):
    _name = "sale.order.line"
    _inherit = ["sale.order.line", "trade.territory.path.mixin"]

    _territory_path = "order_id"


class AccountMove(models.Model):
    _name = "account.move"
    _inherit = ["account.move", "trade.territory.mixin"]

    # Bills and entries are of vendors or of nobody.
    _territory_optional = True


class AccountMoveLine(models.Model):
    _name = "account.move.line"
    _inherit = ["account.move.line", "trade.territory.path.mixin"]

    _territory_path = "move_id"


class AccountPayment(models.Model):
    _name = "account.payment"
    _inherit = ["account.payment", "trade.territory.path.mixin"]


class AccountBankStatementLine(models.Model):
    _name = "account.bank.statement.line"
    _inherit = ["account.bank.statement.line", "trade.territory.path.mixin"]


class PaymentTransaction(models.Model):
    _name = "payment.transaction"
    _inherit = ["payment.transaction", "trade.territory.path.mixin"]


class PaymentToken(models.Model):
    _name = "payment.token"
    _inherit = ["payment.token", "trade.territory.path.mixin"]


class ResPartnerBank(models.Model):
    _name = "res.partner.bank"
    _inherit = ["res.partner.bank", "trade.territory.path.mixin"]


class StockPicking(models.Model):
    _name = "stock.picking"
    _inherit = ["stock.picking", "trade.territory.mixin"]

    # Receipts are of vendors, internal transfers of nobody.
    _territory_optional = True

    @api.model
    def _get_territory_domain(self, territory_ids, operation):
        """Who is responsible for an order sees where its goods are."""
        domain = super()._get_territory_domain(territory_ids, operation)
        return domain | Domain("sale_id", "any", [("user_id", "=", self.env.uid)])


class StockMove(models.Model):
    _name = "stock.move"
    _inherit = ["stock.move", "trade.territory.path.mixin"]

    _territory_path = "picking_id"

    def _get_new_picking_values(self):
        values = super()._get_new_picking_values()
        if territories := self.sale_line_id.order_id.territory_id:
            values["territory_id"] = territories[0].id
        return values

    def _get_upstream_documents_and_responsibles(self, visited):
        # Cancelling an order asks whom to tell about it. Who sells may not read purchases, and
        # Odoo then refuses to cancel the order.
        return super(StockMove, self.sudo())._get_upstream_documents_and_responsibles(visited)


class StockMoveLine(models.Model):
    _name = "stock.move.line"
    _inherit = ["stock.move.line", "trade.territory.path.mixin"]

    _territory_path = "picking_id"


class TradeCustomerProfile(models.Model):
    _name = "trade.customer.profile"
    _inherit = ["trade.customer.profile", "trade.territory.path.mixin"]

    territory_id = fields.Many2one(related="partner_id.territory_id", string="Territory")


class TradeSalesFact(models.Model):
    _name = "trade.sales.fact"
    _inherit = ["trade.sales.fact", "trade.territory.path.mixin"]

    territory_id = fields.Many2one(
        related="partner_id.territory_id",
        string="Territory",
        help="Where the customer is today.",
    )


class TradeOrderHistory(models.Model):
    _name = "trade.order.history"
    _inherit = ["trade.order.history", "trade.territory.path.mixin"]


class TradeOrderHistoryLine(models.Model):
    _name = "trade.order.history.line"
    _inherit = ["trade.order.history.line", "trade.territory.path.mixin"]

    _territory_path = "history_id"


class TradeTierHistory(models.Model):
    _name = "trade.tier.history"
    _inherit = ["trade.tier.history", "trade.territory.path.mixin"]


# ----------------------------------------------------------------------
# For those who see everything
# ----------------------------------------------------------------------


class TradeTerritoryHiddenMixin(models.AbstractModel):
    """Makes a model invisible to who is limited to territories, but for rows of their own."""

    _name = "trade.territory.hidden.mixin"
    _description = "Not Told Apart by Territory"

    @api.model
    def _get_territory_domain(self, territory_ids, operation):
        if "create_uid" not in self._fields:
            return Domain.FALSE
        return Domain("create_uid", "=", self.env.uid)


class TradeProfileDirty(models.Model):
    _name = "trade.profile.dirty"
    _inherit = ["trade.profile.dirty", "trade.territory.hidden.mixin"]


class TradeFactDirty(models.Model):
    _name = "trade.fact.dirty"
    _inherit = ["trade.fact.dirty", "trade.territory.hidden.mixin"]


class TradeOrderImport(models.Model):
    """A file holds the purchases of anybody's customers."""

    _name = "trade.order.import"
    _inherit = ["trade.order.import", "trade.territory.hidden.mixin"]


class TradeOrderImportColumn(models.Model):
    _name = "trade.order.import.column"
    _inherit = ["trade.order.import.column", "trade.territory.path.mixin"]

    _territory_path = "import_id"


class TradeOrderImportCustomer(models.Model):
    _name = "trade.order.import.customer"
    _inherit = ["trade.order.import.customer", "trade.territory.path.mixin"]

    _territory_path = "import_id"


class TradeOrderImportRow(models.Model):
    _name = "trade.order.import.row"
    _inherit = ["trade.order.import.row", "trade.territory.path.mixin"]

    _territory_path = "import_id"


# ----------------------------------------------------------------------
# Reports
# ----------------------------------------------------------------------


class CrmActivityReport(models.Model):
    _name = "crm.activity.report"
    _inherit = ["crm.activity.report", "trade.territory.path.mixin"]

    _territory_path = "lead_id"


class SaleReport(models.Model):
    _name = "sale.report"
    _inherit = ["sale.report", "trade.territory.report.mixin"]

    def _select_additional_fields(self):
        return {**super()._select_additional_fields(), "territory_id": "s.territory_id"}

    def _group_by_sale(self):
        return f"{super()._group_by_sale()}, s.territory_id"


class AccountInvoiceReport(models.Model):
    _name = "account.invoice.report"
    _inherit = ["account.invoice.report", "trade.territory.report.mixin"]

    _territory_optional = True

    @api.model
    def _select(self):
        return SQL("%s, move.territory_id", super()._select())
