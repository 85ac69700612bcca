from odoo import api, fields, models, tools
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import SQL

# What decides on who may see what; a change of it acts at once, in every process.
ACCESS_FIELDS = {"member_ids", "manager_ids", "parent_id", "active"}
# What the manager of a branch may change in it.
BRANCH_FIELDS = {"member_ids", "manager_ids", "color", "note"}


class TradeTerritory(models.Model):
    """A part of the market: whose customers they are.

    Territories belong to no company, as customers do. Members see the customers of their
    territories, managers those of the whole subtree; see ``res.users._get_territory_ids``.
    """

    _name = "trade.territory"
    _description = "Territory"
    _parent_store = True
    _order = "is_fallback, parent_path, id"

    name = fields.Char(required=True, translate=True)
    parent_id = fields.Many2one(
        "trade.territory", "Part of", index=True, ondelete="restrict", domain="[('id', '!=', id)]"
    )
    parent_path = fields.Char(index=True)
    child_ids = fields.One2many("trade.territory", "parent_id", "Parts")
    active = fields.Boolean(default=True)
    color = fields.Integer()
    note = fields.Text("Notes")
    manager_ids = fields.Many2many(
        "res.users",
        "trade_territory_manager_rel",
        "territory_id",
        "user_id",
        string="Managers",
        domain=[("share", "=", False)],
        help="They see the customers of this territory and of its parts.",
    )
    member_ids = fields.Many2many(
        "res.users",
        "trade_territory_member_rel",
        "territory_id",
        "user_id",
        string="Members",
        domain=[("share", "=", False)],
        help="They see the customers of this territory, but not of its parts.",
    )
    rule_ids = fields.One2many("trade.territory.rule", "territory_id", "Rules", copy=True)
    is_fallback = fields.Boolean(
        "Fallback", readonly=True, copy=False, help="Customers that no rule places are here."
    )
    currency_id = fields.Many2one("res.currency", compute="_compute_currency_id")
    customer_count = fields.Integer(
        "Customers", compute="_compute_customers", help="Those of its parts included."
    )
    revenue = fields.Monetary(
        "Revenue in window",
        compute="_compute_customers",
        help="Of the current company, within the window of its tier policy; parts included.",
    )

    _fallback_unique = models.UniqueIndex(
        "(is_fallback) WHERE is_fallback", "There is one territory for customers without a rule."
    )

    @api.depends("name", "parent_path")
    @api.depends_context("lang", "hierarchical_naming")
    def _compute_display_name(self):
        """The path, or the name alone where the context says so, as of product categories."""
        if not self.env.context.get("hierarchical_naming", True):
            return super()._compute_display_name()
        above = self.sudo()._get_above()
        for territory in self:
            names = [part.name for part in above[territory.id]] or [territory.name]
            territory.display_name = " / ".join(name for name in names if name)
        return None

    def _get_above(self):
        """``{id: the territories that it is a part of, from the top, and itself}``"""
        paths = {
            territory.id: [int(part) for part in (territory.parent_path or "").split("/") if part]
            for territory in self
        }
        self.browse({part for path in paths.values() for part in path}).fetch(["name"])
        return {territory: self.browse(path) for territory, path in paths.items()}

    @api.depends_context("company")
    def _compute_currency_id(self):
        self.currency_id = self.env.company.currency_id

    @api.depends_context("company", "uid")
    def _compute_customers(self):
        own = self._read_customers()
        for territory in self:
            path = territory.parent_path or "-"
            parts = [values for at, *values in own if at.startswith(path)]
            territory.customer_count = sum(count for count, _revenue in parts)
            territory.revenue = sum(revenue for _count, revenue in parts)

    def _read_customers(self):
        """Customers and revenue of every territory, as far as the user may see the customers.

        :return: list of (path of the territory, customers, revenue)
        """
        partners = self.env["res.partner"].with_context(active_test=False)
        query = partners._search(
            Domain("territory_id", "!=", False) & partners._get_customer_level_domain()
        )
        return self.env.execute_query(
            SQL(
                """
                SELECT territory.parent_path, count(*), COALESCE(sum(profile.window_revenue), 0)::float8
                  FROM (%s) customer
                  JOIN trade_territory territory ON territory.id = customer.territory_id
                  LEFT JOIN trade_customer_profile profile
                         ON profile.partner_id = customer.id AND profile.company_id = %s
                 GROUP BY territory.parent_path
                """,
                query.select(
                    SQL.identifier("res_partner", "id"),
                    SQL.identifier("res_partner", "territory_id"),
                ),
                self.env.company.id,
            )
        )

    @api.constrains("manager_ids", "member_ids")
    def _check_people(self):
        territories = self.sudo().with_context(active_test=False)
        shared = (territories.manager_ids | territories.member_ids).filtered("share")
        if shared:
            raise ValidationError(
                self.env._(
                    "%(names)s: portal users cannot have a territory. Choose users of yours.",
                    names=", ".join(shared.mapped("name")),
                )
            )

    @api.constrains("active")
    def _check_archived(self):
        """What nobody looks at any more must not hold customers."""
        archived = self.filtered(lambda territory: not territory.active)
        if not archived:
            return
        if any(archived.mapped("is_fallback")):
            raise ValidationError(self.env._("Customers without a rule need this territory."))
        used = (
            self.env["res.partner"]
            .sudo()
            .with_context(active_test=False)
            .search([("territory_id", "in", archived.ids)], limit=1)
            .territory_id
        )
        if used:
            raise ValidationError(
                self.env._(
                    "There are customers in %(name)s: move them before you archive it.",
                    name=used.display_name,
                )
            )

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        territories = super().create(vals_list)
        territories._forget_access()
        return territories

    def write(self, vals):
        self._check_branch_change(vals)
        self._check_parent(vals.get("parent_id"))
        result = super().write(vals)
        if not ACCESS_FIELDS.isdisjoint(vals):
            self._forget_access()
        return result

    def copy_data(self, default=None):
        vals_list = super().copy_data(default)
        for territory, vals in zip(self, vals_list, strict=True):
            if not (default or {}).get("name"):
                vals["name"] = self.env._("%s (copy)", territory.name)
        return vals_list

    def unlink(self):
        result = super().unlink()
        self._forget_access()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        if any(self.mapped("is_fallback")):
            raise UserError(self.env._("Customers without a rule need this territory."))
        for model in self.env["trade.territory.mixin"]._get_scoped_models():
            record = (
                self.env[model]
                .sudo()
                .with_context(active_test=False)
                .search([("territory_id", "in", self.ids)], limit=1)
            )
            if record:
                raise UserError(
                    self.env._(
                        "%(territory)s holds records (%(model)s): archive it instead of deleting it.",
                        territory=record.territory_id.display_name,
                        model=self.env["ir.model"]._get(model).name,
                    )
                )

    @api.model
    def _get_territory_domain(self, territory_ids, operation):
        """See ``trade.territory.report.mixin``: everybody reads the names of all territories."""
        if operation == "read":
            return Domain.TRUE
        return Domain("parent_id" if operation == "create" else "id", "in", territory_ids)

    def _check_branch_change(self, vals):
        """The manager of a branch names its people; the tree is the business of those above.

        :raise AccessError: when a user who is limited to territories changes more
        """
        limited = not self.env.su and self.env.user._get_territory_ids() is not None
        if limited and not BRANCH_FIELDS.issuperset(vals):
            raise AccessError(
                self.env._(
                    "You may name the members and managers of your territories. Ask somebody who "
                    "sees all territories for any other change."
                )
            )

    def _check_parent(self, parent_id):
        # Odoo refuses a circle as well, but without a word on what it is about.
        if parent_id and self & self.browse(parent_id).sudo()._get_above()[parent_id]:
            raise ValidationError(self.env._("A territory cannot be a part of itself."))

    @api.model
    def _forget_access(self):
        """Who may see what, or a rule, has changed: other processes learn of it at commit."""
        self.env.registry.clear_cache()
        # Another thread may have read the old members again before our commit.
        self.env.cr.postcommit.add(self.env.registry.clear_cache)

    @api.model
    def _get_access_version(self):
        """Which changes this transaction has seen, for what is kept of who may see what.

        A request that began before a change goes on with the old members. It must not tell them
        to other threads of its process, which have forgotten them.
        """
        if not self.env["res.users"]._is_territory_scope_on():
            return None
        data = self.env.cr.precommit.data
        if "trade_crm.access_version" not in data:
            [[version]] = self.env.execute_query(SQL("SELECT max(id) FROM orm_signaling_default"))
            data["trade_crm.access_version"] = version
        return data["trade_crm.access_version"]

    @api.model
    def _get_fallback(self):
        """The territory of customers that no rule places; made again where it is gone."""
        fallback = self.sudo().with_context(active_test=False).search([("is_fallback", "=", True)])
        return fallback or self.sudo().create({"name": "Unassigned", "is_fallback": True})

    # ------------------------------------------------------------------
    # Screens
    # ------------------------------------------------------------------

    def action_view_customers(self):
        """Open the customers of the territory and of its parts."""
        self.ensure_one()
        return self.env["res.partner"]._get_trade_action(
            [("territory_id", "child_of", self.id)], name=self.display_name
        )

    def action_view_moves(self):
        """Open the log of the customers that came and went."""
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id("trade_crm.trade_territory_move_action")
        return action | {
            "domain": ["|", ("from_territory_id", "=", self.id), ("territory_id", "=", self.id)],
            "context": {},
        }


class ResUsers(models.Model):
    """Which territories a user is limited to."""

    _inherit = "res.users"

    trade_territory_ids = fields.Many2many(
        "trade.territory",
        "trade_territory_member_rel",
        "user_id",
        "territory_id",
        string="Member of territories",
        groups="trade_crm.group_manager,base.group_erp_manager",
    )
    trade_managed_territory_ids = fields.Many2many(
        "trade.territory",
        "trade_territory_manager_rel",
        "user_id",
        "territory_id",
        string="Manager of territories",
        groups="trade_crm.group_manager,base.group_erp_manager",
    )

    @api.model_create_multi
    def create(self, vals_list):
        users = super().create(vals_list)
        if any(self._names_territories(vals) for vals in vals_list):
            self.env["trade.territory"]._forget_access()
        return users

    def write(self, vals):
        result = super().write(vals)
        if self._names_territories(vals):
            self.env["trade.territory"]._forget_access()
        return result

    @api.model
    def _names_territories(self, vals):
        return not {"trade_territory_ids", "trade_managed_territory_ids"}.isdisjoint(vals)

    @api.model
    def _is_territory_scope_on(self):
        return bool(self.env["ir.config_parameter"].sudo().get_param("trade_crm.territory_scope"))

    def _get_territory_ids(self):
        """The territories that the user is limited to, once the limit is switched on.

        Who sells (the role or any territory says so) is limited; administrators, who could lift
        the limit, and who has the group "All territories" are not, nor are portal users, for
        whom Odoo has rules of its own.

        :return: tuple of ids, or None for a user without a limit
        """
        self.ensure_one()
        if not self._is_territory_scope_on():
            return None
        return self._get_assigned_territory_ids()

    @tools.ormcache("self.id", "self.env['trade.territory']._get_access_version()")
    def _get_assigned_territory_ids(self):
        """What :meth:`_get_territory_ids` returns when the limit is switched on."""
        user_sudo = self.sudo()
        if user_sudo._is_superuser() or not user_sudo._is_internal() or user_sudo._is_system():
            return None
        if user_sudo.has_group("trade_crm.group_all_territories"):
            return None
        ids = user_sudo._read_territory_ids()
        return ids if ids or user_sudo.has_group("trade_crm.group_rep") else None

    def _read_territory_ids(self):
        """Ids of the territories of a user: as member itself, as manager with its parts."""
        self.env["trade.territory"].flush_model(["parent_path", "member_ids", "manager_ids"])
        rows = self.env.execute_query(
            SQL(
                """
                SELECT territory_id FROM trade_territory_member_rel WHERE user_id = %(user)s
                 UNION
                SELECT part.id
                  FROM trade_territory_manager_rel managed
                  JOIN trade_territory whole ON whole.id = managed.territory_id
                  JOIN trade_territory part ON starts_with(part.parent_path, whole.parent_path)
                 WHERE managed.user_id = %(user)s
                 ORDER BY 1
                """,
                user=self.id,
            )
        )
        return tuple(territory for [territory] in rows)

    def _get_own_territory(self, wanted):
        """Where something new of this user goes: to ``wanted``, unless that is out of reach."""
        ids = self._get_territory_ids()
        if ids is None or wanted.id in ids or not ids:
            return wanted
        return wanted.browse(ids[0])


class ResCompany(models.Model):
    _inherit = "res.company"

    @api.model_create_multi
    def create(self, vals_list):
        companies = super().create(vals_list)
        # Their partners come first and look like customers until then.
        companies.partner_id._queue_territories()
        return companies
