from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.tools import SQL, format_date

from ..analytics.windows import get_window_start
from .trade_tier_policy_value import LADDER_STEPS

# Marcus (1998), "A practical yet meaningful approach to customer segmentation".
QUADRANTS = [
    ("best", "Best"),
    ("spender", "Spender"),
    ("frequent", "Frequent"),
    ("uncertain", "Uncertain"),
]
SEGMENTS = [
    ("new", "New"),
    ("steady", "Small and active"),
    ("gone", "Dormant or lost"),
]
BANDS = [("high", "High"), ("middle", "Middle"), ("low", "Low")]
STATUSES = [
    ("prospect", "Prospect"),
    ("new", "New"),
    ("growing", "Growing"),
    ("stable", "Stable"),
    ("slipping", "Slipping"),
    ("dormant", "Dormant"),
    ("lost", "Lost"),
    ("won_back", "Won back"),
]
GONE = ("dormant", "lost")
PATTERNS = [
    ("never", "Never bought"),
    ("bulk_once", "One-off bulk"),
    ("bulk_repeated", "Repeated bulk"),
    ("continuous", "Continuous"),
    ("occasional", "Occasional"),
]
# Two gaps between days with a purchase are the least that tell a rhythm.
RHYTHM_GAPS = 2


class TradeCustomerProfile(models.Model):
    """What the policy says about a customer's value, lifecycle and place on the order ladder."""

    _inherit = "trade.customer.profile"

    window_average_order_value = fields.Monetary(
        "Average order value in window", readonly=True, aggregator="avg"
    )
    matrix_quadrant = fields.Selection(
        QUADRANTS,
        "Value quadrant",
        readonly=True,
        help="Best: large orders, often. Spender: large orders, seldom. Frequent: small orders, often. "
        "Uncertain: small orders, seldom. Measured within the window of the tier policy; empty for "
        "who never bought.",
    )
    matrix_segment = fields.Selection(
        SEGMENTS,
        "Part of the uncertain quadrant",
        readonly=True,
        help="Customers of few and small orders are new, still buy, or have stopped buying.",
    )
    value_band = fields.Selection(
        BANDS,
        readonly=True,
        help="From revenue and orders within the window of the tier policy; empty for who never bought.",
    )
    lifecycle_status = fields.Selection(STATUSES, readonly=True)
    lifecycle_reason = fields.Char("Why this status", compute="_compute_lifecycle_reason")
    recent_revenue = fields.Monetary(
        "Recent revenue",
        readonly=True,
        help="Revenue of the months that the policy takes for a trend.",
    )
    previous_revenue = fields.Monetary(
        "Revenue before",
        readonly=True,
        help="Revenue of as many months before those of recent revenue.",
    )
    returned_on = fields.Date(
        readonly=True,
        help="The last purchase that came after a dormant time, as the policy has it.",
    )
    slips_on = fields.Date(
        "Late from",
        readonly=True,
        help="From this day on, no purchase has come for longer than the policy allows at the customer's "
        "own rhythm. Empty before the third day with a purchase.",
    )
    purchase_pattern = fields.Selection(PATTERNS, readonly=True)
    potential_high_value = fields.Boolean("Likely high-value", readonly=True)
    potential_reason = fields.Char("Why likely high-value", compute="_compute_potential_reason")
    ladder_step = fields.Integer(
        "Order reached",
        readonly=True,
        aggregator="avg",
        help=f"Number of the last order; {LADDER_STEPS} stands for that many or more.",
    )
    step_days = fields.Json(
        "Days between orders",
        readonly=True,
        help=f"Days from one order to the next, up to order {LADDER_STEPS}.",
    )
    user_id = fields.Many2one(related="partner_id.user_id")
    country_id = fields.Many2one(related="partner_id.country_id")

    # ------------------------------------------------------------------
    # Statement
    # ------------------------------------------------------------------

    @api.model
    def _get_company_columns(self, policy):
        settings, today = policy.settings, self._get_today(policy.tz)
        trend = settings["trend_months"]
        months = (
            "lifecycle_new_months",
            "lifecycle_dormant_months",
            "lifecycle_lost_months",
            "lifecycle_returned_months",
        )
        # A float as text becomes the number that was typed: 0.2 and not what is nearest to it.
        numbers = {
            name: SQL("%s::numeric", str(value))
            for name, value in settings.items()
            if name not in months and name != "trend_months"
        }
        return {
            **super()._get_company_columns(policy),
            **{name: SQL("make_interval(months => %s)", settings[name]) for name in months},
            "trend_time": SQL("make_interval(months => %s)", trend),
            "recent_start": SQL("%s::date", get_window_start(today, trend)),
            "previous_start": SQL("%s::date", get_window_start(today, 2 * trend)),
            "dormant_months": SQL("%s::int", settings["lifecycle_dormant_months"]),
            **numbers,
        }

    @api.model
    def _get_purchase_company_columns(self):
        names = super()._get_purchase_company_columns()
        return [*names, "recent_start", "previous_start", "dormant_months"]

    @api.model
    def _get_aggregate_columns(self):
        moves = SQL("(orders > 0 OR revenue <> 0)")
        return {
            **super()._get_aggregate_columns(),
            "recent_revenue": SQL("COALESCE(sum(revenue) FILTER (WHERE day >= recent_start), 0)"),
            "previous_revenue": SQL(
                "COALESCE(sum(revenue) FILTER (WHERE day >= previous_start AND day < recent_start), 0)"
            ),
            "first_recent": SQL("min(day) FILTER (WHERE day >= recent_start AND %s)", moves),
            "first_previous": SQL(
                "min(day) FILTER (WHERE day >= previous_start AND day < recent_start AND %s)", moves
            ),
            # No time of so many months is shorter than 28 days each: that spares most of the dates.
            "returned_on": SQL(
                "max(day) FILTER (WHERE gap >= 28 * dormant_months"
                " AND (day - gap + make_interval(months => dormant_months))::date <= day)"
            ),
            "window_days": SQL(
                "count(*) FILTER ("
                "WHERE orders > 0 AND gap IS DISTINCT FROM 0 AND day >= window_start)"
            ),
            # ``purchase`` comes in the order of the days, because its gaps are found in that order.
            "step_days": SQL("(array_agg(gap) FILTER (WHERE orders > 0))[2:%s]", LADDER_STEPS),
        }

    @api.model
    def _get_total_columns(self):
        passed_on = (
            "recent_revenue",
            "previous_revenue",
            "first_recent",
            "first_previous",
            "returned_on",
            "window_days",
        )
        return {
            **super()._get_total_columns(),
            **{name: SQL.identifier("aggregate", name) for name in passed_on},
            "window_average_order_value": SQL(
                "round(aggregate.window_revenue / NULLIF(aggregate.window_order_count, 0),"
                " company.decimals)"
            ),
            # The first day that is more than slip_factor cycles after the last purchase.
            "slips_on": SQL(
                "CASE WHEN aggregate.gaps >= %s THEN aggregate.last_order_date + 1"
                " + floor(aggregate.gap_sum * company.slip_factor / aggregate.gaps)::int END",
                RHYTHM_GAPS,
            ),
            "ladder_step": SQL("LEAST(aggregate.order_count, %s)", LADDER_STEPS),
            "step_days": SQL("to_jsonb(NULLIF(aggregate.step_days, '{}'))"),
        }

    @api.model
    def _get_decision_columns(self, policies):
        return {
            **super()._get_decision_columns(policies),
            "matrix_quadrant": self._get_quadrant_sql(),
            "matrix_segment": self._get_segment_sql(),
            "value_band": self._get_band_sql(),
            "lifecycle_status": self._get_status_sql(),
            "purchase_pattern": self._get_pattern_sql(),
            "potential_high_value": self._get_potential_sql(),
        }

    @api.model
    def _is_matrix_high_sql(self):
        """Whether orders are large and whether they are frequent: two ``SQL`` that are never null."""
        return (
            SQL("COALESCE(total.window_average_order_value >= company.matrix_order_value, FALSE)"),
            SQL("total.window_order_count >= company.matrix_order_count"),
        )

    @api.model
    def _get_quadrant_sql(self):
        return SQL(
            "CASE WHEN total.order_count = 0 THEN NULL"
            " WHEN %(large)s AND %(often)s THEN 'best'"
            " WHEN %(large)s THEN 'spender'"
            " WHEN %(often)s THEN 'frequent'"
            " ELSE 'uncertain' END",
            **dict(zip(("large", "often"), self._is_matrix_high_sql(), strict=True)),
        )

    @api.model
    def _get_segment_sql(self):
        return SQL(
            "CASE WHEN %s IS DISTINCT FROM 'uncertain' THEN NULL"
            " WHEN %s THEN 'gone' WHEN %s THEN 'new' ELSE 'steady' END",
            self._get_quadrant_sql(),
            self._get_period_over_sql("last_order_date", "lifecycle_dormant_months"),
            self._get_period_running_sql("first_order_date", "lifecycle_new_months"),
        )

    @api.model
    def _get_band_sql(self):
        """Both limits of a band hold; one of 0 always does, even for revenue below 0."""
        branches = [
            SQL(
                "WHEN (%(revenue)s = 0 OR total.window_revenue >= %(revenue)s)"
                " AND total.window_order_count >= %(orders)s THEN %(band)s",
                revenue=SQL.identifier("company", f"band_{band}_revenue"),
                orders=SQL.identifier("company", f"band_{band}_orders"),
                band=band,
            )
            for band in ("high", "middle")
        ]
        return SQL(
            "CASE WHEN total.order_count = 0 THEN NULL %s ELSE 'low' END", SQL(" ").join(branches)
        )

    @api.model
    def _get_status_sql(self):
        """The first status whose condition holds."""
        has_trend = SQL("(total.first_order_date + 2 * company.trend_time)::date <= company.today")
        return SQL(
            "CASE WHEN total.order_count = 0 THEN 'prospect'"
            " WHEN %(lost)s THEN 'lost'"
            " WHEN %(dormant)s THEN 'dormant'"
            " WHEN %(returned)s THEN 'won_back'"
            " WHEN %(new)s THEN 'new'"
            " WHEN total.slips_on <= company.today THEN 'slipping'"
            " WHEN %(has_trend)s AND total.recent_revenue"
            " < total.previous_revenue * (1 - company.trend_rate) THEN 'slipping'"
            " WHEN %(has_trend)s AND total.recent_revenue"
            " > total.previous_revenue * (1 + company.trend_rate) THEN 'growing'"
            " ELSE 'stable' END",
            lost=self._get_period_over_sql("last_order_date", "lifecycle_lost_months"),
            dormant=self._get_period_over_sql("last_order_date", "lifecycle_dormant_months"),
            returned=self._get_period_running_sql("returned_on", "lifecycle_returned_months"),
            new=self._get_period_running_sql("first_order_date", "lifecycle_new_months"),
            has_trend=has_trend,
        )

    @api.model
    def _get_pattern_sql(self):
        bulk = SQL("total.average_order_value >= company.bulk_order_value")
        return SQL(
            "CASE WHEN total.order_count = 0 THEN 'never'"
            " WHEN %(bulk)s AND total.order_count <= company.bulk_max_orders THEN 'bulk_once'"
            " WHEN total.window_days >= company.continuous_days THEN 'continuous'"
            " WHEN %(bulk)s THEN 'bulk_repeated'"
            " ELSE 'occasional' END",
            bulk=bulk,
        )

    @api.model
    def _get_potential_sql(self):
        """New or growing, of large orders at short intervals, and not in the high band yet."""
        large, _often = self._is_matrix_high_sql()
        return SQL(
            "COALESCE(%(large)s"
            " AND %(status)s IN ('new', 'growing')"
            " AND %(band)s <> 'high'"
            " AND total.window_order_count >= company.potential_orders"
            " AND (company.potential_gap_days = 0 OR total.gap_mean_days <= company.potential_gap_days),"
            " FALSE)",
            large=large,
            status=self._get_status_sql(),
            band=self._get_band_sql(),
        )

    @api.model
    def _get_period_end_sql(self, start, period):
        return SQL(
            "(%s + %s)::date", SQL.identifier("total", start), SQL.identifier("company", period)
        )

    @api.model
    def _get_period_over_sql(self, start, period):
        return SQL("%s <= company.today", self._get_period_end_sql(start, period))

    @api.model
    def _get_period_running_sql(self, start, period):
        return SQL("%s > company.today", self._get_period_end_sql(start, period))

    @api.model
    def _get_change_days(self, policies):
        periods = [
            self._get_period_end_sql("last_order_date", "lifecycle_lost_months"),
            self._get_period_end_sql("last_order_date", "lifecycle_dormant_months"),
            self._get_period_end_sql("returned_on", "lifecycle_returned_months"),
            self._get_period_end_sql("first_order_date", "lifecycle_new_months"),
            SQL("(total.first_order_date + 2 * company.trend_time)::date"),
            SQL("total.slips_on"),
        ]
        return [
            *super()._get_change_days(policies),
            SQL("(total.first_recent + company.trend_time)::date"),
            SQL("(total.first_previous + 2 * company.trend_time)::date"),
            *(SQL("CASE WHEN %s > company.today THEN %s END", day, day) for day in periods),
        ]

    # ------------------------------------------------------------------
    # Reasons
    # ------------------------------------------------------------------

    @api.model
    def _get_policy_of_companies(self, companies):
        """``{company: its policy}``; companies without an active one are left out."""
        policies = (
            self.env["trade.tier.policy"].sudo().search([("company_id", "in", companies.ids)])
        )
        return {policy.company_id: policy for policy in policies}

    @api.depends(
        "lifecycle_status",
        "last_order_date",
        "first_order_date",
        "recent_revenue",
        "previous_revenue",
    )
    @api.depends_context("lang")
    def _compute_lifecycle_reason(self):
        policies = self._get_policy_of_companies(self.company_id)
        for profile in self:
            policy = policies.get(profile.company_id)
            profile.lifecycle_reason = bool(policy) and profile._describe_status(policy)

    def _describe_status(self, policy):
        self.ensure_one()
        status = self.lifecycle_status
        if not status:
            return False
        if status == "prospect":
            return self.env._("No purchase yet")
        if status in GONE:
            months = (
                policy.lifecycle_lost_months
                if status == "lost"
                else policy.lifecycle_dormant_months
            )
            return self.env._(
                "No purchase for %(months)s months; the last one was on %(day)s",
                months=months,
                day=format_date(self.env, self.last_order_date),
            )
        if status == "won_back":
            return self.env._(
                "Bought again on %(day)s after %(months)s months or more without a purchase",
                day=format_date(self.env, self.returned_on),
                months=policy.lifecycle_dormant_months,
            )
        if status == "new":
            return self.env._(
                "First purchase on %(day)s, within %(months)s months",
                day=format_date(self.env, self.first_order_date),
                months=policy.lifecycle_new_months,
            )
        today = self._get_today(policy.company_id.trade_tz)
        if status == "slipping" and self.slips_on and self.slips_on <= today:
            return self.env._(
                "No purchase for %(days)s days; the purchase cycle is %(cycle)s days",
                days=self.recency_days,
                cycle=round(self.gap_mean_days),
            )
        return self._describe_trend(policy, today)

    def _describe_trend(self, policy, today):
        months = policy.trend_months
        if self.first_order_date + relativedelta(months=2 * months) > today:
            return self.env._(
                "Buys at the usual rhythm; the first purchase is less than %(months)s months ago",
                months=2 * months,
            )
        return self.env._(
            "Revenue of the last %(months)s months is %(recent)s, of those before %(previous)s",
            months=months,
            recent=self.currency_id.format(self.recent_revenue),
            previous=self.currency_id.format(self.previous_revenue),
        )

    @api.depends(
        "potential_high_value", "window_average_order_value", "window_order_count", "gap_mean_days"
    )
    @api.depends_context("lang")
    def _compute_potential_reason(self):
        policies = self._get_policy_of_companies(self.company_id)
        for profile in self:
            policy = policies.get(profile.company_id)
            profile.potential_reason = bool(
                policy and profile.potential_high_value
            ) and profile._describe_potential(policy)

    def _describe_potential(self, policy):
        self.ensure_one()
        facts = {
            "status": self._get_status_label(self.lifecycle_status),
            "count": self.window_order_count,
            "average": self.currency_id.format(self.window_average_order_value),
            "limit": self.currency_id.format(policy.matrix_order_value),
            "days": round(self.gap_mean_days),
        }
        if not self.gap_mean_days:
            return self.env._(
                "%(status)s, %(count)s orders of %(average)s on average (limit %(limit)s)", **facts
            )
        return self.env._(
            "%(status)s, %(count)s orders of %(average)s on average (limit %(limit)s), one every"
            " %(days)s days",
            **facts,
        )

    @api.model
    def _get_status_label(self, status):
        return dict(self._fields["lifecycle_status"]._description_selection(self.env))[status]
