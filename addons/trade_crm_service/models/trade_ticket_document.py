"""Tickets on the records that they are about."""

from odoo import api, fields, models


class TradeTicketDocument(models.AbstractModel):
    """Something that tickets are about: counts them, lists them and opens new ones."""

    _name = "trade.ticket.document"
    _description = "Has Tickets"

    # Field of the ticket that points here.
    _ticket_field = None

    trade_ticket_count = fields.Integer(
        "Tickets", compute="_compute_trade_ticket_count", groups="base.group_user"
    )

    @api.depends_context("uid")
    def _compute_trade_ticket_count(self):
        counts = self.env["helpdesk.ticket"]._count_by(self._ticket_field, self)
        for record in self:
            record.trade_ticket_count = counts.get(record.id, 0)

    def action_trade_tickets(self):
        """The tickets about this; without any, the form of a new one."""
        self.ensure_one()
        tickets = self.env["helpdesk.ticket"]
        context = {f"default_{name}": value for name, value in self._get_ticket_defaults().items()}
        if not self.trade_ticket_count and tickets.has_access("create"):
            return tickets._get_new_action(context)
        return tickets._get_list_action(
            self.env._("Tickets of %(name)s", name=self.display_name),
            [(self._ticket_field, "in", self.ids)],
            context,
        )

    def _get_ticket_defaults(self):
        """Values of a new ticket about this record."""
        return {self._ticket_field: self.id}


class SaleOrder(models.Model):
    _name = "sale.order"
    _inherit = ["sale.order", "trade.ticket.document"]

    _ticket_field = "trade_order_id"

    def _get_ticket_defaults(self):
        return super()._get_ticket_defaults() | {
            "partner_id": self.partner_id.id,
            "partner_name": self.partner_id.name,
            "partner_email": self.partner_id.email,
            "company_id": self.company_id.id,
        }


class StockPicking(models.Model):
    _name = "stock.picking"
    _inherit = ["stock.picking", "trade.ticket.document"]

    _ticket_field = "trade_picking_id"

    def _get_ticket_defaults(self):
        partner = self.sale_id.partner_id or self.partner_id
        return super()._get_ticket_defaults() | {
            "partner_id": partner.id,
            "partner_name": partner.name,
            "partner_email": partner.email,
            "trade_order_id": self.sale_id.id,
            "company_id": self.company_id.id,
        }


class ProductProduct(models.Model):
    _name = "product.product"
    _inherit = ["product.product", "trade.ticket.document"]

    _ticket_field = "trade_product_id"


class ProductTemplate(models.Model):
    _inherit = "product.template"

    trade_ticket_count = fields.Integer(
        "Tickets", compute="_compute_trade_ticket_count", groups="base.group_user"
    )

    @api.depends_context("uid")
    def _compute_trade_ticket_count(self):
        for template in self:
            template.trade_ticket_count = sum(
                template.product_variant_ids.mapped("trade_ticket_count")
            )

    def action_trade_tickets(self):
        return self.env["helpdesk.ticket"]._get_list_action(
            self.env._("Tickets of %(name)s", name=self.display_name),
            [("trade_product_id.product_tmpl_id", "in", self.ids)],
            {"default_trade_product_id": self.product_variant_id.id},
        )


class StockLot(models.Model):
    _name = "stock.lot"
    _inherit = ["stock.lot", "trade.ticket.document"]

    _ticket_field = "trade_lot_id"


class ResPartner(models.Model):
    _inherit = "res.partner"

    def _compute_helpdesk_ticket_count(self):
        """helpdesk_mgmt searches once per customer and reads all its tickets."""
        counts = dict.fromkeys(self.ids, (0, 0))
        families = self._get_ticket_families()
        rows = self.env["helpdesk.ticket"]._read_group(
            [("partner_id", "in", list(families))], ["partner_id", "stage_id"], ["__count"]
        )
        for partner, stage, count in rows:
            for top in families[partner.id]:
                active, total = counts[top]
                counts[top] = (active + (0 if stage.closed else count), total + count)
        for partner in self:
            active, total = counts.get(partner.id, (0, 0))
            partner.helpdesk_ticket_active_count = active
            partner.helpdesk_ticket_count = total
            partner.helpdesk_ticket_count_string = f"{active} / {total}"

    def _get_ticket_families(self):
        """``{id of a partner or of one below it: ids of those of self that it counts for}``"""
        below = self.with_context(active_test=False).search([("id", "child_of", self.ids)])
        families = {}
        for partner in below.sudo():
            above = partner
            while above:
                if above.id in self._ids:
                    families.setdefault(partner.id, []).append(above.id)
                above = above.parent_id
        return families

    def action_view_helpdesk_tickets(self):
        """Without a ticket, the form of a new one."""
        self.ensure_one()
        tickets = self.env["helpdesk.ticket"]
        context = {
            "search_default_open": True,
            "default_partner_id": self.id,
            "default_partner_name": self.name,
            "default_partner_email": self.email,
        }
        if not self.helpdesk_ticket_count and tickets.has_access("create"):
            return tickets._get_new_action(context)
        return tickets._get_list_action(
            self.env._("Tickets of %(name)s", name=self.display_name),
            [("partner_id", "child_of", self.ids)],
            context,
        )
