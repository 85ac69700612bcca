from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odoo import fields
from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import tagged

from odoo.addons.trade_crm_service.models.trade_ticket_pause import EPOCH, to_seconds

from .service_common import ServiceCommon

ZONES = ["UTC", "Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]
STEP = timedelta(minutes=10)


def at(text):
    return fields.Datetime.to_datetime(text)


@tagged("post_install", "-at_install")
class TestSla(ServiceCommon):
    """Working hours are 01:00 to 09:00 in UTC, Monday to Friday; it is Tuesday, 04:00."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ticket = cls._make_ticket(cls.wok, cls.user_agent, team_id=cls.team_quality.id)
        cls.env.flush_all()

    def _get_activities(self, ticket=None):
        activities = (ticket or self.ticket).activity_ids
        return {(a.activity_type_id.name, a.user_id) for a in activities}

    def _get_logs(self):
        return self.env["trade.ticket.log"].search([("ticket_id", "=", self.ticket.id)])

    def test_deadlines_in_working_hours(self):
        self.assertEqual(self.ticket.trade_policy_id, self.sla)
        self.assertEqual(self.ticket.trade_first_deadline, at("2026-04-01 04:00:00"))
        self.assertEqual(self.ticket.trade_solve_deadline, at("2026-04-02 04:00:00"))
        self.assertEqual(self.ticket.trade_sla_deadline, self.ticket.trade_first_deadline)
        self.assertEqual(self.ticket.trade_sla_state, "running")

    def test_holiday(self):
        self.env["resource.calendar.leaves"].create(
            {
                "name": "Holiday",
                "calendar_id": self.calendar.id,
                "company_id": self.company_cn.id,
                "date_from": "2026-03-31 16:00:00",
                "date_to": "2026-04-01 16:00:00",
            }
        )
        with self.enter_registry_test_mode():
            self.env.ref("trade_crm_service.ir_cron_sla_refresh").method_direct_trigger()
        self.assertEqual(self.ticket.trade_first_deadline, at("2026-04-02 04:00:00"))
        log = self.ticket.trade_log_ids.filtered(lambda log: log.cause == "calendar")
        self.assertIn("was", log.reason)

    def test_without_a_calendar(self):
        self.team_quality.trade_calendar_id = False
        self.company_cn.resource_calendar_id = False
        ticket = self._make_ticket(self.wok, self.user_agent, team_id=self.team_quality.id)
        self.assertEqual(ticket.trade_first_deadline, at("2026-03-31 12:00:00"))
        self.team_quality.trade_calendar_id = self.calendar.copy({"attendance_ids": False})
        other = self._make_ticket(self.wok, self.user_agent, team_id=self.team_quality.id)
        self.assertEqual(other.trade_first_deadline, at("2026-03-31 12:00:00"))

    def test_first_answer(self):
        self.ticket.message_post(body="Note", subtype_xmlid="mail.mt_note")
        self.assertFalse(self.ticket.trade_first_at)
        self.ticket.message_post(
            body="Where?", author_id=self.wok.id, subtype_xmlid="mail.mt_comment"
        )
        self.assertFalse(self.ticket.trade_first_at)
        self._after(hours=2)
        self._as(self.user_agent, self.ticket).message_post(
            body="We look into it.", subtype_xmlid="mail.mt_comment", message_type="comment"
        )
        self.assertEqual(self.ticket.trade_first_at, at("2026-03-31 06:00:00"))
        self.assertEqual(self.ticket.trade_first_result, "met")
        self.assertEqual(self.ticket.trade_sla_deadline, self.ticket.trade_solve_deadline)

    def test_pause(self):
        self._after(hours=1)
        self.ticket.stage_id = self.stage_wait
        self.assertEqual(self.ticket.trade_sla_state, "paused")
        self.assertFalse(self.ticket.trade_sla_next)
        # Until Thursday 02:00: 4 hours of Tuesday, 8 of Wednesday, 1 of Thursday.
        self._go_to("2026-04-02 02:00:00")
        self._watch()
        self.assertFalse(self.ticket.activity_ids)
        self.ticket.stage_id = self.stage_work
        self.assertEqual(self.ticket.trade_pause_ids.mapped("cause"), ["wait"])
        # One hour was used, seven are left: until 09:00.
        self.assertEqual(self.ticket.trade_first_deadline, at("2026-04-02 09:00:00"))
        self.assertEqual(self.ticket.trade_solve_deadline, at("2026-04-03 09:00:00"))
        kinds = [kind for kind in self._get_logs().mapped("kind") if kind != "stage"]
        self.assertEqual(kinds[:2], ["resume", "pause"])

    def test_end_and_reopen(self):
        self._after(hours=1)
        self.ticket.stage_id = self.stage_done
        self.assertEqual(self.ticket.trade_sla_state, "met")
        self.assertEqual(self.ticket.trade_solve_result, "met")
        self._go_to("2026-04-02 02:00:00")
        self.ticket.stage_id = self.stage_work
        self.assertEqual(self.ticket.trade_sla_state, "running")
        self.assertFalse(self.ticket.trade_solve_result)
        self.assertEqual(self.ticket.trade_first_deadline, at("2026-04-02 09:00:00"))
        self.assertIn("reopen", self.ticket.trade_log_ids.mapped("kind"))
        # Late before it was closed is late.
        self._go_to("2026-04-06 02:00:00")
        self.ticket.stage_id = self.stage_done
        self.assertEqual(self.ticket.trade_sla_state, "missed")
        self.ticket.stage_id = self.stage_dropped
        self.assertFalse(self.ticket.trade_sla_state)

    def test_notices(self):
        """A warning, a miss, an escalation: each once, whoever runs the job how often."""
        managers = self.user_east
        self._go_to("2026-03-31 08:00:00")
        for _time in range(2):
            self._watch()
        self.assertEqual(self.ticket.trade_sla_state, "risk")
        risk = "SLA at risk"
        self.assertEqual(self._get_activities(), {(risk, self.user_agent)})
        # A deadline is kept up to its very moment.
        self._go_to("2026-04-01 04:00:00")
        self._watch()
        self.assertEqual(self.ticket.trade_sla_state, "risk")
        self._go_to("2026-04-01 04:01:00")
        for _time in range(2):
            self._watch()
        self.assertEqual(self.ticket.trade_sla_state, "late")
        self.assertEqual(self.ticket.trade_first_result, "missed")
        late = {(risk, self.user_agent)} | {
            ("SLA missed", user) for user in self.user_agent | self.user_leader
        }
        self.assertEqual(self._get_activities(), late)
        # The solution is near by then as well.
        self._go_to("2026-04-01 06:01:00")
        for _time in range(2):
            self._watch()
        self.assertEqual(
            self._get_activities(), late | {("SLA escalated", user) for user in managers}
        )
        kinds = self.ticket.trade_log_ids.mapped("kind")
        self.assertEqual([kinds.count(kind) for kind in ("warn", "breach", "escalate")], [2, 1, 1])
        self.assertEqual(len(self.ticket.activity_ids), 5)
        self.ticket.stage_id = self.stage_done
        self.assertFalse(self.ticket.activity_ids)

    def test_job(self):
        self._go_to("2026-04-01 04:01:00")
        with self.enter_registry_test_mode():
            self.env.ref("trade_crm_service.ir_cron_sla_watch").method_direct_trigger()
        self.assertEqual(self.ticket.trade_sla_state, "late")

    def test_type_tier_and_team_count(self):
        tier = self.env["trade.tier"].search([], limit=1)
        fast, best = self.env["trade.sla.policy"].create(
            [
                {
                    "name": "Fast",
                    "sequence": 1,
                    "type_ids": [Command.set(self.delay.ids)],
                    "first_hours": 1,
                    "solve_hours": 0,
                },
                {
                    "name": "Best",
                    "sequence": 2,
                    "tier_ids": [Command.set(tier.ids)],
                    "first_hours": 2,
                },
            ]
        )
        self.ticket.trade_type_id = self.delay
        self.assertEqual(self.ticket.trade_policy_id, fast)
        self.assertEqual(self.ticket.trade_first_deadline, at("2026-03-31 05:00:00"))
        self.assertFalse(self.ticket.trade_solve_deadline)
        log = self._get_logs()[:1]
        self.assertIn("type", log.reason)
        self.assertIn("Fast", log.reason)
        self.ticket.trade_type_id = False
        self._set_tier(tier)
        self._watch()
        self.assertEqual(self.ticket.trade_tier_id, tier)
        self.assertEqual(self.ticket.trade_policy_id, best)
        self.assertEqual(self._get_logs()[:1].cause, "tier")
        self.ticket.team_id = self.team_logistics
        self.assertEqual(self._get_logs()[:1].cause, "team")

    def _set_tier(self, tier):
        profile = self.env["trade.customer.profile"].search(
            [("partner_id", "=", self.wok.id), ("company_id", "=", self.company_cn.id)]
        )
        if profile:
            query = "UPDATE trade_customer_profile SET tier_id = %s WHERE id = %s"
            self.env.cr.execute(query, [tier.id, profile.id])
        else:
            self.env.cr.execute(
                "INSERT INTO trade_customer_profile (partner_id, company_id, tier_id)"
                " VALUES (%s, %s, %s)",
                [self.wok.id, self.company_cn.id, tier.id],
            )
        self.env.invalidate_all()

    def test_later_deadline_warns_again(self):
        self._go_to("2026-04-01 04:01:00")
        self._watch()
        self.sla.first_hours = 80
        self.ticket._refresh_sla("calendar")
        self.assertEqual(self.ticket.trade_sla_state, "risk")
        self.assertFalse(self.ticket.trade_first_step)
        self.assertGreater(self.ticket.trade_first_warn_at, fields.Datetime.now())

    def test_log_is_append_only(self):
        log = self.ticket.trade_log_ids[:1]
        for user in (self.user_agent, self.user_service):
            with self.assertRaises(AccessError):
                self._as(user, log).write({"kind": "route"})
            with self.assertRaises(AccessError):
                self._as(user, log).unlink()
        with self.assertRaises(AccessError):
            log.unlink()
        self.ticket.unlink()
        self.assertFalse(log.exists())

    def test_territory_of_the_log(self):
        foreign = self._make_ticket(self.hutong, self.user_agent)
        logs = (self.ticket | foreign).trade_log_ids
        self.assertEqual(self._visible(self.user_agent_east, logs).ticket_id, self.ticket)

    def test_refresh_costs_no_query_per_ticket(self):
        tickets = self.env["helpdesk.ticket"]
        for number in range(12):
            tickets |= self._make_ticket(
                self.wok, self.user_agent, team_id=self.team_quality.id, number=f"Q{number}"
            )
        counts = []
        for some in (tickets[:2], tickets):
            self.sla.first_hours += 1
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            some._refresh_sla("calendar")
            self.env.flush_all()
            counts.append(self.env.cr.sql_log_count - before)
        self.assertLessEqual(counts[1], counts[0] + 3)


@tagged("post_install", "-at_install")
class TestSlaCalendar(ServiceCommon):
    """Deadlines equal those of somebody who looks at the clock on the wall every ten minutes."""

    @settings(
        max_examples=40,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.differing_executors],
    )
    @given(
        zone=st.sampled_from(ZONES),
        # Boundaries at which no clock is changed: those between 01:00 and 04:00 are said twice,
        # or never, on a day of the year.
        days=st.dictionaries(
            st.integers(0, 6),
            st.tuples(st.sampled_from([0, 5, 8]), st.sampled_from([12, 17, 22])),
            min_size=1,
        ),
        holidays=st.lists(st.integers(0, 20), max_size=3),
        start=st.sampled_from(
            ["2026-03-06 21:00:00", "2026-03-27 07:10:00", "2026-10-23 13:50:00"]
        ),
        after=st.integers(0, 400),
        tenths=st.integers(1, 300),
        pauses=st.lists(st.tuples(st.integers(0, 900), st.integers(1, 300)), max_size=3),
    )
    def test_against_the_wall_clock(self, zone, days, holidays, start, after, tenths, pauses):
        opened = at(start) + after * STEP
        tz = ZoneInfo(zone)
        calendar = self._make_calendar(zone, days)
        first_day = at(start).date()
        off = {first_day + timedelta(days=number) for number in holidays}
        self._make_holidays(calendar, tz, off)
        stopped = [(opened + a * STEP, opened + (a + length) * STEP) for a, length in pauses]
        deadline = self._compute(calendar, opened, tenths, stopped)
        expected = self._walk(tz, days, off, opened, tenths, stopped)
        self.assertEqual(deadline, expected)

    def _make_calendar(self, zone, days):
        return self.env["resource.calendar"].create(
            {
                "name": "Random",
                "tz": zone,
                "company_id": self.company_cn.id,
                "attendance_ids": [
                    Command.clear(),
                    *(
                        Command.create(
                            {
                                "name": str(day),
                                "dayofweek": str(day),
                                "hour_from": begin,
                                "hour_to": end,
                                "day_period": "morning",
                            }
                        )
                        for day, (begin, end) in days.items()
                    ),
                ],
            }
        )

    def _make_holidays(self, calendar, tz, days):
        utc = ZoneInfo("UTC")
        for day in days:
            begin = datetime(day.year, day.month, day.day, tzinfo=tz).astimezone(utc)
            next_day = day + timedelta(days=1)
            end = datetime(next_day.year, next_day.month, next_day.day, tzinfo=tz).astimezone(utc)
            self.env["resource.calendar.leaves"].create(
                {
                    "name": "Holiday",
                    "calendar_id": calendar.id,
                    "company_id": self.company_cn.id,
                    "date_from": begin.replace(tzinfo=None),
                    "date_to": end.replace(tzinfo=None),
                }
            )

    def _compute(self, calendar, opened, tenths, pauses):
        ticket = self.env["helpdesk.ticket"].new({"company_id": self.company_cn.id})
        policy = self.env["trade.sla.policy"].new({"warn_percent": 100, "escalate_hours": 0})
        marks = ticket._get_marks(
            calendar._get_sla_clocks(opened),
            to_seconds(opened),
            [(to_seconds(begin), to_seconds(end)) for begin, end in pauses],
            policy,
            tenths / 6,
        )
        return EPOCH + timedelta(seconds=marks.deadline)

    def _walk(self, tz, days, off, opened, tenths, pauses):
        moment, left = opened, tenths
        utc = ZoneInfo("UTC")
        while left:
            local = moment.replace(tzinfo=utc).astimezone(tz)
            begin, end = days.get(local.weekday(), (0, 0))
            if (
                begin <= local.hour < end
                and local.date() not in off
                and not any(start <= moment < stop for start, stop in pauses)
            ):
                left -= 1
            moment += STEP
        return moment
