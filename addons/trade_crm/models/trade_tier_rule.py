from odoo import api, fields, models
from odoo.tools import SQL

SCORES = ("r", "f", "m")


class TradeTierRule(models.AbstractModel):
    """Conditions of a tier; all of them have to hold, one that is 0 is not used."""

    _name = "trade.tier.rule"
    _description = "Conditions of a Customer Tier"

    currency_id = fields.Many2one("res.currency")
    window_months = fields.Integer()
    never_bought = fields.Boolean("Never bought", help="The customer has no purchase at all.")
    inactive_months = fields.Integer(
        string="Inactive for (months)", help="The last purchase is at least this many months ago."
    )
    tenure_months = fields.Integer(
        string="First purchase within (months)",
        help="The first purchase is less than this many months ago.",
    )
    min_revenue = fields.Monetary(
        string="Revenue from", help="Revenue within the window of the policy is at least this."
    )
    min_order_count = fields.Integer(
        string="Orders from", help="Orders within the window of the policy are at least this many."
    )
    r_min = fields.Integer("R from", help="Recency score, 1 to 5, is at least this.")
    r_max = fields.Integer("R to", help="Recency score, 1 to 5, is at most this.")
    f_min = fields.Integer("F from", help="Frequency score, 1 to 5, is at least this.")
    f_max = fields.Integer("F to", help="Frequency score, 1 to 5, is at most this.")
    m_min = fields.Integer("M from", help="Monetary score, 1 to 5, is at least this.")
    m_max = fields.Integer("M to", help="Monetary score, 1 to 5, is at most this.")
    uses_scores = fields.Boolean(compute="_compute_uses_scores")
    condition = fields.Char(compute="_compute_condition")

    _not_negative = models.Constraint(
        "CHECK (COALESCE(inactive_months, 0) >= 0 AND COALESCE(tenure_months, 0) >= 0"
        " AND COALESCE(min_revenue, 0) >= 0 AND COALESCE(min_order_count, 0) >= 0)",
        "The conditions of a tier are not negative: leave a condition at 0 to not use it.",
    )
    _scores_in_range = models.Constraint(
        "CHECK ("
        + " AND ".join(
            f"COALESCE({s}_min, 0) BETWEEN 0 AND 5 AND COALESCE({s}_max, 0) BETWEEN 0 AND 5"
            f" AND (COALESCE({s}_max, 0) = 0 OR COALESCE({s}_min, 0) <= {s}_max)"
            for s in SCORES
        )
        + ")",
        "A score goes from 1 to 5, and its lower limit is not above its upper one:"
        " leave a limit at 0 to not use it.",
    )

    @api.depends(lambda self: (*self._get_rule_fields(), "window_months", "currency_id"))
    @api.depends_context("lang")
    def _compute_condition(self):
        for tier in self:
            tier.condition = self._describe_rule(
                tier._get_rule(), tier.currency_id or self.env.company.currency_id
            )

    @api.depends(lambda self: self._get_score_fields())
    def _compute_uses_scores(self):
        for tier in self:
            tier.uses_scores = any(tier[name] for name in self._get_score_fields())

    @api.model
    def _get_rule_fields(self):
        """Names of the fields that decide who is in the tier."""
        return (
            "never_bought",
            "inactive_months",
            "tenure_months",
            "min_revenue",
            "min_order_count",
            *self._get_score_fields(),
        )

    @api.model
    def _get_score_fields(self):
        """Names of the fields that only have a meaning where customers are scored."""
        return tuple(f"{score}_{limit}" for score in SCORES for limit in ("min", "max"))

    def _get_conditions(self):
        """The conditions that are used: ``{field: value}``."""
        self.ensure_one()
        return {name: self[name] for name in self._get_rule_fields() if self[name]}

    def _get_rule(self):
        """Snapshot of the conditions, to be kept with a decision: ``{field: value}``."""
        return {**self._get_conditions(), "window_months": self.window_months}

    def _get_definitions(self):
        """What the tiers say, to be compared and kept: list of dict, in their order."""
        names = self._read_names()
        lang = self.env.lang or "en_US"
        return [
            {
                "id": tier._get_tier_id(),
                "names": names.get(tier.id) or {**names.get(tier._origin.id, {}), lang: tier.name},
                "color": tier.color,
                "rule": tier._get_conditions(),
            }
            for tier in self
        ]

    def _get_tier_id(self):
        """Id of the tier that the conditions are of; 0 for one that does not exist yet."""
        return self.id

    def _read_names(self):
        """Names in every language: ``{id: {language: name}}``."""
        if not self._origin:
            return {}
        self._origin.flush_recordset(["name"])
        return dict(
            self.env.execute_query(
                SQL(
                    "SELECT id, name FROM %s WHERE id = ANY(%s)",
                    SQL.identifier(self._table),
                    self._origin.ids,
                )
            )
        )

    @api.model
    def _describe_rule(self, rule, currency):
        """The conditions of ``rule`` (see :meth:`_get_rule`) in the user's language."""
        window = rule.get("window_months")
        parts = []
        if rule.get("never_bought"):
            parts.append(self.env._("no purchase at all"))
        if months := rule.get("inactive_months"):
            parts.append(self.env._("no purchase for %(months)s months", months=months))
        if months := rule.get("tenure_months"):
            parts.append(self.env._("first purchase within %(months)s months", months=months))
        if amount := rule.get("min_revenue"):
            parts.append(
                self.env._(
                    "revenue of %(months)s months from %(amount)s",
                    months=window,
                    amount=currency.format(amount),
                )
            )
        if count := rule.get("min_order_count"):
            parts.append(
                self.env._("orders of %(months)s months from %(count)s", months=window, count=count)
            )
        parts += self._describe_scores(rule)
        return self.env._(" and ").join(parts) or self.env._("everybody else")

    @api.model
    def _describe_scores(self, rule):
        names = {
            "r": self.env._("recency"),
            "f": self.env._("frequency"),
            "m": self.env._("monetary value"),
        }
        parts = []
        for score, name in names.items():
            low, high = rule.get(f"{score}_min") or 1, rule.get(f"{score}_max") or 5
            if low == high:
                parts.append(self.env._("%(score)s scores %(value)s", score=name, value=low))
            elif (low, high) != (1, 5):
                parts.append(
                    self.env._(
                        "%(score)s scores %(low)s to %(high)s", score=name, low=low, high=high
                    )
                )
        return parts

    @api.model
    def _get_condition_sql(self, rule):
        """Whether a customer fulfils ``rule``, on the columns of the profile statement.

        The columns are those of ``total`` and ``company`` in
        ``trade.customer.profile._get_total_sql()``.
        """
        conditions = []
        if rule.get("never_bought"):
            conditions.append(SQL("total.order_count = 0"))
        if months := rule.get("inactive_months"):
            conditions.append(
                SQL(
                    "(total.last_order_date + make_interval(months => %s))::date <= company.today",
                    months,
                )
            )
        if months := rule.get("tenure_months"):
            conditions.append(
                SQL(
                    "(total.first_order_date + make_interval(months => %s))::date > company.today",
                    months,
                )
            )
        if amount := rule.get("min_revenue"):
            conditions.append(SQL("total.window_revenue >= %s", amount))
        if count := rule.get("min_order_count"):
            conditions.append(SQL("total.window_order_count >= %s", count))
        for score in SCORES:
            column = SQL.identifier("total", f"{score}_score")
            if low := rule.get(f"{score}_min"):
                conditions.append(SQL("%s >= %s", column, low))
            if high := rule.get(f"{score}_max"):
                conditions.append(SQL("%s <= %s", column, high))
        return SQL(" AND ").join(conditions) if conditions else SQL("TRUE")
