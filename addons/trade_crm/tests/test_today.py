from datetime import date, timedelta

from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, tagged

from .common import TODAY
from .territory_common import TerritoryCommon


class TodayCommon(TerritoryCommon):
    """``user_zhejiang`` has a customer that is late, a quotation, a lead and an unpaid invoice."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rep = cls.user_zhejiang
        (cls.wok | cls.wok_contact).user_id = cls.rep
        for day in ("2025-12-01", "2025-12-31", "2026-01-30"):
            cls._make_history(cls.wok, 900.0, day)
        cls.quotation = cls._make_order(
            cls.wok, 5000.0, "2026-03-20", confirm=False, user_id=cls.rep.id
        )
        cls.lead = cls.env["crm.lead"].create(
            {
                "name": "Wants tea",
                "user_id": cls.rep.id,
                "company_id": cls.company_cn.id,
                "territory_id": cls.zhejiang.id,
                "expected_revenue": 7000.0,
                "date_open": "2026-03-20 04:00:00",
            }
        )
        cls.lead.date_open = "2026-03-20 04:00:00"
        cls.invoice = cls._make_move(cls.wok, 300.0, day="2026-02-01")
        cls.invoice.write({"invoice_user_id": cls.rep.id, "invoice_date_due": "2026-03-01"})
        cls.env.flush_all()
        cls.env["trade.customer.profile"]._rebuild_companies()

    def _read(self, user=None, **options):
        self.env.flush_all()
        self.env.invalidate_all()
        return self._as(user or self.rep, self.env["trade.today"]).get_list(**options)

    def _lines(self, user=None, **options):
        return [(line["kind"], line["res_id"]) for line in self._read(user, **options)["lines"]]

    @property
    def today(self):
        return self._as(self.rep, self.env["trade.today"])


@tagged("post_install", "-at_install")
class TestToday(TodayCommon):
    # ------------------------------------------------------------------
    # Lines
    # ------------------------------------------------------------------

    def test_the_most_money_first_and_why(self):
        profile = self._get_profile(self.wok)
        data = self._read()
        self.assertEqual(
            [(line["kind"], line["res_id"]) for line in data["lines"]],
            [
                ("lead", self.lead.id),
                ("quotation", self.quotation.id),
                ("reorder", profile.id),
                ("invoice", self.invoice.id),
            ],
        )
        counts = {kind["kind"]: kind["count"] for kind in data["kinds"] if kind["count"]}
        self.assertEqual(counts, {"lead": 1, "quotation": 1, "reorder": 1, "invoice": 1})
        lead, quotation, reorder, invoice = data["lines"]
        self.assertIn("not contacted yet", lead["reason"])
        self.assertIn("03/20/2026", quotation["reason"])
        for part in ("every 30 days", "01/30/2026", "03/01/2026"):
            self.assertIn(part, reorder["reason"])
        self.assertEqual((reorder["res_model"], reorder["open_id"]), ("res.partner", self.wok.id))
        self.assertIn("900.00", reorder["money"])
        self.assertIn("03/01/2026", invoice["reason"])
        self.assertEqual(self._lines(kind="invoice"), [("invoice", self.invoice.id)])

    def test_what_is_settled_goes_by_itself(self):
        self.quotation.action_cancel()
        self.lead.action_set_lost()
        self._refund(self.invoice)
        self._make_order(self.wok, 10.0, "2026-03-30")
        self._run_job()
        self.assertEqual(self._lines(), [])

    def test_foreign_currency_and_second_company(self):
        self.quotation.action_cancel()
        order = self._make_order(
            self.wok, 5000.0, "2026-03-20", currency=self.env.ref("base.EUR"), confirm=False,
            user_id=self.rep.id,
        )  # fmt: skip
        # 5,000 EUR are 31,250 CNY: before the lead now.
        self.assertEqual(self._lines()[0], ("quotation", order.id))
        order.action_cancel()
        american = self._make_order(
            self.wok, 90000.0, "2026-03-20", company=self.company_us, confirm=False
        )
        american.user_id = self.rep
        self.assertNotIn(("quotation", american.id), self._lines())

    def test_expiring_quotation(self):
        self.quotation.validity_date = TODAY + timedelta(days=2)
        [line] = self._read(kind="quotation")["lines"]
        self.assertIn("expires on 04/02/2026", line["reason"])
        self.quotation.validity_date = TODAY - timedelta(days=1)
        self.assertEqual(self._lines(kind="quotation"), [])

    def test_leads_with_follow_up(self):
        self.company_cn.trade_lead_follow_up = True
        # Setting it gives every lead a day of its own.
        self.env.flush_all()
        self.lead.sudo().write({"trade_follow_up_at": "2026-04-05 04:00:00"})
        self.assertEqual(self._lines(kind="lead"), [])
        for values in (
            {"trade_last_contact_at": "2026-03-25 04:00:00"},
            {"trade_follow_up_at": "2026-03-30 04:00:00"},
        ):
            self.lead.sudo().write(values)
            self.env.flush_all()
        [line] = self._read(kind="lead")["lines"]
        self.assertIn("03/25/2026", line["reason"])
        self.assertTrue(line["is_late"])

    def test_activity(self):
        activity = self.wok.activity_schedule(
            "mail.mail_activity_data_todo", user_id=self.rep.id, summary="Bring samples",
            date_deadline=TODAY,
        )  # fmt: skip
        later = self.wok.activity_schedule(
            "mail.mail_activity_data_todo", user_id=self.rep.id, date_deadline=date(2026, 4, 9)
        )
        [line] = self._read(kind="activity")["lines"]
        self.assertEqual((line["res_id"], line["reason"]), (activity.id, "Bring samples"))
        self.today.set_done("activity", activity.id, line["cause"])
        self.assertFalse(activity.active and activity.exists())
        self.assertTrue(later.exists())
        self.assertEqual(self._lines(kind="activity"), [])

    def test_birthdays(self):
        contact = self.wok_contact
        for born, now, due in (
            ("1980-04-02", "2026-03-31", "04/02/2026"),
            ("1980-03-31", "2026-03-31", "03/31/2026"),
            ("1980-01-03", "2026-12-29", "01/03/2027"),
            ("1984-02-29", "2026-02-25", "02/28/2026"),
            ("1984-02-29", "2028-02-25", "02/29/2028"),
        ):
            with self.subTest(born=born, now=now):
                self.clock.move_to(f"{now} 04:00:00")
                contact.trade_birthday = born
                [line] = self._read(kind="birthday")["lines"]
                self.assertIn(due, line["reason"])
        for born, now in (("1980-04-12", "2026-03-31"), ("1980-03-30", "2026-03-31")):
            with self.subTest(born=born, now=now):
                self.clock.move_to(f"{now} 04:00:00")
                contact.trade_birthday = born
                self.assertEqual(self._lines(kind="birthday"), [])

    # ------------------------------------------------------------------
    # Done and put off
    # ------------------------------------------------------------------

    def test_done_until_there_is_another_cause(self):
        [line] = self._read(kind="reorder")["lines"]
        for _tab in range(2):
            self.today.set_done("reorder", line["res_id"], line["cause"])
        self.assertEqual(self._lines(kind="reorder"), [])
        self.clock.move_to("2026-04-20 04:00:00")
        self.assertEqual(self._lines(kind="reorder"), [])
        self._make_history(self.wok, 900.0, "2026-03-01")
        self._run_job()
        self.assertEqual(len(self._lines(kind="reorder")), 1)

    def test_put_off(self):
        [line] = self._read(kind="reorder")["lines"]
        self.today.snooze("reorder", line["res_id"], 7)
        self.today.snooze("reorder", line["res_id"], 1)
        self.assertEqual(self._lines(kind="reorder"), [])
        self.clock.move_to("2026-04-01 04:00:00")
        self.assertEqual(len(self._lines(kind="reorder")), 1)
        self.today.set_done("reorder", line["res_id"], line["cause"])
        self.today.restore("reorder", line["res_id"])
        self.assertEqual(len(self._lines(kind="reorder")), 1)

    def test_marks_are_of_the_person(self):
        [line] = self._read(kind="reorder")["lines"]
        self._as(self.user_shanghai, self.env["trade.today"]).set_done(
            "reorder", line["res_id"], line["cause"]
        )
        self.assertEqual(len(self._lines(kind="reorder")), 1)
        with self.assertRaises(AccessError):
            self._as(self.rep, self.env["trade.today.mark"]).search([])

    def test_refusals(self):
        for days in (0, 91, "1", None):
            with self.subTest(days=days), self.assertRaisesRegex(UserError, "1 to 90"):
                self.today.snooze("reorder", 1, days)
        with self.assertRaisesRegex(UserError, "no lines of the kind"):
            self.today.set_done("tea", 1, "")

    # ------------------------------------------------------------------
    # Who sees what
    # ------------------------------------------------------------------

    def test_manager_sees_the_list_of_who_they_lead(self):
        data = self._read(self.user_east, user_id=self.rep.id)
        self.assertFalse(data["is_own"])
        self.assertEqual(len(data["lines"]), 4)
        names = {user["id"] for user in self._read(self.user_east)["users"]}
        self.assertLessEqual({self.rep.id, self.user_shanghai.id, self.user_east.id}, names)
        self.assertNotIn(self.user_beijing.id, names)
        for user in (self.user_north, self.user_shanghai, self.user_rep_us):
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                self._read(user, user_id=self.rep.id)

    def test_nothing_of_another_territory(self):
        (self.wok | self.wok_contact).sudo().write({"user_id": self.user_shanghai.id})
        data = self._read(self.user_shanghai)
        self.assertEqual(
            data["users"], [{"id": self.user_shanghai.id, "name": self.user_shanghai.name}]
        )
        self.assertFalse([line for line in data["lines"] if line["kind"] != "reorder"])

    def test_archived_customer(self):
        self.wok.active = False
        self.assertNotIn("reorder", [kind for kind, _id in self._lines()])

    def test_empty(self):
        data = self._read(self.user_shanghai)
        self.assertEqual(data["lines"], [])
        self.assertEqual({kind["count"] for kind in data["kinds"]}, {0})

    def test_queries_do_not_grow(self):
        self._read()
        counts = []
        for number in range(2):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.today.get_list()
            counts.append(self.env.cr.sql_log_count - before)
            for _lead in range(5):
                self.lead.copy(
                    {"name": f"More {number}", "user_id": self.rep.id}
                ).sudo().date_open = "2026-03-20 04:00:00"
        self.assertEqual(counts[0], counts[1])


@tagged("post_install", "-at_install")
class TestTodayUi(TodayCommon, HttpCase):
    browser_size = "390x844"
    touch_enabled = True

    def test_tour(self):
        self.rep.password = self.rep.login
        self.start_tour("/odoo/trade-today", "trade_crm_today", login=self.rep.login)
        marks = self.env["trade.today.mark"].search([("user_id", "=", self.rep.id)])
        self.assertEqual(set(marks.mapped("kind")), {"quotation"})
