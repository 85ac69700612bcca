from odoo import models

# Invoices matter as well as refunds: a second invoice makes up for a refund.
PROFILE_FIELDS = {
    "state",
    "invoice_date",
    "date",
    "partner_id",
    "commercial_partner_id",
    "reversed_entry_id",
}


class AccountMove(models.Model):
    _inherit = "account.move"

    def _write_multi(self, vals_list):
        changed = [
            move_id
            for move_id, vals in zip(self._ids, vals_list, strict=True)
            if not PROFILE_FIELDS.isdisjoint(vals)
        ]
        if changed:
            self.env["trade.customer.profile"]._queue_records("account_move", changed, "refund")
        return super()._write_multi(vals_list)
