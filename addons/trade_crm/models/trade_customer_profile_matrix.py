from odoo import api, models

from .trade_customer_profile_value import QUADRANTS, SEGMENTS


class TradeCustomerProfile(models.Model):
    """The value matrix as a picture."""

    _inherit = "trade.customer.profile"

    @api.model
    @api.readonly
    def get_value_matrix(self):
        """Customers and revenue per quadrant of the current company, as the user may see them.

        The quadrants hold everybody who ever bought and sum to ``total``. Revenue and orders are
        those of the policy's window, net of tax, in company currency. Shares are between 0 and 1;
        those of revenue are None unless its total is positive.

        :return: dict of plain values; ``uncomputed`` counts buyers whose quadrant is still to come
        """
        company = self.env.company
        policy = self.env["trade.tier.policy"].search([("company_id", "=", company.id)], limit=1)
        mine = [("company_id", "=", company.id)]
        groups = self._read_group(
            [*mine, ("matrix_quadrant", "!=", False)],
            ["matrix_quadrant", "matrix_segment"],
            ["__count", "window_revenue:sum", "window_order_count:sum"],
        )
        total = self._add_up_matrix(groups)
        return {
            "as_of": self._get_today(company.trade_tz).isoformat(),
            "company": company.name,
            "currency_id": company.currency_id.id,
            "policy": self._prepare_matrix_policy(policy),
            "may_configure": policy.has_access("write"),
            "quadrants": [
                self._prepare_matrix_quadrant(groups, key, total) for key, _label in QUADRANTS
            ],
            "total": total,
            "prospects": self.search_count([*mine, ("order_count", "=", 0)]),
            "uncomputed": self.search_count(
                [*mine, ("order_count", ">", 0), ("matrix_quadrant", "=", False)]
            ),
        }

    @api.model
    def _prepare_matrix_policy(self, policy):
        if not policy:
            return False
        return {
            "id": policy.id,
            "name": policy.name,
            "window_months": policy.window_months,
            "order_value": policy.matrix_order_value,
            "order_count": policy.matrix_order_count,
        }

    @api.model
    def _prepare_matrix_quadrant(self, groups, key, total):
        own = [group for group in groups if group[0] == key]
        values = self._prepare_matrix_part("matrix_quadrant", key, own, total)
        values["segments"] = [
            self._prepare_matrix_part(
                "matrix_segment", segment, [group for group in own if group[1] == segment], total
            )
            for segment, _label in SEGMENTS
            if key == "uncertain"
        ]
        return values

    @api.model
    def _prepare_matrix_part(self, field, key, groups, total):
        part = self._add_up_matrix(groups)
        return {
            "key": key,
            "name": dict(self._fields[field]._description_selection(self.env))[key],
            **part,
            "customer_share": part["customers"] / total["customers"]
            if total["customers"]
            else None,
            "revenue_share": part["revenue"] / total["revenue"] if total["revenue"] > 0 else None,
        }

    @api.model
    def _add_up_matrix(self, groups):
        customers, revenue, orders = (
            sum(group[column] for group in groups) for column in (2, 3, 4)
        )
        return {
            "customers": customers,
            "revenue": revenue,
            "orders": orders,
            "average_order_value": revenue / orders if orders else None,
        }

    @api.model
    def action_view_matrix_partners(self, quadrant, segment=False):
        """Open the customers of a quadrant, or of one part of it."""
        field, key = ("matrix_segment", segment) if segment else ("matrix_quadrant", quadrant)
        domain = [("trade_matrix_quadrant", "=", quadrant)]
        if segment:
            domain.append(("trade_matrix_segment", "=", segment))
        names = dict(self._fields[field]._description_selection(self.env))
        return self.env["res.partner"]._get_trade_action(domain, name=names.get(key))
