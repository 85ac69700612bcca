from odoo.exceptions import UserError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from .guard_common import GuardCommon

MAIL = """From: Dragon <dragon@example.com>
To: guard.inquiries@example.com
Subject: Tea please
Message-ID: <guard-{number}@example.com>
Date: Tue, 31 Mar 2026 04:00:00 +0000
Content-Type: text/plain

100 kg.
"""


@tagged("post_install", "-at_install")
class TestGuard(GuardCommon):
    """Every way to make or change a customer or lead."""

    def _assert_refused(self, text="Ask for it"):
        return self.assertRaisesRegex(UserError, text)

    # ------------------------------------------------------------------
    # Customers
    # ------------------------------------------------------------------

    def test_screen(self):
        form = Form(self._customers_of_rep())
        form.company_type = "company"
        form.name = "西湖 茶叶"
        self.assertFalse(form.trade_collision_warning)
        form.name = "杭州西湖茶叶公司"
        self.assertIn("company name", form.trade_collision_warning)
        self.assertNotIn(self.user_beijing.name, form.trade_collision_warning)
        with self._assert_refused():
            form.save()

    def test_rpc_and_batch_name_the_record(self):
        with self._assert_refused("2\\. “Other”") as caught:
            self._customers_of_rep().create(
                [
                    {"name": "Brand New", "is_company": True},
                    {"name": "Other", "phone": "+86 571 8888 6666"},
                ]
            )
        self.assertNotIn("Brand New", str(caught.exception))
        self.assertNotIn(self.user_beijing.name, str(caught.exception))

    def test_name_create_and_person_with_the_name_of_a_company(self):
        with self._assert_refused():
            self._customers_of_rep().name_create("杭州西湖茶叶")
        with self._assert_refused():
            self._customers_of_rep().name_create("Wu <wu@tea.example.com>")

    def test_quick_entry_warns_and_is_refused(self):
        channel = self.env["trade.lead.channel"].create({"name": "Fair", "kind": "fair"})
        form = Form(self._as(self.rep, self.env["trade.lead.quick"]))
        form.channel_id = channel
        form.partner_name = "Another Tea House"
        self.assertFalse(form.collision)
        form.phone = "+86 138 1234 5678"
        self.assertIn("phone number", form.collision)
        self.assertNotIn(self.user_beijing.name, form.collision)
        with self._assert_refused():
            form.save().action_save_next()

    def test_free_customer_passes(self):
        partner = self._customers_of_rep().create({"name": "Brand New", "is_company": True})
        self.assertTrue(partner)
        self._customers_of_rep().create({"name": "Ms. Wu", "parent_id": partner.id})

    def test_contact_of_another_customer(self):
        with self._assert_refused():
            self._customers_of_rep().create(
                {"name": "Ms. Wu", "parent_id": self.wok.id, "phone": "+86 138 1234 5678"}
            )

    def test_change(self):
        wok = self._as(self.rep, self.wok)
        for values in (
            {"name": "杭州西湖茶叶"},
            {"phone": "+86 571 8888 6666"},
            {"email": "dragon@example.com"},
            {"vat": self.VAT},
        ):
            with self.subTest(values=values), self._assert_refused(), self.env.cr.savepoint():
                wok.write(values)
        wok.write({"phone": "+86 571 1234 0000", "name": "Golden Wok West"})

    def test_what_is_old_may_stay(self):
        """A double of before the guard can be worked on, and archived, but gets no worse."""
        self.company_cn.trade_lead_guard = False
        partner = self._customers_of_rep().create({"name": "杭州西湖茶叶", "is_company": True})
        self.company_cn.trade_lead_guard = True
        partner.write({"name": "杭州西湖茶叶有限公司", "phone": "+86 571 1234 0000"})
        with self._assert_refused(), self.env.cr.savepoint():
            partner.write({"email": "wu@tea.example.com"})
        partner.active = False
        with self._assert_refused():
            partner.active = True

    def test_copy(self):
        self.wok.write({"phone": "+86 571 1234 0000", "user_id": self.user_east.id})
        with self._assert_refused():
            self._as(self.rep, self.wok).copy({"user_id": self.rep.id})
        self.wok.user_id = self.rep
        self.assertTrue(self._as(self.rep, self.wok).copy())

    def test_lapsed_customer_may_be_made_again(self):
        self._move_clock("2026-06-30 04:00:00")
        self.assertTrue(self._customers_of_rep().create({"name": "Again", "vat": self.VAT}))

    def test_guard_that_is_off(self):
        self.company_cn.trade_lead_guard = False
        self.assertTrue(self._customers_of_rep().create({"name": "Again", "vat": self.VAT}))

    def test_manager_is_told(self):
        partners = self._as(self.user_manager, self.env["res.partner"])
        partner = partners.create({"name": "Again", "vat": self.VAT})
        self.assertIn("tax number", partner.message_ids[0].body)

    def test_colleagues_are_no_customers(self):
        self.tea_person.email = "colleague@example.com"
        user = self._as(self.user_manager, self.env["res.users"]).sudo()
        self.assertTrue(user.create({"name": "C", "login": "colleague@example.com"}))

    # ------------------------------------------------------------------
    # Taking over
    # ------------------------------------------------------------------

    def test_nobody_takes_over(self):
        self.wok.user_id = self.user_east
        wok = self._as(self.rep, self.wok)
        for user in (self.rep, self.user_agent_east, self.rep.browse()):
            with self._assert_refused(), self.env.cr.savepoint():
                wok.user_id = user
        lead = self._make_lead(self.user_east, partner_id=self.wok.id)
        with self._assert_refused(), self.env.cr.savepoint():
            self._as(self.rep, lead).user_id = self.rep
        self.assertEqual(self.wok.user_id, self.user_east)

    def test_own_is_handed_on(self):
        self.wok.user_id = self.rep
        self._as(self.rep, self.wok).user_id = self.user_agent_east
        self.assertEqual(self.wok.user_id, self.user_agent_east)

    def test_unowned_is_taken(self):
        self._as(self.rep, self.wok).user_id = self.rep
        self.assertEqual(self.wok.user_id, self.rep)

    def test_manager_hands_over(self):
        self._as(self.user_north, self.tea).user_id = self.rep
        self.assertEqual(self.tea.user_id, self.rep)

    # ------------------------------------------------------------------
    # Leads
    # ------------------------------------------------------------------

    def test_lead_screen(self):
        form = Form(self._leads_of_rep(), "crm.crm_lead_view_form")
        form.name = "Tea"
        form.email_from = "wu@tea.example.com"
        self.assertIn("e-mail address", form.trade_collision_warning)
        with self._assert_refused():
            form.save()

    def test_lead_of_what_is_taken(self):
        for values in (
            {"partner_name": "西湖", "phone": "+86 571 8888 6666"},
            {"partner_name": "Dragon Well Trading GmbH"},
            {"trade_vat": self.VAT},
        ):
            with self.subTest(values=values), self._assert_refused(), self.env.cr.savepoint():
                self._leads_of_rep().create({"name": "Tea", **values})
        lead = self._leads_of_rep().create({"name": "Tea", "partner_name": "Brand New"})
        with self._assert_refused():
            lead.email_from = "dragon@example.com"

    def test_lead_for_the_owner_passes(self):
        leads = self._leads_of_rep()
        lead = leads.create({"name": "T", "trade_vat": self.VAT, "user_id": self.user_beijing.id})
        self.assertEqual(lead.sudo().user_id, self.user_beijing)

    def test_lead_on_a_colleagues_customer(self):
        wok = self._as(self.rep, self.wok)
        lead = self._leads_of_rep().create({"name": "Tea", "partner_id": wok.id})
        self.assertEqual(lead.sudo().trade_collision_status, "unowned")
        self.wok.user_id = self.user_east
        with self._assert_refused():
            self._leads_of_rep().create({"name": "Tea", "partner_id": wok.id})

    def test_lost_lead_with_an_old_double(self):
        self.company_cn.trade_lead_guard = False
        lead = self._leads_of_rep().create({"name": "Tea", "trade_vat": self.VAT})
        self.company_cn.trade_lead_guard = True
        lead.action_set_lost()
        self.assertFalse(lead.active)

    # ------------------------------------------------------------------
    # Ways round
    # ------------------------------------------------------------------

    def _reach_all(self):
        """The rep reads what colleagues have, as without territories."""
        self.env["ir.config_parameter"].set_param("trade_crm.territory_scope", False)
        self.env["trade.territory"]._forget_access()
        group = self.env.ref("sales_team.group_sale_salesman_all_leads")
        self.rep.group_ids += group

    def test_customer_is_not_taken_by_way_of_a_vendor(self):
        self._reach_all()
        tea = self._as(self.rep, self.tea)
        own = self._customers_of_rep().create({"name": "Own Company", "is_company": True})
        for values in (
            {"supplier_rank": 1, "customer_rank": 0},
            {"parent_id": own.id, "is_company": False},
            {"active": False},
            {"company_id": self.company_cn.id},
            {"user_id": self.rep.id},
        ):
            with self.subTest(values=values), self._assert_refused():
                tea.write(values)

    def test_vendor_that_becomes_a_double_is_refused(self):
        vendor = self._customers_of_rep().create(
            {"name": "杭州西湖茶叶有限公司", "is_company": True, "supplier_rank": 1}
        )
        with self._assert_refused():
            vendor.write({"supplier_rank": 0, "user_id": self.rep.id})

    def test_contact_that_becomes_a_double_is_refused(self):
        own = self._customers_of_rep().create({"name": "Own Company", "is_company": True})
        contact = self._customers_of_rep().create({"name": "杭州西湖茶叶", "parent_id": own.id})
        with self._assert_refused():
            contact.parent_id = False

    def test_lead_of_a_colleague_is_not_lost_and_taken(self):
        self._reach_all()
        lead = self._as(self.rep, self.lead)
        for values in ({"active": False}, {"company_id": False}, {"user_id": self.rep.id}):
            with self.subTest(values=values), self._assert_refused():
                lead.write(values)

    def test_won_lead_that_is_opened_again_is_compared(self):
        won = self.env["crm.stage"].search([("is_won", "=", True)], limit=1)
        lead = self._leads_of_rep().create(
            {"name": "T", "email_from": "wu@tea.example.com", "stage_id": won.id}
        )
        with self._assert_refused():
            lead.stage_id = self.env["crm.stage"].search([("is_won", "=", False)], limit=1)

    def test_another_company_does_not_help(self):
        self.rep.company_ids |= self.company_us
        leads = self.env["crm.lead"].with_user(self.rep)
        leads = leads.with_context(allowed_company_ids=[self.company_us.id])
        lead = leads.create(
            {
                "name": "T",
                "email_from": "wu@tea.example.com",
                "company_id": self.company_us.id,
                "user_id": self.rep.id,
            }
        )
        both = [self.company_us.id, self.company_cn.id]
        with self._assert_refused():
            lead.with_context(allowed_company_ids=both).company_id = self.company_cn

    def test_misses_are_counted_and_no_context_hides_a_hit(self):
        checks = self.env["trade.collision.check"]
        mine = [("user_id", "=", self.rep.id)]
        before = checks.search_count(mine)
        for number in range(3):
            self._leads_of_rep().onchange(
                {"name": "x", "phone": f"+86 138 0000 000{number}"},
                ["phone"],
                {"trade_collision_warning": {}, "phone": {}},
            )
        self.assertEqual(checks.search_count(mine), before + 3)
        leads = self._leads_of_rep().with_context(trade_guard_by_row=True)
        with self._assert_refused():
            leads.create([{"name": "a", "email_from": "wu@tea.example.com"}, {"name": "b"}])

    def test_conversion_to_a_customer(self):
        lead = self._leads_of_rep().create(
            {
                "name": "T",
                "partner_name": "Brand New",
                "contact_name": "Li",
                "phone": "+8613900001111",
            }
        )
        lead._handle_partner_assignment(create_missing=True)
        self.assertEqual(lead.partner_id.commercial_partner_id.name, "Brand New")
        self.company_cn.trade_lead_guard = False
        lead = self._leads_of_rep().create({"name": "T", "partner_name": "杭州西湖茶叶"})
        self.company_cn.trade_lead_guard = True
        with self._assert_refused():
            lead._handle_partner_assignment(create_missing=True)

    # ------------------------------------------------------------------
    # Import
    # ------------------------------------------------------------------

    def test_import_names_each_bad_row_and_saves_nothing(self):
        rows = [[f"Import {number}", "True", ""] for number in range(8)]
        rows[2][2] = "+86 571 8888 6666"
        rows[5][0] = "杭州西湖茶叶"
        partners = self._customers_of_rep().with_context(import_file=True)
        result = partners.load(["name", "is_company", "phone"], rows)
        self.assertFalse(result["ids"])
        self.assertEqual(
            [(told["rows"]["from"], told["type"]) for told in result["messages"]],
            [(2, "error"), (5, "error")],
        )
        self.assertIn("phone number", result["messages"][0]["message"])
        self.assertFalse(self.env["res.partner"].search([("name", "like", "Import ")]))

    def test_import_of_one_bad_row(self):
        rows = [["Import", ""], ["Tea", "+86 571 8888 6666"]]
        result = self._leads_of_rep().load(["name", "phone"], rows)
        self.assertEqual([told["rows"]["from"] for told in result["messages"]], [1])

    def test_import_of_good_rows(self):
        rows = [[f"Import {number}", "True"] for number in range(8)]
        result = self._customers_of_rep().load(["name", "is_company"], rows)
        self.assertEqual(len(result["ids"]), 8)

    # ------------------------------------------------------------------
    # What comes in by itself
    # ------------------------------------------------------------------

    def test_mail_goes_to_the_owner(self):
        team = self.env["crm.team"].create({"name": "G", "company_id": self.company_cn.id})
        domain = self.env["mail.alias.domain"].search([("name", "=", "example.com")], limit=1)
        domain = domain or self.env["mail.alias.domain"].create({"name": "example.com"})
        self.company_cn.alias_domain_id = domain
        team.alias_id.write({"alias_name": "guard.inquiries", "alias_domain_id": domain.id})
        with mute_logger("odoo.addons.mail.models.mail_thread"):
            lead_id = self.env["mail.thread"].message_process("crm.lead", MAIL.format(number=1))
        lead = self.env["crm.lead"].browse(lead_id)
        self.assertEqual(lead.user_id, self.user_beijing)
        self.assertEqual(lead.trade_collision_status, "taken")
        self.assertIn("e-mail address", lead.trade_collision_note)
        [log] = lead.trade_log_ids.filtered(lambda log: log.cause == "collision")
        self.assertEqual((log.kind, log.owner_id), ("assign", self.user_beijing))
        self.assertIn("e-mail address", log.reason)

    def test_web_form_is_never_refused(self):
        public = self.env.ref("base.public_user")
        leads = self.env["crm.lead"].with_user(public).with_company(self.company_cn).sudo()
        lead = leads.create(
            {
                "name": "T",
                "phone": "+86 571 8888 6666",
                "user_id": False,
                "company_id": self.company_cn.id,
            }
        )
        self.assertEqual(lead.user_id, self.user_beijing)
        self._move_clock("2026-07-30 04:00:00")
        lead = leads.create({"name": "T", "trade_vat": self.VAT, "user_id": False})
        self.assertEqual((lead.trade_collision_status, lead.user_id), ("lapsed", leads.user_id))

    def test_partner_of_a_mail_is_never_refused(self):
        partners = self.env["res.partner"].with_user(self.rep).sudo()
        self.assertTrue(partners.create({"name": "Wu", "email": "wu@tea.example.com"}))

    # ------------------------------------------------------------------
    # Trying names
    # ------------------------------------------------------------------

    def test_refusals_are_noted(self):
        hooks = len(self.env.cr.postrollback)
        with self._assert_refused():
            self._customers_of_rep().create({"name": "A", "vat": self.VAT})
        self.assertEqual(len(self.env.cr.postrollback), hooks + 1)
        with self.enter_registry_test_mode():
            self.env.cr.postrollback.run()
        row = self.env["trade.collision.check"].search([("user_id", "=", self.rep.id)])
        self.assertEqual((row.mode, row.kinds, row.outcome), ("refused", "vat", "taken"))

    def test_who_was_refused_too_often_creates_nothing(self):
        """What is free would be told by being saved, and what is taken by being refused."""
        self.env.cr.execute(
            "INSERT INTO trade_collision_check (happened_at, user_id, mode, outcome)"
            " SELECT %s, %s, 'refused', 'taken' FROM generate_series(1, 200)",
            ["2026-03-31", self.rep.id],
        )
        for values in ({"name": "A", "vat": self.VAT}, {"name": "Brand New", "is_company": True}):
            with self.subTest(values=values), self.assertRaisesRegex(UserError, "200"):
                self._customers_of_rep().create(values)
        manager = self._as(self.user_manager, self.env["res.partner"])
        self.assertTrue(manager.create({"name": "Brand New", "is_company": True}))
        self._move_clock("2026-04-02 04:00:00")
        self.assertTrue(self._customers_of_rep().create({"name": "Newer", "is_company": True}))

    def test_who_tries_too_much_learns_nothing(self):
        self.env.cr.execute(
            "INSERT INTO trade_collision_check (happened_at, user_id, mode, outcome)"
            " SELECT %s, %s, 'dialog', 'free' FROM generate_series(1, 200)",
            ["2026-03-31", self.rep.id],
        )
        with self.assertRaisesRegex(UserError, "200") as caught:
            self._customers_of_rep().create({"name": "A", "vat": self.VAT})
        self.assertNotIn("tax number", str(caught.exception))
        form = Form(self._customers_of_rep())
        form.name = "A"
        form.vat = self.VAT
        self.assertFalse(form.trade_collision_warning)
