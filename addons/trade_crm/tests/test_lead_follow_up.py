from datetime import timedelta
from unittest.mock import patch

from psycopg2.errors import CheckViolation

from odoo import fields
from odoo.sql_db import BaseCursor
from odoo.tests import tagged
from odoo.tests.test_cursor import TestCursor
from odoo.tools import SQL, mute_logger

from .territory_common import TerritoryCommon

FOLLOW_UP = "trade_crm.mail_activity_type_lead_follow_up"
ESCALATION = "trade_crm.mail_activity_type_lead_escalation"


class FollowUpCommon(TerritoryCommon):
    """A lead of user_zhejiang in company cn, which follows leads up; user_east is the manager.

    The stage asks for a contact within 3 days, tells the manager 2 days after the deadline and
    puts the lead in the pool 7 days after it, with a warning 2 days before that.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Odoo dates leads by the clock of PostgreSQL, which does not stand still.
        for cursor in (BaseCursor, TestCursor):
            cls.startClassPatcher(patch.object(cursor, "now", lambda _cr: fields.Datetime.now()))
        cls.env["crm.lead"].search([("trade_follow_up_at", "!=", False)]).action_archive()
        cls.env["res.company"].search([]).trade_lead_follow_up = False
        cls.company_cn.write({"trade_lead_follow_up": True, "trade_recycle_warning_days": 2})
        cls.stage = cls._make_stage("Qualified")
        cls.other_stage = cls._make_stage("Sample sent", days=10)
        cls.won_stage = cls.env["crm.stage"].create({"name": "Won here", "is_won": True})
        cls.team = cls.env["crm.team"].create({"name": "Team", "company_id": False})
        cls.lead = cls._make_lead("Dumpling dream")
        cls.env.flush_all()

    @classmethod
    def _make_stage(cls, name, days=3, escalation=2, recycle=7):
        return cls.env["crm.stage"].create(
            {
                "name": name,
                "trade_follow_up_days": days,
                "trade_escalation_days": escalation,
                "trade_recycle_days": recycle,
            }
        )

    @classmethod
    def _make_lead(cls, name, **values):
        return cls.env["crm.lead"].create(
            {
                "name": name,
                "type": "opportunity",
                "stage_id": cls.stage.id,
                "user_id": cls.user_zhejiang.id,
                "team_id": cls.team.id,
                "company_id": cls.company_cn.id,
                "partner_id": cls.wok.id,
                **values,
            }
        )

    def _move_to(self, days):
        """Move the clock to ``days`` after the set-up; what was before is over and done with."""
        self._commit()
        self.now = fields.Datetime.to_datetime("2026-03-31 04:00:00") + timedelta(days=days)
        self.clock.move_to(self.now)

    def _run(self, days=None, **kwargs):
        if days is not None:
            self._move_to(days)
        with self._job_env() as env:
            env["crm.lead"]._cron_follow_up(**kwargs)
        self.env.invalidate_all()

    def _kinds(self, lead=None):
        logs = (lead or self.lead).trade_log_ids.sorted("id")
        return logs.mapped("kind")

    def _activities(self, type_xmlid=None, lead=None):
        types = [type_xmlid] if type_xmlid else [FOLLOW_UP, ESCALATION]
        return (lead or self.lead).activity_search(types)

    def _contact(self, lead=None, user=None, **kwargs):
        lead = self._as(user or self.user_zhejiang, lead or self.lead)
        values = {"body": "Hello", "message_type": "comment", "subtype_xmlid": "mail.mt_comment"}
        return lead.message_post(**{**values, **kwargs})


@tagged("post_install", "-at_install")
class TestLeadFollowUp(FollowUpCommon):
    # ------------------------------------------------------------------
    # Deadline
    # ------------------------------------------------------------------

    def _assertDeadline(self, days, lead=None):
        lead = lead or self.lead
        expected = fields.Datetime.to_datetime("2026-03-31 04:00:00") + timedelta(days=days)
        self.assertEqual(lead.trade_follow_up_at, expected)

    def test_deadline_counts_from_the_last_that_happened(self):
        self._assertDeadline(3)
        self._move_to(1)
        self._contact()
        self._assertDeadline(4)
        self._move_to(2)
        self.lead.stage_id = self.other_stage
        self._assertDeadline(12)
        self._move_to(4)
        self.lead.user_id = self.user_shanghai
        self._assertDeadline(14)

    def test_no_deadline(self):
        for values in (
            {"user_id": False},
            {"stage_id": self.won_stage.id},
            {"active": False},
            {"trade_pooled_at": "2026-03-31 04:00:00"},
            {"stage_id": self._make_stage("Long", days=0).id},
        ):
            with self.subTest(**values):
                lead = self._make_lead("Other")
                self.assertTrue(lead.trade_follow_up_at)
                lead.write(values)
                self.assertFalse(lead.trade_follow_up_at)
                self.assertEqual(lead.trade_follow_up_state, "none")
        lost = self._make_lead("Lost")
        lost.action_set_lost()
        self.assertFalse(lost.trade_follow_up_at)

    def test_days_of_a_stage_move_the_deadlines(self):
        self.stage.trade_follow_up_days = 5
        self._assertDeadline(5)
        self.stage.trade_follow_up_days = 0
        self.assertFalse(self.lead.trade_follow_up_at)
        with self.assertRaises(CheckViolation), mute_logger("odoo.sql_db"), self.cr.savepoint():
            self.stage.trade_follow_up_days = -1

    def test_days_of_a_stage_do_not_repeat_what_was_done(self):
        self._run(5)
        self.assertEqual(self._kinds(), ["overdue", "escalate"])
        self.stage.trade_follow_up_days = 4
        self.assertTrue(self.lead.trade_escalated_at)
        self._run(5)
        self.assertEqual(self._kinds(), ["overdue", "escalate"])
        self.stage.trade_follow_up_days = 30
        self.assertFalse(self.lead.trade_escalated_at)
        self.assertFalse(self._activities())

    def test_days_of_a_stage_do_not_shorten_a_warning(self):
        self._run(8)
        self.assertEqual(self._kinds()[-1], "warn")
        self.stage.trade_recycle_days = 1
        self._run(9)
        self.assertNotIn("recycle", self._kinds())
        self._run(10)
        self.assertEqual(self._kinds()[-1], "recycle")

    def test_stage_that_no_longer_recycles_calls_warnings_off(self):
        self._run(8)
        self.assertTrue(self.lead.trade_recycle_at)
        self.stage.trade_recycle_days = 0
        self.assertFalse(self.lead.trade_recycle_at)
        self.assertTrue(self.lead.trade_escalated_at)
        self._run(30)
        self.assertNotIn("recycle", self._kinds())

    def test_sql_and_python_agree(self):
        leads = self.lead
        for number, values in enumerate(
            (
                {},
                {"user_id": False},
                {"stage_id": self.won_stage.id},
                {"active": False},
                {"stage_id": self.other_stage.id},
                {"trade_last_contact_at": "2026-04-02 04:00:00"},
                {"trade_pooled_at": "2026-03-31 04:00:00"},
            )
        ):
            self._move_to(number)
            leads |= self._make_lead(f"Lead {number}", **values)
        by_python = {lead: lead.trade_follow_up_at for lead in leads}
        self.env.flush_all()
        self.cr.execute("UPDATE crm_lead SET trade_follow_up_at = NULL")
        self.env["crm.lead"]._refresh_follow_up(SQL("TRUE"))
        self.assertEqual({lead: lead.trade_follow_up_at for lead in leads}, by_python)
        self.assertEqual(len(set(by_python.values())), 4)

    def test_install_fills_in_contacts_and_deadlines(self):
        self._move_to(1)
        self._contact()
        self._contact(subtype_xmlid="mail.mt_note", date="2026-04-05 00:00:00")
        self.env.flush_all()
        last = self.lead.trade_last_contact_at
        self.cr.execute(
            "UPDATE crm_lead SET trade_follow_up_at = NULL, trade_last_contact_at = NULL"
        )
        self.env.invalidate_all()
        self.env["crm.lead"]._fill_follow_up()
        self.env.invalidate_all()
        self.assertEqual(self.lead.trade_last_contact_at, last)
        self._assertDeadline(4)

    # ------------------------------------------------------------------
    # Contact
    # ------------------------------------------------------------------

    def test_what_is_a_contact(self):
        call = self.env.ref("mail.mail_activity_data_call")
        todo = self.env.ref("mail.mail_activity_data_todo")
        visit = self.env.ref("trade_crm.mail_activity_type_visit")
        mail = self.env.ref("mail.mail_activity_data_email")
        lead = self._as(self.user_zhejiang, self.lead)

        def done(activity_type, record=lead):
            record.activity_schedule(
                activity_type_id=activity_type.id, user_id=self.user_zhejiang.id
            ).action_feedback("Done")

        contacts = [
            lambda: self._contact(),
            lambda: self._contact(message_type="email", author_id=self.wok_contact.id),
            lambda: done(call),
            lambda: done(visit),
            lambda: done(mail),
            lambda: done(call, self._as(self.user_zhejiang, self.wok)),
            lambda: self._as(self.user_zhejiang, self.wok_contact).message_post(
                body="Hi", message_type="comment", subtype_xmlid="mail.mt_comment"
            ),
            lambda: self.wok_contact.message_post(
                body="I want dumplings",
                message_type="email",
                subtype_xmlid="mail.mt_comment",
                author_id=self.wok_contact.id,
            ),
            lambda: (
                self._as(self.user_zhejiang, self.env["mail.mail"])
                .sudo()
                .create({"model": "crm.lead", "res_id": self.lead.id, "body_html": "To some"})
            ),
        ]
        others = [
            lambda: self._contact(subtype_xmlid="mail.mt_note"),
            lambda: self._contact(message_type="notification"),
            lambda: done(todo),
            lambda: self._contact(author_id=self.env.ref("base.partner_root").id),
            lambda: self._as(self.user_east, self.wok).message_post(
                body="By another", message_type="comment", subtype_xmlid="mail.mt_comment"
            ),
            lambda: self._as(self.user_beijing, self.hutong).message_post(
                body="To another", message_type="comment", subtype_xmlid="mail.mt_comment"
            ),
            lambda: self.lead.write({"description": "New"}),
        ]
        for number, act in enumerate([*contacts, *others]):
            with self.subTest(number=number):
                self._move_to(number + 1)
                act()
                expected = self.now if number < len(contacts) else None
                last = self.lead.trade_last_contact_at
                self.assertEqual(last if last == self.now else None, expected)

    def test_mailing_is_no_contact(self):
        if "mailing_id" not in self.env["mail.mail"]._fields:
            self.skipTest("No mailings")
        mailing = self.env["mailing.mailing"].create(
            {
                "subject": "Sale",
                "mailing_model_id": self.env["ir.model"]._get_id("crm.lead"),
            }
        )
        self._as(self.user_zhejiang, self.env["mail.mail"]).sudo().create(
            {"model": "crm.lead", "res_id": self.lead.id, "mailing_id": mailing.id}
        )
        self.assertFalse(self.lead.trade_last_contact_at)

    def test_date_of_a_mail_is_believed_unless_it_is_yet_to_come(self):
        self._move_to(2)
        self._contact(message_type="email", date="2026-04-01 00:00:00")
        self.assertEqual(str(self.lead.trade_last_contact_at), "2026-04-01 00:00:00")
        self._contact(message_type="email", date="2030-01-01 00:00:00")
        self.assertEqual(self.lead.trade_last_contact_at, self.now)

    def test_meeting_is_a_contact_when_agreed_on_and_when_held(self):
        self._move_to(1)
        event = self.env["calendar.event"].create(
            {
                "name": "Tasting",
                "opportunity_id": self.lead.id,
                "start": "2026-04-03 10:00:00",
                "stop": "2026-04-03 11:00:00",
            }
        )
        self.assertEqual(self.lead.trade_last_contact_at, self.now)
        self._run(4)
        self.assertEqual(self._kinds(), [])
        self.assertEqual(self.lead.trade_last_contact_at, event.start)
        self._run(7)
        self.assertEqual(self._kinds(), ["overdue"])

    def test_cancelled_meeting_is_none(self):
        event = self.env["calendar.event"].create(
            {
                "name": "Tasting",
                "opportunity_id": self.lead.id,
                "start": "2026-04-02 10:00:00",
                "stop": "2026-04-02 11:00:00",
            }
        )
        event.active = False
        self._run(3)
        self.assertEqual(self._kinds(), ["overdue"])

    # ------------------------------------------------------------------
    # Steps
    # ------------------------------------------------------------------

    def test_steps(self):
        self._run(2.9)
        self.assertEqual(self._kinds(), [])
        self.assertEqual(self.lead.trade_follow_up_state, "planned")
        self._run(3)
        self.assertEqual(self._kinds(), ["overdue"])
        self.assertEqual(self.lead.trade_follow_up_state, "overdue")
        reminder = self._activities()
        self.assertEqual(reminder.user_id, self.user_zhejiang)
        self.assertEqual(reminder.activity_type_id, self.env.ref(FOLLOW_UP))
        self.assertIn("within 3 days", reminder.note)
        self._run(5)
        self.assertEqual(self._kinds(), ["overdue", "escalate"])
        self.assertEqual(self.lead.trade_follow_up_state, "escalated")
        self.assertEqual(self._activities(ESCALATION).user_id, self.user_east)
        self.assertIn(self.user_east.name, self.lead.trade_log_ids[0].reason)
        self._run(8)
        self.assertEqual(self._kinds(), ["overdue", "escalate", "warn"])
        self.assertEqual(self.lead.trade_follow_up_state, "warned")
        warning = self._activities(FOLLOW_UP)
        self.assertEqual(len(warning), 1)
        self.assertIn("04/10/2026", warning.summary)
        self._run(9.9)
        self.assertTrue(self.lead.user_id)
        self._run(10)
        self.assertEqual(self._kinds(), ["overdue", "escalate", "warn", "recycle"])
        self.assertFalse(self.lead.user_id)
        self.assertTrue(self.lead.trade_pooled_at)
        self.assertFalse(self._activities())
        self.assertIn("Warned on", self.lead.trade_log_ids[0].reason)
        self._run(40)
        self.assertEqual(len(self._kinds()), 4)

    def test_contact_settles_everything(self):
        self._run(8)
        self.assertTrue(self._activities())
        self._contact()
        self.assertFalse(self._activities())
        self.assertEqual(self.lead.trade_follow_up_state, "planned")
        for name in ("trade_reminded_at", "trade_escalated_at", "trade_warned_at"):
            self.assertFalse(self.lead[name], name)
        self._run(10)
        self.assertEqual(self._kinds(), ["overdue", "escalate", "warn"])
        self._run(11)
        self.assertEqual(self._kinds()[-1], "overdue")

    def test_done_reminder_is_a_contact(self):
        self._run(8)
        self._as(self.user_zhejiang, self._activities(FOLLOW_UP)).action_feedback("Phoned")
        self.assertEqual(self.lead.trade_last_contact_at, self.now)
        self.assertFalse(self._activities())

    def test_manager_who_is_done_has_not_contacted_the_customer(self):
        self._run(5)
        self._as(self.user_east, self._activities(ESCALATION)).action_feedback("Talked to rep")
        self.assertFalse(self.lead.trade_last_contact_at)
        self.assertTrue(self.lead.trade_escalated_at)

    def test_stage_and_salesperson_settle_as_well(self):
        for values in ({"stage_id": self.other_stage.id}, {"user_id": self.user_shanghai.id}):
            with self.subTest(**values):
                self._move_to(0)
                lead = self._make_lead("Second")
                self._run(8)
                self.assertTrue(self._activities(lead=lead))
                lead.write(values)
                self.assertFalse(self._activities(lead=lead))
                self.assertFalse(lead.trade_warned_at)

    def test_after_a_stop_of_a_month_the_warning_comes_first(self):
        self._run(33)
        self.assertEqual(self._kinds(), ["overdue", "escalate", "warn"])
        self._run(34.9)
        self.assertEqual(len(self._kinds()), 3)
        self._run(35)
        self.assertEqual(self._kinds()[-1], "recycle")

    def test_company_that_does_not_follow_up(self):
        self.company_cn.trade_lead_follow_up = False
        self.assertEqual(self.lead.trade_follow_up_state, "none")
        self._run(33)
        self.assertEqual(self._kinds(), [])

    def test_each_company_has_its_own_settings(self):
        self.company_us.write({"trade_lead_follow_up": True, "trade_recycle_warning_days": 5})
        ours = self._make_lead(
            "No company", company_id=False, user_id=self.user_rep_us.id, team_id=False
        )
        ours.company_id = False
        self.assertFalse(ours.company_id)
        self._run(5)
        self.assertEqual(self._kinds(ours), ["overdue", "escalate", "warn"])
        self.assertEqual(self._kinds(), ["overdue", "escalate"])
        self.company_us.trade_lead_follow_up = False
        self._run(10)
        self.assertEqual(len(self._kinds(ours)), 3)
        self.assertEqual(self._kinds()[-1], "warn")

    def test_steps_that_are_switched_off(self):
        self.stage.write({"trade_escalation_days": 0, "trade_recycle_days": 0})
        self._run(100)
        self.assertEqual(self._kinds(), ["overdue"])

    def test_lead_of_somebody_who_has_left(self):
        self.user_zhejiang.active = False
        self._run(1)
        self.assertEqual(self._kinds(), ["escalate"])
        self.assertIn("no longer works", self.lead.trade_log_ids.reason)
        self._run(8)
        self.assertEqual(self._kinds(), ["escalate", "warn"])
        self.assertEqual(self._activities(FOLLOW_UP).user_id, self.user_east)

    def test_salesperson_outside_the_company_is_left_alone(self):
        portal = self.env["res.users"].create(
            {
                "name": "Portal",
                "login": "follow_up_portal",
                "group_ids": [(6, 0, self.env.ref("base.group_portal").ids)],
                "company_id": self.company_cn.id,
                "company_ids": [(6, 0, self.company_cn.ids)],
            }
        )
        lead = self._make_lead("Of a portal user", user_id=portal.id)
        self._run(30)
        self.assertEqual(self._kinds(lead), [])

    def test_who_is_told(self):
        own = self._make_lead("Of the manager", user_id=self.user_east.id)
        self.team.user_id = self.user_manager
        north = self._make_lead("North", partner_id=self.hutong.id, user_id=self.user_north.id)
        leads = self.lead | own | north
        found = leads._get_follow_up_managers()
        self.assertEqual(found[self.lead], self.user_east)
        self.assertEqual(found[own], self.user_manager)
        self.assertEqual(found[north], self.user_manager)
        self.zhejiang.manager_ids = self.user_shanghai
        self.assertEqual(self.lead._get_follow_up_managers()[self.lead], self.user_shanghai)
        self.team.user_id = False
        self.assertFalse(north._get_follow_up_managers()[north])
        self._run(5)
        self.assertIn("Nobody could be told", north.trade_log_ids[0].reason)

    def test_reason(self):
        self._run(3)
        log = self.lead.trade_log_ids
        self.assertIn("No contact since 03/31/2026", log.reason)

    # ------------------------------------------------------------------
    # Exactly once
    # ------------------------------------------------------------------

    def test_chunks(self):
        leads = self.lead.union(*(self._make_lead(f"Lead {number}") for number in range(6)))
        self._run(8, chunk_size=2)
        for lead in leads:
            self.assertEqual(self._kinds(lead), ["overdue", "escalate", "warn"])

    @mute_logger("odoo.addons.trade_crm.models.crm_lead_follow_up_job")
    def test_one_bad_lead_does_not_stop_the_others(self):
        bad, good = self.lead, self._make_lead("Good")
        self._run(8)
        real = self.registry["crm.lead"]._put_in_pool

        def put(leads, *args, **kwargs):
            if bad.id in leads.ids:
                raise ValueError("Bad lead")
            return real(leads, *args, **kwargs)

        with patch.object(self.registry["crm.lead"], "_put_in_pool", put):
            self._run(10)
        self.assertTrue(bad.user_id)
        self.assertTrue(good.trade_pooled_at)
        self._run(11)
        self.assertTrue(bad.trade_pooled_at)

    def test_run_that_is_killed_leaves_nothing_half_done(self):
        with (
            patch.object(
                self.registry["crm.lead"], "_schedule_follow_up", side_effect=KeyboardInterrupt
            ),
            self.assertRaises(KeyboardInterrupt),
            self.cr.savepoint(),
        ):
            self._move_to(3)
            self.env["crm.lead"]._follow_up_chunk("overdue", self.now, 100, set())
        self.env.invalidate_all()
        self.assertFalse(self.lead.trade_reminded_at)
        self.assertEqual(self._kinds(), [])
        self._run(3)
        self.assertEqual(self._kinds(), ["overdue"])
        self.assertEqual(len(self._activities()), 1)

    def test_open_reminder_is_not_doubled(self):
        self.lead.activity_schedule(FOLLOW_UP, user_id=self.user_zhejiang.id)
        self._run(3)
        self.assertEqual(len(self._activities()), 1)

    def test_query_count(self):
        for number in range(20):
            self._make_lead(f"Lead {number}")
        self.env.flush_all()

        def count(step, limit):
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            self.env["crm.lead"]._follow_up_chunk(step, self.now, limit, set())
            self.env.flush_all()
            return self.cr.sql_log_count - before

        self._move_to(8)
        for step in ("overdue", "escalate", "warn"):
            few, many = count(step, 3), count(step, 12)
            self.assertLess(many - few, 40, f"{step}: {few} queries for 3 leads, {many} for 12")

    # ------------------------------------------------------------------
    # Screen
    # ------------------------------------------------------------------

    def test_search_of_states(self):
        leads = self._as(self.user_zhejiang, self.env["crm.lead"])
        for days, state in ((1, "planned"), (3, "overdue"), (5, "escalated"), (8, "warned")):
            self._run(days)
            self.assertEqual(self.lead.trade_follow_up_state, state)
            for other in ("none", "planned", "overdue", "escalated", "warned"):
                domain = [("trade_follow_up_state", "=", other), ("id", "=", self.lead.id)]
                found = leads.search(domain)
                self.assertEqual(bool(found), other == state, f"{state}: {other}")
        domain = [("trade_follow_up_state", "!=", "none"), ("id", "=", self.lead.id)]
        self.assertTrue(leads.search(domain))
