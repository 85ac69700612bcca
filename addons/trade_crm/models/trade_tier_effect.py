from odoo import api, fields, models
from odoo.tools import ormcache

from odoo.addons.stock.models.stock_move import PROCUREMENT_PRIORITIES

EFFECTS = ("payment_term_id", "pricelist_id", "picking_priority")


class TradeTier(models.Model):
    """What an order gets because its customer is in the tier; resolved on the order."""

    _inherit = "trade.tier"
    _check_company_auto = True

    payment_term_id = fields.Many2one(
        "account.payment.term",
        "Payment terms",
        check_company=True,
        domain="[('company_id', 'in', (False, company_id))]",
        help="Of new orders, unless the customer has payment terms of its own.",
    )
    pricelist_id = fields.Many2one(
        "product.pricelist",
        check_company=True,
        domain="[('company_id', 'in', (False, company_id))]",
        help="Of new orders, unless the customer has a pricelist of its own, buys in another currency "
        "or is in a country that the pricelist is not for.",
    )
    picking_priority = fields.Selection(
        PROCUREMENT_PRIORITIES,
        "Delivery priority",
        help="Of the deliveries of new orders.",
    )

    @api.model_create_multi
    def create(self, vals_list):
        tiers = super().create(vals_list)
        if any(not vals.keys().isdisjoint(EFFECTS) for vals in vals_list):
            self.env.registry.clear_cache()
        return tiers

    def write(self, vals):
        result = super().write(vals)
        if not vals.keys().isdisjoint(EFFECTS):
            self.env.registry.clear_cache()
        return result

    @api.model
    @ormcache()
    def _get_effects(self):
        """Effects of the tiers that have one: ``{tier id: {field: value}}``."""
        tiers = self.sudo().with_context(active_test=False)
        effects = {
            tier.id: {
                "payment_term_id": tier.payment_term_id.id,
                "pricelist_id": tier.pricelist_id.id,
                "picking_priority": tier.picking_priority == "1" and "1",
            }
            for tier in tiers.search([])
        }
        return {
            tier: {name: value for name, value in values.items() if value}
            for tier, values in effects.items()
            if any(values.values())
        }
