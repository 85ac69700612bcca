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

# Lines that count as items of a purchase: no notes, discounts, rewards and down payments.
ITEM_CONDITION = (
    "state = 'sale' AND display_type IS NULL AND price_subtotal >= 0 AND is_downpayment IS NOT TRUE"
)


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"

    # Adding up a customer's items reads this index and not the lines, which are wide.
    _trade_item_idx = models.Index(
        "(order_partner_id, company_id)"
        " INCLUDE (product_uom_id, product_uom_qty, discount)"
        f" WHERE {ITEM_CONDITION}"
    )

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
