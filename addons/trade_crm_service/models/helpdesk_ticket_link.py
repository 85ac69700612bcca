from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain


class HelpdeskTicket(models.Model):
    """The order, delivery, product and lot that a ticket is about."""

    _inherit = "helpdesk.ticket"
    _check_company_auto = True

    # Without an index, the tickets of a customer are looked for in all of them. Not by the fields, whose
    # indexes would be left when the addon is uninstalled.
    _trade_partner_idx = models.Index("(partner_id)")
    _trade_customer_idx = models.Index("(commercial_partner_id)")

    trade_order_id = fields.Many2one(
        "sale.order",
        "Order",
        compute="_compute_trade_order_id",
        store=True,
        readonly=False,
        check_company=True,
        index="btree_not_null",
        ondelete="set null",
        tracking=True,
        groups="base.group_user",
        domain="commercial_partner_id and "
        "[('partner_id.commercial_partner_id', '=', commercial_partner_id)] or []",
    )
    trade_order_line_id = fields.Many2one(
        "sale.order.line",
        "Order line",
        index="btree_not_null",
        ondelete="set null",
        groups="base.group_user",
        domain="[('order_id', '=', trade_order_id), ('display_type', '=', False)]",
    )
    trade_picking_id = fields.Many2one(
        "stock.picking",
        "Delivery",
        check_company=True,
        index="btree_not_null",
        ondelete="set null",
        tracking=True,
        groups="base.group_user",
        domain="[('picking_type_code', '!=', 'internal')]"
        " + (trade_order_id and [('sale_id', '=', trade_order_id)] or [])"
        " + (commercial_partner_id and"
        " [('partner_id.commercial_partner_id', '=', commercial_partner_id)] or [])",
    )
    trade_product_id = fields.Many2one(
        "product.product",
        "Product",
        compute="_compute_trade_product_id",
        store=True,
        readonly=False,
        index="btree_not_null",
        ondelete="set null",
        tracking=True,
        groups="base.group_user",
    )
    trade_lot_id = fields.Many2one(
        "stock.lot",
        "Lot",
        index="btree_not_null",
        ondelete="set null",
        tracking=True,
        groups="base.group_user",
        domain="trade_product_id and [('product_id', '=', trade_product_id)] or []",
    )

    @api.depends("trade_picking_id", "trade_order_line_id")
    def _compute_trade_order_id(self):
        for ticket in self:
            order = ticket.trade_order_line_id.order_id or ticket.trade_picking_id.sale_id
            ticket.trade_order_id = order or ticket.trade_order_id

    @api.depends("trade_order_line_id", "trade_lot_id")
    def _compute_trade_product_id(self):
        for ticket in self:
            product = ticket.trade_lot_id.product_id or ticket.trade_order_line_id.product_id
            ticket.trade_product_id = product or ticket.trade_product_id

    @api.onchange("trade_order_id", "trade_picking_id")
    def _onchange_trade_document(self):
        if not self.partner_id:
            self.partner_id = self.trade_order_id.partner_id or self.trade_picking_id.partner_id

    @api.constrains("partner_id", "trade_order_id", "trade_picking_id")
    def _check_trade_customer(self):
        """The papers of one customer do not get into the ticket of another one."""
        for ticket in self.sudo():
            customer = ticket.partner_id.commercial_partner_id
            order, picking = ticket.trade_order_id, ticket.trade_picking_id
            people = order.partner_id | order.partner_shipping_id | order.partner_invoice_id
            for document, partners in ((order, people), (picking, people | picking.partner_id)):
                if document and customer and customer not in partners.commercial_partner_id:
                    raise ValidationError(
                        self.env._(
                            "%(document)s is not of the customer %(customer)s.",
                            document=document.display_name,
                            customer=customer.display_name,
                        )
                    )

    @api.constrains("trade_lot_id", "trade_product_id")
    def _check_trade_lot(self):
        for ticket in self.sudo():
            if ticket.trade_lot_id and ticket.trade_lot_id.product_id != ticket.trade_product_id:
                raise ValidationError(
                    self.env._(
                        "The lot %(lot)s is of %(product)s.",
                        lot=ticket.trade_lot_id.name,
                        product=ticket.trade_lot_id.product_id.display_name,
                    )
                )

    @api.model
    def _count_by(self, field_name, records):
        """``{id: tickets that the user may see}`` of the records that tickets are linked to."""
        rows = self._read_group(Domain(field_name, "in", records.ids), [field_name], ["__count"])
        return {record.id: count for record, count in rows}

    @api.model
    def _get_list_action(self, name, domain, context=None):
        """An action that lists tickets."""
        return {
            "type": "ir.actions.act_window",
            "name": name,
            "res_model": self._name,
            "view_mode": "list,kanban,form",
            "domain": domain,
            "context": context or {},
        }

    @api.model
    def _get_new_action(self, context):
        """An action that opens the form of a new ticket."""
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("New ticket"),
            "res_model": self._name,
            "view_mode": "form",
            "views": [(False, "form")],
            "context": context,
        }
