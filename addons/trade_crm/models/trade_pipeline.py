from collections import defaultdict
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

import pytz
from dateutil.relativedelta import relativedelta

from odoo import api, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain
from odoo.tools import SQL

from ..analytics.funnel import LOST, OPEN, WON, Group, add_up, find_narrowest, get_share, pour
from ..analytics.windows import get_window_start

PERIODS = ("months", "quarter", "last_quarter", "year", "last_year", "all", "custom")
TYPES = ("lead", "opportunity")
# What the leads can be chosen and told apart by: fields of a lead, all of them many2one.
GROUPS = {
    "source": "source_id",
    "salesperson": "user_id",
    "medium": "medium_id",
    "campaign": "campaign_id",
    "team": "team_id",
    "territory": "territory_id",
    "customer_type": "trade_customer_type_id",
}
# Segments shown by themselves; those of fewer leads are added up.
MAX_SEGMENTS = 12


class Stages(NamedTuple):
    """The stages of a funnel: those in which a lead is not won yet, in their order.

    Leads in any other stage belong to the one before it: those of other teams where a team is
    chosen, and those that were won once.
    """

    stages: object  # recordset
    positions: dict  # {stage id, or None for no stage: index}

    def get_ids(self, first, last=None):
        """Ids of the stages from index ``first`` on, or of one index."""
        last = len(self.stages) if last is None else last
        return [stage for stage, index in self.positions.items() if first <= index <= last]


class TradePipeline(models.AbstractModel):
    """The sales funnel of the leads that a user may see, as a picture.

    The leads are those created in a period. What is archived without being lost is put away and
    does not count. Leads without a company count in every company.
    """

    _name = "trade.pipeline"
    _description = "Sales Funnel"

    @api.model
    @api.readonly
    def get_funnel(self, **filters):
        """How many leads reach each stage, how long they stay, and why they are lost.

        :param filters: ``period`` (one of ``PERIODS``; "custom" with ``date_from`` and ``date_to``),
            ``type`` ("lead" or "opportunity"), ``company_id``, an id per key of ``GROUPS``
            (a territory with its parts; 0 for leads that have none), ``group_by`` (a key of
            ``GROUPS``) and ``value``: the funnel is that of this segment, an id or False for
            the leads that have none; None for all
        :return: dict of plain values: ``steps`` as :class:`Step` has them, with stage, median and
            mean days; ``segments`` cover all leads, whatever ``value``; money is in the currency
            of the company
        """
        company = self._get_company(filters)
        start, end = self._get_period(filters, company)
        domain = self._get_cohort_domain(filters)
        stages = self._get_stages(filters)
        group_by = filters.get("group_by") or "source"
        value = filters.get("value")
        segments, losses = self._read_segments(domain, stages, self._get_field(group_by))
        chosen = [key for key in segments if value is None or key == value]
        groups = [group for key in chosen for group in segments[key]]
        steps = pour(len(stages.stages), groups)
        days = self._read_days(domain & self._get_segment_domain(group_by, value), stages)
        totals = add_up(groups)
        return {
            "company": company.name,
            "company_id": company.id,
            "companies": [{"id": each.id, "name": each.name} for each in self.env.companies],
            "currency_id": company.currency_id.id,
            "start": start and start.isoformat(),
            "end": end and end.isoformat(),
            "progress": self.env["trade.lead.stage.stay"]._get_progress(),
            "steps": self._prepare_steps(steps, stages, days),
            "narrowest": find_narrowest(steps),
            "total": totals[None]._asdict(),
            **{outcome: totals[outcome]._asdict() for outcome in (OPEN, LOST, WON)},
            "segments": self._prepare_segments(segments, stages, group_by),
            "reasons": self._prepare_reasons([loss for key in chosen for loss in losses[key]]),
            "targets": self.env["trade.target.report"]._get_mine(company),
        }

    # ------------------------------------------------------------------
    # Filters
    # ------------------------------------------------------------------

    @api.model
    def _get_company(self, filters):
        company = self.env.companies.filtered(lambda each: each.id == filters.get("company_id"))
        return company or self.env.company

    @api.model
    def _get_field(self, group_by):
        if group_by not in GROUPS:
            raise ValidationError(self.env._("Leads cannot be told apart by %s.", group_by))
        return GROUPS[group_by]

    @api.model
    def _get_period(self, filters, company):
        """First and last day of the creation of the leads; None where there is no limit."""
        period = filters.get("period") or "months"
        if period not in PERIODS:
            raise ValidationError(self.env._("There is no period %s.", period))
        today = self.env["trade.customer.profile"]._get_today(company.trade_tz)
        quarter = date(today.year, (today.month - 1) // 3 * 3 + 1, 1)
        if period == "custom":
            return tuple(
                date.fromisoformat(day) if day else None
                for day in (filters.get("date_from"), filters.get("date_to"))
            )
        return {
            "months": (get_window_start(today, 12), today),
            "quarter": (quarter, today),
            "last_quarter": (quarter - relativedelta(months=3), quarter - timedelta(days=1)),
            "year": (date(today.year, 1, 1), today),
            "last_year": (date(today.year - 1, 1, 1), date(today.year - 1, 12, 31)),
            "all": (None, None),
        }[period]

    @api.model
    def _to_utc(self, day, company):
        """When ``day`` begins in the company's time zone, as a domain has it."""
        zone = pytz.timezone(company.trade_tz or "UTC")
        moment = zone.localize(datetime.combine(day, time.min)).astimezone(pytz.utc)
        return moment.strftime("%Y-%m-%d %H:%M:%S")

    @api.model
    def _get_cohort_domain(self, filters):
        """The leads that ``filters`` choose, those of all segments."""
        company = self._get_company(filters)
        start, end = self._get_period(filters, company)
        domain = Domain("company_id", "in", [company.id, False])
        domain &= Domain("active", "=", True) | Domain("won_status", "in", ["won", "lost"])
        if start:
            domain &= Domain("create_date", ">=", self._to_utc(start, company))
        if end:
            domain &= Domain("create_date", "<", self._to_utc(end + timedelta(days=1), company))
        if filters.get("type"):
            if filters["type"] not in TYPES:
                raise ValidationError(self.env._("There is no kind of lead %s.", filters["type"]))
            domain &= Domain("type", "=", filters["type"])
        for key in GROUPS:
            if filters.get(key) is not None and filters[key] is not False:
                domain &= self._get_choice_domain(key, int(filters[key]))
        return domain

    @api.model
    def _get_choice_domain(self, key, chosen):
        if key == "territory" and chosen:
            return Domain("territory_id", "child_of", chosen)
        return Domain(GROUPS[key], "=", chosen or False)

    @api.model
    def _get_segment_domain(self, group_by, value):
        """The leads of a segment; those of a territory without its parts."""
        if value is None:
            return Domain.TRUE
        return Domain(self._get_field(group_by), "=", value)

    # ------------------------------------------------------------------
    # Read
    # ------------------------------------------------------------------

    @api.model
    def _get_leads(self):
        return self.env["crm.lead"].with_context(active_test=False)

    @api.model
    def _get_stages(self, filters):
        # There are a handful.
        found = self.env["crm.stage"].search(Domain.TRUE)
        team = filters.get("team")
        shown = found.filtered(
            lambda stage: (
                not stage.is_won and (not team or not stage.team_ids or team in stage.team_ids.ids)
            )
        )
        positions, index = {None: 0}, -1
        for stage in found:
            index += stage in shown
            positions[stage.id] = max(index, 0)
        return Stages(shown, positions)

    @api.model
    def _get_tables(self, domain, stages, *columns):
        """SQL of a WITH clause: ``lead`` of the leads that the user may see, and ``stage``."""
        leads = self._get_leads()
        query = leads._search(domain)
        self.env["crm.lead"].flush_model(["stage_id", "won_status", "expected_revenue", *columns])
        ids = [stage for stage in stages.positions if stage]
        return SQL(
            "WITH lead AS MATERIALIZED (%s), stage (id, position) AS (SELECT * FROM unnest(%s, %s))",
            query.select(
                *(
                    SQL.identifier("crm_lead", name)
                    for name in ("id", "stage_id", "won_status", "expected_revenue", *columns)
                )
            ),
            SQL("%s::int[]", ids),
            SQL("%s::int[]", [stages.positions[stage] for stage in ids]),
        )

    @api.model
    def _read_segments(self, domain, stages, field):
        """How the leads went, and why they were lost, per value of ``field``.

        :return: ``{id or False: [Group]}`` and ``{id or False: [(reason, position, count, money)]}``
        """
        rows = self.env.execute_query(
            SQL(
                """
                %(tables)s,
                way AS (
                    SELECT lead.id, max(stage.position) AS deepest
                      FROM lead
                      JOIN trade_lead_stage_stay stay ON stay.lead_id = lead.id
                      JOIN stage ON stage.id = stay.stage_id
                     GROUP BY lead.id
                )
                SELECT lead.%(field)s, COALESCE(way.deepest, 0), COALESCE(stage.position, 0),
                       CASE lead.won_status
                            WHEN 'won' THEN 'won' WHEN 'lost' THEN 'lost' ELSE 'open'
                       END,
                       CASE WHEN lead.won_status = 'lost' THEN lead.lost_reason_id END,
                       count(*), COALESCE(sum(lead.expected_revenue), 0)::float8
                  FROM lead
                  LEFT JOIN way ON way.id = lead.id
                  LEFT JOIN stage ON stage.id = lead.stage_id
                 GROUP BY 1, 2, 3, 4, 5
                """,
                tables=self._get_tables(domain, stages, field, "lost_reason_id"),
                field=SQL.identifier(field),
            )
        )
        segments, losses = defaultdict(list), defaultdict(list)
        for key, deepest, at, outcome, reason, count, money in rows:
            segments[key or False].append(Group(deepest, at, outcome, count, money))
            if outcome == LOST:
                losses[key or False].append((reason or False, at, count, money))
        return segments, losses

    @api.model
    def _read_days(self, domain, stages):
        """Days that leads have spent in each stage which they have left again.

        :return: ``{position: (median, mean, number of leads)}``
        """
        rows = self.env.execute_query(
            SQL(
                """
                %(tables)s
                SELECT position, percentile_cont(0.5) WITHIN GROUP (ORDER BY days), avg(days)::float8,
                       count(*)
                  FROM (
                    SELECT stage.position,
                           sum(date_part('epoch', stay.left_at - stay.entered_at)) / 86400 AS days
                      FROM lead
                      JOIN trade_lead_stage_stay stay ON stay.lead_id = lead.id
                      JOIN stage ON stage.id = stay.stage_id
                     WHERE stage.id = ANY(%(open)s)
                     GROUP BY lead.id, stage.position
                    HAVING bool_and(stay.left_at IS NOT NULL)
                  ) spent
                 GROUP BY position
                """,
                tables=self._get_tables(domain, stages),
                open=stages.stages.ids,
            )
        )
        return {position: tuple(figures) for position, *figures in rows}

    # ------------------------------------------------------------------
    # Prepare
    # ------------------------------------------------------------------

    @api.model
    def _get_names(self, model, values, none):
        """``{id or False: name}``"""
        records = model.with_context(active_test=False).browse(value for value in values if value)
        # Names of linked records are shown to whoever sees the lead.
        names = {record.id: record.display_name for record in records.sudo().exists()}
        return defaultdict(lambda: none, names)

    @api.model
    def _prepare_steps(self, steps, stages, days):
        rows = []
        for position, (stage, step) in enumerate(zip(stages.stages, steps, strict=True)):
            median, mean, left = days.get(position, (None, None, 0))
            rows.append(
                {
                    "position": position,
                    "stage_id": stage.id,
                    "name": stage.name,
                    **step._asdict(),
                    "median_days": median,
                    "mean_days": mean,
                    "left": left,
                }
            )
        return rows

    @api.model
    def _prepare_segments(self, segments, stages, group_by):
        """The largest segments, then all others as one, under no value."""
        model = self.env[self.env["crm.lead"]._fields[GROUPS[group_by]].comodel_name]
        names = self._get_names(model, segments, self.env._("None"))
        ranked = sorted(
            segments.items(),
            key=lambda item: (-sum(group.count for group in item[1]), names[item[0]]),
        )
        shown, others = ranked[:MAX_SEGMENTS], ranked[MAX_SEGMENTS:]
        rows = [
            self._prepare_segment(value, names[value], groups, stages) for value, groups in shown
        ]
        if others:
            groups = [group for _value, found in others for group in found]
            rows.append(self._prepare_segment(None, self.env._("Others"), groups, stages))
        return rows

    @api.model
    def _prepare_segment(self, value, name, groups, stages):
        totals = add_up(groups)
        return {
            "value": value,
            "name": name,
            "reached": [step.reached for step in pour(len(stages.stages), groups)],
            "total": totals[None]._asdict(),
            **{outcome: totals[outcome]._asdict() for outcome in (OPEN, LOST, WON)},
        }

    @api.model
    def _prepare_reasons(self, losses):
        """Why leads were lost, and in which stage; the most frequent reason first."""
        parts = defaultdict(dict)
        for reason, position, count, money in losses:
            part = parts[reason].setdefault(
                position, {"position": position, "count": 0, "money": 0.0}
            )
            part["count"] += count
            part["money"] += money
        names = self._get_names(self.env["crm.lost.reason"], parts, self.env._("Not said"))
        total = sum(count for _reason, _position, count, _money in losses)
        reasons = [
            {
                "value": reason,
                "name": names[reason],
                "count": count,
                "money": sum(part["money"] for part in found.values()),
                "share": get_share(count, total),
                "stages": [found[position] for position in sorted(found)],
            }
            for reason, found in parts.items()
            for count in [sum(part["count"] for part in found.values())]
        ]
        return sorted(reasons, key=lambda reason: (-reason["count"], reason["name"]))

    # ------------------------------------------------------------------
    # Leads
    # ------------------------------------------------------------------

    @api.model
    def action_view_leads(self, part, position=None, reason=None, **filters):
        """Open the leads behind a number of the funnel.

        :param part: "total", "reached", "here", "lost", "open" or "won"
        :param position: of the stage, for "reached", "here" and "lost"
        :param reason: id of the reason for which they were lost, False for those of none
        :param filters: see :meth:`get_funnel`
        """
        domain = self._get_cohort_domain(filters)
        domain &= self._get_segment_domain(
            filters.get("group_by") or "source", filters.get("value")
        )
        stages = self._get_stages(filters)
        domain &= self._get_part_domain(part, position, stages)
        if reason is not None:
            domain &= Domain("lost_reason_id", "=", reason)
        name = stages.stages[position].name if position is not None else self.env._("Leads")
        return {
            "type": "ir.actions.act_window",
            "name": name,
            "res_model": "crm.lead",
            "views": [
                (self.env.ref("crm.crm_case_tree_view_oppor").id, "list"),
                (False, "kanban"),
                (False, "form"),
            ],
            "search_view_id": [self.env.ref("crm.view_crm_case_opportunities_filter").id, "search"],
            "domain": list(domain),
            "context": {"active_test": False, "create": False},
        }

    @api.model
    def _get_part_domain(self, part, position, stages):
        if part == "reached":
            return self._get_reached_domain(position, stages)
        if part == "total":
            return Domain.TRUE
        if part not in ("here", LOST, OPEN, WON):
            raise ValidationError(self.env._("There is no part %s of the funnel.", part))
        status = {LOST: ["lost"], WON: ["won"]}.get(part, ["pending", False])
        domain = Domain("won_status", "in", status)
        if position is not None:
            ids = stages.get_ids(position, position)
            domain &= Domain("stage_id", "in", [stage or False for stage in ids])
        return domain

    @api.model
    def _get_reached_domain(self, position, stages):
        if not position:
            return Domain.TRUE
        later = stages.get_ids(position)
        return (
            Domain("won_status", "=", "won")
            | Domain("stage_id", "in", later)
            | Domain("trade_stay_ids", "any", [("stage_id", "in", later)])
        )
