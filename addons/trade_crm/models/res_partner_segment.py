from datetime import date, datetime

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tools import SQL
from odoo.tools.misc import format_date, formatLang

from .res_partner import ROLES

# Shown as a percentage; stored as a share of one.
SHARE_FIELDS = {"trade_discounted_share"}


class ResPartner(models.Model):
    _inherit = "res.partner"

    trade_segment_ids = fields.Many2many(
        "trade.segment",
        string="Segments",
        compute="_compute_trade_segment_ids",
        search="_search_trade_segment_ids",
        groups=ROLES,
    )
    trade_snapshot_ids = fields.Many2many(
        "trade.segment.snapshot",
        string="Snapshots of segments",
        compute="_compute_trade_snapshot_ids",
        search="_search_trade_snapshot_ids",
        groups=ROLES,
    )

    trade_tag_member_ids = fields.One2many(
        "trade.tag.member", "partner_id", "Tags by rules", groups=ROLES
    )
    trade_tag_rule_ids = fields.Many2many(
        "trade.tag.rule",
        string="Rules for tags that fit",
        compute="_compute_trade_tag_rule_ids",
        search="_search_trade_tag_rule_ids",
        groups="trade_crm.group_manager,trade_crm.group_marketer,trade_crm.group_auditor",
    )

    @api.depends("trade_tag_member_ids")
    def _compute_trade_tag_rule_ids(self):
        for partner in self:
            partner.trade_tag_rule_ids = partner.trade_tag_member_ids.rule_id

    @api.model
    def _search_trade_tag_rule_ids(self, operator, value):
        """Customers who fit one of the rules now."""
        rules = self._get_searched("trade.tag.rule", operator, value)
        if rules is None:
            return NotImplemented
        return Domain.OR(
            Domain("id", "in", SQL("(SELECT id FROM (%s) fitting)", rule._get_member_sql()))
            for rule in rules
        )

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_trade_segment_ids(self):
        """Segments of the user that the customers are in: one statement for each segment."""
        found = {partner: [] for partner in self.commercial_partner_id._origin}
        for segment in self.env["trade.segment"].search(Domain.TRUE):
            partners = self.env["res.partner"].with_company(segment.company_id)
            wanted = Domain("id", "in", [partner.id for partner in found])
            try:
                members = partners.search(segment._get_member_domain() & wanted)
            except AccessError:
                # A shared one may look at what the user may not read.
                continue
            for member in members:
                found[member.with_env(self.env)].append(segment.id)
        for partner in self:
            partner.trade_segment_ids = found.get(partner.commercial_partner_id._origin)

    @api.depends_context("uid")
    def _compute_trade_snapshot_ids(self):
        groups = dict(
            self.env["trade.segment.snapshot.member"]._read_group(
                [("partner_id", "in", self.commercial_partner_id.ids)],
                ["partner_id"],
                ["snapshot_id:recordset"],
            )
        )
        for partner in self:
            partner.trade_snapshot_ids = groups.get(partner.commercial_partner_id._origin)

    @api.model
    def _search_trade_segment_ids(self, operator, value):
        """Customers in one of the segments, and their contacts."""
        segments = self._get_searched("trade.segment", operator, value)
        if segments is None:
            return NotImplemented
        domains = []
        for segment in segments:
            partners = self.env["res.partner"].with_company(segment.company_id)
            # The list that is filtered has the rules already; the user's fields are those of the user.
            query = partners._search(segment._get_member_domain(), bypass_access=True)
            domains.append(Domain("commercial_partner_id", "in", query))
        return Domain.OR(domains)

    @api.model
    def _search_trade_snapshot_ids(self, operator, value):
        snapshots = self._get_searched("trade.segment.snapshot", operator, value)
        if snapshots is None:
            return NotImplemented
        members = self.env["trade.segment.snapshot.member"]._search(
            Domain("snapshot_id", "in", snapshots.ids), bypass_access=True
        )
        return Domain("commercial_partner_id", "in", members.subselect("partner_id"))

    @api.model
    def _get_searched(self, model, operator, value):
        """The records that a condition is about, of those that the user may read; None if it cannot."""
        if operator not in ("in", "any", "any!"):
            return None
        if operator == "in":
            return self.env[model].search([("id", "in", [item for item in value if item])])
        domain = value if isinstance(value, Domain) else Domain("id", "in", value)
        return self.env[model].search(domain)

    # ------------------------------------------------------------------
    # Conditions in words
    # ------------------------------------------------------------------

    @api.model
    def _describe_condition(self, condition):
        """One condition of a domain in the reader's words, as "Total orders at least 3"."""
        labels, model, field = [], self, None
        for name in condition.field_expr.split("."):
            field = model._fields.get(name)
            if field is None:
                return self.env._("a field that is gone")
            labels.append(field._description_string(self.env))
            if field.relational:
                model = self.env[field.comodel_name]
        return " ".join(
            [
                " › ".join(labels),
                self._describe_operator(field, condition.operator, condition.value),
                self._describe_value(field, condition.value),
            ]
        ).strip()

    @api.model
    def _describe_match(self, condition, value):
        """A condition that a customer with ``value`` fits, as "Total orders 5 (at least 3)"."""
        field = self._fields.get(condition.field_expr)
        if value is None or field is None or condition.operator in ("=", "in"):
            return self._describe_condition(condition)
        return self.env._(
            "%(label)s %(value)s (%(limit)s)",
            label=field._description_string(self.env),
            value=self._describe_value(field, value),
            limit=" ".join(
                [
                    self._describe_operator(field, condition.operator, condition.value),
                    self._describe_value(field, condition.value),
                ]
            ).strip(),
        )

    @api.model
    def _describe_operator(self, field, operator, value):
        if value is False or (isinstance(value, list | tuple) and list(value) == [False]):
            return self.env._("is empty") if operator in ("=", "in") else self.env._("is set")
        if field.type in ("date", "datetime") and operator[0] in "<>":
            return {
                "<": self.env._("before"),
                "<=": self.env._("until"),
                ">": self.env._("after"),
                ">=": self.env._("since"),
            }[operator]
        return {
            "=": self.env._("is"),
            "!=": self.env._("is not"),
            "in": self.env._("is one of"),
            "not in": self.env._("is none of"),
            ">=": self.env._("at least"),
            "<=": self.env._("at most"),
            ">": self.env._("more than"),
            "<": self.env._("less than"),
            "ilike": self.env._("contains"),
            "like": self.env._("contains"),
            "not ilike": self.env._("does not contain"),
            "child_of": self.env._("is in"),
        }.get(operator, operator)

    @api.model
    def _describe_value(self, field, value):
        """A value of ``field`` as the reader would write it."""
        if value is False or value is None:
            return ""
        if isinstance(value, list | tuple | set | frozenset):
            return ", ".join(filter(None, (self._describe_value(field, item) for item in value)))
        if field.relational and isinstance(value, int):
            # Anybody may write a number into a condition: only who reads the record reads its name.
            record = self.env[field.comodel_name].browse(value).exists()
            return record.display_name if record and record.has_access("read") else "–"
        if field.type == "selection":
            return dict(field._description_selection(self.env)).get(value, str(value))
        if field.type == "boolean":
            return self.env._("yes") if value else self.env._("no")
        if field.type in ("date", "datetime"):
            return self._describe_day(value)
        if field.name in SHARE_FIELDS:
            return f"{formatLang(self.env, value * 100, digits=0)} %"
        if field.type == "monetary":
            return formatLang(self.env, value, currency_obj=self.env.company.currency_id)
        if field.type == "float":
            return formatLang(self.env, value, digits=0 if value == int(value) else 1)
        return str(value)

    @api.model
    def _describe_day(self, value):
        if isinstance(value, date | datetime):
            return format_date(self.env, value)
        try:
            return format_date(self.env, fields.Date.to_date(value))
        except ValueError:
            return self.env._("today") if value == "today" else value

    # ------------------------------------------------------------------
    # Values of fields in SQL
    # ------------------------------------------------------------------

    @api.model
    def _get_told_fields(self, domain):
        """Fields of a domain whose value on the customer tells why it fits.

        :return: list of names, without those that have no column
        """
        names = dict.fromkeys(condition.field_expr for condition in domain.iter_conditions())
        return [name for name in names if self._has_column(name)]

    @api.model
    def _has_column(self, name):
        field = self._fields.get(name)
        if field is None or field.type in ("one2many", "many2many", "properties", "binary"):
            return False
        if field.related and not field.store:
            path = field.related.split(".")
            if path[0] != "trade_profile_id" or len(path) != 2:
                return False
            field = self.env["trade.customer.profile"]._fields[path[1]]
        return bool(field.store and field.column_type and not field.translate)

    @api.model
    def _get_values_sql(self, names, query):
        """``SQL`` of a JSON object with the values of these fields, in a query on customers."""
        parts = []
        for name in names:
            parts += [SQL("%s", name), self._field_to_sql(query.table, name, query)]
        return SQL("jsonb_build_object(%s)", SQL(", ").join(parts))
