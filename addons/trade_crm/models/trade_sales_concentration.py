import json

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain
from odoo.tools import SQL

from ..analytics.concentration import concentrate
from .res_partner import ROLES

# What can be ranked: key, column of the fact and model that the ranks open.
GROUPS = {"customer": ("partner_id", "res.partner"), "product": ("product_id", "product.product")}
PERIODS = ("months", "year", "last_year", "all")


class TradeSalesFact(models.Model):
    """How much of the revenue comes from how few customers or products, as a picture."""

    _inherit = "trade.sales.fact"

    @api.model
    @api.readonly
    def get_concentration(self, period="months", group_by="customer"):
        """Lorenz curve, Gini coefficient and classes of the current company.

        Who has bought nothing on balance has no place in the curve: ``others`` are told apart, so
        that classes and others sum to all of the revenue.

        :param period: "months" (the last twelve), "year", "last_year" or "all"
        :param group_by: "customer" or "product"
        :return: dict of plain values; ``classes`` and ``curve`` as :func:`concentrate` has them
        """
        company = self.env.company
        start, end = self._get_concentration_days(period)
        rows = self.env.execute_query(self._get_amount_query(period, group_by))
        amounts = [float(amount) for amount, _key in rows]
        result = concentrate([amount for amount in amounts if amount > 0])
        others = [amount for amount in amounts if amount <= 0]
        return {
            **result._asdict(),
            "classes": [entry._asdict() for entry in result.classes],
            "others": {"count": len(others), "amount": company.currency_id.round(sum(others))},
            "company": company.name,
            "currency_id": company.currency_id.id,
            "start": start and start.isoformat(),
            "end": end.isoformat(),
        }

    @api.model
    def _get_concentration_days(self, period):
        """First (None for any) and last day of a period of the current company."""
        if period not in PERIODS:
            raise ValidationError(self.env._("There is no period %s.", period))
        today = self.env["trade.customer.profile"]._get_today(self.env.company.trade_tz)
        if period == "last_year":
            return today.replace(today.year - 1, 1, 1), today.replace(today.year - 1, 12, 31)
        starts = {
            "months": fields.Date.subtract(today, months=12, days=-1),
            "year": today.replace(month=1, day=1),
            "all": None,
        }
        return starts[period], today

    @api.model
    def _get_amount_query(self, period, group_by):
        """Revenue of each customer or product: ``SQL`` with the columns amount and key."""
        if group_by not in GROUPS:
            raise ValidationError(self.env._("Sales cannot be ranked by %s.", group_by))
        column, _model = GROUPS[group_by]
        start, end = self._get_concentration_days(period)
        domain = Domain("company_id", "=", self.env.company.id) & Domain("day", "<=", end)
        if start:
            domain &= Domain("day", ">=", start)
        if group_by == "product":
            domain &= Domain("product_id", "!=", False)
        query = self._search(domain)
        key = SQL.identifier(self._table, column)
        return SQL(
            "SELECT sum(%s) AS amount, %s AS key FROM %s WHERE %s GROUP BY %s",
            SQL.identifier(self._table, "revenue"),
            key,
            query.from_clause,
            query.where_clause or SQL("TRUE"),
            key,
        )

    @api.model
    def _get_rank_query(self, period, group_by, first, last):
        """Ids of the customers or products with these ranks; among equals the older one is first."""
        return SQL(
            "(SELECT key FROM (SELECT key, row_number() OVER (ORDER BY amount DESC, key) AS rank"
            " FROM (%s) amounts WHERE amount > 0) ranks WHERE rank BETWEEN %s AND %s)",
            self._get_amount_query(period, group_by),
            first,
            last,
        )

    @api.model
    def _get_rank_domain(self, operator, value):
        """Condition for the records of a list with the ranks ``value``, texts of JSON."""
        if operator != "in":
            return NotImplemented
        return Domain.OR(
            Domain("id", "in", self._get_rank_query(*json.loads(rank))) for rank in value
        )

    @api.model
    def action_view_ranks(self, period, group_by, first, last, name):
        """Open the customers or products from rank ``first`` to ``last``."""
        # Checked here, so that a wrong value is refused before the list opens.
        self._get_amount_query(period, group_by)
        _column, model = GROUPS[group_by]
        domain = [("trade_sales_rank", "=", json.dumps([period, group_by, first, last]))]
        if model == "res.partner":
            return self.env[model]._get_trade_action(domain, name=name)
        return {
            "type": "ir.actions.act_window",
            "name": name,
            "res_model": model,
            "views": [(False, "list"), (False, "kanban"), (False, "form")],
            "domain": domain,
            "context": {"active_test": False},
        }


class ResPartner(models.Model):
    _inherit = "res.partner"

    trade_sales_rank = fields.Char(
        "Rank by sales",
        store=False,
        search="_search_trade_sales_rank",
        groups=ROLES,
        help="Limits a list to the customers with certain ranks by revenue.",
    )

    def _search_trade_sales_rank(self, operator, value):
        return self.env["trade.sales.fact"]._get_rank_domain(operator, value)


class ProductProduct(models.Model):
    _inherit = "product.product"

    trade_sales_rank = fields.Char(
        "Rank by sales",
        store=False,
        search="_search_trade_sales_rank",
        groups=ROLES,
        help="Limits a list to the products with certain ranks by revenue.",
    )

    def _search_trade_sales_rank(self, operator, value):
        return self.env["trade.sales.fact"]._get_rank_domain(operator, value)
