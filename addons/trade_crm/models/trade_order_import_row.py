from odoo import api, fields, models

from .trade_order_import_message import describe_row_errors


class TradeOrderImportRow(models.Model):
    """A row of a file, between the file and the purchase that it becomes.

    Rows are written by COPY and removed with the purchase that they make. Refused ones stay for
    the person to look at.
    """

    _name = "trade.order.import.row"
    _description = "Row of a Purchase Import"
    _rec_name = "number"
    _order = "import_id, number"
    _log_access = False

    import_id = fields.Many2one(
        "trade.order.import", required=True, readonly=True, ondelete="cascade"
    )
    number = fields.Integer("Row", required=True, readonly=True, aggregator=None)
    cells = fields.Json("Cells of the file", readonly=True)
    order_key = fields.Char(
        required=True, readonly=True, help="What the rows of one order have in common."
    )
    customer_key = fields.Char("Customer", readonly=True)
    date = fields.Date(readonly=True)
    amount = fields.Float("Order amount", digits=0, readonly=True)
    line_amount = fields.Float(digits=0, readonly=True)
    margin = fields.Float(digits=0, readonly=True)
    quantity = fields.Float(digits=0, readonly=True)
    price_unit = fields.Float("Unit price", digits=0, readonly=True)
    discount = fields.Float("Discount (%)", digits=0, readonly=True)
    product = fields.Char(readonly=True)
    errors = fields.Json(readonly=True)
    reason = fields.Char("Why it is refused", compute="_compute_reason")
    content = fields.Char("In the file", compute="_compute_content")

    _order_idx = models.Index("(import_id, order_key, number)")
    _error_idx = models.Index("(import_id, number) WHERE errors IS NOT NULL")

    @api.depends("errors")
    @api.depends_context("lang")
    def _compute_reason(self):
        for row in self:
            row.reason = describe_row_errors(self.env, row.errors)

    @api.depends("cells")
    def _compute_content(self):
        for row in self:
            row.content = " | ".join(row.cells or ())
