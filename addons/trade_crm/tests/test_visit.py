import base64
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, ConcurrencyError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import HttpCase, tagged

from ..models import trade_visit_sheet
from .visit_common import TOKEN, VisitCommon, make_photo


@tagged("post_install", "-at_install")
class TestVisit(VisitCommon):
    # ------------------------------------------------------------------
    # From the phone
    # ------------------------------------------------------------------

    def test_begun_then_finished(self):
        visit = self._record()
        self.assertEqual((visit.state, visit.user_id), ("ongoing", self.rep))
        self.assertEqual(visit.territory_id, self.zhejiang)
        self.assertEqual(self._finish(contact_id=self.wok_contact.id), visit)
        self.assertEqual(visit.state, "done")
        self.assertEqual(visit.contact_id, self.wok_contact)
        self.assertAlmostEqual(visit.duration, 25, delta=0.1)
        self.assertAlmostEqual(visit.distance, 111.2, delta=0.5, msg="a thousandth of a degree")
        self.assertEqual(visit.report, "They want more tea.\nAnd a discount.")

    def test_sent_again_changes_nothing(self):
        visit = self._finish(next_step="Send samples")
        messages = len(self.wok.message_ids)
        activities = self.wok.activity_ids
        self.assertEqual(self._finish(report="Something else"), visit)
        self.assertEqual(self._record(report="Begun again"), visit)
        self.assertEqual(visit.state, "done")
        self.assertEqual(visit.report, "They want more tea.\nAnd a discount.")
        self.assertEqual(len(self.wok.message_ids), messages)
        self.assertEqual(self.wok.activity_ids, activities)

    def test_sent_at_once_is_tried_again(self):
        visit = self._record()
        none = self.env["trade.visit"]
        blind = patch.object(self.env.registry["trade.visit"], "_find_sent", lambda *_args: none)
        with blind, self.assertRaises(ConcurrencyError):
            self._record()
        self.assertEqual(self._finish(), visit)

    def test_tokens_are_of_one_user(self):
        self.wok.shared_territory_ids = self.shanghai
        visit = self._record()
        other = self._record(self.user_shanghai)
        self.assertNotEqual(other, visit)
        self.assertEqual(other.user_id, self.user_shanghai)

    def test_planned_visit_is_begun_by_one_window(self):
        visit = self._plan(user=self.user_east, user_id=self.rep.id, purpose="order")
        self.assertEqual(self._record(visit_id=visit.id), visit)
        self.assertEqual(visit.state, "ongoing")
        with self.assertRaisesRegex(UserError, "On site"):
            self._record(token="another-window", visit_id=visit.id)
        self.assertEqual(self._visits().get_sheet(visit.id)["visit"]["token"], TOKEN)
        seen = self._visits(self.user_east).get_sheet(visit.id)["visit"]
        self.assertFalse(seen["token"], "nobody goes on with what another one has begun")

    def test_what_was_said_is_on_the_customer(self):
        visit = self._finish(
            contact_id=self.wok_contact.id, next_step="Send samples", next_day="2026-04-20"
        )
        message = self.wok.message_ids[0]
        self.assertIn("They want more tea.", message.body)
        self.assertIn("Ms. Wu", message.body)
        self.assertIn(f'data-oe-model="trade.visit" data-oe-id="{visit.id}"', message.body)
        self.assertEqual(message.author_id, self.rep.partner_id)
        self.assertEqual(message.date, visit.ended_at)
        activity = self.wok.activity_ids
        self.assertEqual((activity.summary, activity.user_id), ("Send samples", self.rep))
        self.assertEqual(fields.Date.to_string(activity.date_deadline), "2026-04-20")
        trail = self._as(self.rep, self.env["trade.lead.trail"])
        self.env.flush_all()
        row = trail.search([("partner_id", "=", self.wok.id), ("kind", "=", "visit")])
        self.assertEqual(row.author_id, self.rep.partner_id)

    def test_markup_of_others_is_text(self):
        self._finish(report="<script>alert(1)</script>")
        self.assertNotIn("<script", self.wok.message_ids[0].body)

    def test_place_that_is_none(self):
        for number, values in enumerate(
            (
                {"location_state": "denied"},
                {"latitude": 91.0},
                {"latitude": "x"},
                {"longitude": float("nan")},
                {"accuracy": None},
                {"location_state": "somewhere"},
            )
        ):
            visit = self._record(token=f"place-{number:04}", **values)
            wanted = "denied" if values.get("location_state") == "denied" else "unavailable"
            self.assertEqual(visit.location_state, wanted, values)
            self.assertFalse(visit.distance)

    def test_clock_that_cannot_be_right(self):
        for started_at in (self._ago(days=31), self._ago(hours=-1), "yesterday", None, 5):
            with self.assertRaisesRegex(UserError, "date and time"):
                self._record(started_at=started_at)
        visit = self._record(started_at=self._ago(minutes=-5))
        self.assertLessEqual(visit.started_at, fields.Datetime.now(), "a clock that is fast")
        self.assertGreaterEqual(self._finish().ended_at, visit.started_at)

    def test_nothing_is_half_saved(self):
        notes = [{"kind": "price", "product_id": self.product_service.id, "price": 0}]
        with self.assertRaisesRegex(ValidationError, "Market note 1.*enter the price"):
            self._call(self.rep, "trade.visit", "record", TOKEN, self._values(
                ended_at=self._ago(minutes=5), notes=notes
            ))  # fmt: skip
        self.assertFalse(self.env["trade.visit"].search([("partner_id", "=", self.wok.id)]))

    # ------------------------------------------------------------------
    # Photos
    # ------------------------------------------------------------------

    def test_photos(self):
        visit = self._finish()
        photo = make_photo()
        first = self._visits().add_photo(TOKEN, "shelf.heic", photo)
        self.assertEqual(self._visits().add_photo(TOKEN, "shelf.heic", photo), first)
        self._visits().add_photo(TOKEN, "", make_photo("blue", "PNG"))
        self.assertEqual(visit.photo_ids.mapped("name"), ["shelf.jpg", "photo.png"])
        self.assertEqual(visit.photo_ids[0].res_id, visit.id)

    def test_photos_that_are_none(self):
        self._finish()
        svg = base64.b64encode(b"<svg xmlns='http://www.w3.org/2000/svg'/>").decode()
        for data in ("", "no base64!", svg, base64.b64encode(b"%PDF-1.4").decode(), None):
            with self.assertRaises(UserError, msg=data):
                self._visits().add_photo(TOKEN, "x.jpg", data)
        with self.assertRaisesRegex(UserError, "not arrived"):
            self._visits().add_photo("of-no-visit", "x.jpg", make_photo())
        with (
            patch.object(trade_visit_sheet, "LARGEST_PHOTO", 100),
            self.assertRaisesRegex(UserError, "at most"),
        ):
            self._visits().add_photo(TOKEN, "x.jpg", make_photo())
        with (
            patch.object(trade_visit_sheet, "MOST_PHOTOS", 0),
            self.assertRaisesRegex(UserError, "0 photos"),
        ):
            self._visits().add_photo(TOKEN, "x.jpg", make_photo())

    # ------------------------------------------------------------------
    # Rules
    # ------------------------------------------------------------------

    def test_proof_is_not_typed(self):
        visit = self._plan()
        for vals in (
            {"started_at": "2026-01-01 10:00:00"},
            {"latitude": 30.0},
            {"location_state": "located"},
            {"state": "done"},
        ):
            with self.assertRaises(UserError, msg=vals):
                visit.write(vals)
            with self.assertRaises(UserError, msg=vals):
                self._plan(**vals)

    def test_done_stays_done(self):
        visit = self._as(self.rep, self._finish())
        visit.report = "They want much more tea."
        with self.assertRaises(UserError):
            visit.partner_id = self.bund
        for method in ("action_cancel", "action_plan", "unlink"):
            with self.assertRaises(UserError, msg=method):
                getattr(visit, method)()

    def test_cancelled_and_planned_again(self):
        visit = self._plan()
        visit.action_cancel()
        with self.assertRaisesRegex(UserError, "Cancelled"):
            self._record(visit_id=visit.id)
        visit.action_plan()
        self.assertEqual(visit.state, "planned")
        visit.unlink()

    def test_customer_and_contact(self):
        with self.assertRaises(ValidationError):
            self._plan(self.wok_contact)
        with self.assertRaises(ValidationError):
            self._plan(self.chain, contact_id=self.wok_contact.id)

    def test_who_may_what(self):
        visit = self._finish()
        readers = self.rep | self.user_east | self.user_agent_east | self.user_marketer_east
        for user in readers | self.user_auditor:
            self.assertEqual(self._visible(user, visit), visit, user.login)
        for user in self.user_shanghai | self.user_north:
            self.assertFalse(self._visible(user, visit), user.login)
            with self.assertRaises(AccessError, msg=user.login):
                self._visits(user).get_sheet(visit.id)
            with self.assertRaises(AccessError, msg=user.login):
                self._visits(user).get_sheet(partner_id=self.wok.id)
            with self.assertRaises(AccessError, msg=user.login):
                self._record(user)
        for user in self.user_agent_east | self.user_auditor | self.user_marketer_east:
            with self.assertRaises(AccessError, msg=user.login):
                self._plan(user=user)
        colleague = self.rep.copy({"login": "colleague", "company_ids": self.rep.company_ids.ids})
        colleague.trade_territory_ids = self.zhejiang
        with self.assertRaises(AccessError):
            self._as(colleague, visit).report = "Mine"
        self._as(self.user_east, visit).report = "As told on the phone"

    def test_other_company(self):
        visit = self._finish()
        company = self.env["res.company"].create({"name": "Second"})
        self.user_east.company_ids = [Command.link(company.id)]
        visits = self.env["trade.visit"].with_user(self.user_east)
        self.assertFalse(visits.with_company(company).with_context(
            allowed_company_ids=company.ids).search([("id", "=", visit.id)]))  # fmt: skip

    # ------------------------------------------------------------------
    # Sheet, plan, order
    # ------------------------------------------------------------------

    def test_sheet_tells_what_is_known(self):
        empty = self._visits().get_sheet(partner_id=self.wok_contact.id)
        self.assertEqual(empty["customer"]["id"], self.wok.id)
        self.assertFalse(empty["last"])
        self.assertEqual(empty["customer"]["contacts"], [[self.wok_contact.id, "Ms. Wu"]])
        self._finish(next_step="Send samples")
        last = self._visits().get_sheet(partner_id=self.wok.id)["last"]
        self.assertEqual((last["by"], last["next_step"]), (self.rep.name, "Send samples"))
        self.wok.active = False
        self.assertTrue(self._visits().get_sheet(partner_id=self.wok.id)["customer"]["is_archived"])

    def test_averages_are_of_visits_that_took_place(self):
        self._finish()
        self._plan()
        found = self._visits(self.user_east)._read_group(
            [("partner_id", "=", self.wok.id)], aggregates=["duration:avg", "distance:avg"]
        )
        self.assertAlmostEqual(found[0][0], 25, delta=0.1)
        self.assertAlmostEqual(found[0][1], 111.2, delta=0.5)

    def test_plan_of_the_day(self):
        today = fields.Date.context_today(self._visits())
        later = self._plan(sequence=20)
        first = self._plan(self.chain, sequence=5)
        self._plan(day=fields.Date.add(today, days=1))
        self._plan(user=self.user_east)
        self._plan().action_cancel()
        begun = self._record(started_at=self._ago(days=2))
        plan = self._visits().get_plan()
        self.assertEqual([row["id"] for row in plan], [begun.id, first.id, later.id])

    def test_order_of_a_visit(self):
        visit = self._record()
        lines = [{"product_id": self.product_service.id, "quantity": 2}]
        quick = self._as(self.rep, self.env["trade.quick.order"])
        sent = quick.send(self.wok.id, lines, "order-of-the-visit", visit_token=TOKEN)
        self.assertEqual(visit.order_ids.ids, [sent["id"]])
        self.assertEqual(visit.order_count, 1)

    # ------------------------------------------------------------------
    # Personal data
    # ------------------------------------------------------------------

    def test_questions_of_a_sheet(self):
        self._finish()
        self.env.flush_all()
        self.env.invalidate_all()
        sheets = self._visits()
        sheets.get_sheet(partner_id=self.wok.id)
        self.env.invalidate_all()
        with self.assertQueryCount(22):
            sheets.get_sheet(partner_id=self.wok.id)


@tagged("post_install", "-at_install")
class TestVisitTour(VisitCommon, HttpCase):
    browser_size = "390x844"
    touch_enabled = True

    def test_visit_on_a_phone(self):
        self.env["trade.competitor"].create({"name": "Dragon Foods"})
        self._plan(purpose="shelf")
        self.rep.password = self.rep.login
        # The browser's clock goes on, that of the tests does not.
        with patch.object(trade_visit_sheet, "CLOCK_TOLERANCE", timedelta(days=9999)):
            self.start_tour("/odoo/trade-visit", "trade_crm_visit", login=self.rep.login)
        visit = self.env["trade.visit"].search([("partner_id", "=", self.wok.id)])
        self.assertEqual((visit.state, visit.report), ("done", "They sell well."))
        self.assertEqual(visit.market_note_ids.competitor_id.name, "Dragon Foods")
        self.assertEqual(visit.market_note_ids.price, 12.5)
        self.assertEqual(len(visit.photo_ids), 1)
        self.assertEqual(len(visit.order_ids), 1)
