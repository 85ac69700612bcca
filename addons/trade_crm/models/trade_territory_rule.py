import re
from ast import literal_eval

from odoo import api, fields, models, tools
from odoo.exceptions import ValidationError
from odoo.fields import Domain
from odoo.tools import SQL

SEPARATORS = re.compile(r"[,;，、；\n]+")


class TradeTerritoryRule(models.Model):
    """Which customers belong to a territory: all that is filled in has to fit.

    Rules are tried by their sequence; the first one that fits decides.
    """

    _name = "trade.territory.rule"
    _description = "Territory Rule"
    _order = "sequence, id"
    _rec_name = "condition"

    territory_id = fields.Many2one("trade.territory", required=True, index=True, ondelete="cascade")
    sequence = fields.Integer(default=100)
    active = fields.Boolean(default=True)
    country_id = fields.Many2one("res.country")
    state_ids = fields.Many2many(
        "res.country.state",
        string="States",
        domain="[('country_id', '=?', country_id)]",
    )
    city = fields.Char("Cities", help="One or more, with commas between them.")
    zip_from = fields.Char("Zip from")
    zip_to = fields.Char("Zip to")
    customer_type_ids = fields.Many2many("trade.customer.type", string="Customer types")
    industry_ids = fields.Many2many("res.partner.industry", string="Industries")
    domain = fields.Char("Condition on customers", help="Any other condition on the customer.")
    condition = fields.Char("When", compute="_compute_condition")

    @api.depends(
        "country_id",
        "state_ids",
        "city",
        "zip_from",
        "zip_to",
        "customer_type_ids",
        "industry_ids",
        "domain",
    )
    @api.depends_context("lang")
    def _compute_condition(self):
        for rule in self:
            rule.condition = ", ".join(rule._describe())

    def _describe(self):
        """What has to fit, in the user's language."""
        self.ensure_one()
        names = self.state_ids.mapped("name") or self.country_id.mapped("name")
        parts = [" / ".join(names), " / ".join(self._get_cities())]
        if self.zip_from:
            parts.append(
                self.env._("zip %(from)s to %(to)s", **{"from": self.zip_from, "to": self.zip_to})
            )
        parts += [
            " / ".join(self.customer_type_ids.mapped("name")),
            " / ".join(self.industry_ids.mapped("name")),
        ]
        if self._has_domain():
            parts.append(self.env._("a condition on the customer"))
        return [part for part in parts if part]

    @api.constrains("zip_from", "zip_to")
    def _check_zip(self):
        for rule in self:
            first, last = rule.zip_from or "", rule.zip_to or ""
            if len(first) != len(last) or first > last:
                raise ValidationError(
                    self.env._(
                        "%(territory)s: zip %(first)s to %(last)s is no range. Give both ends, equally "
                        "long, the lower one first.",
                        territory=rule.territory_id.display_name,
                        first=first or "–",
                        last=last or "–",
                    )
                )

    @api.constrains("domain")
    def _check_domain(self):
        for rule in self:
            try:
                rule._get_free_domain().validate(self.env["res.partner"].sudo())
            except Exception as error:
                raise ValidationError(
                    self.env._(
                        "%(territory)s: the condition on customers cannot be read: %(error)s",
                        territory=rule.territory_id.display_name,
                        error=error,
                    )
                ) from error

    @api.constrains(
        "territory_id",
        "country_id",
        "state_ids",
        "city",
        "zip_from",
        "customer_type_ids",
        "industry_ids",
        "domain",
    )
    def _check_not_empty(self):
        for rule in self:
            if not rule._describe():
                raise ValidationError(
                    self.env._(
                        "%s: a rule without a condition would take every customer. Fill something in.",
                        rule.territory_id.display_name,
                    )
                )

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        rules = super().create(vals_list)
        self.env["trade.territory"]._forget_access()
        return rules

    def write(self, vals):
        result = super().write(vals)
        self.env["trade.territory"]._forget_access()
        return result

    def unlink(self):
        result = super().unlink()
        self.env["trade.territory"]._forget_access()
        return result

    @api.model
    def _get_territory_domain(self, territory_ids, operation):
        """See ``trade.territory.report.mixin``: rules are made by who sees all territories."""
        return Domain.TRUE if operation == "read" else Domain.FALSE

    # ------------------------------------------------------------------
    # Conditions
    # ------------------------------------------------------------------

    def _get_cities(self):
        return [city.strip() for city in SEPARATORS.split(self.city or "") if city.strip()]

    def _has_domain(self):
        return bool(self.domain) and self.domain.replace(" ", "") != "[]"

    def _get_free_domain(self):
        return Domain(literal_eval(self.domain)) if self._has_domain() else Domain.TRUE

    def _get_address_domain(self):
        """The conditions that leads have, too."""
        self.ensure_one()
        domain = Domain.TRUE
        if self.state_ids:
            domain &= Domain("state_id", "in", self.state_ids.ids)
        elif self.country_id:
            domain &= Domain("country_id", "=", self.country_id.id)
        if cities := self._get_cities():
            domain &= self._get_city_domain(self._spell(cities))
        if self.zip_from:
            domain &= Domain("zip", ">=", self.zip_from) & Domain("zip", "<=", self.zip_to)
        return domain

    @api.model
    def _spell(self, cities):
        """Cities as an address may spell them: "杭州" is "杭州市", too."""
        bare = [city.removesuffix("市") or city for city in cities]
        return {
            name for city in bare for name in ([city] if city.isascii() else [city, f"{city}市"])
        }

    @api.model
    def _get_city_domain(self, names):
        """The city is one of ``names``, in upper or lower case.

        This is ``=ilike`` for hundreds of rules: SQL makes the city of an address lower case
        once and not for every rule.
        """

        def to_sql(model, alias, query):
            unaccent = model.env.registry.unaccent
            address = query.make_alias(alias, "address")
            query.add_join(
                "JOIN",
                address,
                SQL(
                    "LATERAL (SELECT lower(%s) AS city OFFSET 0)",
                    unaccent(SQL.identifier(alias, "city")),
                ),
                SQL("TRUE"),
            )
            wanted = [SQL("lower(%s)", unaccent(SQL("%s", name))) for name in sorted(names)]
            return SQL("%s IN (%s)", SQL.identifier(address, "city"), SQL(", ").join(wanted))

        # Kept in a cache beyond this environment: nothing here may hold on to `self`.
        unaccent_python = self.env.registry.unaccent_python

        def fold(name):
            return unaccent_python(name.lower())

        wanted = {fold(name) for name in names}
        return Domain.custom(
            to_sql=to_sql, predicate=lambda record: fold(record.city or "") in wanted
        )

    def _get_partner_domain(self):
        """The conditions on a commercial partner."""
        domain = self._get_address_domain() & self._get_free_domain()
        if self.customer_type_ids:
            domain &= Domain("trade_customer_type_id", "in", self.customer_type_ids.ids)
        if self.industry_ids:
            domain &= Domain("industry_id", "in", self.industry_ids.ids)
        return domain

    def _knows_address_only(self):
        return not (self.customer_type_ids or self.industry_ids or self._has_domain())

    # ------------------------------------------------------------------
    # Match
    # ------------------------------------------------------------------

    @api.model
    @tools.ormcache("model_name")
    def _get_conditions(self, model_name):
        """The rules in their order, kept until one of them or a territory changes.

        :param model_name: ``res.partner``, or ``crm.lead``, which has nothing but an address
        :return: tuple of (rule id, territory id, ``Domain``)
        """
        model = self.env[model_name]
        rules = self.sudo().search([("territory_id.active", "=", True)])
        if model_name == "res.partner":
            domains = [rule._get_partner_domain() for rule in rules]
        else:
            rules = rules.filtered(lambda rule: rule._knows_address_only())
            domains = [rule._get_address_domain() for rule in rules]
        return tuple(
            (rule.id, rule.territory_id.id, domain.optimize(model))
            for rule, domain in zip(rules, domains, strict=True)
        )

    @api.model
    def _get_placing_sql(self, query):
        """Where the rules place the commercial partners of ``query``, each looked at once.

        :param query: ``Query`` on ``res.partner``; who is no customer is left out
        :return: ``SQL`` with the columns id, from_id (territory so far), territory_id, rule_id
            and source
        """
        partners = self.env["res.partner"].sudo().with_context(active_test=False)
        alias = partners._table
        query.add_where(
            SQL(
                "%s = %s AND %s",
                SQL.identifier(alias, "commercial_partner_id"),
                SQL.identifier(alias, "id"),
                partners._get_customer_condition(alias),
            )
        )
        placed = query.select(
            SQL.identifier(alias, "id"),
            SQL("%s AS from_id", SQL.identifier(alias, "territory_id")),
            SQL("%s AS rule_id", self._get_rule_sql(partners, query)),
        )
        return SQL(
            """
              WITH placed AS MATERIALIZED (%s)
            SELECT placed.id, placed.from_id, placed.rule_id,
                   COALESCE(rule.territory_id, %s) AS territory_id,
                   CASE WHEN rule.id IS NULL THEN 'fallback' ELSE 'rule' END AS source
              FROM placed
              LEFT JOIN trade_territory_rule rule ON rule.id = placed.rule_id
            """,
            placed,
            self.env["trade.territory"]._get_fallback().id,
        )

    @api.model
    def _get_rule_sql(self, model, query):
        """The first rule that fits: ``SQL`` of its id.

        :param model: ``res.partner`` or ``crm.lead``, as superuser
        :param query: ``Query`` on it, which gets the joins that the conditions need
        """
        cases = [
            SQL(
                "WHEN %s THEN %s",
                domain.optimize_full(model)._to_sql(model, model._table, query),
                rule_id,
            )
            for rule_id, _territory_id, domain in self._get_conditions(model._name)
        ]
        return SQL("CASE %s END", SQL(" ").join(cases)) if cases else SQL("NULL::int")

    @api.model
    def _place_leads(self, leads):
        """Where the rules place leads of no known customer: ``{lead: territory}``."""
        territories = self.env["trade.territory"]
        placed, rest = {}, leads
        for _rule_id, territory_id, domain in self._get_conditions(leads._name):
            found = rest.filtered_domain(domain) if rest else rest
            placed |= dict.fromkeys(found, territories.browse(territory_id))
            rest -= found
        return placed | dict.fromkeys(rest, territories._get_fallback())
