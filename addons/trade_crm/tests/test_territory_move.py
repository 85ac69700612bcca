from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import Form, tagged

from .territory_common import TerritoryCommon


@tagged("post_install", "-at_install")
class TestTerritoryMove(TerritoryCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lead = cls.env["crm.lead"].create({"name": "Open", "partner_id": cls.wok_contact.id})
        cls.lost = cls.env["crm.lead"].create({"name": "Lost", "partner_id": cls.wok.id})
        cls.lost.action_set_lost()
        cls.quotation = cls._make_order(cls.wok_contact, confirm=False)
        cls.order = cls._make_order(cls.wok)
        cls.done = cls._make_order(cls.wok)
        cls.invoice = cls._invoice(cls.done)
        cls.documents = {
            "lead": cls.lead,
            "lost": cls.lost,
            "quotation": cls.quotation,
            "order": cls.order,
            "done": cls.done,
            "invoice": cls.invoice,
        }
        cls.env.flush_all()

    @classmethod
    def _invoice(cls, order):
        invoice = order._create_invoices()
        invoice.action_post()
        return invoice

    def _assign(self, customers, user=None, **values):
        wizard = (
            self._as(user or self.user_manager, self.env["trade.territory.assign"])
            .with_context(active_model="res.partner", active_ids=customers.ids)
            .create(values)
        )
        result = wizard.action_move()
        self.env.invalidate_all()
        return result

    def setUp(self):
        super().setUp()
        # A manager who is not limited.
        self.user_manager.group_ids += self.env.ref("trade_crm.group_all_territories")

    def _moved(self):
        return {
            name for name, record in self.documents.items() if record.territory_id == self.north
        }

    def test_customer_moves_with_contacts_and_what_is_chosen(self):
        self.assertFalse(self._moved())
        self._assign(self.wok, territory_id=self.north.id)
        self.assertEqual((self.wok | self.wok_contact).territory_id, self.north)
        self.assertEqual(self.wok.territory_source, "manual")
        self.assertEqual(self._moved(), {"lead", "quotation", "order", "invoice"})

    def test_customer_moves_alone(self):
        self._assign(
            self.wok,
            territory_id=self.north.id,
            take_leads=False,
            take_quotations=False,
            take_orders=False,
        )
        self.assertEqual(self.wok_contact.territory_id, self.north)
        self.assertFalse(self._moved())

    def test_past_orders_on_request(self):
        self._assign(self.wok, territory_id=self.north.id, take_past_orders=True)
        self.assertEqual(self._moved(), {"lead", "quotation", "order", "done", "invoice"})

    def test_documents_of_another_branch_stay_with_it(self):
        order = self._make_order(self.chain, confirm=False)
        order.territory_id = self.zhejiang
        self._assign(self.chain, territory_id=self.shanghai.id)
        self.assertEqual(order.territory_id, self.zhejiang)

    def test_move_is_logged_for_ever(self):
        self._assign(self.wok, territory_id=self.north.id, reason="New warehouse")
        move = self.env["trade.territory.move"].search([("partner_id", "=", self.wok.id)])
        self.assertEqual(len(move), 1)
        self.assertEqual(
            (move.from_territory_id, move.territory_id, move.user_id, move.reason, move.source),
            (self.zhejiang, self.north, self.user_manager, "New warehouse", "manual"),
        )
        self.assertEqual(move.taken, {"leads": 1, "quotations": 1, "orders": 1, "invoices": 1})
        self.assertIn("Quotations: 1", move.taken_text)
        for action in (
            lambda: move.with_user(self.user_manager).write({"reason": "x"}),
            lambda: move.with_user(self.user_manager).unlink(),
            lambda: move.with_user(self.user_manager).create({"partner_id": self.wok.id}),
        ):
            with self.assertRaises(AccessError):
                action()

    def test_write_by_hand_is_a_move_as_well(self):
        self._as(self.user_manager, self.wok).territory_id = self.north
        self.assertEqual(self.wok.territory_source, "manual")
        self.assertEqual(self.wok_contact.territory_id, self.north)
        move = self.env["trade.territory.move"].search([("partner_id", "=", self.wok.id)])
        self.assertEqual((move.from_territory_id, move.user_id), (self.zhejiang, self.user_manager))
        self.assertFalse(
            self.env["trade.territory.move"].search([("partner_id", "=", self.wok_contact.id)])
        )

    def test_new_salesperson_and_sharing(self):
        self._assign(
            self.wok,
            territory_id=self.north.id,
            user_id=self.user_beijing.id,
            shared_territory_ids=[Command.set(self.zhejiang.ids)],
        )
        self.assertEqual(self.wok.user_id, self.user_beijing)
        self.assertEqual(self.wok.shared_territory_ids, self.zhejiang)
        self.assertEqual(self.wok_contact.shared_territory_ids, self.zhejiang)
        self.assertTrue(self._visible(self.user_zhejiang, self.wok))
        self.assertTrue(self._visible(self.user_beijing, self.wok))

    def test_who_may_move(self):
        with self.assertRaises(AccessError):
            self._assign(self.wok, user=self.user_zhejiang, territory_id=self.north.id)
        with self.assertRaisesRegex(AccessError, "another territory"):
            self._assign(self.hutong, user=self.user_east, territory_id=self.zhejiang.id)
        self._assign(self.wok, user=self.user_east, territory_id=self.north.id)
        self.assertFalse(self._visible(self.user_east, self.wok))

    def test_colleagues_are_not_moved(self):
        with self.assertRaisesRegex(UserError, "territory_north"):
            self._assign(self.user_north.partner_id, territory_id=self.north.id)

    def test_destination_is_needed(self):
        with self.assertRaises(UserError):
            self._assign(self.wok)

    def test_archived_customer_moves(self):
        self.hutong.active = False
        self._assign(self.hutong, territory_id=self.zhejiang.id)
        self.assertEqual(self.hutong.territory_id, self.zhejiang)

    # ------------------------------------------------------------------
    # Apply rules
    # ------------------------------------------------------------------

    def _preview(self, user=None):
        wizard = self._as(user or self.user_manager, self.env["trade.territory.apply"])
        return wizard.browse(wizard.action_open()["res_id"])

    def _get_lines(self, wizard):
        ours = self.east | self.zhejiang | self.shanghai | self.north
        return {
            (line.from_territory_id, line.territory_id): line.customer_count
            for line in wizard.line_ids
            if line.from_territory_id in ours or line.territory_id in ours
        }

    def test_nothing_to_apply(self):
        self.assertFalse(self._get_lines(self._preview()))

    def test_preview_is_what_is_applied(self):
        self.wok.zip = "100040"
        self.wok.state_id = False
        self.bund.city = "上海"
        self.env.flush_all()
        self.env["trade.customer.profile"]._rebuild(self.wok.ids)
        wizard = self._preview()
        self.assertEqual(self._get_lines(wizard), {(self.zhejiang, self.north): 1})
        [line] = wizard.line_ids.filtered(lambda line: line.territory_id == self.north)
        self.assertEqual(line.revenue, 200.0)
        action = line.action_view_customers()
        found = self._as(self.user_manager, self.env["res.partner"]).search(action["domain"])
        self.assertEqual(found.ids, self.wok.ids)
        self.assertEqual(self.wok.territory_id, self.zhejiang, "a preview moves nobody")
        wizard.action_apply()
        self.env.invalidate_all()
        self.assertEqual((self.wok | self.wok_contact).territory_id, self.north)
        self.assertEqual(self.wok.territory_source, "rule")
        self.assertEqual(self._moved(), {"lead", "quotation", "order", "invoice"})
        self.assertFalse(self._get_lines(self._preview()))

    def test_outdated_preview_is_refused(self):
        self.wok.write({"zip": "100040", "state_id": False})
        wizard = self._preview()
        self.bund.write({"zip": "100040", "city": "Beijing"})
        with self.assertRaisesRegex(UserError, "have changed"):
            wizard.action_apply()
        self.assertEqual(self.wok.territory_id, self.zhejiang)

    def test_revenue_does_not_make_a_preview_outdated(self):
        self.wok.write({"zip": "100040", "state_id": False})
        wizard = self._preview()
        self._make_order(self.wok, 0.1)
        self.env.cr.flush()
        wizard.action_apply()
        self.env.invalidate_all()
        self.assertEqual(self.wok.territory_id, self.north)

    def test_no_rule_undoes_a_move_by_hand(self):
        self._assign(self.wok, territory_id=self.north.id)
        wizard = self._preview()
        self.assertFalse(self._get_lines(wizard))
        wizard.action_apply()
        self.assertEqual(self.wok.territory_id, self.north)
        self._assign(self.wok, by_rules=True)
        self.assertEqual(
            (self.wok.territory_id, self.wok.territory_source), (self.zhejiang, "rule")
        )
        self.assertTrue(self.wok.territory_rule_id)

    def test_branch_manager_applies_to_the_branch(self):
        (self.wok | self.hutong).write({"zip": "100040", "state_id": False, "city": "上海"})
        self.hutong.write({"zip": False})
        self.env["trade.territory.rule"].search([("territory_id", "=", self.north.id)]).sequence = 1
        lines = self._get_lines(self._preview(self.user_east))
        self.assertEqual(lines, {(self.zhejiang, self.north): 1})
        with self.assertRaises(AccessError):
            self._preview(self.user_zhejiang)

    # ------------------------------------------------------------------
    # Who sees this
    # ------------------------------------------------------------------

    def test_viewers_are_those_who_can_read(self):
        users = self.env["res.users"].search([("share", "=", False)])
        for customer in self.customers:
            viewers = dict(customer._get_viewers())
            for user in users:
                with self.subTest(customer=customer.name, user=user.login):
                    partner = customer.with_user(user).with_context(
                        allowed_company_ids=user.company_ids.ids
                    )
                    partner.invalidate_recordset()
                    self.assertEqual(user in viewers, partner.has_access("read"))
        self.assertIn(
            "Member of East / Zhejiang", dict(self.wok._get_viewers())[self.user_zhejiang]
        )
        self.assertIn("Manager of East", dict(self.wok._get_viewers())[self.user_east])
        self.assertIn("Shared with", dict(self.chain._get_viewers())[self.user_zhejiang])
        self.assertIn("Auditor", dict(self.wok._get_viewers())[self.user_auditor])

    def test_who_may_ask(self):
        action = self._as(self.user_east, self.wok).action_trade_viewers()
        viewers = self.env[action["res_model"]].browse(action["res_id"])
        self.assertIn(self.user_zhejiang, viewers.line_ids.user_id)
        with self.assertRaises(AccessError):
            self._as(self.user_north, self.wok).action_trade_viewers()
        with self.assertRaises(UserError):
            self._as(self.user_zhejiang, self.wok).action_trade_viewers()

    # ------------------------------------------------------------------
    # Forms
    # ------------------------------------------------------------------

    def test_forms_of_a_manager(self):
        territories = self._as(self.user_manager, self.env["trade.territory"])
        with Form(territories) as form:
            form.name = "West"
            form.parent_id = self.north
            with form.rule_ids.new() as rule:
                rule.city = "成都"
        self.assertEqual(form.record.display_name, "North / West")
        partner = self._make_customer("Hotpot", city="成都市")
        self.assertEqual(partner.territory_id, form.record)

    def test_archived_contacts_follow(self):
        archived = self._make_contact("Mr. Gone", self.wok, active=False)
        self._as(self.user_manager, self.wok).write({"territory_id": self.north.id})
        self.assertEqual((archived | self.wok_contact).territory_id, self.north)
        self._as(self.user_manager, self.wok).shared_territory_ids = self.shanghai
        self.assertEqual(archived.shared_territory_ids, self.shanghai)
        self._assign(self.wok, territory_id=self.zhejiang.id)
        self.assertEqual(archived.territory_id, self.zhejiang)
        self.assertEqual(archived.shared_territory_ids, self.wok.shared_territory_ids)

    def test_merged_customers_are_where_the_one_is_that_remains(self):
        """With all contacts; the rule of the other one is no reason for it."""
        self._assign(self.hutong, territory_id=self.shanghai.id)
        archived = self._make_contact("Mr. Gone", self.wok, active=False)
        self._merge(self.hutong, self.wok)
        customer = self.hutong
        contacts = self.hutong_contact | self.wok_contact | archived
        self.assertEqual(contacts.commercial_partner_id, customer)
        self.assertEqual((customer | contacts).territory_id, self.shanghai)
        self.assertEqual(set((customer | contacts).mapped("territory_source")), {"manual"})
        self.assertFalse((customer | contacts).territory_rule_id)

    def test_merged_vendor_is_where_the_customer_was(self):
        self.assertFalse(self.vendor.territory_id)
        self._merge(self.vendor, self.wok)
        self.assertEqual((self.vendor | self.wok_contact).territory_id, self.zhejiang)
        self.assertTrue(self.vendor.territory_rule_id)
