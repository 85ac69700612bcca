from odoo import api, models


class TradeTierPolicy(models.Model):
    _inherit = "trade.tier.policy"

    @api.model
    def _create_default(self, companies):
        """Customers of the core tier of the new policies score as well."""
        policies = super()._create_default(companies)
        policies._add_core_tier_to_score()
        return policies

    def _add_core_tier_to_score(self):
        """Have the default rule know the core tier of these policies, by its default name."""
        rule = self.env.ref("trade_crm.trade_lead_score_rule_core", raise_if_not_found=False)
        if not rule:
            return
        english = self.with_context(lang="en_US", active_test=False)
        tiers = english.tier_ids.filtered(lambda tier: tier.name == "Core")
        rule.sudo().tier_ids |= tiers.with_env(self.env)
