import json

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ..models.res_partner import ROLES


class TradeTerritoryApply(models.TransientModel):
    """See whom the rules would move, then move them."""

    _name = "trade.territory.apply"
    _description = "Apply Territory Rules"

    line_ids = fields.One2many("trade.territory.apply.line", "apply_id", "Moves")
    customer_count = fields.Integer("Customers that move", compute="_compute_customer_count")
    take_leads = fields.Boolean("Open leads", default=True)
    take_quotations = fields.Boolean("Quotations", default=True)
    take_orders = fields.Boolean("Orders to deliver or invoice", default=True)
    take_past_orders = fields.Boolean("All past orders")

    @api.depends("line_ids.customer_count")
    def _compute_customer_count(self):
        for wizard in self:
            wizard.customer_count = sum(wizard.line_ids.mapped("customer_count"))

    @api.model_create_multi
    def create(self, vals_list):
        wizards = super().create(vals_list)
        lines = self._prepare_lines()
        for wizard in wizards:
            wizard.line_ids = [fields.Command.clear()] + [
                fields.Command.create(line) for line in lines
            ]
        return wizards

    @api.model
    def _get_changes(self):
        """Where the rules place the customers whom the user may move; what was set by hand stays.

        :return: ``SQL``, see ``trade.territory.move._move``
        """
        self.env["trade.territory.move"]._check_may_move()
        partners = self.env["res.partner"].with_context(active_test=False)
        self.env.flush_all()
        domain = Domain("territory_source", "not in", ["manual"])
        if (ids := self.env.user._get_territory_ids()) is not None:
            domain &= partners._get_territory_domain(ids, "write")
        query = partners._search(domain)
        return self.env["trade.territory.rule"]._get_placing_sql(query)

    @api.model
    def _prepare_lines(self):
        rows = self.env.execute_query(
            SQL(
                """
                SELECT change.from_id, change.territory_id, count(*),
                       COALESCE(sum(profile.window_revenue), 0)::float8
                  FROM (%s) change
                  LEFT JOIN trade_customer_profile profile
                         ON profile.partner_id = change.id AND profile.company_id = %s
                 WHERE change.territory_id IS DISTINCT FROM change.from_id
                 GROUP BY change.from_id, change.territory_id
                 ORDER BY count(*) DESC, change.from_id, change.territory_id
                """,
                self._get_changes(),
                self.env.company.id,
            )
        )
        return [
            {
                "from_territory_id": origin,
                "territory_id": target,
                "customer_count": count,
                "revenue": revenue,
            }
            for origin, target, count, revenue in rows
        ]

    @api.model
    def action_open(self):
        """Open a preview of today."""
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Apply territory rules"),
            "res_model": self._name,
            "res_id": self.create({}).id,
            "view_mode": "form",
            "target": "new",
        }

    def action_apply(self):
        """Move the customers of the preview; it is worked out again, so that nobody is missed."""
        self.ensure_one()
        assign = self.env["trade.territory.assign"].new(
            {name: self[name] for name in self._fields if name.startswith("take_")}
        )
        now = {
            (line["from_territory_id"], line["territory_id"], line["customer_count"])
            for line in self._prepare_lines()
        }
        if now != {line._get_move() for line in self.line_ids}:
            raise UserError(
                self.env._(
                    "Customers or rules have changed since this preview was made. Close it and open it "
                    "again to see what would move now."
                )
            )
        counts = (
            self.env["trade.territory.move"]
            .sudo()
            ._move(self._get_changes(), assign._get_keys(), self.env._("Rules applied"))
        )
        return assign._notify(counts)


class TradeTerritoryApplyLine(models.TransientModel):
    _name = "trade.territory.apply.line"
    _description = "Customers That a Territory Rule Moves"
    _order = "customer_count desc, id"

    apply_id = fields.Many2one("trade.territory.apply", required=True, ondelete="cascade")
    from_territory_id = fields.Many2one("trade.territory", "From")
    territory_id = fields.Many2one("trade.territory", "To")
    customer_count = fields.Integer("Customers")
    currency_id = fields.Many2one("res.currency", default=lambda self: self.env.company.currency_id)
    revenue = fields.Monetary("Revenue in window")

    def _get_move(self):
        """What a preview promises: how many go where. Revenue may change meanwhile."""
        return (self.from_territory_id.id or None, self.territory_id.id, self.customer_count)

    def action_view_customers(self):
        """Open the customers of this line."""
        self.ensure_one()
        move = json.dumps([self.from_territory_id.id, self.territory_id.id])
        return self.env["res.partner"]._get_trade_action(
            [("trade_territory_change", "=", move)],
            name=" → ".join(
                territory.display_name or self.env._("None")
                for territory in (self.from_territory_id, self.territory_id)
            ),
        )


class ResPartner(models.Model):
    _inherit = "res.partner"

    trade_territory_change = fields.Char(
        "Move by territory rules",
        store=False,
        search="_search_trade_territory_change",
        groups=ROLES,
        help="Limits a list to the customers that the rules would move from one territory to another.",
    )

    def _search_trade_territory_change(self, operator, value):
        if operator != "in":
            return NotImplemented
        changes = self.env["trade.territory.apply"]._get_changes()
        return Domain.OR(
            Domain(
                "id",
                "in",
                SQL(
                    "(SELECT id FROM (%s) change WHERE COALESCE(from_id, 0) = %s AND territory_id = %s)",
                    changes,
                    origin or 0,
                    target,
                ),
            )
            for origin, target in map(json.loads, value)
        )
