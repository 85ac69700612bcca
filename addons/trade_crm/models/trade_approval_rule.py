import ast

from odoo import api, fields, models, tools
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain

# Conditions on figures of the order: a number of 0 does not count.
LIMITS = ("amount_over", "discount_over", "mean_discount_over")
# Conditions on what the order is or whose it is: an empty list does not count.
LISTS = ("payment_term_ids", "order_type_ids", "tier_ids", "territory_ids", "customer_type_ids")


class TradeApprovalRule(models.Model):
    """Which orders somebody has to approve before they are confirmed, and who.

    A rule asks for approval of an order that meets all of its conditions. See
    ``sale_order_approval.py`` for what follows, and ``trade_approval_match.py`` for how a rule is
    compared with an order.
    """

    _name = "trade.approval.rule"
    _description = "Approval Rule"
    _order = "sequence, id"
    _check_company_auto = True

    name = fields.Char(required=True)
    sequence = fields.Integer(default=100)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company", default=lambda self: self.env.company, help="Empty: for all companies."
    )
    currency_id = fields.Many2one("res.currency", compute="_compute_currency_id")
    date_from = fields.Date("Valid from")
    date_to = fields.Date("Valid to")

    amount_over = fields.Monetary(
        "Amount over", help="Untaxed, in the currency of the company; 0 for any amount."
    )
    discount_over = fields.Float(
        "Largest discount over (%)",
        help="Of a line against the price of the pricelist, or of the whole order with its "
        "discount lines; 0 for any discount.",
    )
    mean_discount_over = fields.Float(
        "Mean discount over (%)", help="Of the whole order with its discount lines."
    )
    by_margin = fields.Boolean("By margin")
    margin_below = fields.Float(
        "Margin below (%)",
        help="With the cost of the product where a line says it is less.",
    )
    by_payment_days = fields.Boolean("By payment days")
    payment_days_over = fields.Integer(
        "Payment later than (days)", help="Days from the invoice to the last payment."
    )
    payment_term_ids = fields.Many2many("account.payment.term", string="Payment terms")
    order_type_ids = fields.Many2many("trade.order.type", string="Order types")
    tier_ids = fields.Many2many("trade.tier", string="Customer tiers")
    territory_ids = fields.Many2many(
        "trade.territory", string="Territories", help="Those of the order, parts included."
    )
    customer_type_ids = fields.Many2many("trade.customer.type", string="Customer types")
    domain = fields.Char("Other conditions", default="[]")

    mode = fields.Selection(
        [("sequence", "One step after the other"), ("parallel", "All steps at once")],
        "Order of steps",
        required=True,
        default="sequence",
    )
    allow_self = fields.Boolean(
        "May approve own orders",
        help="Who asks and is the only approver of a step approves it. Otherwise somebody else has to.",
    )
    step_ids = fields.One2many("trade.approval.rule.step", "rule_id", "Approvers", copy=True)
    condition = fields.Char("Asks for approval when", compute="_compute_condition")

    _dates_in_order = models.Constraint(
        "CHECK (date_to >= date_from)", "A rule ends after it has begun."
    )
    _limits_not_negative = models.Constraint(
        "CHECK (amount_over >= 0 AND discount_over >= 0 AND mean_discount_over >= 0"
        " AND payment_days_over >= 0)",
        "Limits of an approval rule are 0 or more.",
    )

    @api.depends("company_id")
    @api.depends_context("company")
    def _compute_currency_id(self):
        for rule in self:
            rule.currency_id = (rule.company_id or self.env.company).currency_id

    @api.depends(*LIMITS, *LISTS, "domain", "by_margin", "margin_below", "by_payment_days")
    @api.depends("payment_days_over", "currency_id")
    @api.depends_context("lang")
    def _compute_condition(self):
        for rule in self:
            rule.condition = ", ".join(rule._describe_conditions())

    def _describe_conditions(self):
        self.ensure_one()
        parts = []
        if self.amount_over:
            amount = (self.currency_id or self.env.company.currency_id).format(self.amount_over)
            parts.append(self.env._("amount over %s", amount))
        if self.discount_over:
            parts.append(self.env._("a discount over %g %%", self.discount_over))
        if self.mean_discount_over:
            parts.append(self.env._("mean discount over %g %%", self.mean_discount_over))
        if self.by_margin:
            parts.append(self.env._("margin below %g %%", self.margin_below))
        if self.by_payment_days:
            parts.append(self.env._("payment later than %s days", self.payment_days_over))
        for name in LISTS:
            if records := self[name]:
                parts.append(" / ".join(records.mapped("display_name")))
        if self._get_domain():
            parts.append(self.env._("other conditions"))
        return parts or [self.env._("every order")]

    # ------------------------------------------------------------------
    # Checks
    # ------------------------------------------------------------------

    def _get_domain(self):
        self.ensure_one()
        return ast.literal_eval(self.domain or "[]")

    @api.constrains("domain")
    def _check_domain(self):
        for rule in self:
            try:
                self.env["sale.order"]._search(Domain(rule._get_domain()), limit=1)
            except Exception as error:
                raise ValidationError(
                    self.env._(
                        "The other conditions of the rule “%(rule)s” cannot be used: %(error)s",
                        rule=rule.name,
                        error=error,
                    )
                ) from error

    @api.constrains("step_ids", "active")
    def _check_steps(self):
        for rule in self:
            if rule.active and not rule.step_ids:
                raise ValidationError(
                    self.env._("“%s”: say who approves. Add an approver.", rule.name)
                )

    # ------------------------------------------------------------------
    # In force
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        rules = super().create(vals_list)
        self._forget_rules()
        return rules

    def write(self, vals):
        result = super().write(vals)
        self._forget_rules()
        return result

    def unlink(self):
        result = super().unlink()
        self._forget_rules()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        used = self.env["trade.approval.step"].sudo().search([("rule_id", "in", self.ids)], limit=1)
        if used:
            raise UserError(
                self.env._(
                    "Approvals were asked for because of “%s”: archive it instead of deleting it.",
                    used.rule_id.name,
                )
            )

    @api.model
    def _forget_rules(self):
        self.env.registry.clear_cache()
        # Another thread may have read the old rules again before our commit.
        self.env.cr.postcommit.add(self.env.registry.clear_cache)

    @api.model
    def _get_rules(self, company, day):
        """The rules in force in ``company`` on ``day``, as plain data: a list of dictionaries."""
        return [
            rule
            for rule in self._read_rules(company.id)
            if (not rule["date_from"] or rule["date_from"] <= day)
            and (not rule["date_to"] or rule["date_to"] >= day)
        ]

    @api.model
    @tools.ormcache("company_id")
    def _read_rules(self, company_id):
        rules_sudo = self.sudo().search([("company_id", "in", (company_id, False))])
        return tuple(rule._prepare_data() for rule in rules_sudo)

    @api.model
    @tools.ormcache()
    def _has_rules(self):
        """Whether any company has rules."""
        return bool(self.sudo().search_count([], limit=1))

    def _prepare_data(self):
        self.ensure_one()
        margin = self.margin_below if self.by_margin else None
        days = self.payment_days_over if self.by_payment_days else None
        return {
            "id": self.id,
            "name": self.name,
            "domain": self._get_domain(),
            "date_from": self.date_from,
            "date_to": self.date_to,
            "margin_below": margin,
            "payment_days_over": days,
            **{name: self[name] for name in LIMITS},
            **{name: frozenset(self.with_context(active_test=False)[name].ids) for name in LISTS},
        }


class TradeApprovalRuleStep(models.Model):
    """Who approves, as the rule says it; who that is for an order is found when it is asked for."""

    _name = "trade.approval.rule.step"
    _description = "Approvers of a Rule"
    _order = "sequence, id"

    rule_id = fields.Many2one("trade.approval.rule", required=True, index=True, ondelete="cascade")
    sequence = fields.Integer(default=10)
    kind = fields.Selection(
        [
            ("users", "Persons"),
            ("group", "Everybody with a role"),
            ("territory", "Manager of the territory"),
        ],
        "Approver",
        required=True,
        default="territory",
        help="The manager of the territory of the order; of the one above, if it is who asks.",
    )
    user_ids = fields.Many2many(
        "res.users",
        "trade_approval_rule_step_users_rel",
        string="Persons",
        domain=[("share", "=", False)],
    )
    group_id = fields.Many2one("res.groups", "Role", ondelete="restrict")
    quorum = fields.Selection(
        [("any", "One of them"), ("all", "All of them")],
        "Who is needed",
        required=True,
        default="any",
    )

    @api.constrains("kind", "user_ids", "group_id")
    def _check_approvers(self):
        for step in self:
            if (step.kind == "users" and not step.user_ids) or (
                step.kind == "group" and not step.group_id
            ):
                raise ValidationError(
                    self.env._("“%s”: choose the persons or the role.", step.rule_id.name)
                )
            if step.user_ids.filtered("share"):
                raise ValidationError(
                    self.env._("“%s”: portal users cannot approve.", step.rule_id.name)
                )

    def _find_approvers(self, order, excluded):
        """Who approves ``order``, which ``excluded`` users must not do themselves.

        :return: active users; none where nobody is left
        """
        self.ensure_one()
        candidates = self._get_candidates(order, excluded).filtered(
            lambda user: user.active and not user.share and order.company_id in user.company_ids
        )
        others = candidates - excluded
        return candidates if not others and self.rule_id.allow_self else others

    def _get_candidates(self, order, excluded):
        if self.kind == "users":
            return self.user_ids
        if self.kind == "group":
            return self.group_id.all_user_ids
        territory = order.territory_id
        for part in reversed(territory._get_above().get(territory.id, [])):
            if managers := part.manager_ids.filtered("active") - excluded:
                return managers
        # Nobody in particular: those who see all territories, or any manager where nobody does.
        managers = self.env.ref("trade_crm.group_manager").all_user_ids.filtered(
            lambda user: user.active and order.company_id in user.company_ids
        )
        managers -= excluded
        return (
            managers.filtered(lambda user: user._get_assigned_territory_ids() is None) or managers
        )
