from odoo import api, fields, models
from odoo.tools import format_date

from .trade_profile_dirty import CAUSES


class TradeTierHistory(models.Model):
    """Every change of a customer's tier, with the rule and the numbers that led to it."""

    _name = "trade.tier.history"
    _description = "Customer Tier Change"
    _rec_name = "partner_id"
    _order = "changed_at desc, id desc"
    _log_access = False

    partner_id = fields.Many2one(
        "res.partner", "Customer", required=True, readonly=True, ondelete="cascade"
    )
    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, index=True, ondelete="cascade"
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    changed_at = fields.Datetime("Changed on", required=True, readonly=True, index=True)
    previous_tier_id = fields.Many2one(
        "trade.tier", "Previous tier", readonly=True, ondelete="set null"
    )
    tier_id = fields.Many2one(
        "trade.tier", readonly=True, index="btree_not_null", ondelete="set null"
    )
    tier_color = fields.Integer(related="tier_id.color", string="Tier color", aggregator=None)
    cause = fields.Selection(CAUSES, readonly=True)
    rule = fields.Json(readonly=True)
    window_revenue = fields.Monetary("Revenue in window", readonly=True)
    window_order_count = fields.Integer("Orders in window", readonly=True)
    first_order_date = fields.Date("First purchase", readonly=True)
    last_order_date = fields.Date("Last purchase", readonly=True)
    r_score = fields.Integer("Recency score", readonly=True, aggregator="avg")
    f_score = fields.Integer("Frequency score", readonly=True, aggregator="avg")
    m_score = fields.Integer("Monetary score", readonly=True, aggregator="avg")
    reason = fields.Char(compute="_compute_reason")

    _partner_idx = models.Index("(partner_id, company_id, changed_at)")

    @api.depends(
        "rule",
        "window_revenue",
        "window_order_count",
        "last_order_date",
        "r_score",
        "f_score",
        "m_score",
    )
    @api.depends_context("lang")
    def _compute_reason(self):
        for change in self:
            change.reason = self._describe_reason(change.rule, change)

    @api.model
    def _describe_reason(self, rule, numbers):
        """Why a customer is in a tier, in the user's language.

        :param rule: conditions of the tier, see ``trade.tier._get_rule()``; empty for no tier
        :param numbers: record with currency_id, window_revenue, window_order_count, dates and scores
        """
        if not rule:
            return self.env._("No tier of the policy fits.")
        description = self.env["trade.tier"]._describe_rule(rule, numbers.currency_id)
        return self.env._(
            "%(rule)s; the customer has %(facts)s",
            rule=description[:1].upper() + description[1:],
            facts=self._describe_facts(rule, numbers),
        )

    @api.model
    def _describe_facts(self, rule, numbers):
        if not numbers.last_order_date:
            return self.env._("no purchase")
        facts = self.env._(
            "%(amount)s in %(months)s months (orders: %(count)s), first purchase %(first)s, "
            "last purchase %(last)s",
            amount=numbers.currency_id.format(numbers.window_revenue),
            count=numbers.window_order_count,
            months=rule.get("window_months"),
            first=format_date(self.env, numbers.first_order_date),
            last=format_date(self.env, numbers.last_order_date),
        )
        if rule.keys().isdisjoint(self.env["trade.tier"]._get_score_fields()):
            return facts
        return self.env._(
            "%(facts)s; scores R %(r)s, F %(f)s, M %(m)s",
            facts=facts,
            r=numbers.r_score,
            f=numbers.f_score,
            m=numbers.m_score,
        )

    def action_view_partner(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "res.partner",
            "res_id": self.partner_id.id,
            "view_mode": "form",
        }
