from datetime import date
from unittest.mock import patch

import numpy as np
import pandas as pd
from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import SQL, mute_logger

from . import oracle, oracle_fact
from .value_common import ValueCommon


class FactCommon(ValueCommon):
    """Purchases of two companies, with what is special: currency, discount, refund, no product."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.product_tea = cls.env["product.product"].create(
            {
                "name": "Tea",
                "type": "service",
                "invoice_policy": "order",
                "list_price": 50.0,
                "standard_price": 20.0,
                "categ_id": cls.env["product.category"].create({"name": "Drinks"}).id,
            }
        )
        cls.shop = cls._make_customer("Corner Shop")
        tea = {"product_id": cls.product_tea.id, "price_unit": 50.0}
        cls.order = cls._make_order(
            cls.contact,
            [
                {**tea, "product_uom_qty": 2, "product_uom_id": cls.uom_dozen.id, "discount": 20.0},
                {"product_uom_qty": 3},
            ],
            "2026-03-01",
        )
        cls._make_order(cls.shop, [{**tea, "product_uom_qty": 5}], "2026-03-01", currency=cls.eur)
        cls._make_order(
            cls.customer, [{**tea, "product_uom_qty": 7}], "2026-02-01", company=cls.company_us
        )
        cls._make_history(
            cls.customer,
            500.0,
            "2025-02-03",
            line_ids=[
                (0, 0, {"product_id": cls.product_tea.id, "quantity": 4, "amount": 300.0}),
                (0, 0, {"product_name": "Unknown", "quantity": 1, "amount": 150.0, "discount": 25}),
            ],
        )

    def _find(self, **values):
        facts = self.env["trade.sales.fact"]
        return facts.search([(name, "=", value) for name, value in values.items()])

    def assertFacts(self):
        self.assertEqual(
            oracle_fact.read_facts(self.env.cr), oracle_fact.compute_facts(self.env.cr)
        )


@tagged("post_install", "-at_install")
class TestSalesFact(FactCommon):
    def test_values(self):
        """Two dozens at 20 % off are 24 units; what a purchase says beyond its lines is kept."""
        self._run_fact_job()
        cn = {"company_id": self.company_cn.id, "partner_id": self.customer.id}
        tea = self._find(**cn, product_id=self.product_tea.id, day=date(2026, 3, 1))
        self.assertEqual((tea.quantity, tea.revenue, tea.discount), (24.0, 80.0, 20.0))
        self.assertEqual((tea.line_count, tea.order_count), (1, 0))
        whole = self._find(**cn, product_id=False, day=date(2026, 3, 1))
        self.assertEqual((whole.revenue, whole.order_count), (0.0, 1))
        history = self._find(**cn, product_id=False, day=date(2025, 2, 3))
        self.assertEqual((history.revenue, history.discount, history.line_count), (200.0, 50.0, 1))
        self.assertFacts()

    def test_sums_are_those_of_the_profile(self):
        invoice = self._make_invoice(self.order)
        self._refund(invoice, quantity=1)
        self._make_move(self.shop, 30.0, "out_refund")
        self._run_fact_job()
        profiles = self.env["trade.customer.profile"].search([("order_count", ">", 0)])
        self.assertEqual(len(profiles), 3)
        for profile in profiles:
            facts = self._find(company_id=profile.company_id.id, partner_id=profile.partner_id.id)
            for name in ("revenue", "margin", "order_count"):
                self.assertAlmostEqual(sum(facts.mapped(name)), profile[name], msg=name)
        refund = self._find(partner_id=self.customer.id, day=date(2026, 3, 10))
        tea = refund.filtered(lambda fact: fact.product_id == self.product_tea)
        self.assertEqual((tea.quantity, tea.revenue), (-12.0, -40.0))
        self.assertFacts()

    def test_an_order_is_added_up_by_the_next_run(self):
        self._run_fact_job()
        facts = self.env["trade.sales.fact"].search([])
        self._make_order(self.shop, [{"product_id": self.product_tea.id}], "2026-03-05")
        self._commit()
        [waiting] = self.env["trade.fact.dirty"].search([])
        self.assertEqual(waiting.partner_id, self.shop.id)
        self._run_fact_job()
        self.assertEqual(len(self.env["trade.sales.fact"].search([]) - facts), 2)
        # The others are the same rows still: only what differs is written.
        self.assertEqual(facts.exists(), facts)
        self.assertFacts()

    def test_time_and_policies_change_nothing(self):
        self._run_fact_job()
        profiles = self.env["trade.customer.profile"]
        profiles._rebuild_pairs({(self.customer.id, None): "time"})
        profiles._rebuild_companies(cause="policy")
        self.assertFalse(self.env["trade.fact.dirty"].search([]))

    def test_time_zone(self):
        """The same orders fall on other days; a person who changes that need do no more."""
        self._run_fact_job()
        self.company_cn.trade_tz = "Pacific/Honolulu"
        self._run_fact_job()
        self.assertFalse(self._find(company_id=self.company_cn.id, day=date(2026, 3, 1)))
        self.assertFacts()

    def test_deleted_product_keeps_the_revenue(self):
        product = self.env["product.product"].create({"name": "Coffee"})
        self._make_history(
            self.shop, 90.0, line_ids=[(0, 0, {"product_id": product.id, "amount": 90.0})]
        )
        self._run_fact_job()
        self.assertEqual(self._find(product_id=product.id).revenue, 90.0)
        product.unlink()
        self._run_fact_job()
        self.assertEqual(
            sum(self._find(partner_id=self.shop.id).mapped("revenue")), 90.0 + 5 * 50 / 0.16
        )
        self.assertFacts()

    def test_merged_customers(self):
        self._run_fact_job()
        self._merge(self.customer, self.shop)
        self._run_fact_job()
        self.assertFacts()
        self.assertFalse(self._find(partner_id=self.shop.id))

    def test_company_without_a_policy(self):
        self._run_fact_job()
        self.policy_us.active = False
        self._run_fact_job()
        self.assertFalse(self._find(company_id=self.company_us.id))
        self.assertTrue(self._find(company_id=self.company_cn.id))
        self.policy_us.active = True
        self._run_fact_job()
        self.assertTrue(self._find(company_id=self.company_us.id))
        self.assertFacts()

    def test_one_company_of_two(self):
        """Documents of every kind in another company are neither written nor removed."""
        self._make_move(self.shop, 30.0, "out_refund")
        self._run_fact_job()
        before = oracle_fact.read_facts(self.env.cr)
        for company in self.company_cn + self.company_us:
            self.env["trade.sales.fact"]._rebuild_all(company)
            self.assertEqual(oracle_fact.read_facts(self.env.cr), before)
        self.env.cr.execute("DELETE FROM trade_sales_fact")
        self.env["trade.sales.fact"]._rebuild_all(self.company_us)
        self.assertEqual(self._find().company_id, self.company_us)

    def test_failing_customer_is_left_out(self):
        """The others are added up; who fails comes back with the weekly check."""
        model = type(self.env["trade.sales.fact"])
        original = model._rebuild_pairs
        bad = (self.shop.id, self.company_cn.id)

        def rebuild(facts, pairs):
            if bad in pairs:
                raise ValueError("broken")
            return original(facts, pairs)

        self._run_job()
        with (
            patch.object(model, "_rebuild_pairs", rebuild),
            mute_logger("odoo.addons.trade_crm.models.trade_sales_fact"),
            self._job_env() as env,
        ):
            env["trade.fact.dirty"]._clear()
            for partner in (self.customer, self.shop):
                env.cr.execute(
                    SQL(
                        "INSERT INTO trade_fact_dirty (partner_id, company_id) VALUES (%s, %s)",
                        partner.id,
                        self.company_cn.id,
                    )
                )
            env["trade.sales.fact"]._process_queue()
            self.assertFalse(env["trade.fact.dirty"].search([]))
        self.assertTrue(self._find(partner_id=self.customer.id))
        self.assertFalse(self._find(partner_id=self.shop.id))

    def test_who_else_is_adding_up(self):
        facts = self.env["trade.sales.fact"]
        with patch.object(type(facts), "_lock", lambda self: False):
            with self.assertRaises(UserError):
                facts._rebuild_all()
            self.assertEqual(facts._process_chunk(10), ([], None))

    def test_one_row_per_product_and_day(self):
        self._run_fact_job()
        with (
            self.assertRaises(IntegrityError),
            mute_logger("odoo.sql_db"),
            self.env.cr.savepoint(),
        ):
            self.env.cr.execute(
                "INSERT INTO trade_sales_fact (company_id, partner_id, product_id, day)"
                " SELECT company_id, partner_id, product_id, day FROM trade_sales_fact"
            )


@tagged("post_install", "-at_install")
class TestSalesFactAccess(FactCommon):
    def setUp(self):
        super().setUp()
        self._run_fact_job()

    def test_own_companies_only(self):
        for user, companies in (
            (self.user_rep, self.company_cn),
            (self.user_rep_us, self.company_us),
            (self.user_rep_both, self.company_cn + self.company_us),
        ):
            found = self._as("trade.sales.fact", user).search([])
            self.assertEqual(found.company_id, companies)

    def test_margin_is_for_managers_and_auditors(self):
        for user in (self.user_manager, self.user_auditor):
            facts = self._as("trade.sales.fact", user)
            self.assertTrue(facts._read_group([], [], ["margin:sum"])[0][0])
        for user in (self.user_rep, self.user_marketer, self.user_agent):
            facts = self._as("trade.sales.fact", user)
            with self.assertRaises(AccessError):
                facts._read_group([], [], ["margin:sum"])
            with self.assertRaises(AccessError):
                facts.search([], limit=1).read(["margin"])

    def test_outsider_sees_nothing(self):
        with self.assertRaises(AccessError):
            self._as("trade.sales.fact", self.user_outsider).search([])
        with self.assertRaises(AccessError):
            self._as("trade.sales.fact", self.user_outsider).get_concentration()

    def test_nobody_writes(self):
        facts = self._as("trade.sales.fact", self.user_manager).search([], limit=1)
        for action in (lambda: facts.write({"revenue": 1}), facts.unlink, facts.copy):
            with self.assertRaises(AccessError):
                action()

    def test_tier_is_that_of_the_company_of_the_sale(self):
        """Grouped, searched and read alike."""
        facts = self._as("trade.sales.fact", self.user_rep_both)
        profiles = self.env["trade.customer.profile"]
        groups = facts._read_group([], ["company_id", "partner_id", "tier_id"], ["revenue:sum"])
        self.assertEqual(len(groups), 3)
        for company, partner, tier, revenue in groups:
            profile = profiles.search(
                [("company_id", "=", company.id), ("partner_id", "=", partner.id)]
            )
            self.assertEqual(tier, profile.tier_id)
            self.assertAlmostEqual(revenue, profile.revenue)
            found = facts.search([("tier_id", "=", tier.id), ("company_id", "=", company.id)])
            self.assertIn(partner, found.partner_id)
            self.assertEqual(found.tier_id, tier)

    def test_category(self):
        facts = self._as("trade.sales.fact", self.user_rep)
        groups = dict(facts._read_group([], ["categ_id"], ["quantity:sum"]))
        self.assertEqual(groups[self.product_tea.categ_id], 24 + 5 + 4)


@tagged("post_install", "-at_install")
class TestConcentration(ValueCommon):
    """The CDNOW sample of customers, and a refund that is more than was bought."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.purchases, cls.partner_of = cls._load_cdnow()
        cls.env["trade.customer.profile"]._rebuild_companies()
        cls._make_move(cls.customer, 30.0, "out_refund", day="1998-05-01")
        cls.env.flush_all()
        cls.env["trade.sales.fact"]._rebuild_all()

    def _get(self, *args):
        return self._as("trade.sales.fact", self.user_rep).get_concentration(*args)

    def _get_amounts(self):
        frame = pd.DataFrame(self.purchases, columns=["name", "day", "quantity", "amount"])
        amounts = frame.groupby("name").amount.sum().astype(float)
        return amounts[amounts > 0].sort_values(ascending=False)

    def test_equals_pandas(self):
        amounts = self._get_amounts()
        result = self._get("all")
        count = len(amounts)
        self.assertEqual(result["count"], count)
        self.assertAlmostEqual(result["total"], amounts.sum(), places=6)
        differences = np.abs(np.subtract.outer(amounts.to_numpy(), amounts.to_numpy()))
        self.assertAlmostEqual(result["gini"], differences.mean() / (2 * amounts.mean()), places=10)
        top = -(-count // 5)
        self.assertEqual(result["top_count"], top)
        self.assertAlmostEqual(result["top_share"], amounts[:top].sum() / amounts.sum(), places=10)
        for customers, share in result["curve"]:
            smallest = amounts[count - round(customers * count) :]
            self.assertAlmostEqual(share, smallest.sum() / amounts.sum(), places=10)

    def test_parts_sum_to_the_total(self):
        result = self._get("all")
        facts = self.env["trade.sales.fact"].search([("company_id", "=", self.company_cn.id)])
        classes = result["classes"]
        self.assertEqual(sum(entry["count"] for entry in classes), result["count"])
        self.assertAlmostEqual(sum(entry["share"] for entry in classes), 1.0)
        # One refund without a purchase, and customers who paid nothing.
        self.assertEqual(result["others"]["amount"], -30.0)
        self.assertAlmostEqual(
            sum(entry["amount"] for entry in classes) + result["others"]["amount"],
            sum(facts.mapped("revenue")),
            places=2,
        )

    def test_class_opens_its_customers(self):
        ranked = self._get_amounts()
        for entry in self._get("all")["classes"]:
            facts = self._as("trade.sales.fact", self.user_rep)
            action = facts.action_view_ranks(
                "all", "customer", entry["first"], entry["last"], "Top"
            )
            found = self._find_partners(action)
            self.assertEqual(len(found), entry["count"])
            names = ranked[entry["first"] - 1 : entry["last"]]
            self.assertAlmostEqual(sum(ranked[found.mapped("name")]), names.sum(), places=6)

    def test_periods(self):
        """A purchase counts in the periods that its day is in."""
        self.assertEqual(self._get("months")["count"], 0)
        self._make_history(self.customer, 100.0, "2026-01-02")
        self._make_history(self.customer, 40.0, "2025-12-31")
        self._run_fact_job()
        totals = {period: self._get(period)["total"] for period in ("months", "year", "last_year")}
        self.assertEqual(totals, {"months": 140.0, "year": 100.0, "last_year": 40.0})

    def test_products(self):
        product = self.product_service
        self._make_order(self.customer, [{"product_uom_qty": 3}], "2026-03-01")
        self._run_fact_job()
        result = self._get("year", "product")
        self.assertEqual((result["count"], result["total"], result["gini"]), (1, 30.0, 0.0))
        facts = self._as("trade.sales.fact", self.user_rep)
        action = facts.action_view_ranks("year", "product", 1, 1, "Top")
        found = self._as("product.product", self.user_rep).search(action["domain"])
        self.assertEqual(found.ids, product.ids)

    def test_refusals(self):
        for arguments in (("week",), ("all", "weather")):
            with self.assertRaises(ValidationError):
                self._get(*arguments)

    def test_other_company(self):
        result = self._as("trade.sales.fact", self.user_rep_us).get_concentration("all")
        self.assertEqual((result["count"], result["classes"]), (0, []))

    def test_queries_do_not_grow(self):
        facts = self._as("trade.sales.fact", self.user_rep)
        facts.get_concentration("all")
        with self.assertQueryCount(3):
            facts.get_concentration("all")


@tagged("post_install", "-at_install")
class TestFactCheck(ValueCommon):
    def test_weekly_check_repairs(self):
        """What was changed behind our back is right again after the check of that customer."""
        self._make_history(self.customer, 100.0)
        self.env["trade.customer.profile"]._rebuild_companies()
        self.env["trade.profile.dirty"]._clear()
        self._run_fact_job()
        self.env.cr.execute("UPDATE trade_sales_fact SET revenue = 1")
        self.env["trade.profile.check"]._check_company(self.company_cn, 0, parts=1)
        self._run_fact_job()
        self.assertEqual(
            oracle_fact.read_facts(self.env.cr), oracle_fact.compute_facts(self.env.cr)
        )
        self.assertEqual(len(oracle.read_profiles(self.env.cr)), 1)
