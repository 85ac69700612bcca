from odoo import api, models


class TradeCustomerProfile(models.Model):
    """Share of customers and revenue per tier, as a picture."""

    _inherit = "trade.customer.profile"

    @api.model
    @api.readonly
    def get_tier_share(self):
        """Customers and revenue per tier of the current company, as the user may see them.

        Shares are between 0 and 1 and sum to 1; those of revenue are None unless its total is
        positive. Revenue is that of the policy's window, net of tax, in company currency.

        :return: dict of plain values; ``tiers`` starts with the tier of most revenue and ends
            with the customers whom no tier of the policy fits, under the id ``False``
        """
        company = self.env.company
        policy = self.env["trade.tier.policy"].search([("company_id", "=", company.id)], limit=1)
        groups = self._read_group(
            [("company_id", "=", company.id)],
            ["tier_id"],
            ["__count", "window_revenue:sum", "window_order_count:sum"],
        )
        numbers = dict.fromkeys(policy.tier_ids, (0, 0.0, 0))
        numbers |= {tier: values for tier, *values in groups}
        tiers = [self._prepare_tier_share(tier, *values) for tier, values in numbers.items()]
        total = self._get_tier_share_total(tiers)
        for values in tiers:
            values["customer_share"] = self._get_share(values["customers"], total["customers"])
            values["revenue_share"] = self._get_share(values["revenue"], total["revenue"])
        return {
            "as_of": self._get_today(company.trade_tz).isoformat(),
            "company": company.name,
            "currency_id": company.currency_id.id,
            "policy": policy.read(["name", "window_months"])[0] if policy else False,
            "may_configure": policy.has_access("write"),
            "tiers": sorted(
                tiers, key=lambda tier: (not tier["id"], -tier["revenue"], -tier["customers"])
            ),
            "total": total,
        }

    @api.model
    def _prepare_tier_share(self, tier, customers, revenue, orders):
        return {
            "id": tier.id,
            "name": tier.name or self.env._("No tier"),
            "color": tier.color,
            "condition": tier.condition or self.env._("no tier of the policy fits"),
            "customers": customers,
            "revenue": revenue,
            "orders": orders,
            "average_order_value": revenue / orders if orders else None,
        }

    @api.model
    def _get_tier_share_total(self, tiers):
        customers, revenue, orders = (
            sum(tier[name] for tier in tiers) for name in ("customers", "revenue", "orders")
        )
        return {
            "customers": customers,
            "revenue": revenue,
            "orders": orders,
            "average_order_value": revenue / orders if orders else None,
        }

    @api.model
    def _get_share(self, part, total):
        return part / total if total > 0 else None

    @api.model
    def action_view_tier_partners(self, tier_id=False):
        """Open the customers of a tier, or with ``False`` those of the company without one."""
        tier = self.env["trade.tier"].browse(tier_id)
        return self.env["res.partner"]._get_trade_action(
            [("trade_profile_id", "!=", False), ("trade_tier_id", "=", tier.id)],
            name=tier.name or self.env._("No tier"),
        )
