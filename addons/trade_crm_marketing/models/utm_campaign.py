import secrets

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command, Domain

from .trade_message import PURPOSES

STATES = [
    ("draft", "Draft"),
    ("approval", "To approve"),
    ("approved", "Approved"),
    ("running", "Running"),
    ("paused", "Paused"),
    ("done", "Finished"),
    ("cancelled", "Cancelled"),
]
GOALS = [
    ("customers", "Customers who order"),
    ("orders", "Orders"),
    ("revenue", "Revenue"),
    ("margin", "Margin"),
]
MARKETER = "trade_crm.group_marketer"
# They approve, and raise a budget that was approved.
MANAGERS = ("trade_crm_marketing.group_marketing_manager", "trade_crm.group_manager")
MONEY = ",".join((MARKETER, *MANAGERS, "trade_crm.group_auditor"))
# Changed by buttons only.
STATUS_FIELDS = {
    "trade_state", "trade_seed", "trade_started_at", "trade_ended_at", "trade_submitted_by_id",
    "trade_approved_by_id", "trade_approved_at", "trade_is_campaign", "trade_member_total",
    "trade_holdout_total", "trade_audience_print", "trade_winner_id", "trade_guard",
}  # fmt: skip
# What was approved; a manager may raise the budgets later.
PLAN_FIELDS = {
    "trade_company_id", "trade_segment_ids", "trade_excluded_segment_ids", "trade_holdout",
    "trade_purpose", "trade_goal_kind", "trade_goal_value", "trade_window_days",
}  # fmt: skip
BUDGET_FIELDS = {"trade_budget", "trade_coupon_budget"}
# Who is responsible decides whose territories the audience is of.
MANAGER_FIELDS = BUDGET_FIELDS | {"user_id"}


class UtmCampaign(models.Model):
    """A campaign that is planned here, beside the bare names that orders and links are told apart by."""

    _name = "utm.campaign"
    _inherit = ["utm.campaign", "mail.thread", "mail.activity.mixin"]

    title = fields.Char(tracking=True)
    user_id = fields.Many2one(tracking=True)

    trade_is_campaign = fields.Boolean(
        "Planned in Trade CRM", copy=True, help="Has an audience, a budget and results."
    )
    trade_company_id = fields.Many2one(
        "res.company",
        "Company of the campaign",
        index="btree_not_null",
        ondelete="cascade",
        help="Its customers, its currency, its results.",
    )
    trade_currency_id = fields.Many2one(
        related="trade_company_id.currency_id", string="Currency of the campaign"
    )
    trade_state = fields.Selection(
        STATES,
        "Status of the campaign",
        required=True,
        readonly=True,
        default="draft",
        copy=False,
        index=True,
        tracking=True,
        group_expand=True,
    )
    trade_purpose = fields.Selection(
        PURPOSES, "Purpose", required=True, default="offer", tracking=True
    )
    trade_priority = fields.Integer(
        "Priority",
        default=10,
        tracking=True,
        help="When two campaigns want the same customer, the higher number goes first.",
    )
    trade_start = fields.Datetime(
        "Planned start", copy=False, tracking=True, help="When approved, it starts by itself then."
    )
    trade_end = fields.Datetime(
        "Planned end", copy=False, tracking=True, help="It finishes by itself then."
    )
    trade_started_at = fields.Datetime("Started", readonly=True, copy=False)
    trade_ended_at = fields.Datetime("Ended", readonly=True, copy=False)
    trade_submitted_by_id = fields.Many2one(
        "res.users", "Sent for approval by", readonly=True, copy=False, ondelete="set null"
    )
    trade_approved_by_id = fields.Many2one(
        "res.users", "Approved by", readonly=True, copy=False, ondelete="set null"
    )
    trade_approved_at = fields.Datetime("Approved on", readonly=True, copy=False)
    trade_decision = fields.Text(
        "Word on the decision", copy=False, help="Shown to who planned it; say why."
    )
    trade_brief = fields.Html("Brief", help="What is offered, to whom and why.")

    trade_goal_kind = fields.Selection(GOALS, "Goal", default="customers")
    trade_goal_value = fields.Float("Target", help="In the unit of the goal.")
    trade_window_days = fields.Integer(
        "Days of effect",
        default=lambda self: self.env.company.trade_campaign_window,
        help="Orders so many days after a message count as its result.",
    )

    trade_budget = fields.Monetary(
        "Budget", currency_field="trade_currency_id", groups=MONEY, tracking=True
    )
    trade_coupon_budget = fields.Monetary(
        "Of it for coupons", currency_field="trade_currency_id", groups=MONEY, tracking=True
    )
    trade_cost_ids = fields.One2many(
        "trade.campaign.cost", "campaign_id", "Costs", copy=False, groups=MONEY
    )
    trade_planned_cost = fields.Monetary(
        "Planned costs",
        compute="_compute_trade_costs",
        currency_field="trade_currency_id",
        groups=MONEY,
        help="With what is set aside for coupons.",
    )
    trade_actual_cost = fields.Monetary(
        "Actual costs",
        compute="_compute_trade_costs",
        currency_field="trade_currency_id",
        groups=MONEY,
    )
    trade_budget_left = fields.Monetary(
        "Left of the budget",
        compute="_compute_trade_costs",
        currency_field="trade_currency_id",
        groups=MONEY,
        help="After actual costs.",
    )

    trade_variant_ids = fields.One2many(
        "trade.campaign.variant",
        "campaign_id",
        "Variants",
        copy=True,
        groups="trade_crm.group_user",
    )
    trade_variant_count = fields.Integer(
        "Number of variants", compute="_compute_trade_variant_count"
    )
    trade_order_count = fields.Integer("Orders", compute="_compute_trade_order_count")

    _trade_company = models.Constraint(
        "CHECK (trade_is_campaign IS NOT TRUE OR trade_company_id IS NOT NULL)",
        "A campaign belongs to a company.",
    )
    _trade_numbers = models.Constraint(
        "CHECK (trade_holdout BETWEEN 0 AND 50 AND COALESCE(trade_window_days, 1) > 0"
        " AND COALESCE(trade_budget, 0) >= 0 AND COALESCE(trade_coupon_budget, 0) >= 0"
        " AND COALESCE(trade_goal_value, 0) >= 0)",
        "At most 50 % are held out; orders count for 1 day or more; budgets and target are not negative.",
    )
    _trade_planned_idx = models.Index("(trade_state, trade_start) WHERE trade_is_campaign")

    # ------------------------------------------------------------------
    # Compute
    # ------------------------------------------------------------------

    @api.depends(
        "trade_cost_ids.planned", "trade_cost_ids.actual", "trade_budget", "trade_coupon_budget"
    )
    def _compute_trade_costs(self):
        groups = self.env["trade.campaign.cost"]._read_group(
            [("campaign_id", "in", self.ids)], ["campaign_id"], ["planned:sum", "actual:sum"]
        )
        sums = {campaign: amounts for campaign, *amounts in groups}
        for campaign in self:
            planned, actual = sums.get(campaign._origin, (0.0, 0.0))
            campaign.trade_planned_cost = planned + campaign.trade_coupon_budget
            campaign.trade_actual_cost = actual
            campaign.trade_budget_left = campaign.trade_budget - actual

    @api.depends("trade_variant_ids")
    def _compute_trade_variant_count(self):
        for campaign in self:
            campaign.trade_variant_count = len(campaign.sudo().trade_variant_ids)

    @api.depends_context("uid")
    def _compute_trade_order_count(self):
        orders = self.env["sale.order"]
        counts = {}
        if orders.has_access("read"):
            domain = [("campaign_id", "in", self.ids), ("state", "=", "sale")]
            counts = dict(orders._read_group(domain, ["campaign_id"], ["__count"]))
        for campaign in self:
            campaign.trade_order_count = counts.get(campaign._origin, 0)

    # ------------------------------------------------------------------
    # Check
    # ------------------------------------------------------------------

    @api.constrains("trade_start", "trade_end")
    def _check_trade_period(self):
        for campaign in self:
            if campaign.trade_start and campaign.trade_end:
                if campaign.trade_end <= campaign.trade_start:
                    raise ValidationError(self.env._("“%s” ends before it starts.", campaign.title))

    @api.constrains("trade_company_id", "trade_segment_ids", "trade_excluded_segment_ids")
    def _check_trade_segments(self):
        for campaign in self.filtered("trade_is_campaign"):
            company_sudo = campaign.trade_company_id.sudo()
            segments_sudo = (
                campaign.sudo().trade_segment_ids | campaign.sudo().trade_excluded_segment_ids
            )
            foreign = segments_sudo.filtered(
                lambda segment, company=company_sudo: segment.company_id != company
            )
            if foreign:
                raise ValidationError(
                    self.env._(
                        "“%(segment)s” compares figures of %(other)s: a campaign of %(company)s needs a "
                        "segment of its own company.",
                        segment=foreign[0].name,
                        other=foreign[0].company_id.name,
                        company=company_sudo.name,
                    )
                )

    @api.constrains("trade_company_id", "user_id")
    def _check_trade_user(self):
        for campaign in self.filtered("trade_is_campaign"):
            user_sudo = campaign.user_id.sudo()
            if campaign.trade_company_id.sudo() not in user_sudo.company_ids:
                raise ValidationError(
                    self.env._(
                        "%(user)s does not work for %(company)s and cannot be responsible for its campaign.",
                        user=user_sudo.name,
                        company=campaign.trade_company_id.sudo().name,
                    )
                )

    def _check_marketer(self):
        """:raise AccessError: when the user does not plan campaigns"""
        roles = (MARKETER, *MANAGERS)
        if not self.env.su and self and not any(map(self.env.user.has_group, roles)):
            raise AccessError(
                self.env._("Campaigns are planned by marketers: ask one to change this.")
            )

    def _check_plan_open(self):
        """:raise UserError: when what is planned was approved and must stay as it is"""
        planned = self.filtered("trade_is_campaign")
        planned._check_marketer()
        for campaign in planned:
            if campaign.trade_state != "draft" and not self.env.su:
                raise UserError(
                    self.env._(
                        "“%s” is not a draft any more, and what was approved stays as it is. Take it back "
                        "to draft first, or duplicate it.",
                        campaign.title,
                    )
                )

    def _begin_plan_change(self):
        """Before a part of the plan changes: whoever approves it at the same moment sees the change.

        :raise UserError: when what is planned was approved
        """
        self._lock_campaigns()
        self._check_plan_open()

    def _check_budget(self):
        """What is planned fits into the budget once it was approved.

        Two people who plan costs at once follow each other: the second starts again and sees the first.

        :raise UserError: when it does not
        """
        self._check_marketer()
        approved = self.filtered(
            lambda campaign: (
                campaign.trade_is_campaign
                and campaign.trade_state in ("approval", "approved", "running", "paused")
            )
        )
        approved._lock_campaigns()
        for campaign in approved:
            if gap := campaign._get_budget_gap():
                raise UserError(gap)

    def _get_budget_gap(self):
        """Why the budget does not do, as a sentence, or None."""
        self.ensure_one()
        campaign_sudo = self.sudo()
        over = campaign_sudo.trade_planned_cost - campaign_sudo.trade_budget
        if campaign_sudo.trade_currency_id.compare_amounts(over, 0) <= 0:
            return None
        currency = campaign_sudo.trade_currency_id
        return self.env._(
            "The costs that are planned for “%(campaign)s” are %(over)s more than its budget of %(budget)s: "
            "plan less, or ask a manager for a larger budget.",
            campaign=self.title,
            over=currency.format(over),
            budget=currency.format(campaign_sudo.trade_budget),
        )

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        self._check_begins_as_draft(vals_list)
        for vals in vals_list:
            if vals.get("trade_is_campaign", self.env.context.get("default_trade_is_campaign")):
                # Nobody chooses it: that would be choosing who gets what.
                vals["trade_seed"] = secrets.token_hex(8)
                vals["trade_company_id"] = vals.get("trade_company_id") or self.env.company.id
                vals["company_id"] = vals["trade_company_id"]
        campaigns = super().create(vals_list)
        campaigns.filtered("trade_is_campaign")._check_marketer()
        return campaigns

    @api.model
    def _check_begins_as_draft(self, vals_list):
        """:raise UserError: when a value or a default says what only buttons do, such as who approved it"""
        if self.env.su:
            return
        # The seed is drawn below, whatever is given.
        closed = STATUS_FIELDS - {"trade_is_campaign", "trade_seed"}
        given = {name for vals in vals_list for name, value in vals.items() if value}
        given |= {
            name.removeprefix("default_") for name, value in self.env.context.items() if value
        }
        given -= {"trade_state"}
        states = [vals.get("trade_state") for vals in vals_list]
        states.append(self.env.context.get("default_trade_state"))
        if given & closed or not {None, False, "draft"}.issuperset(states):
            raise UserError(self.env._("A campaign begins as a draft."))

    def write(self, vals):
        self._check_trade_write(vals)
        if vals.get("trade_company_id"):
            vals = {**vals, "company_id": vals["trade_company_id"]}
        result = super().write(vals)
        if vals.keys() & BUDGET_FIELDS:
            self._check_budget()
        return result

    def _check_trade_write(self, vals):
        """Everybody may write Odoo's campaigns; these are changed by who plans them, and by buttons."""
        names = {
            name
            for name in vals
            if not name.startswith(("message_", "activity_", "my_activity_", "website_message"))
        }
        planned = self.filtered("trade_is_campaign")
        if self.env.su or not names or not (planned or any(n.startswith("trade_") for n in names)):
            return
        self._check_marketer()
        if names & STATUS_FIELDS:
            raise UserError(
                self.env._("The status of a campaign is changed by the buttons above it only.")
            )
        if names & PLAN_FIELDS:
            planned._check_plan_open()
        if names & MANAGER_FIELDS and not self._is_campaign_manager():
            planned._check_plan_open()

    @api.model
    def _is_campaign_manager(self):
        return self.env.su or any(map(self.env.user.has_group, MANAGERS))

    def copy_data(self, default=None):
        return [
            {**values, "title": self.env._("%s (copy)", campaign.title), "user_id": self.env.uid}
            | (default or {})
            if campaign.trade_is_campaign
            else values
            for campaign, values in zip(self, super().copy_data(default), strict=True)
        ]

    def copy(self, default=None):
        campaigns = super().copy(default)
        # Odoo sends a mailing to nobody twice: a campaign needs one of its own.
        for variant in campaigns.sudo().trade_variant_ids.filtered("mailing_id"):
            variant.mailing_id = variant.mailing_id.copy({"campaign_id": False})
        return campaigns

    @api.model
    def default_get(self, fields):
        values = super().default_get(fields)
        if values.get("trade_is_campaign"):
            if "trade_variant_ids" in fields:
                values.setdefault("trade_variant_ids", [Command.create({"name": "A"})])
            if "trade_company_id" in fields:
                values.setdefault("trade_company_id", self.env.company.id)
        return values

    @api.ondelete(at_uninstall=False)
    def _unlink_except_started(self):
        self.filtered("trade_is_campaign")._check_marketer()
        for campaign in self:
            if campaign.trade_started_at:
                raise UserError(
                    self.env._(
                        "“%s” has reached customers: archive it, so that its results stay.",
                        campaign.title,
                    )
                )

    # ------------------------------------------------------------------
    # Open
    # ------------------------------------------------------------------

    def action_trade_view_orders(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("sale.action_orders")
        domain = Domain("campaign_id", "=", self.id) & Domain("state", "=", "sale")
        return {**action, "domain": list(domain), "context": {"create": False}}
