from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain

KINDS = [
    ("orders", "Revenue of confirmed orders"),
    ("won", "Revenue of won opportunities"),
    ("leads", "New leads"),
]


class TradeSalesTarget(models.Model):
    """What a salesperson, a territory with its parts, or a salesperson there is to reach in a month.

    Actual figures are those of ``trade.target.report``.
    """

    _name = "trade.sales.target"
    _description = "Sales Target"
    _inherit = ["trade.territory.report.mixin"]
    _order = "month desc, kind, id desc"

    month = fields.Date(
        required=True,
        default=lambda self: fields.Date.context_today(self).replace(day=1),
        help="Any day of the month will do.",
    )
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company, ondelete="cascade"
    )
    currency_id = fields.Many2one("res.currency", compute="_compute_currency_id")
    user_id = fields.Many2one(
        "res.users",
        "Salesperson",
        index="btree_not_null",
        domain="[('share', '=', False)]",
        ondelete="cascade",
    )
    territory_id = fields.Many2one(
        readonly=False,
        index="btree_not_null",
        ondelete="cascade",
        help="With its parts.",
    )
    kind = fields.Selection(
        KINDS,
        required=True,
        default="orders",
        help="Confirmed orders: net of tax, at the rate of the order, by their date.\n"
        "Won opportunities: their expected revenue, by the day on which they were won.\n"
        "New leads: how many were created.",
    )
    amount = fields.Monetary("Target", required=True, aggregator="sum")

    _key_unique = models.UniqueIndex(
        "(company_id, month, kind, COALESCE(user_id, 0), COALESCE(territory_id, 0))",
        "There is such a target for this month already: change it instead of adding another one.",
    )
    _check_owner = models.Constraint(
        "CHECK (user_id IS NOT NULL OR territory_id IS NOT NULL)",
        "A target is that of a salesperson or of a territory: choose at least one of them.",
    )
    _check_amount = models.Constraint("CHECK (amount > 0)", "A target is more than zero.")
    _check_month = models.Constraint(
        "CHECK (extract(day FROM month) = 1)", "The month is given by its first day."
    )

    @api.depends("company_id", "kind")
    def _compute_currency_id(self):
        for target in self:
            is_money = target.kind != "leads"
            target.currency_id = target.company_id.currency_id if is_money else False

    @api.depends("month", "user_id", "territory_id")
    def _compute_display_name(self):
        for target in self:
            owners = (target.user_id.name, target.territory_id.display_name)
            owner = ", ".join(name for name in owners if name)
            month = target.month and target.month.strftime("%Y-%m")
            target.display_name = " ".join(part for part in (owner, month) if part)

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        return super().create([self._normalize(vals) for vals in vals_list])

    def write(self, vals):
        return super().write(self._normalize(vals))

    @api.model
    def _normalize(self, vals):
        """Whoever imports a month has some day of it."""
        if not vals.get("month"):
            return vals
        return {**vals, "month": fields.Date.to_date(vals["month"]).replace(day=1)}

    def _get_key(self, month=None):
        """What there is one target of, in ``month`` instead of its own."""
        return month or self.month, self.company_id, self.kind, self.user_id, self.territory_id

    @api.onchange("month")
    def _onchange_month(self):
        if self.month:
            self.month = self.month.replace(day=1)

    @api.constrains("user_id")
    def _check_user(self):
        portal = self.user_id.sudo().filtered("share")
        if portal:
            raise ValidationError(
                self.env._(
                    "%(names)s: portal users cannot have a target. Choose users of yours.",
                    names=", ".join(portal.mapped("name")),
                )
            )

    @api.model
    def _get_territory_domain(self, territory_ids, operation):
        """Targets of these territories and of their people; one's own is for reading only."""
        territories = self.env["trade.territory"].sudo().with_context(active_test=False)
        people = territories.browse(territory_ids)
        users = people.member_ids | people.manager_ids
        domain = Domain("territory_id", "in", territory_ids)
        domain |= Domain("territory_id", "=", False) & Domain("user_id", "in", users.ids)
        if operation == "read":
            domain |= Domain("user_id", "=", self.env.uid)
        return domain

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_repeat(self):
        """Ask for how many months these targets are to be repeated."""
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Repeat for the next months"),
            "res_model": "trade.sales.target.repeat",
            "view_mode": "form",
            "target": "new",
            "context": {"default_target_ids": self.ids},
        }

    def action_view_actual(self):
        """Open the actual figures beside these targets."""
        action = self.env["ir.actions.actions"]._for_xml_id("trade_crm.trade_target_report_action")
        return action | {"domain": [("id", "in", self.ids)], "context": {}}
