from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command, Domain


class TradeTicketBatch(models.TransientModel):
    """One bad lot, many customers: find who got it, open a ticket for each of them in one go."""

    _name = "trade.ticket.batch"
    _description = "Batch Problem"

    ticket_id = fields.Many2one("helpdesk.ticket", "Problem", required=True)
    lot_id = fields.Many2one("stock.lot")
    product_id = fields.Many2one("product.product", "Product", related="lot_id.product_id")
    line_ids = fields.One2many("trade.ticket.batch.line", "batch_id", "Customers")
    hidden_count = fields.Integer("Customers of other territories")
    message = fields.Html(
        "Tell them", help="Sent to each of them as the first message of the ticket."
    )

    @api.model
    def default_get(self, fields_list):
        defaults = super().default_get(fields_list)
        ticket = self.env["helpdesk.ticket"].browse(
            defaults.get("ticket_id") or self.env.context.get("active_id") or 0
        )
        defaults |= {"ticket_id": ticket.id, "lot_id": ticket.trade_lot_id.id}
        return defaults

    @api.onchange("lot_id")
    def _onchange_lot_id(self):
        receivers, hidden = self._find_receivers()
        self.hidden_count = hidden
        self.line_ids = [Command.clear(), *(Command.create(values) for values in receivers)]

    def _find_receivers(self):
        """Who got goods of the lot, and has not sent them back.

        :return: (list of values of lines, number of customers whom the user may not see)
        """
        if not self.lot_id:
            return [], 0
        quantities, orders = self._read_deliveries()
        customers = self.env["res.partner"].browse(
            [partner for partner, quantity in quantities.items() if quantity > 0]
        )
        seen = customers._filtered_access("read")
        have = self._get_tickets_of_problem().partner_id.commercial_partner_id
        lines = [
            {
                "partner_id": customer.id,
                "quantity": quantities[customer.id],
                "order_names": ", ".join(sorted(orders.get(customer.id, ()))),
                "known": customer in have,
                "chosen": customer not in have,
            }
            for customer in seen.sorted(lambda customer: -quantities[customer.id])
        ]
        return lines, len(customers) - len(seen)

    def _read_deliveries(self):
        """Quantities less returns and order names per customer, by one query of all moves."""
        lines_sudo = self.env["stock.move.line"].sudo()
        outside = Domain("location_dest_usage", "=", "customer")
        back = Domain("location_usage", "=", "customer")
        moved = lines_sudo.search_fetch(
            Domain("lot_id", "=", self.lot_id.id)
            & Domain("state", "=", "done")
            & Domain("company_id", "=", self.ticket_id.company_id.id)
            & (outside | back),
            ["quantity_product_uom", "location_dest_usage", "picking_id"],
        )
        quantities, orders = {}, {}
        for line in moved:
            picking = line.picking_id
            partner = (picking.sale_id.partner_id or picking.partner_id).commercial_partner_id.id
            if not partner:
                continue
            sign = 1 if line.location_dest_usage == "customer" else -1
            quantities[partner] = quantities.get(partner, 0) + sign * line.quantity_product_uom
            if picking.sale_id:
                orders.setdefault(partner, set()).add(picking.sale_id.name)
        return quantities, orders

    def _get_tickets_of_problem(self):
        return self.ticket_id.sudo().trade_child_ids

    def action_create(self):
        """A ticket for each chosen customer, as part of the problem."""
        self.ensure_one()
        chosen = self.line_ids.filtered("chosen") - self.line_ids.filtered("known")
        if not chosen:
            raise UserError(self.env._("Choose at least one customer without a ticket."))
        # Who was chosen came from the browser.
        chosen.partner_id.check_access("read")
        if self.lot_id and not self.ticket_id.trade_lot_id:
            self.ticket_id.trade_lot_id = self.lot_id
        tickets = self.env["helpdesk.ticket"].create(
            [self._prepare_ticket(line) for line in chosen]
        )
        self.ticket_id._answer_all(self.message, tickets)
        return self.ticket_id.action_open_children()

    def _prepare_ticket(self, line):
        problem = self.ticket_id
        partner = line.partner_id
        return {
            "name": problem.name,
            "description": problem.description,
            "trade_parent_id": problem.id,
            "partner_id": partner.id,
            "partner_name": partner.name,
            "partner_email": partner.email,
            "company_id": problem.company_id.id,
            "trade_type_id": problem.trade_type_id.id,
            "trade_lot_id": self.lot_id.id,
            "trade_product_id": self.lot_id.product_id.id,
            "team_id": problem.team_id.id,
            "user_id": problem.user_id.id,
            "priority": problem.priority,
        }


class TradeTicketBatchLine(models.TransientModel):
    _name = "trade.ticket.batch.line"
    _description = "Customer of a Batch Problem"

    batch_id = fields.Many2one("trade.ticket.batch", required=True, ondelete="cascade")
    partner_id = fields.Many2one("res.partner", "Customer", required=True, ondelete="cascade")
    quantity = fields.Float(readonly=True)
    order_names = fields.Char("Orders", readonly=True)
    known = fields.Boolean("Has a ticket", readonly=True)
    chosen = fields.Boolean("Open a ticket", default=True)


class TradeTicketAnswer(models.TransientModel):
    """Tell all customers of a problem the same, each in the own ticket."""

    _name = "trade.ticket.answer"
    _description = "Answer to All"

    ticket_id = fields.Many2one("helpdesk.ticket", "Problem", required=True)
    message = fields.Html(required=True)
    stage_id = fields.Many2one("helpdesk.ticket.stage", "Then move to", help="Empty: they stay.")
    open_count = fields.Integer("Open tickets", compute="_compute_open_count")

    @api.model
    def default_get(self, fields_list):
        defaults = super().default_get(fields_list)
        defaults.setdefault("ticket_id", self.env.context.get("active_id"))
        return defaults

    @api.depends("ticket_id")
    def _compute_open_count(self):
        for answer in self:
            answer.open_count = len(answer._get_open_tickets())

    def _get_open_tickets(self):
        return self.env["helpdesk.ticket"].search(
            [("trade_parent_id", "=", self.ticket_id.id), ("stage_id.closed", "=", False)]
        )

    def action_send(self):
        self.ensure_one()
        tickets = self._get_open_tickets()
        if not tickets:
            raise UserError(self.env._("No ticket of this problem is open."))
        self.ticket_id._answer_all(self.message, tickets)
        if self.stage_id:
            tickets.stage_id = self.stage_id
        return {"type": "ir.actions.act_window_close"}
