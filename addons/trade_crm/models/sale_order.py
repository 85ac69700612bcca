from odoo import api, models

# What a profile is computed from; amounts and margin follow from the lines.
PROFILE_FIELDS = {
    "amount_untaxed",
    "company_id",
    "currency_rate",
    "date_order",
    "margin",
    "partner_id",
    "state",
}


class SaleOrder(models.Model):
    _inherit = "sale.order"

    @api.model_create_multi
    def create(self, vals_list):
        orders = super().create(vals_list)
        orders._queue_profiles()
        return orders

    def _write_multi(self, vals_list):
        # Below write(), because amounts and margin are computed: they reach the database here only.
        changed = [
            order_id
            for order_id, vals in zip(self._ids, vals_list, strict=True)
            if not PROFILE_FIELDS.isdisjoint(vals)
        ]
        if changed:
            moved = any("partner_id" in vals or "company_id" in vals for vals in vals_list)
            orders = self.browse(changed)
            if moved:
                orders._queue_stored_profiles()
            orders._queue_profiles(
                at_once=any(vals.get("state") in ("sale", "cancel") for vals in vals_list)
            )
        return super()._write_multi(vals_list)

    def unlink(self):
        self._queue_stored_profiles()
        return super().unlink()

    def _queue_profiles(self, at_once=False):
        """Have the customers' profiles refreshed, at once when an order changed its state."""
        self.env["trade.customer.profile"]._queue_records(
            "sale_order", self.ids, "order", at_once=at_once
        )

    def _queue_stored_profiles(self):
        """The same for the customers that the database knows, who may be about to change."""
        profiles = self.env["trade.customer.profile"]
        self.env.cr.execute(profiles._get_pending_partner_sql("sale_order", self.ids))
        for partner, company in self.env.cr.fetchall():
            profiles._queue([partner], [company], "order")
