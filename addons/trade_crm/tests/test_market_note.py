from psycopg2.errors import UniqueViolation

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import mute_logger

from .visit_common import TOKEN, VisitCommon


@tagged("post_install", "-at_install")
class TestMarketNote(VisitCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.food = cls.env["product.category"].create({"name": "Food"})
        cls.noodles = cls.env["product.category"].create(
            {"name": "Noodles", "parent_id": cls.food.id}
        )
        cls.manager = new_test_user(
            cls.env,
            login="product_manager",
            groups="trade_crm.group_user",
            company_id=cls.company_cn.id,
            company_ids=cls.company_cn.ids,
            notification_type="inbox",
        )
        cls.food.trade_manager_id = cls.manager
        cls.product = cls.env["product.product"].create(
            {"name": "Ramen", "categ_id": cls.noodles.id, "list_price": 20.0}
        )
        cls.dragon = cls.env["trade.competitor"].create({"name": "Dragon Foods"})
        cls.env.flush_all()

    def _note(self, user=None, **values):
        values = {"kind": "other", "text": "Seen", **values}
        return self._as(user or self.rep, self.env["trade.market.note"]).create(values)

    def _tell(self):
        self.env.flush_all()
        with self.enter_registry_test_mode():
            self.env.ref("trade_crm.ir_cron_tell_market_notes").method_direct_trigger()
        self.env.invalidate_all()

    def test_from_a_visit(self):
        visit = self._finish(
            notes=[
                {
                    "kind": "competitor",
                    "product_id": self.product.id,
                    "competitor": "dragon foods",
                    "competitor_product": "Udon",
                    "price": 15.0,
                },
                {"kind": "shelf", "product_id": self.product.id, "facings": 3, "facings_total": 12},
                {"kind": "competitor", "competitor": "New Rival", "price": 9.0},
            ]
        )
        self.assertEqual(visit.state, "done")
        seen, shelf, rival = visit.market_note_ids.sorted("id")
        self.assertEqual(seen.competitor_id, self.dragon, "whatever the case")
        self.assertEqual((seen.own_price, seen.gap), (20.0, -25.0))
        self.assertEqual(shelf.shelf_share, 25.0)
        self.assertEqual(rival.competitor_id.name, "New Rival")
        for note in seen | shelf:
            self.assertEqual((note.partner_id, note.user_id), (self.wok, self.rep))
            self.assertEqual(note.territory_id, self.zhejiang)
            self.assertEqual(note.manager_id, self.manager, "of the category above")

    def test_name_says_what_it_is_about(self):
        note = self._note(kind="competitor", competitor_id=self.dragon.id, price=5.0)
        self.assertEqual(note.display_name, "Price of a competitor · Dragon Foods")
        note = self._note(kind="wish", product_id=self.product.id)
        self.assertEqual(note.display_name, "Wish for a new product · Ramen")

    def test_list_price_of_that_day(self):
        note = self._note(kind="price", product_id=self.product.id, price=22.0)
        self.product.list_price = 30.0
        self.env.invalidate_all()
        self.assertEqual((note.own_price, note.gap), (20.0, 10.0))

    def test_what_is_missing_is_said(self):
        product = {"product_id": self.product.id}
        for values, text in (
            ({"kind": "price", "price": 5.0}, "choose our product"),
            ({"kind": "price", **product}, "enter the price"),
            ({"kind": "competitor", "price": 5.0}, "choose the competitor"),
            ({"kind": "shelf", **product, "facings": 5, "facings_total": 4}, "at most as many"),
            ({"kind": "shelf", **product, "facings": 0, "facings_total": 0}, "at most as many"),
            ({"kind": "wish", "text": "  "}, "write what was"),
            ({"kind": "other", "text": False}, "write what was"),
        ):
            with self.assertRaisesRegex(ValidationError, text):
                self._note(**values)

    def test_manager_of_new_and_moved_categories(self):
        note = self._note(kind="wish", categ_id=self.noodles.id)
        answered = self._note(kind="wish", categ_id=self.noodles.id)
        self._as(self.user_east, answered)._answer("taken", "We try it.")
        self.noodles.trade_manager_id = self.user_east
        self.assertEqual(note.manager_id, self.user_east)
        self.assertEqual(answered.manager_id, self.manager)
        plain = self._note()
        self.assertFalse(plain.manager_id)
        self.company_cn.trade_market_manager_id = self.manager
        self.assertEqual(self._note().manager_id, self.manager)

    def test_told_once_and_by_product(self):
        first = self._note(kind="price", product_id=self.product.id, price=22.0)
        wish = self._note(kind="wish", categ_id=self.noodles.id, text="Gluten-free ramen")
        declined = self._note(kind="wish", categ_id=self.noodles.id, text="Blue ramen")
        self._as(self.user_east, declined)._answer("declined", "No.")
        domain = [("partner_ids", "=", self.manager.partner_id.id)]
        before = self.env["mail.message"].search_count(domain)
        self._tell()
        message = self.env["mail.message"].search(domain, limit=1, order="id desc")
        self.assertIn("Ramen", message.body)
        self.assertIn("Gluten-free ramen", message.body)
        self.assertNotIn("Blue ramen", message.body)
        self.assertTrue(first.told_at and wish.told_at)
        self._tell()
        self.assertEqual(self.env["mail.message"].search_count(domain), before + 1)

    def test_answered_once_and_told(self):
        note = self._note(kind="wish", categ_id=self.noodles.id)
        action = self._as(self.manager, note).action_take()
        wizards = self._as(self.manager, self.env[action["res_model"]])
        form = Form(wizards.with_context(**action["context"]))
        form.answer = "Samples come in May."
        form.save().action_answer()
        self.assertEqual((note.state, note.answered_by_id), ("taken", self.manager))
        told = self.env["mail.message"].search(
            [("partner_ids", "=", self.rep.partner_id.id)], limit=1, order="id desc"
        )
        self.assertIn("Samples come in May.", told.body)
        with self.assertRaisesRegex(UserError, "answered already"):
            self._as(self.user_east, note)._answer("declined", "Too late")
        with self.assertRaises(AccessError):
            self._as(self.rep, note).text = "I never said that"

    def test_who_may_answer(self):
        note = self._note(kind="wish", categ_id=self.noodles.id, partner_id=self.wok.id)
        for user in self.rep | self.user_agent_east | self.user_auditor:
            with self.assertRaises(UserError, msg=user.login):
                self._as(user, note).action_take()
        for user in self.user_shanghai | self.user_north:
            with self.assertRaises(AccessError, msg=user.login):
                self._as(user, note).with_context(active_test=False).action_take()
        self._as(self.user_marketer_east, note).action_decline()

    def test_averages_are_of_notes_with_a_figure(self):
        product = {"product_id": self.product.id}
        self._note(kind="price", price=20.0, **product)
        self._note(kind="price", price=26.0, **product)
        self._note(kind="shelf", facings=1, facings_total=4, **product)
        self._note(kind="wish", **product)
        notes = self._as(self.user_east, self.env["trade.market.note"])
        [found] = notes._read_group(
            [("product_id", "=", self.product.id)],
            aggregates=["price:avg", "own_price:avg", "gap:avg", "shelf_share:avg", "facings:avg"],
        )
        self.assertEqual(found, (23.0, 20.0, 15.0, 25.0, 1.0))

    def test_nobody_answers_an_own_note(self):
        note = self._as(self.rep, self._note(kind="price", product_id=self.product.id, price=9.0))
        for vals in (
            {"state": "taken"},
            {"answer": "The boss agrees"},
            {"answered_by_id": self.manager.id},
            {"own_price": 1.0},
            {"manager_id": self.rep.id},
        ):
            with self.assertRaises(UserError, msg=vals):
                note.write(vals)
            with self.assertRaises(UserError, msg=vals):
                self._note(**vals)

    def test_names_of_competitors(self):
        notes = self.env["trade.market.note"]
        percent = self.env["trade.competitor"].create({"name": "Zz 100 Foods"})
        self.assertNotEqual(notes._find_competitor("Zz 100%"), percent)
        self.assertFalse(notes._find_competitor("   "))

    def test_notes_of_another_company_than_the_chosen_one(self):
        self._record()
        self.rep.company_ids = [Command.link(self.company_us.id)]
        visits = self.env["trade.visit"].with_user(self.rep)
        visits = visits.with_context(allowed_company_ids=[self.company_us.id])
        values = self._values(
            ended_at=self._ago(minutes=1), notes=[{"kind": "wish", "text": "Blue ramen"}]
        )
        sent = visits.record(TOKEN, values)
        note = self.env["trade.visit"].browse(sent["id"]).market_note_ids
        self.assertEqual((sent["state"], note.company_id), ("done", self.company_cn))

    def test_manager_who_left(self):
        self.company_cn.trade_market_manager_id = self.user_east
        self.manager.active = False
        note = self._note(kind="wish", categ_id=self.noodles.id)
        self.assertEqual(note.manager_id, self.user_east)

    def test_competitor_once(self):
        with self.assertRaises(UniqueViolation), mute_logger("odoo.sql_db"):
            self.env["trade.competitor"].create({"name": "DRAGON FOODS"})
