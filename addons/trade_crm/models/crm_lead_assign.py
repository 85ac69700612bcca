from contextlib import contextmanager
from typing import NamedTuple

from odoo import api, fields, models
from odoo.tools import SQL

# Decisions after which a lead has, or has not, a salesperson.
OWNING_KINDS = ("assign", "wait", "hand_over", "claim", "release", "recycle", "grant")

# What the assignment changes of what is tracked.
ASSIGNED_FIELDS = {"stage_id", "team_id", "type", "user_id"}


class LeadToAssign(NamedTuple):
    """What decides who may get a lead; the fields after the id up to the type are compared."""

    id: int
    team_id: int | None
    company_id: int | None
    territory_id: int | None
    customer_type_id: int | None
    customer_id: int | None
    email: str | None
    phone: str | None
    conditions: tuple

    def get_keys(self):
        """What tells that leads are of the same person, within a company."""
        values = ("customer", self.customer_id), ("email", self.email), ("phone", self.phone)
        return [(self.company_id, *pair) for pair in values if pair[1]]


class CrmLead(models.Model):
    _inherit = "crm.lead"

    trade_assign_hold = fields.Boolean(
        "Not assigned automatically",
        copy=False,
        readonly=True,
        help="Somebody took the salesperson away: the lead is assigned when a person asks for it.",
    )
    trade_assignment_reason = fields.Char(
        "Why this salesperson", compute="_compute_trade_assignment_reason"
    )

    # Odoo has trigram indexes on the address, which are slow to find an equal one.
    _trade_email_idx = models.Index("(email_normalized) WHERE email_normalized IS NOT NULL")

    @api.depends("trade_log_ids", "user_id")
    @api.depends_context("lang")
    def _compute_trade_assignment_reason(self):
        # Of leads that the user sees anyway.
        rows_sudo = (
            self.env["trade.lead.log"]
            .sudo()
            .search(
                [("lead_id", "in", self.ids), ("kind", "in", OWNING_KINDS)],
                order="happened_at, id",
            )
        )
        latest = {row_sudo.lead_id.id: row_sudo for row_sudo in rows_sudo}
        for lead in self:
            row_sudo = latest.get(lead._origin.id)
            # A person may have decided otherwise meanwhile.
            current = row_sudo and (not row_sudo.owner_id or row_sudo.owner_id == lead.user_id)
            lead.trade_assignment_reason = row_sudo._describe_decision() if current else False

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        leads = super().create(vals_list)
        if any(not lead.user_id and lead.active for lead in leads):
            self._request_assignment()
        return leads

    def write(self, vals):
        """Who takes a lead away from somebody has plans for it."""
        if vals.get("user_id"):
            vals = {**vals, "trade_assign_hold": False}
        elif "user_id" in vals:
            super(CrmLead, self.filtered("user_id")).write({"trade_assign_hold": True})
        return super().write(vals)

    @api.model
    def _request_assignment(self):
        """Have the job run as soon as this transaction is committed, once."""
        data = self.env.cr.precommit.data
        if not self._is_rule_based_assignment_activated() or "trade_crm.assign" in data:
            return
        data["trade_crm.assign"] = True
        self.env.cr.precommit.add(self.sudo().browse()._trigger_assignment)

    @api.model
    def _trigger_assignment(self):
        self.env.cr.precommit.data.pop("trade_crm.assign", None)
        cron_sudo = self.sudo().env.ref("crm.ir_cron_crm_lead_assign", raise_if_not_found=False)
        if cron_sudo:
            cron_sudo._trigger()

    @contextmanager
    def _tracking_in_batch(self):
        """Note what changes of tracked fields in the chatter, as Odoo does lead by lead.

        For 10,000 leads that takes Odoo half a minute.
        """
        if self.env.context.get("tracking_disable"):
            yield
            return
        names = self._track_get_fields() & ASSIGNED_FIELDS
        before = {lead.id: {name: lead[name] for name in names} for lead in self}
        yield
        described = self.fields_get(
            names, attributes=("string", "type", "selection", "currency_field")
        )
        commands = {lead: lead._mail_track(described, before[lead.id])[1] for lead in self}
        changed = self.filtered(commands.get)
        self.env["mail.tracking.value"].sudo().create(
            [
                {**values, "mail_message_id": message.id}
                for lead, message in zip(changed, changed._message_log_batch({}), strict=True)
                for _command, _id, values in commands[lead]
            ]
        )

    # ------------------------------------------------------------------
    # Reading for the assignment
    # ------------------------------------------------------------------

    @api.model
    def _read_leads_to_assign(self, domain, conditions):
        """Leads in the order in which they are dealt out.

        :param domain: ``Domain`` of the leads
        :param conditions: list of ``Domain``
        :return: list of ``LeadToAssign``, with whether each of ``conditions`` holds
        """
        self.flush_model()
        self.env["res.partner"].flush_model(["commercial_partner_id"])
        query = self._search(domain, order=self.env["crm.team"]._get_assign_order())
        table = self._table
        partner = query.left_join(table, "partner_id", "res_partner", "id", "partner")
        holds = [
            condition.optimize_full(self)._to_sql(self, table, query) for condition in conditions
        ]
        columns = ("id", "team_id", "company_id", "territory_id", "trade_customer_type_id")
        rows = self.env.execute_query(
            query.select(
                *(SQL.identifier(table, name) for name in columns),
                SQL.identifier(partner, "commercial_partner_id"),
                SQL.identifier(table, "email_normalized"),
                SQL.identifier(table, "phone_sanitized"),
                SQL(
                    "ARRAY[%s]::boolean[]",
                    SQL(", ").join(SQL("(%s) IS TRUE", hold) for hold in holds),
                ),
            )
        )
        return [LeadToAssign(*row[:-1], tuple(row[-1])) for row in rows]

    @api.model
    def _find_owners(self, lead_ids):
        """Who has the customer of a lead, or another open lead of the same person, already.

        :return: dict of the id of a lead to (id of the user, what they have)
        """
        users = self._get_possible_owners()
        if not users:
            return {}
        self.flush_model()
        self.env["res.partner"].flush_model(["commercial_partner_id", "user_id"])
        rows = self.env.execute_query(
            SQL(
                """
                  WITH lead AS MATERIALIZED (
                       SELECT lead.id, lead.company_id, lead.email_normalized, lead.phone_sanitized,
                              partner.commercial_partner_id,
                              COALESCE(customer.user_id, partner.user_id) AS user_id
                         FROM crm_lead lead
                         LEFT JOIN res_partner partner ON partner.id = lead.partner_id
                         LEFT JOIN res_partner customer
                                ON customer.id = partner.commercial_partner_id
                        WHERE lead.id = ANY(%(leads)s)
                  ), claim AS (
                       SELECT id, company_id, user_id, 'customer' AS had, 1 AS rank, 0 AS other_id
                         FROM lead
                        UNION ALL
                       SELECT lead.id, lead.company_id, other.user_id, 'lead', 2, other.id
                         FROM lead
                         JOIN res_partner contact
                           ON contact.commercial_partner_id = lead.commercial_partner_id
                         JOIN crm_lead other ON other.partner_id = contact.id AND %(open)s
                        UNION ALL
                       SELECT lead.id, lead.company_id, other.user_id, 'email', 3, other.id
                         FROM lead
                         JOIN crm_lead other
                           ON other.email_normalized = lead.email_normalized AND %(open)s
                        UNION ALL
                       SELECT lead.id, lead.company_id, other.user_id, 'phone', 4, other.id
                         FROM lead
                         JOIN crm_lead other
                           ON other.phone_sanitized = lead.phone_sanitized AND %(open)s
                  )
                SELECT DISTINCT ON (claim.id) claim.id, claim.user_id, claim.had
                  FROM claim
                 WHERE claim.user_id = ANY(%(users)s)
                   AND (claim.company_id IS NULL OR EXISTS (
                        SELECT FROM res_company_users_rel allowed
                         WHERE allowed.user_id = claim.user_id AND allowed.cid = claim.company_id))
                 ORDER BY claim.id, claim.rank, claim.other_id DESC
                """,
                leads=lead_ids,
                users=users.ids,
                open=SQL(
                    "other.active AND other.won_status IS DISTINCT FROM 'won'"
                    " AND other.user_id IS NOT NULL"
                ),
            )
        )
        return {lead: (user, had) for lead, user, had in rows}

    @api.model
    def _get_possible_owners(self):
        """Users who sell and are not paused in all of their teams."""
        sellers = self.env["res.users"].search(
            [
                ("share", "=", False),
                ("all_group_ids", "in", self.env.ref("sales_team.group_sale_salesman").ids),
            ]
        )
        paused = self.env["crm.team.member"]._read_group(
            [("user_id", "in", sellers.ids)], ["user_id"], ["assignment_optout:bool_and"]
        )
        return sellers.browse(
            set(sellers.ids) - {user.id for user, is_paused in paused if is_paused}
        )

    def _get_wait_causes(self):
        """``{id of a lead: cause}`` of leads whose latest decision is that they wait."""
        self.env["trade.lead.log"].flush_model()
        rows = self.env.execute_query(
            SQL(
                "SELECT DISTINCT ON (lead_id) lead_id, kind, cause FROM trade_lead_log"
                " WHERE lead_id = ANY(%s) AND kind = ANY(%s)"
                " ORDER BY lead_id, happened_at DESC, id DESC",
                self.ids,
                list(OWNING_KINDS),
            )
        )
        return {lead: cause for lead, kind, cause in rows if kind == "wait"}
