import logging
from ast import literal_eval
from collections import Counter, defaultdict
from datetime import timedelta
from typing import NamedTuple

from psycopg2 import errors

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, split_every

from ..analytics.lead_assignment import Member, distribute, find_groups

_logger = logging.getLogger(__name__)

SWITCH = "crm.lead.auto.assignment"
SINCE = "trade_crm.assign_since"
CHUNK_SIZE = 5000
MAX_TRIES = 5
RETRIED_ERRORS = (errors.SerializationFailure, errors.LockNotAvailable, errors.DeadlockDetected)


class Candidate(NamedTuple):
    """What decides whether a member may get a lead."""

    id: int
    user_id: int
    team_id: int
    team_company_id: int
    company_ids: frozenset
    type_ids: frozenset
    condition: int | None  # positions in the conditions that are read with the leads
    preferred: int | None
    team_condition: int | None


class Decision(NamedTuple):
    """Who gets a lead, and why."""

    user_id: int
    team_id: int | None
    member_id: int | None
    cause: str
    details: dict


class Choice(NamedTuple):
    """Who may get a lead, in tiers of preference; or why nobody may."""

    tiers: tuple
    cause: str
    details: dict


class CrmTeam(models.Model):
    """Odoo's assignment of leads, by territory, customer type and load.

    Odoo's button, settings and job run it; only who gets a lead, and why, is decided here.
    Odoo first gives leads to teams at random and merges those that look alike; here a lead gets
    the team of its salesperson, and leads of one customer get the same salesperson.
    """

    _inherit = "crm.team"

    @api.model
    def _set_up_assignment(self):
        """Assign from now on, unless somebody uses Odoo's assignment already."""
        parameters = self.env["ir.config_parameter"].sudo()
        cron_sudo = self.sudo().env.ref("crm.ir_cron_crm_lead_assign", raise_if_not_found=False)
        if not cron_sudo or parameters.get_param(SINCE) or parameters.get_param(SWITCH):
            return
        # A live database may have leads without a salesperson that nobody wants to hand out.
        parameters.set_param(SINCE, fields.Datetime.to_string(self.env.cr.now()))
        parameters.set_param(SWITCH, "True")
        # A note on Odoo's job would outlive the addon.
        cron_sudo = cron_sudo.with_context(tracking_disable=True)
        cron_sudo.write({"active": True, "interval_number": 1, "interval_type": "hours"})

    @api.model
    def _undo_assignment(self):
        """Switch off what :meth:`_set_up_assignment` switched on."""
        parameters = self.env["ir.config_parameter"].sudo()
        cron_sudo = self.sudo().env.ref("crm.ir_cron_crm_lead_assign", raise_if_not_found=False)
        if cron_sudo and parameters.get_param(SINCE):
            parameters.set_param(SWITCH, False)
            cron_sudo = cron_sudo.with_context(tracking_disable=True)
            cron_sudo.write({"active": False, "interval_number": 1, "interval_type": "days"})

    # ------------------------------------------------------------------
    # Odoo's assignment
    # ------------------------------------------------------------------

    def _allocate_leads(self, creation_delta_days=7):
        """Nothing: a lead gets the team of its salesperson.

        Odoo forgets leads that have waited for ``creation_delta_days``; here they wait on.
        """
        return {
            team: {"team": team, "assigned": set(), "merged": set(), "duplicates": set()}
            for team in self
        }

    def _get_lead_to_assign_domain(self):
        leads = self.env["crm.lead"]
        domain = (
            Domain("user_id", "=", False)
            & Domain("active", "=", True)
            & Domain("won_status", "!=", "won")
            & (Domain("team_id", "in", self.ids) | Domain("team_id", "=", False))
        )
        if "trade_pooled_at" in leads._fields:
            domain &= Domain("trade_pooled_at", "=", False)
        return domain

    def _get_automatic_domain(self):
        """Leads that are assigned without anybody's asking for it."""
        domain = Domain("trade_assign_hold", "=", False)
        since = self.env["ir.config_parameter"].sudo().get_param(SINCE)
        return domain & Domain("create_date", ">=", since) if since else domain

    def _assign_and_convert_leads(self, force_quota=False):
        """Give each lead without a salesperson to the one who fits best.

        :param force_quota: whether a person asked for it: then leads of before the assignment and
            leads that were taken from somebody are assigned as well. Nobody gets more than the
            capacity in either case.
        :return: dict of members to ``{"assigned": leads, "quota": leads they could get}``
        """
        domain = self._get_lead_to_assign_domain()
        if not force_quota:
            domain &= self._get_automatic_domain()
        delay = float(self.env["ir.config_parameter"].sudo().get_param("crm.assignment.delay", 0))
        if delay:
            domain &= Domain("create_date", "<=", self.env.cr.now() - timedelta(hours=delay))
        lead_ids = self.env["crm.lead"].search(domain, order=self._get_assign_order()).ids
        # Whom leads go to does not depend on whose leads the user sees.
        return self.sudo()._assign_in_chunks(lead_ids)

    @api.model
    def _get_assign_order(self):
        """The most promising ones first, for when capacity runs out."""
        return "trade_score desc, probability desc, id"

    def _assign_in_chunks(self, lead_ids):
        """Assign leads; the job commits after each chunk, a request does when it is through."""
        in_job = "ir_cron_progress_id" in self.env.context
        result, remaining = {}, len(lead_ids)
        for chunk in split_every(CHUNK_SIZE, lead_ids, list):
            assigned = self._assign_chunk_again(chunk) if in_job else self._assign_chunk(chunk)
            for member, (leads, quota) in assigned.items():
                data = result.setdefault(member, {"assigned": leads.browse(), "quota": quota})
                data["assigned"] |= leads
            remaining -= len(chunk)
            if in_job and not self.env["ir.cron"]._commit_progress(len(chunk), remaining=remaining):
                break
        return result

    def _assign_chunk_again(self, lead_ids):
        """Assign leads; who loses a race tries again with what the other one has left."""
        for attempt in range(1, MAX_TRIES + 1):
            try:
                with self.env.cr.savepoint():
                    return self._assign_chunk(lead_ids)
            except RETRIED_ERRORS:
                if attempt == MAX_TRIES:
                    raise
            self.env["ir.cron"]._commit_progress()
        return {}

    def _action_assign_leads_logs(self, teams_data, members_data):
        leads = sum(len(data["assigned"]) for data in members_data.values())
        if not leads:
            return [
                self.env._(
                    "No lead was assigned: none is without a salesperson, or nobody may get it. "
                    "Each lead says what it waits for."
                )
            ]
        return [
            self.env._(
                "%(leads)s leads assigned among %(members)s salespersons.",
                leads=leads,
                members=len(members_data),
            )
        ]

    # ------------------------------------------------------------------
    # One chunk: lock, read, decide, write
    # ------------------------------------------------------------------

    def _assign_chunk(self, lead_ids):
        """Assign leads in this transaction.

        :return: dict of members to (leads, quota before)
        """
        members = self._lock_members()
        candidates, conditions = self._prepare_candidates(members)
        leads = self.env["crm.lead"]._read_leads_to_assign(
            self._get_lead_to_assign_domain() & Domain("id", "in", lead_ids), conditions
        )
        people = [
            Member(member.id, member.assignment_max, member.lead_month_count) for member in members
        ]
        quotas = {member.id: member._get_assignment_quota() for member in members}
        decisions, waiting = self._decide(leads, candidates, people)
        self._write_decisions(decisions)
        self._log_decisions(decisions, waiting)
        members.invalidate_recordset(["lead_month_count", "lead_day_count"])
        return self._collect_assigned(decisions, members, quotas)

    def _lock_members(self):
        """Who can get leads, for this transaction alone.

        An update and not only a lock: what two runs read must not be older than what the first
        one wrote, and whoever comes second fails here and tries again.
        """
        members = self.crm_team_member_ids.filtered(
            lambda member: (
                not member.assignment_optout
                and member.assignment_max > 0
                and member.user_id.active
                and not member.user_id.share
            )
        ).sorted("id")
        members.flush_recordset()
        self.env.cr.execute(
            SQL(
                "UPDATE crm_team_member SET assignment_max = assignment_max WHERE id IN ("
                "SELECT id FROM crm_team_member WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE)",
                members.ids,
            ),
            log_exceptions=False,
        )
        members.invalidate_recordset(["lead_month_count"])
        return members

    def _prepare_candidates(self, members):
        """Candidates, and the conditions on leads that they refer to.

        A member with a condition that cannot be read any more gets nothing.
        """
        domains = {
            text: self._parse_condition(text)
            for member in members
            for text in self._get_conditions(member)
        }
        used = [text for text, domain in domains.items() if domain and not domain.is_true()]
        position = {text: number for number, text in enumerate(used)}
        candidates = []
        for member in members:
            texts = self._get_conditions(member)
            if any(domains[text] is None for text in texts):
                _logger.warning("A condition of sales team member %s cannot be read", member.id)
                continue
            candidates.append(
                Candidate(
                    member.id,
                    member.user_id.id,
                    member.crm_team_id.id,
                    member.crm_team_id.company_id.id,
                    frozenset(member.user_id.company_ids.ids),
                    frozenset(member.trade_customer_type_ids.ids),
                    *map(position.get, texts),
                )
            )
        return candidates, [domains[text] for text in used]

    @api.model
    def _get_conditions(self, member):
        """Texts of what leads of a member, preferred ones, and those of the team have to fulfil."""
        return (
            member.assignment_domain or "[]",
            member.assignment_domain_preferred or "[]",
            member.crm_team_id.assignment_domain or "[]",
        )

    @api.model
    def _parse_condition(self, text):
        """The ``Domain`` of a condition on leads, None when it cannot be read."""
        try:
            domain = Domain(literal_eval(text))
            domain.validate(self.env["crm.lead"])
        except Exception:
            return None
        return domain

    def _decide(self, leads, candidates, people):
        """Who gets each lead.

        :param leads: rows of ``crm.lead._read_leads_to_assign``
        :return: (dict of the id of a lead to its ``Decision``, dict of it to why it waits)
        """
        head = find_groups([(lead.id, lead.get_keys()) for lead in leads])
        decisions = self._decide_owned(leads, head, candidates)
        open_heads = [lead for lead in leads if head[lead.id] == lead.id not in decisions]
        choices = self._get_choices(open_heads, candidates)
        loads = Counter({person.id: person.load for person in people})
        loads.update(decision.member_id for decision in decisions.values())
        given = distribute(
            [(lead, choice.tiers) for lead, choice in choices.items() if choice.tiers],
            [person._replace(load=loads[person.id]) for person in people],
        )
        by_id = {one.id: one for one in candidates}
        capacity = {person.id: person.capacity for person in people}
        for lead, member in given.items():
            details = {"load": loads[member], "capacity": capacity[member]}
            loads[member] += 1
            decisions[lead] = Decision(
                by_id[member].user_id,
                by_id[member].team_id,
                member,
                "load",
                choices[lead].details | details,
            )
        for lead, first in head.items():
            if lead not in decisions and first in given:
                decisions[lead] = decisions[first]._replace(cause="owner", details={"by": "same"})
        waiting = {
            lead: (choices[first].cause, choices[first].details)
            for lead, first in head.items()
            if lead not in decisions
        }
        return decisions, waiting

    def _decide_owned(self, leads, head, candidates):
        """Leads of those whom somebody has already, and of the same people as these.

        Whoever has the customer gets the lead beyond the capacity as well: two salespeople on one
        customer are worse.
        """
        owners = self.env["crm.lead"]._find_owners([lead.id for lead in leads])
        first_owner = {}
        for lead in leads:
            if lead.id in owners:
                first_owner.setdefault(head[lead.id], owners[lead.id][0])
        for lead in leads:
            if lead.id not in owners and head[lead.id] in first_owner:
                owners[lead.id] = (first_owner[head[lead.id]], "same")
        get_team = self._get_teams_of({user for user, _had in owners.values()})
        members = {(one.user_id, one.team_id): one.id for one in candidates}
        decisions = {}
        for lead in leads:
            if lead.id in owners:
                user, had = owners[lead.id]
                team = get_team(user, lead)
                decisions[lead.id] = Decision(
                    user, team, members.get((user, team)), "owner", {"by": had}
                )
        return decisions

    def _get_teams_of(self, user_ids):
        """A function of a user and a lead: the id of the team in which the user gets it."""
        teams = defaultdict(list)
        for member in self.env["crm.team.member"].search([("user_id", "in", list(user_ids))]):
            teams[member.user_id.id].append((member.crm_team_id.id, member.crm_team_id.company_id))

        def get_team(user, lead):
            fitting = [
                team
                for team, company in teams[user]
                if not lead.company_id or not company or company.id == lead.company_id
            ]
            return lead.team_id if lead.team_id in fitting else next(iter(fitting), None)

        return get_team

    # ------------------------------------------------------------------
    # Candidates of a lead
    # ------------------------------------------------------------------

    def _get_choices(self, leads, candidates):
        """``{id of a lead: Choice}``; alike leads are looked at once."""
        levels = self._get_territory_levels({one.user_id for one in candidates})
        names = self._get_names(leads)
        known, choices = {}, {}
        for lead in leads:
            key = lead[1:5] + (lead.conditions,)
            if key not in known:
                known[key] = self._choose(lead, candidates, levels(lead.territory_id), names)
            choices[lead.id] = known[key]
        return choices

    @api.model
    def _choose(self, lead, candidates, levels, names):
        """Who may get a lead.

        :param levels: sets of users, those nearest to the territory of the lead first
        """
        details = names(lead)
        found = [one for one in candidates if self._is_in_team(one, lead)]
        if not found:
            return Choice((), "no_member", details)
        near = set().union(*levels)
        found = [one for one in found if one.user_id in near]
        if not found:
            return Choice((), "no_territory", details)
        found = [one for one in found if self._takes_type(one, lead)]
        if not found:
            return Choice((), "no_type", details)
        found = [one for one in found if _holds(lead, one.condition)]
        if not found:
            return Choice((), "no_filter", details)
        # Nearest is who may get it: the only member of a province who has nothing to do with
        # this type of customer does not keep the lead from the region.
        level = next(level for level in levels if any(one.user_id in level for one in found))
        tiers = defaultdict(list)
        for one in found:
            if one.user_id in level:
                tiers[self._get_rank(one, lead)].append(one.id)
        return Choice(tuple(tuple(sorted(tiers[rank])) for rank in sorted(tiers)), "full", details)

    @api.model
    def _takes_type(self, one, lead):
        return (
            not lead.customer_type_id or not one.type_ids or lead.customer_type_id in one.type_ids
        )

    @api.model
    def _get_rank(self, one, lead):
        """Lower is better: who names the type, then whose preferred condition holds.

        A lead of unknown type goes to those who take all types, as long as they have room.
        """
        if lead.customer_type_id:
            names_type = lead.customer_type_id in one.type_ids
        else:
            names_type = not one.type_ids
        prefers = one.preferred is not None and _holds(lead, one.preferred)
        return not names_type, not prefers

    @api.model
    def _is_in_team(self, one, lead):
        if lead.company_id and (
            one.team_company_id not in (False, lead.company_id)
            or lead.company_id not in one.company_ids
        ):
            return False
        if lead.team_id:
            return one.team_id == lead.team_id
        return _holds(lead, one.team_condition)

    def _get_territory_levels(self, user_ids):
        """A function of the id of a territory: sets of users, the nearest ones first.

        Members of the territory, its managers, members of the territory above, and so on. Who has
        no territory and is not limited to any comes last.
        """
        self.env["trade.territory"].flush_model(["parent_path", "member_ids", "manager_ids"])
        people = defaultdict(lambda: (set(), set()))
        for is_manager, territory, user in self.env.execute_query(
            SQL(
                "SELECT 0, territory_id, user_id FROM trade_territory_member_rel"
                " WHERE user_id = ANY(%(users)s) UNION ALL"
                " SELECT 1, territory_id, user_id FROM trade_territory_manager_rel"
                " WHERE user_id = ANY(%(users)s)",
                users=list(user_ids),
            )
        ):
            people[territory][is_manager].add(user)
        paths = {
            territory: [int(part) for part in path.split("/") if part][::-1]
            for territory, path in self.env.execute_query(
                SQL("SELECT id, parent_path FROM trade_territory WHERE parent_path IS NOT NULL")
            )
        }
        placed = {user for pair in people.values() for users in pair for user in users}
        rest = self.env["res.users"].browse(sorted(user_ids - placed))
        unlimited = {user.id for user in rest if user._get_territory_ids() is None}

        def get_levels(territory):
            near = [level for part in paths.get(territory, ()) for level in people.get(part, ())]
            return [*near, unlimited]

        return get_levels

    def _get_names(self, leads):
        """A function of a lead: what its decision says about it."""
        territories = {lead.territory_id for lead in leads} - {None}
        types = {lead.customer_type_id for lead in leads} - {None}
        territory_names = {
            territory.id: territory.display_name
            for territory in self.env["trade.territory"].browse(territories)
        }
        type_names = {kind.id: kind.name for kind in self.env["trade.customer.type"].browse(types)}

        def get_details(lead):
            details = {}
            if lead.territory_id:
                details["territory_id"] = lead.territory_id
                details["territory"] = territory_names[lead.territory_id]
            if lead.customer_type_id:
                details["type_id"] = lead.customer_type_id
                details["type"] = type_names[lead.customer_type_id]
            return details

        return get_details

    # ------------------------------------------------------------------
    # Writing
    # ------------------------------------------------------------------

    def _write_decisions(self, decisions):
        """What ``convert_opportunity`` does, for all leads of a member at once."""
        all_leads = self.env["crm.lead"].browse(decisions)
        batches = defaultdict(list)
        for lead in all_leads:
            decision = decisions[lead.id]
            values = lead._convert_opportunity_data(lead.partner_id, decision.team_id)
            values["user_id"] = decision.user_id
            if decision.team_id:
                values["team_id"] = decision.team_id
            batches[tuple(sorted(values.items()))].append(lead.id)
        with all_leads._tracking_in_batch():
            for values, lead_ids in batches.items():
                values = dict(values)
                leads = all_leads.browse(lead_ids).with_prefetch(all_leads._prefetch_ids)
                # A lead without a company gets that of its salesperson.
                company = self.env["res.users"].browse(values["user_id"]).company_id
                leads.with_company(company).with_context(
                    mail_notrack=True, mail_auto_subscribe_no_notify=True
                ).write(values)

    def _log_decisions(self, decisions, waiting):
        told = self.env["crm.lead"].browse(waiting)._get_wait_causes()
        by_cause = defaultdict(dict)
        for lead, decision in decisions.items():
            by_cause["assign", decision.cause][lead] = decision.details
        for lead, (cause, details) in waiting.items():
            if told.get(lead) != cause:
                by_cause["wait", cause][lead] = details
        for (kind, cause), details in by_cause.items():
            leads = self.env["crm.lead"].browse(details)
            self.env["trade.lead.log"]._log(leads, kind, cause, details, by_user=False)

    @api.model
    def _collect_assigned(self, decisions, members, quotas):
        found = defaultdict(list)
        for lead, decision in decisions.items():
            found[decision.member_id].append(lead)
        return {
            member: (self.env["crm.lead"].browse(found[member.id]), quotas[member.id])
            for member in members
            if member.id in found
        }


def _holds(lead, position):
    """Whether a condition that was read with the lead holds; no condition always does."""
    return position is None or lead.conditions[position]
