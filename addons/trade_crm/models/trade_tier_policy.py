from typing import NamedTuple

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import frozendict, ormcache

METHODS = [("thresholds", "Thresholds"), ("quantiles", "Quantiles")]


class ScoreCuts(NamedTuple):
    """The four cut points of each score, ascending: a score is 1 plus the cut points below a value.

    Empty where nobody bought; then every customer that ever bought scores 1.
    """

    recency: tuple  # of dates as text
    frequency: tuple
    monetary: tuple


class PolicySnapshot(NamedTuple):
    """What computing the profiles of one company needs to know of its policy."""

    company_id: int
    tz: str
    decimals: int  # of the company's currency
    window_months: int
    cuts: ScoreCuts | None  # None where customers are not scored
    rules: tuple  # of (tier id, rule), in sequence; see trade.tier._get_rule()
    settings: frozendict  # what else the policy says; see trade.tier.policy._get_settings()


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
    method = fields.Selection(
        METHODS,
        required=True,
        default="thresholds",
        tracking=True,
        help="Thresholds: limits in months and in company currency.\n"
        "Quantiles: recency, frequency and monetary value score 1 to 5, each a fifth of the customers"
        " that bought within the window.",
    )
    window_months = fields.Integer(
        string="Window (months)",
        default=12,
        required=True,
        tracking=True,
        help="Revenue and orders of this many past months decide on the tier.",
    )
    tier_ids = fields.One2many("trade.tier", "policy_id", string="Tiers", copy=True)
    effective_date = fields.Date(
        "In force since",
        readonly=True,
        copy=False,
        default=fields.Date.context_today,
        help="The day on which the present rules were applied.",
    )
    draft_ids = fields.One2many("trade.tier.policy.draft", "policy_id", string="Changes")
    draft_count = fields.Integer(compute="_compute_draft_count")
    score_interval_months = fields.Integer(
        string="Score every (months)",
        default=1,
        required=True,
        help="How often the limits between the scores 1 to 5 are computed anew.",
    )
    score_run_ids = fields.One2many("trade.score.run", "policy_id", string="Score runs")
    score_run_count = fields.Integer(compute="_compute_score_run_count")

    _score_interval_positive = models.Constraint(
        "CHECK (score_interval_months BETWEEN 1 AND 24)",
        "Scores are computed every 1 to 24 months.",
    )
    _window_positive = models.Constraint(
        "CHECK (window_months BETWEEN 1 AND 120)",
        "The window of a tier policy is between 1 and 120 months.",
    )
    _one_active_per_company = models.UniqueIndex(
        "(company_id) WHERE active",
        "A company has one active tier policy: archive the other one first.",
    )

    @api.depends("draft_ids")
    def _compute_draft_count(self):
        for policy in self:
            policy.draft_count = len(policy.draft_ids)

    @api.constrains("method", "tier_ids")
    def _check_scores(self):
        for policy in self:
            if policy.method != "quantiles" and any(policy.tier_ids.mapped("uses_scores")):
                raise ValidationError(
                    self.env._(
                        "A tier of the policy %(policy)s asks for scores, which only the method "
                        "Quantiles computes.",
                        policy=policy.name,
                    )
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

    @api.depends("score_run_ids")
    def _compute_score_run_count(self):
        for policy in self:
            policy.score_run_count = len(policy.score_run_ids)

    @api.model_create_multi
    def create(self, vals_list):
        policies = super().create(vals_list)
        policies._request_rebuild()
        policies.company_id._request_trade_facts()
        policies._score_unscored()
        return policies

    def write(self, vals):
        result = super().write(vals)
        if {"active", "method", "window_months", "company_id"} & vals.keys():
            self._request_rebuild()
        if {"active", "company_id"} & vals.keys():
            # A company without a policy keeps no profiles, so it has no sales here either.
            self.company_id._request_trade_facts()
        if {"active", "method"} & vals.keys():
            self._score_unscored()
        return result

    def unlink(self):
        companies = self.company_id
        self.tier_ids.unlink()
        result = super().unlink()
        self.env.registry.clear_cache()
        companies._request_trade_rebuild()
        companies._request_trade_facts()
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
        policies = self.sudo().search([("active", "=", True)], order="company_id")
        return tuple(policy._get_snapshot() for policy in policies)

    def _get_snapshot(self):
        self.ensure_one()
        return PolicySnapshot(
            company_id=self.company_id.id,
            tz=self.company_id.trade_tz or "UTC",
            decimals=self.company_id.currency_id.decimal_places,
            window_months=self.window_months,
            cuts=self._get_cuts(),
            rules=tuple((tier.id, tier._get_rule()) for tier in self.tier_ids),
            settings=frozendict(self._get_settings()),
        )

    def _get_settings(self):
        """What computing a profile needs of the policy besides its tiers: dict of plain values."""
        self.ensure_one()
        return {}

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
    # Changes
    # ------------------------------------------------------------------

    def action_edit(self):
        """Open the change that is being prepared, or begin one."""
        self.ensure_one()
        drafts = self.env["trade.tier.policy.draft"]
        draft = drafts.search(
            [("policy_id", "=", self.id), ("state", "in", ("draft", "scheduled"))], limit=1
        ) or drafts.create({"policy_id": self.id})
        return {
            "type": "ir.actions.act_window",
            "res_model": draft._name,
            "res_id": draft.id,
            "view_mode": "form",
        }

    def action_view_drafts(self):
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id(
            "trade_crm.trade_tier_policy_draft_action"
        )
        return action | {"domain": [("policy_id", "=", self.id)]}

    def _prepare_draft_values(self):
        """Values of a change that changes nothing yet."""
        self.ensure_one()
        names = ("name", "color", *self.tier_ids._get_rule_fields())
        return {
            "method": self.method,
            "window_months": self.window_months,
            "line_ids": [
                fields.Command.create(
                    {
                        "tier_id": tier.id,
                        "sequence": 10 * number,
                        **{name: tier[name] for name in names},
                    }
                )
                for number, tier in enumerate(self.tier_ids, start=1)
            ],
        }

    def _get_definition(self):
        """What decides on tiers, to be kept with a change of it: dict of plain values."""
        self.ensure_one()
        return {
            "method": self.method,
            "window_months": self.window_months,
            "tiers": self.tier_ids._get_definitions(),
        }

    # ------------------------------------------------------------------
    # Scores
    # ------------------------------------------------------------------

    def _get_cuts(self):
        """Cut points of the last run; None where customers are not scored."""
        self.ensure_one()
        if self.method != "quantiles":
            return None
        run = self.env["trade.score.run"].search([("policy_id", "=", self.id)], limit=1)
        return run._get_cuts() if run else None

    def _score_unscored(self):
        """Give policies that score customers their first cut points."""
        for policy in self:
            if policy.active and policy.method == "quantiles" and not policy.sudo().score_run_ids:
                policy._run_scores()

    def _run_scores(self):
        """Compute cut points from the profiles as they are, and have all of them scored anew."""
        self.ensure_one()
        profiles = self.env["trade.customer.profile"].sudo()
        return self._store_cuts(*profiles._compute_cuts(self.sudo()._get_snapshot()))

    def _store_cuts(self, cuts, customer_count, window_months=None):
        """Make cut points those of a new run.

        :param cuts: :class:`ScoreCuts`
        :param customer_count: number of customers that they are among
        :param window_months: window that they are of, that of the policy by default
        """
        run_sudo = (
            self.env["trade.score.run"]
            .sudo()
            .create(
                {
                    "policy_id": self.id,
                    "computed_on": fields.Datetime.now(),
                    "window_months": window_months or self.window_months,
                    "customer_count": customer_count,
                    "cuts": cuts._asdict(),
                }
            )
        )
        self._request_rebuild()
        return run_sudo

    def action_run_scores(self):
        """Compute the limits between the scores anew, as of today."""
        self.check_access("write")
        for policy in self:
            policy._run_scores()
        return self.action_recompute()

    @api.model
    def _cron_run_scores(self):
        """Compute scores anew where the last time is an interval ago."""
        for policy in self.search([("method", "=", "quantiles")]):
            if policy._needs_score_run():
                policy._run_scores()
                self.env["ir.cron"]._commit_progress(1)

    def _needs_score_run(self):
        """Whether the interval is over, or the last run came before there was anybody to score."""
        last = self.score_run_ids[:1]
        interval = relativedelta(months=self.score_interval_months)
        if not last or last.computed_on + interval <= fields.Datetime.now():
            return True
        buyers = [("company_id", "=", self.company_id.id), ("window_order_count", ">", 0)]
        profiles_sudo = self.env["trade.customer.profile"].sudo()
        return not last.customer_count and bool(profiles_sudo.search_count(buyers, limit=1))

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
    def _get_default_segments(self):
        """The customary segments by recency, frequency and monetary scores, in sequence.

        :return: list of dict of ``trade.tier`` values
        """
        return [
            {"name": self.env._("Never bought"), "color": 0, "never_bought": True},
            {"name": self.env._("Champions"), "color": 10, "r_min": 5, "f_min": 4, "m_min": 4},
            {"name": self.env._("Loyal customers"), "color": 4, "r_min": 3, "f_min": 4},
            {"name": self.env._("Potential loyalists"), "color": 7, "r_min": 4, "f_min": 2},
            {"name": self.env._("New customers"), "color": 5, "r_min": 5},
            {"name": self.env._("Promising"), "color": 6, "r_min": 4},
            {"name": self.env._("Need attention"), "color": 2, "r_min": 3, "f_min": 3},
            {"name": self.env._("About to sleep"), "color": 3, "r_min": 3},
            {"name": self.env._("Cannot lose them"), "color": 9, "f_min": 4, "m_min": 4},
            {"name": self.env._("At risk"), "color": 1, "f_min": 3},
            {"name": self.env._("Hibernating"), "color": 8},
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
    _inherit = ["trade.tier.rule"]
    _order = "policy_id, sequence, id"

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=100)
    active = fields.Boolean(default=True)
    color = fields.Integer()
    policy_id = fields.Many2one("trade.tier.policy", required=True, index=True, ondelete="cascade")
    company_id = fields.Many2one(related="policy_id.company_id", store=True, index=True)
    currency_id = fields.Many2one(related="policy_id.currency_id")
    window_months = fields.Integer(related="policy_id.window_months")
    profile_count = fields.Integer(string="Customers", compute="_compute_profile_count")

    @api.constrains(lambda self: (*self._get_score_fields(), "policy_id"))
    def _check_scores(self):
        self.policy_id._check_scores()

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
