from odoo import api, fields, models
from odoo.tools.sql import column_exists, create_column

from odoo.addons.stock.models.stock_move import PROCUREMENT_PRIORITIES


class SaleOrder(models.Model):
    """What an order gets because of its customer's tier, and why.

    It is resolved when Odoo takes payment terms and pricelist from the customer, that is when the
    customer of the order is set; confirming the order reads nothing more. What the customer has of
    its own, or a person sets on the order, stays.
    """

    _inherit = "sale.order"

    trade_effects = fields.Json(
        compute="_compute_trade_effects", store=True, precompute=True, readonly=True, copy=False
    )
    trade_effect_reason = fields.Char(
        "Because of the customer's tier", compute="_compute_trade_effect_reason"
    )
    trade_delivery_priority = fields.Selection(
        PROCUREMENT_PRIORITIES,
        "Delivery priority",
        compute="_compute_trade_delivery_priority",
        store=True,
        readonly=False,
        precompute=True,
        copy=False,
        help="Of the deliveries of this order.",
    )

    def _auto_init(self):
        # Orders that exist already have no effects; computing that would take minutes.
        for column, definition in (
            ("trade_effects", "jsonb"),
            ("trade_delivery_priority", "varchar"),
        ):
            if not column_exists(self.env.cr, self._table, column):
                create_column(self.env.cr, self._table, column, definition)
        return super()._auto_init()

    @api.depends("partner_id", "company_id")
    def _compute_trade_effects(self):
        tiers = self._get_customer_tiers()
        for order in self:
            order.trade_effects = order._prepare_effects(tiers.get(order)) or False

    @api.depends("partner_id", "company_id")
    def _compute_trade_delivery_priority(self):
        for order in self:
            effect = (order.trade_effects or {}).get("picking_priority")
            order.trade_delivery_priority = effect["value"] if effect else "0"

    def _compute_payment_term_id(self):
        result = super()._compute_payment_term_id()
        for order in self:
            if effect := (order.trade_effects or {}).get("payment_term_id"):
                order.payment_term_id = effect["value"]
        return result

    def _compute_pricelist_id(self):
        result = super()._compute_pricelist_id()
        for order in self:
            effect = (order.trade_effects or {}).get("pricelist_id")
            if effect and order.state == "draft":
                order.pricelist_id = effect["value"]
        return result

    @api.depends("trade_effects", "payment_term_id", "pricelist_id", "trade_delivery_priority")
    @api.depends_context("lang")
    def _compute_trade_effect_reason(self):
        for order in self:
            order.trade_effect_reason = order._describe_effects()

    # ------------------------------------------------------------------
    # Resolve
    # ------------------------------------------------------------------

    def _get_customer_tiers(self):
        """Tiers of the customers, if any tier has an effect at all: ``{order: tier}``."""
        if not self.env["trade.tier"]._get_effects():
            return {}
        customers = {order: order.partner_id._origin.sudo().commercial_partner_id for order in self}
        profiles_sudo = (
            self.env["trade.customer.profile"]
            .sudo()
            .search_fetch(
                [
                    ("partner_id", "in", [customer.id for customer in customers.values()]),
                    ("company_id", "in", self.company_id.ids),
                ],
                ["partner_id", "company_id", "tier_id"],
            )
        )
        tiers = {
            (profile.partner_id.id, profile.company_id.id): profile.tier_id
            for profile in profiles_sudo
        }
        return {
            order: tiers.get((customer.id, order.company_id.id), self.env["trade.tier"])
            for order, customer in customers.items()
        }

    def _prepare_effects(self, tier):
        """What the order gets from ``tier``, with the rule as reason."""
        offers = self.env["trade.tier"]._get_effects().get(tier.id, {}) if tier else {}
        accepted = {
            "payment_term_id": self._accepts_payment_term,
            "pricelist_id": self._accepts_pricelist,
            "picking_priority": bool,
        }
        return {
            name: {"tier_id": tier.id, "rule": tier.sudo()._get_rule(), "value": value}
            for name, value in offers.items()
            if accepted[name](value)
        }

    def _accepts_payment_term(self, term_id):
        """Whether the order may have terms of a tier: those set on the customer come first."""
        partner_sudo = self._get_partner_of_company()
        default = partner_sudo._fields["property_payment_term_id"].get_company_dependent_fallback(
            partner_sudo
        )
        term_sudo = self.env["account.payment.term"].sudo().browse(term_id)
        return partner_sudo.property_payment_term_id == default and term_sudo.active

    def _accepts_pricelist(self, pricelist_id):
        """Whether the order may have a pricelist of a tier.

        One set on the customer comes first, and a tier changes neither the currency in which the
        customer buys nor the country that a pricelist is for.
        """
        if not self.env["res.groups"]._is_feature_enabled("product.group_product_pricelist"):
            return False
        partner_sudo = self._get_partner_of_company()
        if partner_sudo.specific_property_product_pricelist._get_partner_pricelist_multi_filter_hook():
            return False
        pricelist_sudo = self.env["product.pricelist"].sudo().browse(pricelist_id)
        countries = pricelist_sudo.country_group_ids.country_ids
        usual = partner_sudo.property_product_pricelist or self.company_id
        return bool(
            pricelist_sudo._get_partner_pricelist_multi_filter_hook()
            and pricelist_sudo.currency_id == usual.currency_id
            and (not pricelist_sudo.country_group_ids or partner_sudo.country_id in countries)
        )

    def _get_partner_of_company(self):
        self.ensure_one()
        return self.partner_id._origin.sudo().with_company(self.company_id)

    # ------------------------------------------------------------------
    # Reason
    # ------------------------------------------------------------------

    def _has_effect(self, name):
        """Whether the order still has what a tier gave it."""
        self.ensure_one()
        fields_by_name = {"picking_priority": "trade_delivery_priority"}
        effect = (self.trade_effects or {}).get(name)
        if not effect:
            return False
        value = self[fields_by_name.get(name, name)]
        return (value.id if isinstance(value, models.BaseModel) else value) == effect["value"]

    def _describe_effects(self):
        """What the order has from a tier, and what had put the customer in that tier."""
        texts = {
            "payment_term_id": lambda: self.env._(
                "payment terms %(name)s", name=self.payment_term_id.sudo().name
            ),
            "pricelist_id": lambda: self.env._(
                "pricelist %(name)s", name=self.pricelist_id.sudo().name
            ),
            "picking_priority": lambda: self.env._("urgent delivery"),
        }
        by_tier = {}
        for name, text in texts.items():
            if self._has_effect(name):
                effect = self.trade_effects[name]
                _rule, parts = by_tier.setdefault(effect["tier_id"], (effect["rule"], []))
                parts.append(text())
        tiers_sudo = self.env["trade.tier"].sudo()
        return "; ".join(
            self.env._(
                "Customer tier %(tier)s (%(rule)s): %(effects)s",
                tier=tiers_sudo.browse(tier).exists().name or self.env._("Removed"),
                rule=tiers_sudo._describe_rule(rule, self.company_id.sudo().currency_id),
                effects=", ".join(parts),
            )
            for tier, (rule, parts) in by_tier.items()
        )


class StockMove(models.Model):
    _inherit = "stock.move"

    def _get_new_picking_values(self):
        values = super()._get_new_picking_values()
        if "1" in self.sale_line_id.order_id.mapped("trade_delivery_priority"):
            values["priority"] = "1"
        return values
