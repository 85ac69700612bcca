from odoo.exceptions import AccessError
from odoo.tests import tagged

from .common import TradeCrmCommon


@tagged("post_install", "-at_install")
class TestTierShare(TradeCrmCommon):
    """Three customers in China: 600,000 core, 150,000 potential, 50,000 general; one in America."""

    def _sell(self):
        self.core, self.potential, self.general = (
            self._make_customer(name) for name in ("Sea Palace", "Lucky Star", "Corner Shop")
        )
        self._make_history(self.core, 400000.0, day="2025-06-01")
        self._make_history(self.core, 200000.0, day="2026-01-10")
        self._make_history(self.potential, 150000.0, day="2025-12-01")
        self._make_history(self.general, 50000.0, day="2025-11-01")
        self._make_history(self.core, 999.0, company=self.company_us)
        self._run_job()

    def _as(self, model, user, **context):
        """The model as ``user`` sees it, in the own company first."""
        companies = user.company_id | user.company_ids
        return (
            self.env[model]
            .with_user(user)
            .with_context(allowed_company_ids=companies.ids, **context)
        )

    def _get_share(self, user=None):
        return self._as("trade.customer.profile", user or self.user_rep).get_tier_share()

    def _get_tiers(self, user=None):
        return {tier["name"]: tier for tier in self._get_share(user)["tiers"]}

    def _find_partners(self, tier_id):
        profiles = self._as("trade.customer.profile", self.user_rep)
        action = profiles.action_view_tier_partners(tier_id)
        return self._as("res.partner", self.user_rep, **action["context"]).search(action["domain"])

    def test_shares_of_customers_and_revenue(self):
        self._sell()
        tiers = self._get_tiers()
        self.assertEqual(tiers["Core"]["customers"], 1)
        self.assertEqual(tiers["Core"]["revenue"], 600000.0)
        self.assertEqual(tiers["Core"]["revenue_share"], 0.75)
        self.assertEqual(tiers["Core"]["average_order_value"], 300000.0)
        self.assertAlmostEqual(tiers["Core"]["customer_share"], 1 / 3)
        self.assertEqual(tiers["Core"]["color"], self._get_tier("Core").color)
        self.assertEqual(tiers["General"]["revenue_share"], 0.0625)

    def test_parts_sum_to_total(self):
        self._sell()
        share = self._get_share()
        tiers, total = share["tiers"], share["total"]
        for name in ("customers", "revenue", "orders"):
            self.assertEqual(sum(tier[name] for tier in tiers), total[name])
        for name in ("customer_share", "revenue_share"):
            self.assertAlmostEqual(sum(tier[name] for tier in tiers), 1.0)
        self.assertEqual(total["revenue"], 800000.0)
        self.assertEqual(total["average_order_value"], 200000.0)

    def test_tiers_of_most_revenue_come_first_and_empty_ones_are_shown(self):
        self._sell()
        names = [tier["name"] for tier in self._get_share()["tiers"]]
        self.assertEqual(names[:3], ["Core", "Potential", "General"])
        self.assertEqual(set(names), set(self.policy.tier_ids.mapped("name")))
        self.assertIsNone(self._get_tiers()["Lost"]["average_order_value"])

    def test_window_and_day_are_told(self):
        self._sell()
        share = self._get_share()
        self.assertEqual(share["as_of"], "2026-03-31")
        self.assertEqual(share["policy"]["window_months"], 12)
        self.assertEqual(share["currency_id"], self.cny.id)

    def test_other_company_is_not_counted(self):
        self._sell()
        self.assertEqual(self._get_share(self.user_rep_us)["total"]["revenue"], 999.0)
        both = self._get_share(self.user_rep_both)
        self.assertEqual(both["total"]["revenue"], 800000.0)
        self.assertEqual(both["company"], "Trade China")

    def test_customers_without_tier_come_last(self):
        self._sell()
        self._get_tier("General").unlink()
        self._get_profile(self.general).env["trade.customer.profile"]._rebuild_companies(
            self.company_cn, "policy"
        )
        last = self._get_share()["tiers"][-1]
        self.assertEqual((last["id"], last["customers"], last["revenue"]), (False, 1, 50000.0))
        self.assertEqual(self._find_partners(False), self.general)

    def test_negative_revenue_has_no_shares(self):
        self._make_history(self.customer, -100.0)
        self._run_job()
        share = self._get_share()
        self.assertEqual(share["total"]["revenue"], -100.0)
        self.assertEqual({tier["revenue_share"] for tier in share["tiers"]}, {None})

    def test_negative_tier_is_a_negative_share(self):
        self._make_history(self._make_customer("Returns"), -100.0, day="2026-03-01")
        self._make_history(self._make_customer("Old"), 500.0, day="2025-05-01")
        self._run_job()
        shares = {name: tier["revenue_share"] for name, tier in self._get_tiers().items()}
        self.assertEqual((shares["New"], shares["Dormant"]), (-0.25, 1.25))

    def test_database_without_customers(self):
        share = self._get_share()
        self.assertEqual(share["total"]["customers"], 0)
        self.assertIsNone(share["total"]["average_order_value"])
        self.assertEqual({tier["customer_share"] for tier in share["tiers"]}, {None})

    def test_company_without_policy(self):
        self.policy.active = False
        self.assertFalse(self._get_share()["policy"])
        self.assertTrue(self._get_share(self.user_manager)["may_configure"])

    def test_tier_opens_its_customers(self):
        self._sell()
        self._make_contact("Mr. Li", self.core)
        self.assertEqual(self._find_partners(self._get_tier("Core").id), self.core)
        self.core.active = False
        self.assertEqual(self._find_partners(self._get_tier("Core").id), self.core)
        self.assertFalse(self._find_partners(self._get_tier("Lost").id))

    def test_every_role_sees_it_and_nobody_else(self):
        self._sell()
        for user in (
            self.user_rep,
            self.user_manager,
            self.user_marketer,
            self.user_agent,
            self.user_auditor,
        ):
            share = self._get_share(user)
            self.assertEqual(share["total"]["customers"], 3)
            self.assertEqual(share["may_configure"], user == self.user_manager)
        with self.assertRaises(AccessError):
            self._get_share(self.user_outsider)

    def test_number_of_queries_does_not_grow(self):
        for number in range(30):
            self._make_history(self._make_customer(f"Shop {number}"), 20000.0 * number)
        self._run_job()
        self._get_share()
        self.env.invalidate_all()
        with self.assertQueryCount(10):
            self._get_share()
