from odoo import api, fields, models
from odoo.tools import SQL

# Decimals of quantities and prices: the importer's SQL rounds to the same.
ITEM_DIGITS = (16, 4)
PROFILE_FIELDS = {
    "amount",
    "company_id",
    "date",
    "discounted_count",
    "line_count",
    "margin",
    "partner_id",
    "quantity",
}


class TradeOrderHistory(models.Model):
    """A purchase that a customer made before Odoo.

    It counts in the customer's profile and never becomes a sale order: there is nothing left to
    deliver or to invoice. What the profile needs is on the header, so that it reads no lines.
    """

    _name = "trade.order.history"
    _description = "Purchase before Odoo"
    _rec_name = "external_id"
    _order = "date desc, id desc"
    _check_company_auto = True

    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company, ondelete="cascade"
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    partner_id = fields.Many2one(
        "res.partner",
        "Customer",
        required=True,
        index=True,
        ondelete="restrict",
        check_company=True,
    )
    date = fields.Date(required=True)
    source = fields.Char(
        required=True,
        default="manual",
        help="The system that the purchase comes from. Order numbers are unique within it.",
    )
    external_id = fields.Char(
        "Order number", help="Number of the order in the system it comes from."
    )
    amount = fields.Monetary(
        compute="_compute_from_lines",
        store=True,
        readonly=False,
        precompute=True,
        help="Net of tax, in company currency.",
    )
    margin = fields.Monetary(groups="trade_crm.group_manager,trade_crm.group_auditor")
    quantity = fields.Float(
        compute="_compute_from_lines",
        store=True,
        readonly=False,
        precompute=True,
        digits=ITEM_DIGITS,
    )
    line_ids = fields.One2many("trade.order.history.line", "history_id", "Lines", copy=True)
    line_count = fields.Integer(
        "Number of lines", compute="_compute_from_lines", store=True, precompute=True
    )
    discounted_count = fields.Integer(
        "Lines at a discount", compute="_compute_from_lines", store=True, precompute=True
    )

    import_id = fields.Many2one(
        "trade.order.import",
        "Imported by",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
    )

    _external_id_unique = models.Constraint(
        "UNIQUE (company_id, source, external_id)",
        "This order number exists already for the same source and company.",
    )
    _partner_idx = models.Index("(company_id, partner_id)")
    _date_idx = models.Index("(company_id, date)")

    @api.depends("line_ids.amount", "line_ids.quantity", "line_ids.discount")
    def _compute_from_lines(self):
        for history in self:
            lines = history.line_ids
            if lines or history.line_count:
                history.amount = sum(lines.mapped("amount"))
                history.quantity = sum(lines.mapped("quantity"))
            history.line_count = len(lines)
            history.discounted_count = len(lines.filtered(lambda line: line.discount > 0))

    @api.depends("external_id", "date")
    def _compute_display_name(self):
        for history in self:
            history.display_name = history.external_id or fields.Date.to_string(history.date)

    # ------------------------------------------------------------------
    # Capture of change
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        histories = super().create(vals_list)
        histories._queue_profiles()
        return histories

    def _write_multi(self, vals_list):
        # Lines and computed columns arrive here too. The customer that a purchase leaves is
        # refreshed as well as the one that it gets.
        changed = [
            (history_id, vals)
            for history_id, vals in zip(self._ids, vals_list, strict=True)
            if not PROFILE_FIELDS.isdisjoint(vals)
        ]
        if changed:
            self.browse(history_id for history_id, _vals in changed)._queue_stored_profiles()
        result = super()._write_multi(vals_list)
        if any({"partner_id", "company_id"} & vals.keys() for _id, vals in changed):
            self._queue_stored_profiles()
        return result

    def unlink(self):
        self._queue_profiles()
        return super().unlink()

    def _queue_profiles(self):
        """Have the customers of these purchases refreshed."""
        profiles = self.env["trade.customer.profile"]
        for company, histories in self.grouped("company_id").items():
            profiles._queue(histories.partner_id.ids, company.ids, "history")

    def _queue_stored_profiles(self):
        """Have the customers that the database knows of refreshed."""
        rows = self.env.execute_query(
            SQL(
                "SELECT company_id, array_agg(DISTINCT partner_id) FROM trade_order_history"
                " WHERE id = ANY(%s) GROUP BY company_id",
                self.ids,
            )
        )
        for company, partners in rows:
            self.env["trade.customer.profile"]._queue(partners, [company], "history")


class TradeOrderHistoryLine(models.Model):
    _name = "trade.order.history.line"
    _description = "Line of a Purchase before Odoo"
    _rec_name = "product_name"
    _order = "history_id, id"
    _check_company_auto = True

    history_id = fields.Many2one(
        "trade.order.history", "Purchase", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="history_id.company_id")
    currency_id = fields.Many2one(related="history_id.currency_id")
    product_id = fields.Many2one(
        "product.product",
        index="btree_not_null",
        ondelete="set null",
        check_company=True,
        help="Empty when the product no longer exists; its name is kept.",
    )
    product_name = fields.Char(
        "Description", compute="_compute_product_name", store=True, readonly=False, precompute=True
    )
    quantity = fields.Float(digits=ITEM_DIGITS, default=1)
    price_unit = fields.Float("Unit price", digits=ITEM_DIGITS)
    discount = fields.Float("Discount (%)", digits=(16, 2))
    amount = fields.Monetary(
        compute="_compute_amount", store=True, readonly=False, precompute=True, help="Net of tax."
    )

    @api.depends("product_id")
    def _compute_product_name(self):
        for line in self:
            if line.product_id:
                line.product_name = line.product_id.display_name

    @api.depends("quantity", "price_unit", "discount")
    def _compute_amount(self):
        for line in self:
            # An old system may know the amount of a line and not its price.
            if line.price_unit:
                amount = line.quantity * line.price_unit * (1 - line.discount / 100)
                line.amount = line.currency_id.round(amount)
