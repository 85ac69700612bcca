from typing import NamedTuple

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL, ormcache


class PolicySnapshot(NamedTuple):
    """What computing the profiles of one company needs to know of its policy."""

    company_id: int
    tz: str
    decimals: int  # of the company's currency
    window_months: int
    rules: tuple  # of (tier id, rule), in sequence; see trade.tier._get_rule()


class TradeTierPolicy(models.Model):
    """How one company sorts its customers into tiers.

    The tiers are tried in their sequence and the first one whose conditions all hold
    is taken, so that "Dormant" before "Core" makes a silent core customer dormant.
    """

    _name = "trade.tier.policy"
    _description = "Customer Tier Policy"
    _inherit = ["mail.thread"]
    _order = "company_id, id"

    name = fields.Char(required=True, translate=True, tracking=True)
    active = fields.Boolean(default=True, tracking=True)
    company_id = fields.Many2one(
        "res.company",
        required=True,
        index=True,
        ondelete="cascade",
        default=lambda self: self.env.company,
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    window_months = fields.Integer(
        string="Window (months)",
        default=12,
        required=True,
        tracking=True,
        help="Revenue and orders of this many past months decide on the tier.",
    )
    tier_ids = fields.One2many("trade.tier", "policy_id", string="Tiers", copy=True)

    _window_positive = models.Constraint(
        "CHECK (window_months BETWEEN 1 AND 120)",
        "The window of a tier policy is between 1 and 120 months.",
    )
    _one_active_per_company = models.UniqueIndex(
        "(company_id) WHERE active",
        "A company has one active tier policy: archive the other one first.",
    )

    @api.constrains("company_id")
    def _check_company_id(self):
        profiles = self.env["trade.customer.profile"].sudo()
        for policy in self:
            if profiles.search_count(
                [
                    ("tier_id.policy_id", "=", policy.id),
                    ("company_id", "!=", policy.company_id.id),
                ],
                limit=1,
            ):
                raise ValidationError(
                    self.env._(
                        "The policy %(policy)s already sorts customers of another company: "
                        "duplicate it instead of moving it.",
                        policy=policy.name,
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        policies = super().create(vals_list)
        policies._request_rebuild()
        return policies

    def write(self, vals):
        result = super().write(vals)
        if {"active", "window_months", "company_id"} & vals.keys():
            self._request_rebuild()
        return result

    def unlink(self):
        companies = self.company_id
        self.tier_ids.unlink()
        result = super().unlink()
        self.env.registry.clear_cache()
        companies._request_trade_rebuild()
        return result

    def _request_rebuild(self):
        self.env.registry.clear_cache()
        self.company_id._request_trade_rebuild()

    @api.model
    @ormcache()
    def _get_snapshots(self):
        """The same as :meth:`_read_snapshots`, for statements that run with every confirmed order."""
        return self._read_snapshots()

    @api.model
    def _read_snapshots(self):
        """The active policies.

        :return: tuple of :class:`PolicySnapshot`, one per company that keeps profiles
        """
        return tuple(
            PolicySnapshot(
                company_id=policy.company_id.id,
                tz=policy.company_id.trade_tz or "UTC",
                decimals=policy.company_id.currency_id.decimal_places,
                window_months=policy.window_months,
                rules=tuple((tier.id, tier._get_rule()) for tier in policy.tier_ids),
            )
            for policy in self.sudo().search([], order="company_id")
        )

    @api.model
    def _name_window_fields(self, fields_by_name, prefix=""):
        """Put the months of the window into the labels of what is counted within it.

        :param fields_by_name: result of ``fields_get``, changed in place
        :param prefix: what the fields' names begin with
        """
        company_id = self.env.company.id
        for policy in self._get_snapshots():
            if policy.company_id == company_id:
                months = policy.window_months
                labels = {
                    "window_revenue": self.env._("Revenue (%(months)s months)", months=months),
                    "window_order_count": self.env._("Orders (%(months)s months)", months=months),
                }
                for name, label in labels.items():
                    if "string" in fields_by_name.get(prefix + name, ()):
                        fields_by_name[prefix + name]["string"] = label
        return fields_by_name

    def action_recompute(self):
        """Bring every customer of the policies' companies up to date in the background."""
        self._request_rebuild()
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "info",
                "message": self.env._(
                    "The customers' tiers are being recomputed in the background."
                ),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }

    def action_view_profiles(self):
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id(
            "trade_crm.trade_customer_profile_action"
        )
        return action | {"domain": [("tier_id.policy_id", "=", self.id)], "context": {}}

    # ------------------------------------------------------------------
    # Defaults
    # ------------------------------------------------------------------

    @api.model
    def _get_default_name(self):
        return self.env._("Customer tiers")

    @api.model
    def _get_default_tiers(self):
        """Default tiers in sequence; amounts in company currency a year, times in months.

        :return: list of dict of ``trade.tier`` values
        """
        return [
            {"name": self.env._("Never bought"), "color": 0, "never_bought": True},
            {"name": self.env._("Lost"), "color": 1, "inactive_months": 12},
            {"name": self.env._("Dormant"), "color": 3, "inactive_months": 6},
            {"name": self.env._("Core"), "color": 10, "min_revenue": 500000.0},
            {"name": self.env._("Potential"), "color": 4, "min_revenue": 100000.0},
            {"name": self.env._("New"), "color": 7, "tenure_months": 3},
            {"name": self.env._("General"), "color": 8},
        ]

    @api.model
    def _create_default(self, companies):
        """Give each of ``companies`` that has no policy, archived ones included, the default one."""
        english = self.with_context(active_test=False, lang="en_US")
        known = english.search([("company_id", "in", companies.ids)]).company_id
        policies = english.create(
            [
                {
                    "name": english._get_default_name(),
                    "company_id": company.id,
                    "tier_ids": [
                        fields.Command.create({**values, "sequence": 10 * number})
                        for number, values in enumerate(english._get_default_tiers(), start=1)
                    ],
                }
                for company in companies - known
            ]
        )
        policies._translate_default()
        return policies.with_env(self.env)

    def _translate_default(self):
        """Give default names in every installed language, not only in the installer's."""
        for lang, _name in self.env["res.lang"].get_installed():
            if lang == "en_US":
                continue
            for policy in self.with_context(lang=lang):
                policy.name = policy._get_default_name()
                for tier, values in zip(policy.tier_ids, policy._get_default_tiers(), strict=True):
                    tier.name = values["name"]


class TradeTier(models.Model):
    _name = "trade.tier"
    _description = "Customer Tier"
    _order = "policy_id, sequence, id"

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=100)
    active = fields.Boolean(default=True)
    color = fields.Integer()
    policy_id = fields.Many2one("trade.tier.policy", required=True, index=True, ondelete="cascade")
    company_id = fields.Many2one(related="policy_id.company_id", store=True, index=True)
    currency_id = fields.Many2one(related="policy_id.currency_id")
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
    condition = fields.Char(compute="_compute_condition")
    profile_count = fields.Integer(string="Customers", compute="_compute_profile_count")

    _not_negative = models.Constraint(
        "CHECK (COALESCE(inactive_months, 0) >= 0 AND COALESCE(tenure_months, 0) >= 0"
        " AND COALESCE(min_revenue, 0) >= 0 AND COALESCE(min_order_count, 0) >= 0)",
        "The conditions of a tier are not negative: leave a condition at 0 to not use it.",
    )

    @api.depends(
        "never_bought",
        "inactive_months",
        "tenure_months",
        "min_revenue",
        "min_order_count",
        "policy_id.window_months",
        "currency_id",
    )
    @api.depends_context("lang")
    def _compute_condition(self):
        for tier in self:
            tier.condition = self._describe_rule(
                tier._get_rule(), tier.currency_id or self.env.company.currency_id
            )

    def _compute_profile_count(self):
        groups = self.env["trade.customer.profile"]._read_group(
            [("tier_id", "in", self.ids)], ["tier_id"], ["__count"]
        )
        counts = {tier.id: count for tier, count in groups}
        for tier in self:
            tier.profile_count = counts.get(tier.id, 0)

    @api.model_create_multi
    def create(self, vals_list):
        tiers = super().create(vals_list)
        tiers.policy_id._request_rebuild()
        return tiers

    def write(self, vals):
        before = self.policy_id
        result = super().write(vals)
        if vals.keys() & {*self._get_rule_fields(), "sequence", "active", "policy_id"}:
            (before | self.policy_id)._request_rebuild()
        return result

    def unlink(self):
        # The history of customers names the tier: what they have been in is archived.
        policies = self.policy_id
        used = (
            self.env["trade.tier.history"]
            .sudo()
            ._read_group(
                ["|", ("tier_id", "in", self.ids), ("previous_tier_id", "in", self.ids)],
                ["tier_id", "previous_tier_id"],
            )
        )
        kept = self & self.browse(tier.id for pair in used for tier in pair)
        kept.active = False
        result = super(TradeTier, self - kept).unlink()
        policies._request_rebuild()
        return result

    def action_view_partners(self):
        """Open the tier's customers."""
        self.ensure_one()
        return self.env["trade.customer.profile"].action_view_tier_partners(self.id)

    # ------------------------------------------------------------------
    # Rule
    # ------------------------------------------------------------------

    @api.model
    def _get_rule_fields(self):
        """Names of the fields that decide who is in the tier."""
        return (
            "never_bought",
            "inactive_months",
            "tenure_months",
            "min_revenue",
            "min_order_count",
        )

    def _get_rule(self):
        """Snapshot of the conditions, to be kept with a decision: ``{field: value}``."""
        self.ensure_one()
        rule = {name: self[name] for name in self._get_rule_fields() if self[name]}
        return {**rule, "window_months": self.policy_id.window_months}

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
        return self.env._(" and ").join(parts) or self.env._("everybody else")

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
        return SQL(" AND ").join(conditions) if conditions else SQL("TRUE")
