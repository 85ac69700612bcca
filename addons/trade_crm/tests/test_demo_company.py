from datetime import date

from odoo.exceptions import UserError
from odoo.tests import BaseCase, TransactionCase, freeze_time, tagged

from .. import demo_company
from ..demo_company import generator, loader, names
from ..demo_company.catalogue import PRODUCTS
from . import oracle

TODAY = date(2026, 3, 31)


@tagged("post_install", "-at_install")
class TestDemoGenerator(BaseCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.world = generator.generate(TODAY)

    def test_same_seed_same_world(self):
        again, other = generator.generate(TODAY), generator.generate(TODAY, seed=21)
        self.assertEqual(again.customers, self.world.customers)
        self.assertTrue(again.lines.equals(self.world.lines))
        self.assertNotEqual(other.customers, self.world.customers)

    def test_size_and_names(self):
        customers = self.world.customers
        kinds = [customer.kind for customer in customers]
        self.assertEqual((kinds.count("restaurant"), kinds.count("shop")), (500, 200))
        for field in ("code", "name", "email"):
            self.assertEqual(len({getattr(customer, field) for customer in customers}), 700)
        chinese = sum(not customer.name.isascii() for customer in customers)
        self.assertTrue(350 < chinese < 600, chinese)
        self.assertEqual(len({product.name for product in PRODUCTS}), 120)
        self.assertTrue(all(product.cost < product.price for product in PRODUCTS))

    def test_purchases(self):
        purchases, lines = self.world.purchases, self.world.lines
        self.assertTrue(purchases["date"].is_monotonic_increasing)
        self.assertLess(purchases["date"].max(), TODAY)
        self.assertGreaterEqual(purchases["date"].min(), date(2024, 3, 31))
        self.assertEqual(set(lines["purchase"]), set(purchases.index))
        self.assertFalse(lines.duplicated(["purchase", "product"]).any())
        self.assertTrue((lines["quantity"] >= 1).all())

    def test_rhythm(self):
        """Who buys steadily keeps the own interval; each fate looks like its name."""
        last = self.world.purchases.groupby("customer")["date"].max()
        for index, days in self.world.purchases.groupby("customer")["date"]:
            customer = self.world.customers[index]
            gaps = days.diff().dropna().map(lambda gap: gap.days)
            if customer.fate == "steady" and len(gaps) > 20:
                self.assertAlmostEqual(gaps.mean() / customer.interval, 1, delta=0.35)
            elif customer.fate == "new":
                self.assertGreater(days.min(), date(2025, 12, 31))
        for index, customer in enumerate(self.world.customers):
            if customer.fate == "never":
                self.assertNotIn(index, last)
            elif customer.fate == "lost":
                self.assertLess(last[index], date(2025, 3, 31))


@tagged("post_install", "-at_install")
class TestDemoCompany(TransactionCase):
    """A small demo company, loaded as `make run` loads the full one."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(freeze_time("2026-03-31 04:00:00"))
        cls.steps = []
        cls.logins = demo_company.load(
            cls.env,
            lambda done, total, label: cls.steps.append((done, total)),
            shops=50,
            restaurants=130,
        )
        cls.env.invalidate_all()

    def test_progress(self):
        self.assertEqual(self.steps, sorted(self.steps))
        self.assertEqual(self.steps[-1], (100, 100))

    def test_second_time_does_nothing(self):
        partners = self.env["res.partner"].search_count([])
        self.assertEqual(demo_company.load(self.env), self.logins)
        self.assertEqual(self.env["res.partner"].search_count([]), partners)

    def test_not_into_a_database_in_use(self):
        self.env["ir.config_parameter"].set_param(loader.LOADED, False)
        with self.assertRaisesRegex(UserError, "orders of its own"):
            demo_company.load(self.env)

    def test_every_tier_has_customers(self):
        tiers = self.env["trade.tier"].search([("company_id", "=", self.env.company.id)])
        self.assertEqual(len(tiers), 7)
        for tier in tiers:
            self.assertTrue(tier.profile_count, tier.name)
        self.assertEqual(sum(tiers.mapped("profile_count")), 180)

    def test_tiers_have_a_history(self):
        history = self.env["trade.tier.history"].search([("previous_tier_id", "!=", False)])
        months = {(change.changed_at.year, change.changed_at.month) for change in history}
        self.assertGreater(len(months), 12)
        self.assertFalse(self.env["trade.profile.dirty"].search_count([]))

    def test_profiles_are_exact(self):
        expected = oracle.compute_profiles(oracle.read_tables(self.env.cr))
        found = oracle.read_profiles(self.env.cr)
        self.assertEqual(oracle.describe_differences(expected, found), "")
        self.assertEqual(len(found), 180)

    def test_a_change_of_the_policy_waits(self):
        [draft] = self.env["trade.tier.policy.draft"].search([])
        self.assertEqual(draft.state, "draft")
        self.assertIn("300,000", draft.changes)
        self.assertEqual(draft.create_uid.login, "manager")

    def test_live_orders(self):
        orders = self.env["sale.order"].search([])
        self.assertEqual(set(orders.mapped("state")), {"draft", "sent", "sale", "cancel"})
        self.assertTrue(orders.picking_ids.filtered(lambda picking: picking.state == "done"))
        types = {move.move_type for move in orders.invoice_ids}
        self.assertEqual(types, {"out_invoice", "out_refund"})
        self.assertEqual(set(orders.invoice_ids.mapped("state")), {"posted"})
        self.assertEqual(orders.currency_id.name, "CNY")

    def test_everybody_has_work(self):
        """Each role opens the customers with its own rights; reps have leads."""
        seen = {}
        for login in loader.USERS:
            user = self.env["res.users"].search([("login", "=", login)])
            customers = (
                self.env["res.partner"]
                .with_user(user)
                .search([("trade_tier_id", "!=", False), ("parent_id", "=", False)])
            )
            seen[login] = set(customers.ids)
            self.assertTrue(customers.mapped("trade_tier_id.display_name"))
        for login in ("manager", "marketer", "agent", "auditor"):
            self.assertEqual(len(seen[login]), 180, login)
        reps = [seen[login] for login, *_rest in names.REPS]
        self.assertTrue(all(reps))
        self.assertEqual(set().union(*reps), seen["manager"])
        # Two reps share a chain, and one customer changed hands with its history.
        self.assertEqual(sum(map(len, reps)), 181)
        self.assertEqual(seen["branch"] - seen["rep2"] - seen["rep3"], set())
        leads = self.env["crm.lead"].search([])
        pooled = leads.filtered("trade_pooled_at")
        self.assertTrue(pooled)
        self.assertFalse(pooled.user_id)
        leads -= pooled
        self.assertTrue(leads.activity_ids)
        self.assertTrue(all(lead.user_id.login.startswith("rep") for lead in leads))

    def test_visits_and_audiences(self):
        visits = self.env["trade.visit"].search([])
        self.assertEqual(set(visits.mapped("state")), {"planned", "done"})
        self.assertTrue(visits.filtered(lambda visit: visit.day == TODAY))
        kinds = set(visits.market_note_ids.mapped("kind"))
        self.assertEqual(kinds, {"competitor", "wish", "shelf"})
        segments = self.env["trade.segment"].search([])
        self.assertTrue(all(segment.member_count for segment in segments), segments.mapped("name"))
        members = self.env["trade.tag.member"].search([])
        self.assertGreater(len(members.rule_id), 2)

    def test_cdnow(self):
        admin = self.env.ref("base.user_admin")
        demo_company.load_cdnow(self.env)
        company = self.env["res.company"].search([("name", "=", "CDNOW")])
        self.assertIn(company, admin.company_ids)
        profiles = self.env["trade.customer.profile"].search([("company_id", "=", company.id)])
        self.assertEqual(len(profiles), 2357)
        self.assertEqual(sum(profiles.mapped("order_count")), 6919)
        self.assertEqual(max(profiles.mapped("last_order_date")), date(2026, 3, 30))
        self.assertEqual(profiles.partner_id.company_id, company)
        self.assertFalse(self.env["trade.profile.dirty"].search_count([]))
        self.assertGreater(len(profiles.tier_id), 3)
        demo_company.load_cdnow(self.env)
        self.assertEqual(self.env["res.company"].search_count([("name", "=", "CDNOW")]), 1)
