from datetime import datetime, time

import pytz

from odoo import api, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain

from odoo.addons.trade_crm.analytics.windows import get_window_start

from ..analytics.satisfaction import MIN_ANSWERS, Tally, get_nps, get_share, rank_drivers
from .trade_survey import KINDS

MONTHS = (3, 6, 12, 24)
# What answers can be told apart by: fields of an invitation.
GROUPS = {
    "type": "type_id",
    "tier": "tier_id",
    "territory": "territory_id",
    "product": "product_id",
    "carrier": "carrier",
    "agent": "user_id",
    "team": "team_id",
    "survey": "survey_id",
    "channel": "channel",
}
# More rows are not read; those with the most answers are shown.
MOST_GROUPS = 30
PLACES = {"promoter": 0, "passive": 1, "detractor": 2}


class TradeNps(models.AbstractModel):
    """Net Promoter Score and satisfaction of the answers that a user may see, and what costs points.

    Everything counts in the month in which a person was asked, so that a response rate is of the same
    people as a score.
    """

    _name = "trade.nps"
    _description = "NPS and Weak Links"

    @api.model
    @api.readonly
    def get_report(self, **filters):
        """Score, satisfaction, response, trend, groups, and drivers by cause and by step.

        :param filters: ``months`` (one of ``MONTHS``), ``kind`` (of the survey; none for all),
            ``company_id``, ``group_by`` (a key of ``GROUPS``)
        :return: dict of plain values; estimates are dicts of value, low, high, count and is_enough
        """
        company = self._get_company(filters)
        domain = self._get_domain(filters)
        field = self._get_field(filters)
        tallies, asked = self._read_tallies(domain, field)
        satisfied = self._read_satisfied(domain, field)
        total = sum(tallies.values(), Tally())
        groups = self._prepare_groups(total, tallies, asked, satisfied)
        return {
            "company": company.name,
            "company_id": company.id,
            "companies": [{"id": each.id, "name": each.name} for each in self.env.companies],
            "min_answers": MIN_ANSWERS,
            "total": self._prepare_figures(
                total,
                sum(asked.values()),
                [sum(pair) for pair in zip(*satisfied.values(), strict=True)] or [0, 0],
            ),
            "trend": self._prepare_trend(domain),
            "groups": groups[:MOST_GROUPS],
            "more": max(0, len(groups) - MOST_GROUPS),
            **self._prepare_drivers(domain),
        }

    @api.model
    def get_answers_domain(self, **filters):
        """Domain of the invitations behind a figure: ``filters`` as above, and ``value`` of a group,
        ``cause`` or ``step``."""
        domain = self._get_domain(filters)
        if filters.get("cause"):
            return list(domain & Domain("cause_ids", "in", [int(filters["cause"])]))
        if filters.get("step"):
            return list(domain & Domain("cause_ids.step", "=", filters["step"]))
        if "value" in filters:
            domain &= Domain(self._get_field(filters), "=", filters["value"])
        return list(domain)

    # ------------------------------------------------------------------
    # Filters
    # ------------------------------------------------------------------

    @api.model
    def _get_company(self, filters):
        company = self.env.companies.filtered(lambda each: each.id == filters.get("company_id"))
        return company or self.env.company

    @api.model
    def _get_field(self, filters):
        group_by = filters.get("group_by") or "type"
        if group_by not in GROUPS:
            raise ValidationError(self.env._("Answers cannot be told apart by %s.", group_by))
        return GROUPS[group_by]

    @api.model
    def _get_domain(self, filters):
        company = self._get_company(filters)
        months = filters.get("months") or 12
        if months not in MONTHS:
            raise ValidationError(self.env._("There is no period of %s months.", months))
        today = self.env["trade.customer.profile"]._get_today(company.sudo().trade_tz)
        zone = pytz.timezone(company.sudo().trade_tz or "UTC")
        first = zone.localize(datetime.combine(get_window_start(today, months), time.min))
        domain = Domain("company_id", "=", company.id) & Domain(
            "sent_at", ">=", first.astimezone(pytz.utc).strftime("%Y-%m-%d %H:%M:%S")
        )
        if filters.get("kind"):
            if filters["kind"] not in dict(KINDS):
                raise ValidationError(self.env._("There is no survey %s.", filters["kind"]))
            domain &= Domain("kind", "=", filters["kind"])
        return domain

    # ------------------------------------------------------------------
    # Read
    # ------------------------------------------------------------------

    @api.model
    def _read_tallies(self, domain, field):
        """``{value: Tally}`` of the answers, and ``{value: people asked}``."""
        counts, asked = {}, {}
        rows = self._get_invitations()._read_group(domain, [field, "nps_group"], ["__count"])
        for value, group, count in rows:
            counts.setdefault(value, [0, 0, 0])
            asked[value] = asked.get(value, 0) + count
            if group:
                counts[value][PLACES[group]] += count
        return {value: Tally(*numbers) for value, numbers in counts.items()}, asked

    @api.model
    def _read_satisfied(self, domain, field):
        """``{value: [people satisfied with 4 or 5, people who said how satisfied they are]}``"""
        found = {}
        rows = self._get_invitations()._read_group(
            domain & Domain("csat", "!=", False), [field, "csat"], ["__count"]
        )
        for value, level, count in rows:
            numbers = found.setdefault(value, [0, 0])
            numbers[0] += count if level in ("4", "5") else 0
            numbers[1] += count
        return found

    @api.model
    def _get_invitations(self):
        return self.env["trade.survey.invitation"].with_context(active_test=False)

    # ------------------------------------------------------------------
    # Prepare
    # ------------------------------------------------------------------

    @api.model
    def _prepare_figures(self, tally, asked, satisfied):
        return {
            "nps": get_nps(tally)._asdict(),
            "csat": get_share(*satisfied)._asdict(),
            "response": get_share(tally.count, asked)._asdict(),
            "asked": asked,
            **tally._asdict(),
        }

    @api.model
    def _prepare_groups(self, total, tallies, asked, satisfied):
        """Rows, those that cost most points first, and those without enough answers last."""
        return [
            {
                "value": driver.key.id if isinstance(driver.key, models.BaseModel) else driver.key,
                "name": self._get_group_name(driver.key),
                "effect": driver.effect,
                "is_clear": driver.is_clear,
                **self._prepare_figures(
                    tallies[driver.key], asked[driver.key], satisfied.get(driver.key, (0, 0))
                ),
            }
            for driver in rank_drivers(total, tallies)
        ]

    @api.model
    def _get_group_name(self, value):
        if isinstance(value, models.BaseModel):
            # Its name stands on answers that the user may see.
            return value.sudo().display_name or self.env._("None")
        channels = self._get_invitations()._fields["channel"]._description_selection(self.env)
        return dict(channels).get(value, value) or self.env._("None")

    @api.model
    def _prepare_trend(self, domain):
        """Figures per month, in order."""
        counts, asked = {}, {}
        rows = self._get_invitations()._read_group(
            domain, ["sent_at:month", "nps_group"], ["__count"], order="sent_at:month"
        )
        for month, group, count in rows:
            day = month.date().isoformat()
            counts.setdefault(day, [0, 0, 0])
            asked[day] = asked.get(day, 0) + count
            if group:
                counts[day][PLACES[group]] += count
        return [
            {"month": day, **self._prepare_figures(Tally(*numbers), asked[day], (0, 0))}
            for day, numbers in counts.items()
        ]

    @api.model
    def _prepare_drivers(self, domain):
        """Causes that were tapped on, and their steps, compared with the answers that left them."""
        completed = domain & Domain("details_at", "!=", False)
        total = self._read_tally(completed)
        causes, _asked = self._read_tallies(
            completed & Domain("cause_ids", "!=", False), "cause_ids"
        )
        # An answer with two causes of a step counts once.
        steps = {
            step: self._read_tally(completed & Domain("cause_ids.step", "=", step))
            for step in {cause.step for cause in causes if cause.step}
        }
        labels = dict(
            self.env["trade.survey.cause"]._fields["step"]._description_selection(self.env)
        )
        return {
            "drivers": [
                {**driver._asdict(), "key": driver.key.id, "name": driver.key.name}
                for driver in rank_drivers(total, causes)
            ],
            "steps": [
                {**driver._asdict(), "name": labels[driver.key]}
                for driver in rank_drivers(total, steps)
            ],
        }

    @api.model
    def _read_tally(self, domain):
        counts = [0, 0, 0]
        for group, count in self._get_invitations()._read_group(domain, ["nps_group"], ["__count"]):
            if group:
                counts[PLACES[group]] += count
        return Tally(*counts)
