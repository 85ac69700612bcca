from collections import Counter
from typing import NamedTuple

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain

# How much of a person's time an open ticket takes, by its priority.
WEIGHTS = {"0": 1.0, "1": 1.0, "2": 1.5, "3": 2.0}
# A ticket that waits for the customer takes less.
WAITING_WEIGHT = 0.5


class Question(NamedTuple):
    """What routing rules look at."""

    company_id: int
    type_id: int
    territories: tuple  # of the ticket and above it, its own one last
    tier_id: int
    customer_type_id: int
    channel_id: int
    team_id: int


class Decision(NamedTuple):
    """Who gets a ticket, and why."""

    team_id: int
    user_id: int
    cause: str
    details: dict


class TradeTicketRoute(models.Model):
    """A rule that says which team and which people get a ticket. The first one that fits decides."""

    _name = "trade.ticket.route"
    _description = "Ticket Routing Rule"
    _order = "sequence, id"
    _check_company_auto = True

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one("res.company", default=lambda self: self.env.company)
    type_ids = fields.Many2many("trade.ticket.type", string="Ticket types", help="Empty: all.")
    territory_ids = fields.Many2many(
        "trade.territory", string="Territories", help="With their parts. Empty: all."
    )
    tier_ids = fields.Many2many("trade.tier", string="Tiers", help="Empty: all.")
    customer_type_ids = fields.Many2many(
        "trade.customer.type", string="Customer types", help="Empty: all."
    )
    channel_ids = fields.Many2many("helpdesk.ticket.channel", string="Channels", help="Empty: all.")
    team_id = fields.Many2one(
        "helpdesk.ticket.team", required=True, check_company=True, ondelete="restrict"
    )
    user_ids = fields.Many2many(
        "res.users",
        string="People",
        domain=[("share", "=", False)],
        help="Who of them has the least open tickets gets the ticket. Empty: the members of the team.",
    )

    @api.constrains("user_ids")
    def _check_people(self):
        shared = self.sudo().user_ids.filtered("share")
        if shared:
            raise ValidationError(
                self.env._(
                    "%(names)s: portal users cannot get tickets. Choose users of yours.",
                    names=", ".join(shared.mapped("name")),
                )
            )

    # ------------------------------------------------------------------
    # Decide
    # ------------------------------------------------------------------

    @api.model
    def _decide(self, tickets):
        """Who gets each of ``tickets``. Called as superuser: it depends on nobody's rights.

        A ticket that has a team already, such as one that came by the team's address, stays there.

        :return: ``{ticket: Decision}``
        """
        rules = self.search(Domain.TRUE)
        questions = {ticket: self._get_question(ticket) for ticket in tickets}
        found = {
            question: next((rule for rule in rules if rule._fits(question)), self)
            for question in set(questions.values())
        }
        people = (rules.user_ids | rules.team_id.user_ids | tickets.team_id.user_ids).filtered(
            lambda user: user.active and not user.share
        )
        loads = self._get_loads(people)
        return {
            ticket: self._choose(ticket, found[question], question, people, loads)
            for ticket, question in questions.items()
        }

    @api.model
    def _get_question(self, ticket):
        path = ticket.territory_id.parent_path or ""
        return Question(
            ticket.company_id.id,
            ticket.trade_type_id.id,
            tuple(int(part) for part in path.split("/") if part),
            ticket.trade_tier_id.id,
            ticket.partner_id.commercial_partner_id.trade_customer_type_id.id,
            ticket.channel_id.id,
            ticket.team_id.id,
        )

    def _fits(self, question):
        """Whether a ticket with this ``question`` is for this rule."""
        return (
            self.company_id.id in (False, question.company_id)
            and question.team_id in (False, self.team_id.id)
            and (not self.type_ids or question.type_id in self.type_ids._ids)
            and (not self.tier_ids or question.tier_id in self.tier_ids._ids)
            and (not self.channel_ids or question.channel_id in self.channel_ids._ids)
            and (
                not self.customer_type_ids
                or question.customer_type_id in self.customer_type_ids._ids
            )
            and (
                not self.territory_ids
                or not set(self.territory_ids._ids).isdisjoint(question.territories)
            )
        )

    @api.model
    def _choose(self, ticket, rule, question, people, loads):
        """The one with the least to do; ``loads`` grows by the ticket."""
        team = rule.team_id or ticket.team_id
        candidates = self._get_candidates(ticket, rule, team) & people
        details = {"rule_id": rule.id, "rule": rule.name, "team_id": team.id, "team": team.name}
        able = candidates.filtered(lambda user: self._may_get(user, ticket))
        if able:
            user = min(able, key=lambda user: (loads[user.id], user.id))
            details["load"] = loads[user.id]
            loads[user.id] += self._get_weight(ticket.priority, ticket.stage_id.trade_kind)
            return Decision(team.id, user.id, "rule" if rule else "team", details)
        user, cause, place = self._get_fallback(ticket, team, question)
        return Decision(team.id, user.id, cause, details | place)

    @api.model
    def _get_candidates(self, ticket, rule, team):
        if rule:
            return rule.user_ids or team.user_ids
        return team.user_ids if team.trade_by_load else team.user_ids.browse()

    @api.model
    def _may_get(self, user, ticket):
        """Whether a ticket can be of a user: in the company, and the customer in the territories."""
        if ticket.company_id not in user.company_ids:
            return False
        territories = user._get_territory_ids()
        return (
            territories is None or not ticket.territory_id or ticket.territory_id.id in territories
        )

    @api.model
    def _get_fallback(self, ticket, team, question):
        """Who gets what nobody else gets.

        :return: (user, cause, further details)
        """
        leader = team.user_id
        if leader.active and ticket.company_id in leader.company_ids:
            return leader, "leader", {}
        for territory in self.env["trade.territory"].browse(reversed(question.territories)):
            for manager in territory.manager_ids.sorted("id"):
                if manager.active and ticket.company_id in manager.company_ids:
                    place = {"territory_id": territory.id, "territory": territory.name}
                    return manager, "territory", place
        owner = ticket.company_id.trade_ticket_owner_id
        return (owner, "company", {}) if owner.active else (owner.browse(), "nobody", {})

    # ------------------------------------------------------------------
    # Load
    # ------------------------------------------------------------------

    @api.model
    def _get_weight(self, priority, stage_kind):
        weight = WEIGHTS.get(priority, 1.0)
        return weight * WAITING_WEIGHT if stage_kind == "wait" else weight

    @api.model
    def _get_loads(self, users):
        """``{user id: open tickets, weighted by priority and whether they wait}``"""
        loads = Counter()
        domain = Domain("user_id", "in", users.ids) & Domain("stage_id.closed", "=", False)
        for user, priority, stage, count in self.env["helpdesk.ticket"]._read_group(
            domain, ["user_id", "priority", "stage_id"], ["__count"]
        ):
            loads[user.id] += count * self._get_weight(priority, stage.trade_kind)
        return loads
