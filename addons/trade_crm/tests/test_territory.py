from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from .territory_common import TerritoryCommon


@tagged("post_install", "-at_install")
class TestTerritory(TerritoryCommon):
    # ------------------------------------------------------------------
    # Placing
    # ------------------------------------------------------------------

    def test_rules_place_new_customers(self):
        for customer, territory, source in (
            (self.wok, self.zhejiang, "rule"),
            (self.bund, self.shanghai, "rule"),
            (self.hutong, self.north, "rule"),
            (self.nowhere, self.unassigned, "fallback"),
        ):
            with self.subTest(customer=customer.name):
                self.assertEqual(customer.territory_id, territory)
                self.assertEqual(customer.territory_source, source)
        self.assertIn(self.state_zhejiang.name, self.wok.territory_reason)

    def test_contacts_follow_their_customer(self):
        self.assertEqual(self.hutong_contact.territory_id, self.north)
        late = self._make_contact("Late", self.chain)
        self.assertEqual(late.territory_id, self.north)
        self.assertEqual(late.shared_territory_ids, self.zhejiang)

    def test_vendors_colleagues_and_companies_have_none(self):
        self.env.cr.flush()
        for partner in (
            self.vendor,
            self.user_zhejiang.partner_id,
            self.company_cn.partner_id,
        ):
            partner.invalidate_recordset()
            self.assertFalse(partner.territory_id, partner.name)

    def test_vendor_that_becomes_a_customer(self):
        self.vendor.state_id = self.state_zhejiang
        self.vendor.customer_rank = 1
        self.env.cr.flush()
        self.assertEqual(self.vendor.territory_id, self.zhejiang)

    def test_rule_of_several_conditions(self):
        both = self.env["trade.territory.rule"].create(
            {
                "territory_id": self.north.id,
                "sequence": 1,
                "state_ids": [Command.set(self.state_zhejiang.ids)],
                "domain": "[('ref', '=like', 'K%')]",
            }
        )
        plain = self._make_customer("Plain", state_id=self.state_zhejiang.id)
        marked = self._make_customer("Marked", state_id=self.state_zhejiang.id, ref="K1")
        self.assertEqual(plain.territory_id, self.zhejiang)
        self.assertEqual(marked.territory_id, self.north)
        self.assertEqual(marked.territory_rule_id, both)

    def test_bad_rules_are_refused(self):
        for values, message in (
            ({}, "without a condition"),
            ({"zip_from": "2000", "zip_to": "100000"}, "no range"),
            ({"zip_from": "200000"}, "no range"),
            ({"domain": "[('nothing', '=', 1)]"}, "cannot be read"),
            ({"domain": "[("}, "cannot be read"),
        ):
            with self.subTest(values=values), self.assertRaisesRegex(ValidationError, message):
                self.env["trade.territory.rule"].create({"territory_id": self.north.id, **values})

    def test_tree_has_no_circle_and_keeps_its_customers(self):
        with self.assertRaises(ValidationError):
            self.east.parent_id = self.zhejiang
        with self.assertRaisesRegex(ValidationError, "North"):
            self.north.active = False
        with self.assertRaises(UserError):
            self.unassigned.unlink()
        with self.assertRaises(UserError):
            self.zhejiang.unlink()

    # ------------------------------------------------------------------
    # Access
    # ------------------------------------------------------------------

    def test_who_sees_which_customers(self):
        for user, expected in (
            (self.user_zhejiang, self.wok | self.chain),
            (self.user_shanghai, self.bund),
            (self.user_beijing, self.hutong | self.chain),
            (self.user_east, self.wok | self.bund | self.chain),
            (self.user_north, self.hutong | self.chain),
            (self.user_agent_east, self.wok | self.chain),
            (self.user_rep, self.customers.browse()),
            (self.user_auditor, self.customers),
            (self.user_outsider, self.customers),
        ):
            with self.subTest(user=user.login):
                self.assertEqual(self._visible(user, self.customers).sorted("id"), expected)
                partners = self._as(user, self.customers)
                self.assertEqual(partners._filtered_access("read").ids, expected.ids)
                everybody = self.vendor | self.user_north.partner_id | self.company_cn.partner_id
                self.assertEqual(len(self._visible(user, everybody)), 3)

    def test_nothing_changes_before_it_is_switched_on(self):
        self.env["ir.config_parameter"].set_param("trade_crm.territory_scope", False)
        for user in (self.user_zhejiang, self.user_rep, self.user_north):
            self.assertEqual(self._visible(user, self.customers), self.customers.sorted())

    def test_salesperson_sees_the_customer_anywhere(self):
        self.hutong.user_id = self.user_zhejiang
        self.env.flush_all()
        self.assertTrue(self._visible(self.user_zhejiang, self.hutong))
        self._as(self.user_zhejiang, self.hutong).write({"phone": "1"})

    def test_members_change_at_once(self):
        self.assertFalse(self._visible(self.user_zhejiang, self.hutong))
        self.north.member_ids = [Command.link(self.user_zhejiang.id)]
        self.assertTrue(self._visible(self.user_zhejiang, self.hutong))
        self.user_zhejiang.trade_territory_ids = [Command.unlink(self.north.id)]
        self.assertFalse(self._visible(self.user_zhejiang, self.hutong))
        self.zhejiang.parent_id = self.north
        self.assertTrue(self._visible(self.user_north, self.wok))

    def test_refusal_says_what_to_do(self):
        with self.assertRaisesRegex(AccessError, "another territory"):
            self._as(self.user_zhejiang, self.hutong).read(["name"])
        with self.assertRaisesRegex(AccessError, "another territory"):
            self._as(self.user_zhejiang, self.hutong).write({"phone": "1"})

    def test_reps_do_not_write_vendors_and_colleagues(self):
        with self.assertRaises(AccessError):
            self._as(self.user_zhejiang, self.vendor).write({"phone": "1"})

    # ------------------------------------------------------------------
    # What reps create
    # ------------------------------------------------------------------

    def test_new_customer_of_a_rep(self):
        partners = self._as(self.user_zhejiang, self.env["res.partner"])
        near = partners.create({"name": "Near", "state_id": self.state_zhejiang.id})
        far = partners.create({"name": "Far", "zip": "100030"})
        self.assertEqual((near.territory_id, near.territory_source), (self.zhejiang, "rule"))
        self.assertEqual((far.territory_id, far.territory_source), (self.zhejiang, "creator"))

    def test_new_customer_of_a_rep_without_a_territory(self):
        lone = self._as(self.user_rep, self.env["res.partner"]).create({"name": "Lone"})
        self.assertEqual(lone.user_id, self.user_rep)
        self.assertEqual(lone.territory_id, self.unassigned)
        self.assertEqual(lone.read(["name"])[0]["name"], "Lone")

    def test_contacts_by_reps(self):
        partners = self._as(self.user_zhejiang, self.env["res.partner"])
        contact = partners.create({"name": "New", "parent_id": self.chain.id})
        self.assertEqual(contact.territory_id, self.north)
        self.assertEqual(contact.read(["name"])[0]["name"], "New")
        with self.assertRaises(AccessError):
            partners.create({"name": "Spy", "parent_id": self.hutong.id})

    def test_documents_of_reps(self):
        orders = self._as(self.user_zhejiang, self.env["sale.order"])
        self.assertEqual(orders.create({"partner_id": self.wok.id}).territory_id, self.zhejiang)
        self.assertEqual(orders.create({"partner_id": self.chain.id}).territory_id, self.zhejiang)
        with self.assertRaises(AccessError):
            orders.create({"partner_id": self.hutong.id})
        order = orders.create({"partner_id": self.wok.id})
        with self.assertRaises(AccessError):
            order.write({"partner_id": self.hutong.id})
        with self.assertRaises(AccessError):
            order.write({"partner_shipping_id": self.hutong.id})

    def test_reps_do_not_move_anything(self):
        order = self._make_order(self.wok)
        for record in (self.wok, order):
            with self.assertRaises(AccessError):
                self._as(self.user_zhejiang, record).write({"territory_id": self.shanghai.id})
        with self.assertRaises(AccessError):
            self._as(self.user_zhejiang, self.wok).write(
                {"shared_territory_ids": [Command.link(self.north.id)]}
            )
        with self.assertRaises(AccessError):
            self._as(self.user_zhejiang, self.env["res.partner"]).create(
                {"name": "Hidden", "territory_id": self.north.id}
            )

    def test_orders_of_colleagues_in_the_territory(self):
        order = self._make_order(self.wok, user_id=self.user_east.id)
        self.assertTrue(self._visible(self.user_zhejiang, order))
        self.assertFalse(self._visible(self.user_beijing, order))
        self.env["ir.config_parameter"].set_param("trade_crm.territory_scope", False)
        self.assertFalse(self._visible(self.user_zhejiang, order), "Odoo's own rule is back")

    def test_leads_go_where_the_rules_lead(self):
        leads = self.env["crm.lead"]
        lead = leads.create({"name": "From the web", "zip": "100010"})
        self.assertEqual(lead.territory_id, self.north)
        self.assertEqual(leads.create({"name": "Nowhere"}).territory_id, self.unassigned)
        known = leads.create({"name": "Known", "partner_id": self.bund.id})
        self.assertEqual(known.territory_id, self.shanghai)
        own = self._as(self.user_zhejiang, leads).create({"name": "Mine", "zip": "100010"})
        self.assertEqual(own.territory_id, self.zhejiang)

    def test_duplicates_elsewhere_are_not_counted(self):
        leads = self.env["crm.lead"].create(
            [
                {"name": "Here", "email_from": "a@noodles.example", "partner_id": self.wok.id},
                {"name": "Also", "email_from": "b@noodles.example", "partner_id": self.wok.id},
                {"name": "There", "email_from": "c@noodles.example", "partner_id": self.hutong.id},
            ]
        )
        self.env.flush_all()
        for user, count in ((self.user_zhejiang, 1), (self.user_auditor, 2)):
            lead = self._as(user, leads[0])
            lead.invalidate_recordset()
            self.assertEqual(lead.read(["duplicate_lead_count"])[0]["duplicate_lead_count"], count)

    # ------------------------------------------------------------------
    # Who changes territories
    # ------------------------------------------------------------------

    def test_branch_managers_name_their_people_only(self):
        zhejiang = self._as(self.user_east, self.zhejiang)
        zhejiang.member_ids = [Command.link(self.user_shanghai.id)]
        self.assertTrue(self._visible(self.user_shanghai, self.wok))
        with self.assertRaises(AccessError):
            zhejiang.parent_id = False
        with self.assertRaises(AccessError):
            self._as(self.user_east, self.north).member_ids = [Command.link(self.user_east.id)]
        with self.assertRaises(AccessError):
            self._as(self.user_east, self.env["trade.territory.rule"]).create(
                {"territory_id": self.zhejiang.id, "city": "Beijing"}
            )
        self._as(self.user_east, self.env["trade.territory"]).create(
            {"name": "Hangzhou", "parent_id": self.zhejiang.id}
        )
        with self.assertRaises(AccessError):
            self._as(self.user_zhejiang, self.zhejiang).name = "Mine"

    def test_portal_users_have_no_territory(self):
        portal = new_test_user(self.env, login="territory_portal", groups="base.group_portal")
        with self.assertRaisesRegex(ValidationError, "territory_portal"):
            self.north.member_ids = [Command.link(portal.id)]

    def test_customers_and_revenue_of_a_branch(self):
        self._make_order(self.wok, 1000.0)
        self._make_order(self.bund, 500.0)
        self.env.cr.flush()
        territories = (self.east | self.zhejiang | self.north).with_company(self.company_cn)
        territories.invalidate_recordset()
        before = dict(zip(territories, territories.mapped("customer_count"), strict=True))
        self.assertEqual(before, {self.east: 2, self.zhejiang: 1, self.north: 2})
        self.assertEqual(territories.mapped("revenue"), [1500.0, 1000.0, 0.0])
        self.assertEqual(self._as(self.user_zhejiang, self.east).customer_count, 1)
        self.assertEqual(self._as(self.user_zhejiang, self.north).customer_count, 1, "the chain")
