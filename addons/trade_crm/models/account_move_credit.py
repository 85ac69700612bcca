from odoo import api, models
from odoo.exceptions import ValidationError


class AccountMove(models.Model):
    """Invoices, as far as the credit of orders is concerned."""

    _inherit = "account.move"

    @api.constrains("partner_id")
    def _check_payer_of_orders(self):
        """A draft is owed by who pays its orders: moved to somebody else, it would be owed by nobody."""
        drafts_sudo = self.sudo().filtered(
            lambda move: (
                move.state == "draft"
                and move.move_type in ("out_invoice", "out_refund")
                and move.company_id.trade_credit_control
            )
        )
        for move in drafts_sudo:
            for order in move.line_ids.sale_line_ids.order_id:
                payer = order.partner_invoice_id.commercial_partner_id
                if move.commercial_partner_id != payer:
                    raise ValidationError(
                        self.env._(
                            "This invoice is for %(order)s, which %(customer)s pays. Change the invoice "
                            "address of the order, so that the credit of who is to pay is checked.",
                            order=order.name,
                            customer=payer.display_name,
                        )
                    )
