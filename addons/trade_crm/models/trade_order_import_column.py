from odoo import api, fields, models
from odoo.exceptions import ValidationError

FIELD_LABELS = [
    ("customer_name", "Customer: name"),
    ("customer_ref", "Customer: reference"),
    ("customer_email", "Customer: email"),
    ("customer_phone", "Customer: phone"),
    ("customer_vat", "Customer: tax number"),
    ("customer_id", "Customer: database or external ID"),
    ("date", "Date"),
    ("external_id", "Order number"),
    ("amount", "Order amount"),
    ("margin", "Margin"),
    ("quantity", "Quantity"),
    ("product", "Line: product"),
    ("price_unit", "Line: unit price"),
    ("discount", "Line: discount (%)"),
    ("line_amount", "Line: amount"),
    ("currency", "Currency"),
]


class TradeOrderImportColumn(models.Model):
    """What a column of an imported file means."""

    _name = "trade.order.import.column"
    _description = "Column of a Purchase Import"
    _rec_name = "header"
    _order = "position"

    import_id = fields.Many2one(
        "trade.order.import", required=True, readonly=True, index=True, ondelete="cascade"
    )
    position = fields.Integer(required=True, readonly=True, help="Counted from 0.")
    header = fields.Char("Column", required=True, readonly=True)
    sample = fields.Char("First values", readonly=True)
    field = fields.Selection(FIELD_LABELS, "Means", help="Empty: the column is not imported.")

    _position_unique = models.Constraint(
        "UNIQUE (import_id, position)", "A file has one column at a position."
    )

    @api.constrains("field")
    def _check_field(self):
        for imported in self.import_id:
            used = imported.column_ids.filtered("field").grouped("field")
            for columns in used.values():
                if len(columns) > 1:
                    raise ValidationError(
                        self.env._(
                            "The columns %(columns)s mean the same. Choose one of them and leave"
                            " the other ones empty.",
                            columns=columns.mapped("header"),
                        )
                    )

    def write(self, vals):
        if "field" in vals:
            self.import_id._check_editable()
            self.import_id._reset_check()
        return super().write(vals)
