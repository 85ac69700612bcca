from ast import literal_eval

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

PROFILE_FIELDS = {"commercial_partner_id", "company_id", "customer_rank"}
ROLES = "trade_crm.group_user"


class ResPartner(models.Model):
    _inherit = "res.partner"

    trade_profile_id = fields.Many2one(
        "trade.customer.profile",
        string="Customer profile",
        compute="_compute_trade_profile_id",
        search="_search_trade_profile_id",
        groups=ROLES,
        help="Profile of the commercial partner in the current company.",
    )
    trade_tier_id = fields.Many2one(related="trade_profile_id.tier_id", string="Tier", groups=ROLES)
    trade_tier_color = fields.Integer(
        related="trade_profile_id.tier_color", aggregator=None, groups=ROLES
    )
    trade_tier_since = fields.Date(related="trade_profile_id.tier_since", groups=ROLES)
    trade_tier_reason = fields.Char(related="trade_profile_id.tier_reason", groups=ROLES)
    trade_currency_id = fields.Many2one(
        "res.currency", string="Trade currency", compute="_compute_trade_currency_id", groups=ROLES
    )
    trade_first_order_date = fields.Date(related="trade_profile_id.first_order_date", groups=ROLES)
    trade_last_order_date = fields.Date(related="trade_profile_id.last_order_date", groups=ROLES)
    trade_next_order_date = fields.Date(related="trade_profile_id.next_order_date", groups=ROLES)
    trade_recency_days = fields.Integer(related="trade_profile_id.recency_days", groups=ROLES)
    trade_order_count = fields.Integer(
        related="trade_profile_id.order_count", string="Total orders", groups=ROLES
    )
    trade_revenue = fields.Monetary(
        related="trade_profile_id.revenue",
        string="Total revenue",
        currency_field="trade_currency_id",
        groups=ROLES,
    )
    trade_margin = fields.Monetary(
        related="trade_profile_id.margin",
        string="Total margin",
        currency_field="trade_currency_id",
        groups="trade_crm.group_manager,trade_crm.group_auditor",
    )
    trade_window_revenue = fields.Monetary(
        related="trade_profile_id.window_revenue", currency_field="trade_currency_id", groups=ROLES
    )
    trade_window_order_count = fields.Integer(
        related="trade_profile_id.window_order_count", groups=ROLES
    )
    trade_average_order_value = fields.Monetary(
        related="trade_profile_id.average_order_value",
        currency_field="trade_currency_id",
        aggregator="avg",
        groups=ROLES,
    )
    trade_items_per_order = fields.Float(
        related="trade_profile_id.items_per_order", aggregator="avg", groups=ROLES
    )
    trade_gap_mean_days = fields.Float(
        related="trade_profile_id.gap_mean_days", aggregator="avg", groups=ROLES
    )
    trade_gap_std_days = fields.Float(
        related="trade_profile_id.gap_std_days", aggregator="avg", groups=ROLES
    )
    trade_discounted_share = fields.Float(
        related="trade_profile_id.discounted_share", aggregator="avg", groups=ROLES
    )
    trade_tier_history_ids = fields.One2many(
        related="trade_profile_id.tier_history_ids", string="Tier changes", groups=ROLES
    )

    @api.depends("commercial_partner_id")
    @api.depends_context("company")
    def _compute_trade_profile_id(self):
        profiles = (
            self.env["trade.customer.profile"]
            .sudo()
            .search_fetch(
                [
                    ("company_id", "=", self.env.company.id),
                    ("partner_id", "in", self.commercial_partner_id.ids),
                ],
                ["partner_id"],
            )
        )
        by_partner = {profile.partner_id.id: profile for profile in profiles}
        for partner in self:
            partner.trade_profile_id = by_partner.get(partner.commercial_partner_id.id)

    @api.depends_context("company")
    def _compute_trade_currency_id(self):
        self.trade_currency_id = self.env.company.currency_id

    def _search_trade_profile_id(self, operator, value):
        if operator not in ("in", "any", "any!"):
            return NotImplemented
        profiles = self.env["trade.customer.profile"]
        current = Domain("company_id", "=", self.env.company.id)
        if operator == "in":
            wanted = Domain("id", "in", set(value) - {False})
        else:
            wanted = value if isinstance(value, Domain) else Domain("id", "in", value)
        if not self._can_search_profiles(wanted):
            # Odoo would take an error for a reason to try again as superuser.
            return Domain.FALSE
        domain = self._get_partner_domain(profiles, current & wanted)
        if operator == "in" and False in value:
            domain |= ~self._get_partner_domain(profiles, current)
        return domain

    def _can_search_profiles(self, domain):
        """Whether the user may read all that ``domain`` compares."""
        profiles = self.env["trade.customer.profile"]
        names = {condition.field_expr.split(".")[0] for condition in domain.iter_conditions()}
        return self._has_field_access(self._fields["trade_profile_id"], "read") and all(
            profiles._has_field_access(profiles._fields[name], "read") for name in names
        )

    @api.model
    def _get_partner_domain(self, profiles, domain):
        query = profiles._search(domain, bypass_access=True)
        return Domain("commercial_partner_id", "in", query.subselect("partner_id"))

    @api.model
    def _is_profile_field(self, name):
        field = self._fields.get(name)
        return field is not None and (field.related or "").startswith("trade_profile_id.")

    @api.model
    def _search(self, domain, *args, **kwargs):
        return super()._search(
            Domain(domain).map_conditions(self._prepare_profile_condition), *args, **kwargs
        )

    @api.model
    def _prepare_profile_condition(self, condition):
        """Odoo's search of a related field takes who has no profile for "more than 0" as well."""
        if (
            condition.operator in ("<", ">")
            and not condition.value
            and self._is_profile_field(condition.field_expr)
        ):
            condition &= Domain("trade_profile_id", "!=", False)
        return condition

    def _field_to_sql(self, alias, field_expr, query=None):
        if field_expr not in ("trade_profile_id", "trade_currency_id"):
            if self._is_profile_field(field_expr):
                # A related field is read as superuser.
                self._check_field_access(self._fields[field_expr], "read")
            return super()._field_to_sql(alias, field_expr, query)
        self._check_field_access(self._fields[field_expr], "read")
        if field_expr == "trade_currency_id":
            return SQL("%s", self.env.company.currency_id.id)
        profile = query.make_alias(alias, "trade_current_profile")
        query.add_join(
            "LEFT JOIN",
            profile,
            "trade_customer_profile",
            SQL(
                "%s = %s AND %s = %s",
                SQL.identifier(profile, "partner_id"),
                SQL.identifier(alias, "commercial_partner_id"),
                SQL.identifier(profile, "company_id"),
                self.env.company.id,
            ),
        )
        return SQL.identifier(profile, "id")

    # ------------------------------------------------------------------
    # Capture of change
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        partners = super().create(vals_list)
        customers = partners.filtered("customer_rank")
        if customers:
            self.env["trade.customer.profile"]._queue(customers.ids, None, "partner")
        return partners

    def _write_multi(self, vals_list):
        changed, ranks = [], {}
        for partner_id, vals in zip(self._ids, vals_list, strict=True):
            names = PROFILE_FIELDS & vals.keys()
            if names == {"customer_rank"}:
                ranks[partner_id] = vals["customer_rank"]
            elif names:
                changed.append(partner_id)
        changed += self._get_rank_changed(ranks)
        if changed:
            self.browse(changed)._queue_stored_profiles()
        return super()._write_multi(vals_list)

    def _get_rank_changed(self, ranks):
        """Partners that begin or cease to be customers: every invoice raises the rank, which
        says nothing new of those that had one.

        :param ranks: new ``customer_rank`` per id
        """
        if not ranks:
            return []
        self.env.cr.execute(
            SQL(
                "SELECT p.id FROM res_partner p"
                " JOIN unnest(%s::int[], %s::int[]) new (id, rank) ON new.id = p.id"
                " WHERE (COALESCE(p.customer_rank, 0) > 0) <> (COALESCE(new.rank, 0) > 0)",
                list(ranks),
                list(ranks.values()),
            )
        )
        return [partner for [partner] in self.env.cr.fetchall()]

    def _queue_stored_profiles(self):
        """Have the partners refreshed, and the commercial partner that they may be leaving.

        A partner without one in the database is being created: nothing is known of it yet.
        """
        self.env.cr.execute(
            SQL(
                "SELECT id, commercial_partner_id FROM res_partner"
                " WHERE id = ANY(%s) AND commercial_partner_id IS NOT NULL",
                self.ids,
            )
        )
        partner_ids = {partner for row in self.env.cr.fetchall() for partner in row}
        self.env["trade.customer.profile"]._queue(partner_ids, None, "partner")

    # ------------------------------------------------------------------
    # Screens
    # ------------------------------------------------------------------

    @api.model
    def fields_get(self, allfields=None, attributes=None):
        result = super().fields_get(allfields, attributes)
        return self.env["trade.tier.policy"]._name_window_fields(result, "trade_")

    def _order_field_to_sql(self, alias, field_name, direction, nulls, query):
        if self._is_profile_field(field_name) and not nulls.code:
            # Who has no profile comes last, not before the best customer.
            nulls = SQL("NULLS LAST")
        return super()._order_field_to_sql(alias, field_name, direction, nulls, query)

    @api.model
    def _get_trade_action(self, domain, name=None):
        """The customer list, archived customers included, limited to ``domain``."""
        action = self.env["ir.actions.actions"]._for_xml_id(
            "trade_crm.res_partner_action_customers"
        )
        customers = Domain(literal_eval(action["domain"]))
        return action | {
            "domain": list(customers & Domain(domain)),
            "context": {
                "active_test": False,
                "default_is_company": True,
                "res_partner_search_mode": "customer",
            },
            "name": name or action["name"],
            "display_name": name or action["name"],
        }

    def action_view_trade_profile(self):
        """Open the profile of the customer in the current company."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Customer profile"),
            "res_model": "trade.customer.profile",
            "res_id": self.trade_profile_id.id,
            "view_mode": "form",
        }
