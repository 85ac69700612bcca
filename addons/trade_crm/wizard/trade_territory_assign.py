from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL


class TradeTerritoryAssign(models.TransientModel):
    """Move customers to a territory by hand, with what they take along."""

    _name = "trade.territory.assign"
    _description = "Move Customers to a Territory"

    # Archived customers have a territory as well.
    partner_ids = fields.Many2many(
        "res.partner", string="Customers", required=True, context={"active_test": False}
    )
    partner_count = fields.Integer(compute="_compute_partner_count")
    by_rules = fields.Boolean(
        "Let the rules decide",
        help="Takes back what was set by hand: the rules place the customer.",
    )
    territory_id = fields.Many2one("trade.territory", "To")
    shared_territory_ids = fields.Many2many(
        "trade.territory",
        "trade_territory_assign_shared_rel",
        string="Shared with",
        help="Other territories that work with the customer as well.",
    )
    user_id = fields.Many2one(
        "res.users", "New salesperson", domain=[("share", "=", False)], help="Empty: as it is."
    )
    reason = fields.Char(help="It is kept with the move.")
    take_leads = fields.Boolean("Open leads", default=True)
    take_quotations = fields.Boolean("Quotations", default=True)
    take_orders = fields.Boolean(
        "Orders to deliver or invoice",
        default=True,
        help="With their open deliveries and unpaid invoices.",
    )
    take_past_orders = fields.Boolean("All past orders")

    @api.model
    def default_get(self, fields_list):
        values = super().default_get(fields_list)
        if self.env.context.get("active_model") == "res.partner" and "partner_ids" in fields_list:
            partners = self.env["res.partner"].browse(self.env.context.get("active_ids", []))
            customers = partners.commercial_partner_id
            values["partner_ids"] = [fields.Command.set(customers.ids)]
            if len(customers) == 1:
                values["shared_territory_ids"] = [
                    fields.Command.set(customers.shared_territory_ids.ids)
                ]
        return values

    @api.depends("partner_ids")
    def _compute_partner_count(self):
        for wizard in self:
            wizard.partner_count = len(wizard.partner_ids)

    def _get_keys(self):
        """What goes along, see ``trade.territory.move._get_documents``."""
        chosen = {
            "leads": self.take_leads,
            "quotations": self.take_quotations,
            "orders": self.take_orders,
            "pickings": self.take_orders,
            "invoices": self.take_orders,
            "past_orders": self.take_past_orders,
        }
        return {key for key, taken in chosen.items() if taken}

    def action_move(self):
        """Move the customers; the user has to see each of them."""
        self.ensure_one()
        if not self.by_rules and not self.territory_id:
            raise UserError(self.env._("Choose the territory that the customers move to."))
        moves = self.env["trade.territory.move"]
        moves._check_may_move()
        customers = self.partner_ids.commercial_partner_id
        customers.check_access("write")
        vendors = customers.sudo().filtered(
            lambda partner: not partner.territory_id and not partner.partner_share
        )
        if vendors:
            raise UserError(
                self.env._(
                    "%(names)s: your colleagues and companies have no territory. Take them off the list.",
                    names=", ".join(vendors.mapped("name")),
                )
            )
        counts = moves.sudo()._move(self._get_changes(customers), self._get_keys(), self.reason)
        self._share(customers)
        return self._notify(counts)

    def _get_changes(self, customers):
        customers.flush_recordset()
        if self.by_rules:
            query = customers.sudo()._as_query(ordered=False)
            return self.env["trade.territory.rule"]._get_placing_sql(query)
        return SQL(
            "SELECT id, territory_id AS from_id, %s::int AS territory_id, NULL::int AS rule_id,"
            " 'manual' AS source FROM res_partner WHERE id = ANY(%s)",
            self.territory_id.id,
            customers.ids,
        )

    def _share(self, customers):
        """What else the person said: who shares the customers, who sells to them, and why."""
        customers_sudo = customers.sudo().with_context(trade_territory_moved=True)
        # Kept by hand from now on, also where the territory was right already.
        vals = {
            "territory_source": "rule" if self.by_rules else "manual",
        }
        if len(customers) == 1 or self.shared_territory_ids:
            vals["shared_territory_ids"] = [fields.Command.set(self.shared_territory_ids.ids)]
        if self.user_id:
            vals["user_id"] = self.user_id.id
        customers_sudo.write(vals)

    def _notify(self, counts):
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self.env["trade.territory.move"]._describe_counts(counts),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }
