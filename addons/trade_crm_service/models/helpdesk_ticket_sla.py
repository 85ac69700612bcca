from datetime import timedelta

import pytz

from odoo import api, fields, models
from odoo.tools import SQL

from ..analytics.sla_clock import FOREVER, Marks, WorkClock, count_passed, get_marks
from .helpdesk_ticket import LOG_READERS
from .trade_ticket_pause import EPOCH, to_seconds

TARGETS = ("first", "solve")
# Calendars are read so far ahead, and, if that is not enough, once more for so many times as long.
AHEAD_DAYS, AHEAD_TRIES, AHEAD_FACTOR = 60, 3, 5
SLA_STATES = [
    ("running", "On time"),
    ("risk", "At risk"),
    ("late", "Late"),
    ("paused", "Paused"),
    ("met", "Met"),
    ("missed", "Missed"),
]
RESULTS = [("met", "Met"), ("missed", "Missed")]
INT, TIMESTAMP, TEXT = SQL("int[]"), SQL("timestamp[]"), SQL("text[]")
# Columns with the type of their array in PostgreSQL, as they are written.
COLUMNS = {
    "trade_policy_id": INT,
    "trade_first_warn_at": TIMESTAMP,
    "trade_first_deadline": TIMESTAMP,
    "trade_first_escalate_at": TIMESTAMP,
    "trade_first_step": INT,
    "trade_first_result": TEXT,
    "trade_solve_warn_at": TIMESTAMP,
    "trade_solve_deadline": TIMESTAMP,
    "trade_solve_escalate_at": TIMESTAMP,
    "trade_solve_step": INT,
    "trade_solve_result": TEXT,
    "trade_sla_deadline": TIMESTAMP,
    "trade_sla_warn_at": TIMESTAMP,
    "trade_sla_state": TEXT,
    "trade_sla_next": TIMESTAMP,
}


class HelpdeskTicket(models.Model):
    """Deadlines of a ticket.

    There are two targets, the first answer and the solution. Each has three marks: when it is near,
    when it is missed, and when the manager hears of it; ``…_step`` is how many of them were told.
    ``trade_sla_next`` is when the job has to look at the ticket again. The columns are written by SQL,
    many tickets at a time, and by nobody else.
    """

    _inherit = "helpdesk.ticket"

    def _mark(string):  # noqa: N805 - a helper of the class body
        return fields.Datetime(string, readonly=True, copy=False, groups="base.group_user")

    trade_policy_id = fields.Many2one(
        "trade.sla.policy",
        "SLA",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
        groups="base.group_user",
    )
    trade_first_at = _mark("First answer at")
    trade_first_warn_at = _mark("First answer near")
    trade_first_deadline = _mark("First answer due")
    trade_first_escalate_at = _mark("First answer escalates")
    # Surveys look for what has ended since they looked last.
    trade_ended_at = fields.Datetime(
        "Ended at", readonly=True, copy=False, index="btree_not_null", groups="base.group_user"
    )
    trade_solve_warn_at = _mark("Solution near")
    trade_solve_deadline = _mark("Solution due")
    trade_solve_escalate_at = _mark("Solution escalates")
    trade_paused_at = _mark("Clock paused since")
    trade_sla_deadline = fields.Datetime(
        "Next deadline", readonly=True, copy=False, index="btree_not_null", groups="base.group_user"
    )
    trade_sla_warn_at = _mark("Next deadline near")
    trade_sla_next = fields.Datetime(
        "Look again at", readonly=True, copy=False, index="btree_not_null", groups="base.group_user"
    )
    trade_first_step = fields.Integer(readonly=True, copy=False, groups="base.group_user")
    trade_solve_step = fields.Integer(readonly=True, copy=False, groups="base.group_user")
    trade_first_result = fields.Selection(
        RESULTS, "First answer in time", readonly=True, copy=False, groups="base.group_user"
    )
    trade_solve_result = fields.Selection(
        RESULTS, "Solved in time", readonly=True, copy=False, groups="base.group_user"
    )
    trade_sla_state = fields.Selection(
        SLA_STATES, "SLA status", readonly=True, copy=False, index=True, groups="base.group_user"
    )
    trade_pause_ids = fields.One2many(
        "trade.ticket.pause", "ticket_id", "Pauses", groups=LOG_READERS
    )

    del _mark

    # Of whom the job compares the tier every minute.
    _trade_running_idx = models.Index(
        "(commercial_partner_id, company_id)"
        " WHERE trade_ended_at IS NULL AND trade_opened_at IS NOT NULL"
    )

    # ------------------------------------------------------------------
    # What happens to the clock
    # ------------------------------------------------------------------

    def _start_sla(self):
        waiting = self.filtered(lambda ticket: ticket.stage_id._get_kind() == "wait")
        ended = self.filtered(lambda ticket: ticket.stage_id.closed)
        self._pause(waiting, "wait")
        self._pause(ended, "closed")
        self._refresh_sla("opened")

    def _follow_stage(self, changed, before):
        """Pause, resume and end the clock by the stage."""
        moved = self.filtered(lambda ticket: "stage_id" in changed[ticket])
        moved._log_stages()
        old = {ticket: before[ticket.id]["stage_id"] for ticket in moved}
        ended = moved.filtered(lambda ticket: ticket.stage_id.closed)
        waiting = moved.filtered(
            lambda ticket: ticket.stage_id._get_kind() == "wait" and not ticket.stage_id.closed
        )
        running = moved - ended - waiting
        self._pause(ended.filtered(lambda ticket: not old[ticket].closed), "closed")
        self._pause(waiting.filtered(lambda ticket: old[ticket]._get_kind() != "wait"), "wait")
        self._resume(running.filtered("trade_paused_at"))
        self.env["trade.ticket.log"]._log(
            moved.filtered(lambda ticket: old[ticket].closed) - ended, "reopen"
        )

    def _pause(self, tickets, cause):
        if not tickets:
            return
        now = fields.Datetime.now()
        self.env["trade.ticket.pause"]._begin(tickets, cause)
        tickets.with_context(trade_unfollowed=True).write(
            {"trade_paused_at": now, "trade_ended_at": now if cause == "closed" else False}
        )
        if cause == "wait":
            self.env["trade.ticket.log"]._log(tickets, "pause", "wait")

    def _resume(self, tickets):
        if not tickets:
            return
        waited = tickets.filtered(lambda ticket: not ticket.trade_ended_at)
        self.env["trade.ticket.pause"]._end(tickets)
        tickets.with_context(trade_unfollowed=True).write(
            {"trade_paused_at": False, "trade_ended_at": False, "closed_date": False}
        )
        self.env["trade.ticket.log"]._log(waited, "resume")

    def _note_first_answer(self):
        """Somebody of ours has answered the customer."""
        unanswered = self.filtered(lambda ticket: not ticket.trade_first_at)
        if unanswered:
            unanswered.write({"trade_first_at": fields.Datetime.now()})
            self.env["trade.ticket.log"]._log(unanswered, "first")
            unanswered._refresh_sla(None)

    def _follow_sla(self, changed):
        """New deadlines where something changed that they depend on; the log says what."""
        names = {
            "trade_type_id": "type",
            "trade_tier_id": "tier",
            "priority": "priority",
            "team_id": "team",
            "company_id": "company",
        }
        causes = {}
        for ticket in self:
            cause = next((names[name] for name in names if name in changed[ticket]), None)
            if cause or "stage_id" in changed[ticket]:
                causes.setdefault(cause, self.browse())
                causes[cause] |= ticket
        for cause, tickets in causes.items():
            tickets._refresh_sla(cause)

    # ------------------------------------------------------------------
    # Deadlines
    # ------------------------------------------------------------------

    def _refresh_sla(self, cause):
        """Work out the deadlines anew, as superuser.

        :param cause: what changed, for the log; None for what moves the clock by itself
        """
        tickets = self.filtered("trade_opened_at")
        if not tickets:
            return
        now = to_seconds(fields.Datetime.now())
        policies = self.env["trade.sla.policy"].sudo()._match(tickets)
        pauses = self.env["trade.ticket.pause"]._get_intervals(tickets)
        marks = tickets._get_all_marks(policies, pauses)
        rows, moved = {}, {}
        for ticket in tickets:
            values = ticket._prepare_sla_values(policies[ticket], marks[ticket], now)
            if any(values[name] != ticket._get_column(name) for name in COLUMNS):
                rows[ticket.id] = values
            if ticket._has_moved(values):
                moved[ticket.id] = ticket._prepare_sla_log(policies[ticket], values)
        self._write_sla(rows)
        if cause:
            logs = self.env["trade.ticket.log"]
            logs._log(self.browse(moved), "sla", cause, by_user=False, per_ticket=moved)
        tickets._drop_told_activities()

    def _get_column(self, name):
        value = self[name]
        return (value.id or None) if name == "trade_policy_id" else (value or None)

    def _has_moved(self, values):
        return any(
            values[name] != self._get_column(name)
            for name in ("trade_policy_id", "trade_first_deadline", "trade_solve_deadline")
        )

    def _prepare_sla_log(self, policy, values):
        def write(moment):
            return moment and fields.Datetime.to_string(moment)

        return {
            "details": {
                "policy_id": policy.id,
                "policy": policy.name,
                "first": write(values["trade_first_deadline"]),
                "solve": write(values["trade_solve_deadline"]),
                "first_before": write(self.trade_first_deadline),
                "solve_before": write(self.trade_solve_deadline),
            }
        }

    def _get_all_marks(self, policies, pauses):
        """``{ticket: {target: Marks}}``"""
        clocks = self._get_clocks()
        marks = {}
        for ticket in self:
            policy = policies[ticket]
            start, own = to_seconds(ticket.trade_opened_at), pauses.get(ticket.id, ())
            marks[ticket] = {
                target: ticket._get_marks(clocks[ticket._get_calendar()], start, own, policy, hours)
                for target, hours in (("first", policy.first_hours), ("solve", policy.solve_hours))
            }
        return marks

    def _get_marks(self, clocks, start, pauses, policy, hours):
        """The marks of a target, with the calendar read as far ahead as it takes."""
        if not hours:
            return Marks(None, None, None)
        for number in range(AHEAD_TRIES):
            marks = get_marks(
                clocks(number),
                start,
                round(hours * 3600),
                pauses,
                policy.warn_percent / 100,
                round(policy.escalate_hours * 3600),
            )
            if None not in marks:
                break
        return marks

    def _get_calendar(self):
        """Of the team, else of the company; empty: around the clock."""
        return self.team_id.trade_calendar_id or self.company_id.resource_calendar_id

    def _get_clocks(self):
        """``{calendar: function of 0, 1, 2 that gives its clock, each one further ahead}``"""
        first = min(self.mapped("trade_opened_at"))
        return {
            calendar: calendar._get_sla_clocks(first)
            for calendar in {ticket._get_calendar() for ticket in self}
        }

    # ------------------------------------------------------------------
    # Standing
    # ------------------------------------------------------------------

    def _prepare_sla_values(self, policy, marks, now, told=False):
        """Values of ``COLUMNS`` at the moment ``now``, in seconds.

        :param told: whether everybody knows of the marks that are over
        """
        done = {
            "first": self.trade_first_at or self.trade_ended_at,
            "solve": self.trade_ended_at,
        }
        values = {"trade_policy_id": policy.id or None}
        pending = {}
        for target in TARGETS:
            own = marks[target]
            passed = count_passed(own, now)
            step = passed if told else min(self[f"trade_{target}_step"], passed)
            values |= {
                f"trade_{target}_warn_at": to_datetime(own.warn),
                f"trade_{target}_deadline": to_datetime(own.deadline),
                f"trade_{target}_escalate_at": to_datetime(own.escalate),
                f"trade_{target}_step": step or None,
                f"trade_{target}_result": self._get_result(own, done[target], passed),
            }
            if own.deadline is not None and not done[target]:
                pending[target] = own
        return values | self._get_standing(pending, values, now)

    def _get_result(self, marks, done_at, passed):
        """Whether a target was met; one that is late already is missed."""
        if marks.deadline is None or self.stage_id._get_kind() == "dropped":
            return None
        if done_at:
            return "met" if to_seconds(done_at) <= marks.deadline else "missed"
        return "missed" if passed >= 2 and not self.trade_paused_at else None

    def _get_standing(self, pending, values, now):
        """What of the targets counts for the ticket: status, next deadline, when to look again."""
        standing = {
            "trade_sla_deadline": None,
            "trade_sla_warn_at": None,
            "trade_sla_next": None,
            "trade_sla_state": None,
        }
        results = {values["trade_first_result"], values["trade_solve_result"]} - {None}
        if self.trade_ended_at:
            state = "missed" if "missed" in results else "met" if results else None
            return standing | {"trade_sla_state": state}
        if not pending:
            return standing
        nearest = min(pending.values(), key=lambda marks: marks.deadline)
        standing["trade_sla_deadline"] = to_datetime(nearest.deadline)
        standing["trade_sla_warn_at"] = to_datetime(nearest.warn)
        if self.trade_paused_at:
            return standing | {"trade_sla_state": "paused"}
        most = max(count_passed(marks, now) for marks in pending.values())
        standing["trade_sla_state"] = ("running", "risk", "late", "late")[most]
        looks = [
            get_next(marks, values[f"trade_{target}_step"] or 0)
            for target, marks in pending.items()
        ]
        looks = [moment for moment in looks if moment is not None]
        standing["trade_sla_next"] = to_datetime(min(looks)) if looks else None
        return standing

    def _write_sla(self, rows):
        """Write the columns of many tickets by one statement.

        :param rows: ``{ticket id: {column: value}}``
        """
        if not rows:
            return
        self.flush_model(list(COLUMNS))
        names = list(COLUMNS)
        self.env.cr.execute(
            SQL(
                "UPDATE helpdesk_ticket ticket SET %s FROM unnest(%s) AS new (id, %s)"
                " WHERE ticket.id = new.id",
                SQL(", ").join(
                    SQL("%s = new.%s", SQL.identifier(name), SQL.identifier(name)) for name in names
                ),
                SQL(", ").join(
                    [
                        SQL("%s::int[]", list(rows)),
                        *(
                            SQL("%s::%s", [row[name] for row in rows.values()], kind)
                            for name, kind in COLUMNS.items()
                        ),
                    ]
                ),
                SQL(", ").join(SQL.identifier(name) for name in names),
            )
        )
        self.browse(rows).invalidate_recordset(names)

    @api.model
    def _request_sla_refresh(self):
        """Have the deadlines of all open tickets worked out anew in the background."""
        cron_sudo = self.env.ref("trade_crm_service.ir_cron_sla_refresh", raise_if_not_found=False)
        if cron_sudo:
            cron_sudo.sudo()._trigger()


def get_next(marks, step):
    """When the job has to look again at a target of which ``step`` marks were told."""
    warn, deadline, escalate = marks
    # A deadline is kept up to and including its moment: it is missed a second later.
    looks = (warn, deadline + 1, None if escalate is None else escalate + 1)
    later = [moment for moment in looks[step:] if moment is not None]
    return min(later) if later else None


def to_datetime(moment):
    """A naive ``datetime`` in UTC of seconds since 1970."""
    return None if moment is None or moment >= FOREVER else EPOCH + timedelta(seconds=moment)


class ResourceCalendar(models.Model):
    """The working hours that SLA clocks run in."""

    _inherit = "resource.calendar"

    def _get_sla_clocks(self, first):
        """A function of 0, 1, 2 that gives the clock, each one further ahead than the one before.

        An empty calendar, and one without any hours, run around the clock.

        :param first: naive UTC ``datetime`` from which on it has to be right
        """
        clocks = []

        def get_clock(number):
            if number >= len(clocks):
                clocks.append(self._get_sla_clock(first, AHEAD_DAYS * AHEAD_FACTOR**number))
            return clocks[number]

        return get_clock

    def _get_sla_clock(self, first, days):
        if not self:
            return WorkClock(None)
        start = pytz.utc.localize(first) - timedelta(days=1)
        stop = pytz.utc.localize(max(first, fields.Datetime.now())) + timedelta(days=days)
        hours = self._work_intervals_batch(start, stop)[False]
        clock = WorkClock(
            (
                to_seconds(begin.astimezone(pytz.utc).replace(tzinfo=None)),
                to_seconds(end.astimezone(pytz.utc).replace(tzinfo=None)),
            )
            for begin, end, _attendance in hours
        )
        return clock if clock else WorkClock(None)

    def write(self, vals):
        result = super().write(vals)
        if vals.keys() & {"tz", "attendance_ids", "two_weeks_calendar", "global_leave_ids"}:
            self.env["helpdesk.ticket"]._request_sla_refresh()
        return result


class ResourceCalendarLeaves(models.Model):
    """Holidays move deadlines."""

    _inherit = "resource.calendar.leaves"

    @api.model_create_multi
    def create(self, vals_list):
        leaves = super().create(vals_list)
        leaves._move_deadlines()
        return leaves

    def write(self, vals):
        result = super().write(vals)
        self._move_deadlines()
        return result

    def unlink(self):
        self._move_deadlines()
        return super().unlink()

    def _move_deadlines(self):
        if any(not leave.resource_id for leave in self.sudo()):
            self.env["helpdesk.ticket"]._request_sla_refresh()


class ResourceCalendarAttendance(models.Model):
    """So do working hours."""

    _inherit = "resource.calendar.attendance"

    @api.model_create_multi
    def create(self, vals_list):
        attendances = super().create(vals_list)
        self.env["helpdesk.ticket"]._request_sla_refresh()
        return attendances

    def write(self, vals):
        result = super().write(vals)
        self.env["helpdesk.ticket"]._request_sla_refresh()
        return result

    def unlink(self):
        self.env["helpdesk.ticket"]._request_sla_refresh()
        return super().unlink()
