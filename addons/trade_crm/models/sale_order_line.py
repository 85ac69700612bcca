from odoo import api, models

# Amounts reach the order; these do not.
PROFILE_FIELDS = {
    "discount",
    "display_type",
    "is_downpayment",
    "price_subtotal",
    "product_uom_id",
    "product_uom_qty",
    "untaxed_amount_invoiced",
}


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"

    def _write_multi(self, vals_list):
        # An order that is being confirmed is queued as a whole: its lines change with it.
        changed = [
            line_id
            for line_id, vals in zip(self._ids, vals_list, strict=True)
            if not PROFILE_FIELDS.isdisjoint(vals)
        ]
        if changed:
            self.env["trade.customer.profile"]._queue_records("sale_order_line", changed, "order")
        return super()._write_multi(vals_list)

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        lines.order_id.filtered(lambda order: order.state == "sale")._queue_profiles()
        return lines

    def unlink(self):
        self.order_id.filtered(lambda order: order.state == "sale")._queue_profiles()
        return super().unlink()
