from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain

STATES = [
    ("waiting", "Later"),
    ("open", "To decide"),
    ("approved", "Approved"),
    ("refused", "Refused"),
    ("skipped", "Not needed"),
]


class TradeApprovalStep(models.Model):
    """One person who is asked for approval: what they said, when, and who said it for them.

    Those of a rule with the same ``position`` are asked at once; ``quorum`` tells whether one of
    them is enough.
    """

    _name = "trade.approval.step"
    _description = "Approval Step"
    _inherit = ["trade.territory.path.mixin"]
    _order = "request_id, rule_sequence, rule_id, position, id"
    _territory_path = "request_id"

    request_id = fields.Many2one(
        "trade.approval.request", required=True, index=True, ondelete="cascade"
    )
    rule_id = fields.Many2one("trade.approval.rule", required=True, index=True, ondelete="restrict")
    rule_sequence = fields.Integer()
    position = fields.Integer("Step")
    quorum = fields.Selection([("any", "One of them"), ("all", "All of them")], required=True)
    in_turn = fields.Boolean(help="Whether the position before has to be approved first.")
    approver_id = fields.Many2one("res.users", required=True, index=True, ondelete="restrict")
    state = fields.Selection(STATES, required=True, default="waiting", index=True)
    decided_by_id = fields.Many2one("res.users", ondelete="restrict")
    decided_name = fields.Char("Decided by", compute="_compute_decided_name")
    decided_at = fields.Datetime("Decided")
    note = fields.Text()

    @api.depends("decided_by_id", "approver_id")
    @api.depends_context("lang")
    def _compute_decided_name(self):
        for step in self:
            by, approver = step.decided_by_id.sudo(), step.approver_id.sudo()
            if by and by != approver:
                step.decided_name = self.env._(
                    "%(delegate)s for %(approver)s", delegate=by.name, approver=approver.name
                )
            else:
                step.decided_name = by.name

    @api.model
    def _get_approver_domain(self, path):
        """Where ``path`` leads to the current user, or to somebody he stands in for today."""
        return Domain(path, "=", self.env.uid) | Domain(
            f"{path}.trade_approval_delegate_ids",
            "any",
            [
                ("delegate_id", "=", self.env.uid),
                ("date_from", "<=", "today"),
                ("date_to", ">=", "today"),
            ],
        )

    @api.model
    def _create_steps(self, request, rule):
        """Steps of ``rule``: one per person who is asked.

        :raise UserError: when nobody may approve
        """
        excluded = request.user_id | request.salesperson_id
        values = []
        found = {step: step._find_approvers(request.order_id, excluded) for step in rule.step_ids}
        if not found or not all(found.values()):
            raise UserError(
                self.env._(
                    "Nobody may approve this order but who asks: have another approver named in the "
                    "rule “%s”.",
                    rule.name,
                )
            )
        for position, (step, approvers) in enumerate(found.items(), 1):
            values += [
                {
                    "request_id": request.id,
                    "rule_id": rule.id,
                    "rule_sequence": rule.sequence,
                    "position": position,
                    "quorum": step.quorum,
                    "in_turn": rule.mode == "sequence",
                    "approver_id": approver.id,
                }
                for approver in approvers
            ]
        return self.create(values)

    def _open_next(self):
        """Open the steps whose turn it is.

        :return: the steps that are open now and were not before
        """
        opened = self.browse()
        ordered = self.sorted(lambda step: (step.rule_sequence, step.rule_id.id, step.position))
        for _rule, steps in ordered.grouped("rule_id").items():
            blocked = False
            for _position, same in sorted(steps.grouped("position").items()):
                done = same._is_done()
                waiting = same.filtered(lambda step: step.state == "waiting")
                if done:
                    same.filtered(lambda step: step.state in ("waiting", "open")).write(
                        {"state": "skipped"}
                    )
                elif not blocked:
                    waiting.write({"state": "open"})
                    opened |= waiting
                blocked = blocked or (not done and same[0].in_turn)
        return opened

    def _is_done(self):
        """Whether enough of these persons, who are asked at once, approved."""
        states = self.mapped("state")
        if self[0].quorum == "any":
            return "approved" in states
        return all(state == "approved" for state in states)

    def _close(self, decision, note):
        self.write(
            {
                "state": decision,
                "decided_by_id": self.env.uid,
                "decided_at": fields.Datetime.now(),
                "note": (note or "").strip(),
            }
        )


class TradeApprovalDelegate(models.Model):
    """Who approves for somebody who is away."""

    _name = "trade.approval.delegate"
    _description = "Stand-in for Approvals"
    _order = "date_from desc, id desc"

    user_id = fields.Many2one(
        "res.users",
        "Away",
        required=True,
        index=True,
        default=lambda self: self.env.user,
        ondelete="cascade",
    )
    delegate_id = fields.Many2one(
        "res.users",
        "Stand-in",
        required=True,
        index=True,
        ondelete="cascade",
        domain=[("share", "=", False)],
    )
    date_from = fields.Date("From", required=True, default=fields.Date.context_today)
    date_to = fields.Date("To", required=True)

    _dates_in_order = models.Constraint(
        "CHECK (date_to >= date_from)", "An absence ends after it has begun."
    )

    @api.depends("user_id", "delegate_id")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for delegate in self:
            delegate.display_name = self.env._(
                "%(delegate)s for %(approver)s",
                delegate=delegate.delegate_id.name,
                approver=delegate.user_id.name,
            )

    @api.constrains("user_id", "delegate_id")
    def _check_people(self):
        for delegate in self:
            if delegate.user_id == delegate.delegate_id:
                raise ValidationError(self.env._("Nobody stands in for themselves."))
            if delegate.sudo().delegate_id.share:
                raise ValidationError(self.env._("A portal user cannot approve."))

    @api.model
    def _get_represented(self, user):
        """Whom ``user`` stands in for today."""
        return self._search_today("delegate_id", user).user_id

    @api.model
    def _get_delegates(self, users):
        """Who stands in for ``users`` today."""
        return self._search_today("user_id", users).delegate_id.filtered("active")

    @api.model
    def _search_today(self, name, users):
        today = fields.Date.context_today(self)
        return self.sudo().search(
            [(name, "in", users.ids), ("date_from", "<=", today), ("date_to", ">=", today)]
        )


class ResUsers(models.Model):
    _inherit = "res.users"

    trade_approval_delegate_ids = fields.One2many(
        "trade.approval.delegate", "user_id", "Stand-ins for approvals", groups="base.group_system"
    )
