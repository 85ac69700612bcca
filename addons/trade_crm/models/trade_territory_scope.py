"""Models of Odoo that belong to something in a territory, and documents that are in one."""

import json

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


class AccountPartialReconcile(models.Model):
    """What was paid of what: of the customer of the debit, who is that of the credit as well."""

    _name = "account.partial.reconcile"
    _inherit = ["account.partial.reconcile", "trade.territory.path.mixin"]

    _territory_path = "debit_move_id"


class AccountFullReconcile(models.Model):
    _name = "account.full.reconcile"
    _inherit = ["account.full.reconcile", "trade.territory.path.mixin"]

    _territory_path = "reconciled_line_ids"


class AccountAnalyticAccount(models.Model):
    _name = "account.analytic.account"
    _inherit = ["account.analytic.account", "trade.territory.path.mixin"]


class AccountAnalyticLine(models.Model):
    _name = "account.analytic.line"
    _inherit = ["account.analytic.line", "trade.territory.path.mixin"]


class ProductAttributeCustomValue(models.Model):
    """What a customer wants to have on the goods."""

    _name = "product.attribute.custom.value"
    _inherit = ["product.attribute.custom.value", "trade.territory.path.mixin"]

    _territory_path = "sale_order_line_id"


class StockReference(models.Model):
    """The number of an order on its deliveries."""

    _name = "stock.reference"
    _inherit = ["stock.reference", "trade.territory.path.mixin"]

    _territory_path = "sale_ids"


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


class StockScrap(models.Model):
    _name = "stock.scrap"
    _inherit = ["stock.scrap", "trade.territory.path.mixin"]

    _territory_path = "picking_id"


class StockPackageHistory(models.Model):
    _name = "stock.package.history"
    _inherit = ["stock.package.history", "trade.territory.path.mixin"]

    _territory_path = "picking_ids"


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


class TradeAccessLog(models.Model):
    _name = "trade.access.log"
    _inherit = ["trade.access.log", "trade.territory.path.mixin"]

    @api.model
    def _get_territory_domain(self, territory_ids, operation):
        """Openings of one's own customers, and what one did; lists and exports name anybody."""
        customers = super()._get_territory_domain(territory_ids, operation)
        return Domain("user_id", "=", self.env.uid) | (
            Domain("partner_id", "!=", False) & customers
        )


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


# ----------------------------------------------------------------------
# Figures that Odoo adds up over all branches
# ----------------------------------------------------------------------


class AccountJournal(models.Model):
    """Totals of a journal are for who does the bookkeeping, and not for who sells."""

    _inherit = "account.journal"

    @api.depends_context("uid")
    def _kanban_dashboard(self):
        if not self._hides_totals():
            return super()._kanban_dashboard()
        self.kanban_dashboard = False
        return None

    @api.depends_context("uid")
    def _kanban_dashboard_graph(self):
        if not self._hides_totals():
            return super()._kanban_dashboard_graph()
        self.kanban_dashboard_graph = False
        return None

    @api.depends_context("uid")
    def _compute_current_statement_balance(self):
        if not self._hides_totals():
            return super()._compute_current_statement_balance()
        self.current_statement_balance = 0
        self.has_statement_lines = False
        return None

    @api.model
    def _hides_totals(self):
        user = self.env.user
        if self.env.su or user._get_territory_ids() is None:
            return False
        groups = ("account.group_account_readonly", "account.group_account_invoice")
        return not any(user.has_group(group) for group in groups)

    def _get_json_activity_data(self):
        """Activities on the dashboard: of the documents that the user sees."""
        super()._get_json_activity_data()
        if self.env.su or self.env.user._get_territory_ids() is None:
            return
        shown = {journal: json.loads(journal.json_activity_data)["activities"] for journal in self}
        about = {
            activity["res_id"]
            for activities in shown.values()
            for activity in activities
            if activity["res_model"] == "account.move"
        }
        visible = set(self.env["account.move"].search([("id", "in", list(about))]).ids)
        for journal, activities in shown.items():
            kept = [
                activity
                for activity in activities
                if activity["res_model"] != "account.move" or activity["res_id"] in visible
            ]
            journal.json_activity_data = json.dumps({"activities": kept})


class CrmTeam(models.Model):
    _inherit = "crm.team"

    @api.depends_context("uid")
    def _compute_invoiced(self):
        """Of invoices that the user sees."""
        super()._compute_invoiced()
        if self.env.su or self.env.user._get_territory_ids() is None:
            return
        today = fields.Date.today()
        groups = self.env["account.move"]._read_group(
            [
                ("team_id", "in", self.ids),
                ("move_type", "in", ("out_invoice", "out_refund", "out_receipt")),
                ("payment_state", "in", ("in_payment", "paid", "reversed")),
                ("state", "=", "posted"),
                ("date", ">=", today.replace(day=1)),
                ("date", "<=", today),
            ],
            ["team_id"],
            ["amount_untaxed_signed:sum"],
        )
        invoiced = dict(groups)
        for team in self:
            team.invoiced = invoiced.get(team._origin, 0.0)


class UtmCampaign(models.Model):
    _inherit = "utm.campaign"

    quotation_count = fields.Integer(compute_sudo=False)
    invoiced_amount = fields.Integer(compute_sudo=False)

    @api.depends_context("uid")
    def _compute_quotation_count(self):
        return super()._compute_quotation_count()

    @api.depends_context("uid")
    def _compute_sale_invoiced_amount(self):
        """Of invoices that the user sees."""
        super()._compute_sale_invoiced_amount()
        if self.env.su or self.env.user._get_territory_ids() is None:
            return
        sold = ("out_invoice", "out_refund", "out_receipt")
        bought = ("in_invoice", "in_refund", "in_receipt")
        groups = self.env["account.move.line"]._read_group(
            [
                ("move_id.campaign_id", "in", self.ids),
                ("move_id.state", "not in", ("draft", "cancel")),
                ("move_id.move_type", "in", sold + bought),
                ("account_id", "!=", False),
                ("display_type", "=", "product"),
            ],
            ["move_id.campaign_id"],
            ["balance:sum"],
        )
        balances = dict(groups)
        for campaign in self:
            campaign.invoiced_amount = -balances.get(campaign._origin, 0.0)
