from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

COST_READERS = (
    "trade_crm_service.group_service_manager,trade_crm.group_manager,trade_crm.group_auditor"
)
# Key of the context by which Odoo's own dialogs know the ticket that they were opened from.
COMPLAINT = "trade_complaint_id"


class HelpdeskTicket(models.Model):
    """What follows from a complaint, by Odoo's own documents, and what it costs.

    Everybody makes only the documents that they may make anyway. Goods that come back are no gain: who
    knows whether they can be sold.
    """

    _inherit = "helpdesk.ticket"

    trade_move_ids = fields.One2many(
        "stock.move", COMPLAINT, "Goods sent and taken back", groups="stock.group_stock_user"
    )
    trade_refund_ids = fields.One2many(
        "account.move",
        COMPLAINT,
        "Credit notes",
        groups="account.group_account_invoice,account.group_account_readonly",
    )
    trade_picking_count = fields.Integer(
        "Returns and replacements",
        compute="_compute_trade_document_counts",
        groups="stock.group_stock_user",
    )
    trade_refund_count = fields.Integer(
        "Credit notes (number)",
        compute="_compute_trade_document_counts",
        groups="account.group_account_invoice,account.group_account_readonly",
    )
    trade_refund_cost = fields.Monetary(
        "Refunded",
        compute="_compute_trade_cost",
        store=True,
        currency_field="trade_cost_currency_id",
        groups=COST_READERS,
    )
    trade_goods_cost = fields.Monetary(
        "Goods sent again",
        compute="_compute_trade_cost",
        store=True,
        currency_field="trade_cost_currency_id",
        groups=COST_READERS,
        help="At the value that they had in stock.",
    )
    trade_other_cost = fields.Monetary(
        "Other cost",
        copy=False,
        currency_field="trade_cost_currency_id",
        groups=COST_READERS,
        help="Freight, work, a gift.",
    )
    trade_cost = fields.Monetary(
        "Cost of the complaint",
        compute="_compute_trade_cost",
        store=True,
        currency_field="trade_cost_currency_id",
        groups=COST_READERS,
    )
    trade_cost_currency_id = fields.Many2one(
        related="company_id.currency_id", string="Currency of the cost", groups="base.group_user"
    )

    _trade_other_cost_positive = models.Constraint(
        "CHECK (trade_other_cost IS NULL OR trade_other_cost >= 0)",
        "Enter a cost of zero or more.",
    )

    @api.depends(
        "trade_other_cost",
        "trade_refund_ids.state",
        "trade_refund_ids.amount_untaxed_signed",
        "trade_move_ids.state",
        "trade_move_ids.value",
    )
    def _compute_trade_cost(self):
        for ticket in self:
            refunds = ticket.trade_refund_ids.filtered(lambda move: move.state == "posted")
            sent = ticket.trade_move_ids.filtered(
                lambda move: move.state == "done" and move.location_dest_id.usage == "customer"
            )
            ticket.trade_refund_cost = -sum(refunds.mapped("amount_untaxed_signed"))
            ticket.trade_goods_cost = sum(abs(move.value) for move in sent)
            ticket.trade_cost = (
                ticket.trade_refund_cost + ticket.trade_goods_cost + ticket.trade_other_cost
            )

    def _compute_trade_document_counts(self):
        pickings, refunds = {}, {}
        if self.env["stock.move"].has_access("read"):
            rows = self.env["stock.move"]._read_group(
                [(COMPLAINT, "in", self.ids)], [COMPLAINT], ["picking_id:count_distinct"]
            )
            pickings = {ticket.id: count for ticket, count in rows}
        if self.env["account.move"].has_access("read"):
            rows = self.env["account.move"]._read_group(
                [(COMPLAINT, "in", self.ids)], [COMPLAINT], ["__count"]
            )
            refunds = {ticket.id: count for ticket, count in rows}
        for ticket in self:
            ticket.trade_picking_count = pickings.get(ticket.id, 0)
            ticket.trade_refund_count = refunds.get(ticket.id, 0)

    # ------------------------------------------------------------------
    # Documents
    # ------------------------------------------------------------------

    def action_return(self):
        """Odoo's return of the delivery, also for an exchange."""
        self.ensure_one()
        picking = self.trade_picking_id
        if not picking:
            picking = self.trade_order_id.picking_ids.filtered(
                lambda one: one.state == "done" and one.picking_type_code == "outgoing"
            )
        if len(picking) != 1 or picking.state != "done":
            raise UserError(
                self.env._("Enter the delivery that goods come back from; it has to be done.")
            )
        action = self.env["ir.actions.act_window"]._for_xml_id("stock.act_stock_return_picking")
        return action | {
            "context": {
                "active_model": "stock.picking",
                "active_id": picking.id,
                "active_ids": picking.ids,
                COMPLAINT: self.id,
            }
        }

    def action_replace(self):
        """A delivery of the goods once more: not an order, which would count as a purchase."""
        self.ensure_one()
        if not self.partner_id:
            raise UserError(self.env._("Enter the customer whom goods are sent to."))
        warehouse = self.trade_order_id.warehouse_id or self.env["stock.warehouse"].search(
            [("company_id", "=", self.company_id.id)], limit=1
        )
        kind = warehouse.out_type_id
        address = self.trade_order_id.partner_shipping_id or self.partner_id
        picking = self.env["stock.picking"].create(
            {
                "picking_type_id": kind.id,
                "partner_id": address.id,
                "origin": self.number,
                "company_id": self.company_id.id,
                "location_id": kind.default_location_src_id.id,
                "location_dest_id": address.property_stock_customer.id,
                "move_ids": [
                    fields.Command.create(self._prepare_replacement_values(product, kind, address))
                    for product in self.trade_product_id
                ],
            }
        )
        return {
            "type": "ir.actions.act_window",
            "res_model": "stock.picking",
            "res_id": picking.id,
            "view_mode": "form",
            # Lines that are added belong to the complaint, too.
            "context": {f"default_{COMPLAINT}": self.id},
        }

    def _prepare_replacement_values(self, product, kind, address):
        return {
            "product_id": product.id,
            "product_uom_qty": 1,
            "product_uom": product.uom_id.id,
            "location_id": kind.default_location_src_id.id,
            "location_dest_id": address.property_stock_customer.id,
            COMPLAINT: self.id,
        }

    def action_refund(self):
        """Odoo's credit note for the last invoice of the order; the amount is changed on the draft."""
        self.ensure_one()
        invoices = self.trade_order_id.invoice_ids.filtered(
            lambda move: move.state == "posted" and move.move_type == "out_invoice"
        )
        concerned = invoices.filtered(
            lambda move: self.trade_product_id in move.invoice_line_ids.product_id
        )
        invoice = (concerned or invoices).sorted(lambda move: (move.invoice_date, move.id))[-1:]
        if not invoice:
            raise UserError(
                self.env._("Enter the order; it needs a posted invoice that can be credited.")
            )
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "account.action_view_account_move_reversal"
        )
        return action | {
            "name": self.env._("Credit note"),
            "context": {
                "active_model": "account.move",
                "active_id": invoice.id,
                "active_ids": invoice.ids,
                "default_reason": f"{self.number} {self.name}",
                COMPLAINT: self.id,
            },
        }

    def action_open_remedy_pickings(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Returns and replacements"),
            "res_model": "stock.picking",
            "view_mode": "list,form",
            "domain": [(f"move_ids.{COMPLAINT}", "=", self.id)],
            "context": {"create": False},
        }

    def action_open_refunds(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Credit notes"),
            "res_model": "account.move",
            "view_mode": "list,form",
            "domain": [(COMPLAINT, "=", self.id)],
            "context": {"create": False},
        }

    @api.model
    def _get_complaint(self):
        """The ticket that a dialog of Odoo was opened from, if the user may see it."""
        number = self.env.context.get(COMPLAINT)
        if not isinstance(number, int):
            return self.browse()
        return self.search(Domain("id", "=", number), limit=1)
