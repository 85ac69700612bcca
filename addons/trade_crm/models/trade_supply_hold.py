"""Scarce goods are kept for core customers, and their orders come first."""

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain
from odoo.tools import ormcache


class TradeSupplyHold(models.Model):
    """So much of a product is kept for customers of some tiers, until a day.

    Others reserve what is beyond it. What those customers get meanwhile comes off it.
    """

    _name = "trade.supply.hold"
    _description = "Stock Held for Core Customers"
    _order = "date_to, id"
    _check_company_auto = True

    name = fields.Char("Reason", required=True, help="Shown on deliveries that wait for it.")
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    product_id = fields.Many2one(
        "product.product", domain="[('is_storable', '=', True)]", check_company=True
    )
    category_id = fields.Many2one("product.category", "Or all of category")
    warehouse_id = fields.Many2one("stock.warehouse", required=True, check_company=True)
    tier_ids = fields.Many2many(
        "trade.tier", string="Held for", required=True, domain="[('company_id', '=', company_id)]"
    )
    quantity = fields.Float("Quantity held", digits="Product Unit", help="Of each product.")
    share = fields.Float("Or share of the stock", help="Of what is on hand, from 0 to 1.")
    date_from = fields.Date("From", required=True, default=fields.Date.context_today)
    date_to = fields.Date("Last day", required=True)

    _numbers_sane = models.Constraint(
        "CHECK (COALESCE(quantity, 0) >= 0 AND COALESCE(share, 0) BETWEEN 0 AND 1)",
        "Hold a quantity, or a share from 0 to 100 %.",
    )

    @api.constrains("product_id", "category_id", "quantity", "share", "tier_ids")
    def _check_whole(self):
        for hold in self:
            if bool(hold.product_id) == bool(hold.category_id):
                raise ValidationError(self.env._("Hold one product, or all of a category."))
            if bool(hold.quantity) == bool(hold.share) or not hold.tier_ids:
                raise ValidationError(
                    self.env._("Hold a quantity or a share of the stock, for one tier at least.")
                )

    @api.model_create_multi
    def create(self, vals_list):
        self.env.registry.clear_cache()
        return super().create(vals_list)

    def write(self, vals):
        self.env.registry.clear_cache()
        return super().write(vals)

    def unlink(self):
        self.env.registry.clear_cache()
        return super().unlink()

    @api.model
    @ormcache()
    def _has_any(self):
        """Whether anything is held at all; asked for each reservation."""
        return bool(self.sudo().search_count([], limit=1))

    @api.model
    def _find(self, move):
        """The holds on the goods of ``move``, today."""
        if not self._has_any():
            return self.browse()
        today = fields.Date.context_today(self)
        warehouse = move.location_id.warehouse_id
        # What has left the stock for packing or shipping is somebody's already.
        if not warehouse or not move.location_id._child_of(warehouse.lot_stock_id):
            return self.browse()
        goods = Domain("product_id", "=", move.product_id.id) | Domain(
            "category_id", "parent_of", move.product_id.categ_id.ids
        )
        return self.sudo().search(
            Domain("warehouse_id", "=", warehouse.id)
            & Domain("date_from", "<=", today)
            & Domain("date_to", ">=", today)
            & goods
        )

    def _get_held(self, product):
        """What is still held of ``product``, in its unit."""
        self.ensure_one()
        reserved, gone = self._get_taken(product)
        here = product.with_context(location=self.warehouse_id.lot_stock_id.id)
        total = self.quantity or self.share * (here.qty_available + gone)
        return max(total - reserved - gone, 0.0)

    def _get_taken(self, product):
        """What those whom it is held for have reserved, and what they got since it began."""
        stock = self.warehouse_id.lot_stock_id.id
        moves = (
            self.env["stock.move"]
            .sudo()
            .search(
                [
                    ("product_id", "=", product.id),
                    ("location_id", "child_of", stock),
                    "!",
                    ("location_dest_id", "child_of", stock),
                    ("sale_line_id", "!=", False),
                    "|",
                    ("state", "in", ("assigned", "partially_available")),
                    "&",
                    ("state", "=", "done"),
                    ("date", ">=", self.date_from),
                ]
            )
            ._filter_tiers(self.tier_ids)
        )
        gone = moves.filtered(lambda move: move.state == "done")
        return tuple(
            sum(move.product_uom._compute_quantity(move.quantity, product.uom_id) for move in some)
            for some in (moves - gone, gone)
        )


class StockMove(models.Model):
    _inherit = "stock.move"

    def _filter_tiers(self, tiers):
        """Moves for customers who are in one of ``tiers``."""
        orders = self.sale_line_id.order_id
        profiles = (
            self.env["trade.customer.profile"]
            .sudo()
            .search(
                [
                    ("partner_id", "in", orders.partner_id.commercial_partner_id.ids),
                    ("company_id", "in", orders.company_id.ids),
                    ("tier_id", "in", tiers.ids),
                ]
            )
        )
        known = {(profile.partner_id, profile.company_id) for profile in profiles}
        return self.filtered(
            lambda move: (
                (
                    move.sale_line_id.order_id.partner_id.commercial_partner_id,
                    move.sale_line_id.order_id.company_id,
                )
                in known
            )
        )

    def _get_foreign_holds(self):
        """Holds on these goods that are for others."""
        self.ensure_one()
        move = self.sudo()
        holds = self.env["trade.supply.hold"]
        if not move.sale_line_id or move.picking_code == "incoming" or not holds._has_any():
            return holds
        return holds._find(move).filtered(lambda hold: not move._filter_tiers(hold.tier_ids))

    def _update_reserved_quantity(self, need, location_id, *args, **kwargs):
        """Others take what is beyond the quantity that is held."""
        if holds := self._get_foreign_holds():
            held = sum(hold._get_held(self.product_id) for hold in holds)
            free = self._get_available_quantity(holds.warehouse_id[:1].lot_stock_id)
            need = min(need, max(free - held, 0.0))
            if self.product_id.uom_id.is_zero(need):
                return 0.0
        return super()._update_reserved_quantity(need, location_id, *args, **kwargs)


class StockPicking(models.Model):
    _inherit = "stock.picking"

    trade_priority_reason = fields.Text("Supply", compute="_compute_trade_priority_reason")

    @api.depends("state", "move_ids.state", "priority")
    @api.depends_context("lang")
    def _compute_trade_priority_reason(self):
        """Why this delivery comes first, or waits for others."""
        for picking in self:
            texts = []
            order = picking.sudo().sale_id
            if picking.priority == "1" and order and order._has_effect("picking_priority"):
                texts.append(order.trade_effect_reason)
            if picking.state in ("confirmed", "waiting", "assigned"):
                short = picking.move_ids.filtered(
                    lambda move: move.state in ("confirmed", "partially_available")
                )
                for move in short:
                    for hold in move._get_foreign_holds():
                        texts.append(
                            self.env._(
                                "%(product)s is held until %(day)s for %(tiers)s: %(reason)s",
                                product=move.product_id.display_name,
                                day=fields.Date.to_string(hold.date_to),
                                tiers=", ".join(hold.sudo().tier_ids.mapped("name")),
                                reason=hold.name,
                            )
                        )
            picking.trade_priority_reason = "\n".join(texts)
