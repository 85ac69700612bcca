from odoo import models


class LoyaltyReward(models.Model):
    """A reward keeps a product for its line on orders, which who makes coupons need not have rights on."""

    _inherit = "loyalty.reward"

    def _with_product_rights(self):
        """The rewards as superuser, for a marketing manager who may change them."""
        manager = self.env.user.has_group("trade_crm_marketing.group_marketing_manager")
        if not manager or not self.has_access("write"):
            return self
        return self.sudo()

    def _create_missing_discount_line_products(self):
        rewards = self._with_product_rights()
        return super(LoyaltyReward, rewards)._create_missing_discount_line_products()

    def write(self, vals):
        # Only these reach the product; everything else is written with the rights of the user.
        rewards = self._with_product_rights() if vals.keys() <= {"description", "active"} else self
        return super(LoyaltyReward, rewards).write(vals)
