from odoo.exceptions import AccessError, ValidationError
from odoo.tests import tagged

from .value_common import ValueCommon


@tagged("post_install", "-at_install")
class TestValueMatrix(ValueCommon):
    """The picture of the value matrix."""

    def _get_matrix(self, user=None):
        return self._as("trade.customer.profile", user or self.user_rep).get_value_matrix()

    def _get_quadrants(self, user=None):
        return {quadrant["key"]: quadrant for quadrant in self._get_matrix(user)["quadrants"]}

    def _open(self, quadrant, segment=False):
        profiles = self._as("trade.customer.profile", self.user_rep)
        return self._find_partners(profiles.action_view_matrix_partners(quadrant, segment))

    def _sell(self):
        self.spender, self.new, self.gone = (
            self._make_customer(name) for name in ("Spender", "New", "Gone")
        )
        self._make_history(self.spender, 30000.0, day="2026-01-01")
        self._make_history(self.new, 6000.0, day="2026-03-01")
        self._make_history(self.new, 2000.0, day="2026-03-02")
        self._make_history(self.gone, 2000.0, day="2025-08-01")
        self._make_history(self.gone, 77.0, company=self.company_us)
        self.customer.customer_rank = 1
        self._run_job()

    def test_parts_sum_to_total(self):
        self._sell()
        matrix = self._get_matrix()
        total = matrix["total"]
        self.assertEqual((total["customers"], total["revenue"], total["orders"]), (3, 40000.0, 4))
        for parts, whole in (
            (matrix["quadrants"], total),
            (self._get_quadrants()["uncertain"]["segments"], self._get_quadrants()["uncertain"]),
        ):
            for name in ("customers", "revenue", "orders"):
                self.assertEqual(sum(part[name] for part in parts), whole[name], name)
        for name in ("customer_share", "revenue_share"):
            self.assertAlmostEqual(sum(part[name] for part in matrix["quadrants"]), 1.0)

    def test_numbers_of_a_quadrant(self):
        self._sell()
        quadrants = self._get_quadrants()
        self.assertEqual(quadrants["spender"]["revenue_share"], 0.75)
        self.assertEqual(quadrants["uncertain"]["customers"], 2)
        self.assertAlmostEqual(quadrants["uncertain"]["average_order_value"], 10000 / 3)
        segments = {part["key"]: part["customers"] for part in quadrants["uncertain"]["segments"]}
        self.assertEqual(segments, {"new": 1, "steady": 0, "gone": 1})
        self.assertEqual(quadrants["best"]["segments"], [])
        self.assertIsNone(quadrants["best"]["average_order_value"])

    def test_quadrants_open_their_customers(self):
        self._sell()
        self.assertEqual(self._open("spender"), self.spender)
        self.assertEqual(self._open("uncertain"), self.new | self.gone)
        self.assertEqual(self._open("uncertain", "gone"), self.gone)
        self.assertFalse(self._open("best"))

    def test_never_bought_are_counted_apart(self):
        before = self._get_matrix()["prospects"]
        self._sell()
        self.assertEqual(self._get_matrix()["prospects"], before + 1)

    def test_other_company(self):
        self._sell()
        matrix = self._get_matrix(self.user_rep_us)
        self.assertEqual(matrix["total"]["revenue"], 77.0)
        self.assertEqual(matrix["currency_id"], self.usd.id)

    def test_empty_company(self):
        matrix = self._get_matrix()
        self.assertEqual(matrix["total"]["customers"], 0)
        self.assertEqual([part["customer_share"] for part in matrix["quadrants"]], [None] * 4)
        self.assertEqual([part["revenue_share"] for part in matrix["quadrants"]], [None] * 4)

    def test_one_customer(self):
        self._make_history(self.customer, 100.0)
        self._run_job()
        quadrants = self._get_quadrants()
        self.assertEqual(quadrants["uncertain"]["customer_share"], 1.0)
        self.assertEqual(quadrants["uncertain"]["revenue_share"], 1.0)

    def test_all_customers_equal(self):
        for number in range(5):
            self._make_history(self._make_customer(f"Twin {number}"), 100.0)
        self._run_job()
        self.assertEqual(self._get_quadrants()["uncertain"]["customers"], 5)

    def test_a_year_without_orders(self):
        self._make_history(self.customer, 100.0, day="2024-06-01")
        self._run_job()
        matrix = self._get_matrix()
        self.assertEqual((matrix["total"]["customers"], matrix["total"]["revenue"]), (1, 0.0))
        self.assertIsNone(self._get_quadrants()["uncertain"]["revenue_share"])

    def test_without_policy(self):
        self._make_history(self.customer, 100.0)
        self._run_job()
        self.policy.active = False
        self.assertFalse(self._get_matrix()["policy"])
        self.assertFalse(self._get_matrix()["may_configure"])

    def test_company_that_waits_for_its_first_computation(self):
        self._make_history(self.customer, 100.0)
        self._run_job()
        self.env.cr.execute("UPDATE trade_customer_profile SET matrix_quadrant = NULL")
        self.assertEqual(self._get_matrix()["uncomputed"], 1)

    def test_roles(self):
        for user in (self.user_rep, self.user_marketer, self.user_agent, self.user_auditor):
            self.assertTrue(self._get_matrix(user))
        with self.assertRaises(AccessError):
            self._get_matrix(self.user_outsider)


@tagged("post_install", "-at_install")
class TestOrderLadder(ValueCommon):
    """The picture of the order ladder.

    One customer stopped at order 1 and is lost, one at order 1 and may come back, one at order 3.
    """

    def _sell(self):
        self.lost, self.waiting, self.third = (
            self._make_customer(name) for name in ("Lost", "Waiting", "Third")
        )
        self.third.write({"country_id": self.env.ref("base.cn").id, "user_id": self.user_rep.id})
        self._make_history(self.lost, day="2024-06-01")
        self._make_history(self.waiting, day="2026-03-01")
        for day in ("2025-12-01", "2025-12-11", "2026-03-01"):
            self._make_history(self.third, 20000.0, day=day)
        self._run_job()

    def _get_ladder(self, user=None, **options):
        return self._as("trade.customer.profile", user or self.user_rep).get_order_ladder(**options)

    def _open(self, step, **options):
        profiles = self._as("trade.customer.profile", self.user_rep)
        return self._find_partners(profiles.action_view_ladder_partners(step, **options))

    def test_rungs(self):
        self._sell()
        steps = self._get_ladder()["steps"]
        self.assertEqual([rung["reached"] for rung in steps[:4]], [3, 1, 1, 0])
        self.assertEqual((steps[0]["moved"], steps[0]["waiting"], steps[0]["gone"]), (1, 1, 1))
        self.assertAlmostEqual(steps[1]["expected"], 2 / 3)
        self.assertEqual([rung["mean_days"] for rung in steps[:4]], [None, 10.0, 80.0, None])
        self.assertEqual([rung["median_days"] for rung in steps[:4]], [None, 10.0, 80.0, None])

    def test_every_customer_is_somewhere(self):
        self._sell()
        ladder = self._get_ladder()
        stopped = sum(rung["waiting"] + rung["gone"] for rung in ladder["steps"])
        self.assertEqual(stopped, 3)
        self.assertEqual(ladder["customers"], 3)
        for group_by in ("tier", "quadrant", "country", "salesperson", "year"):
            segments = self._get_ladder(group_by=group_by)["segments"]
            self.assertEqual(sum(segment["customers"] for segment in segments), 3, group_by)
            for step in range(12):
                reached = sum(segment["reached"][step] for segment in segments)
                self.assertEqual(reached, ladder["steps"][step]["reached"], group_by)

    def test_where_most_are_gone(self):
        self._sell()
        self.assertEqual(self._get_ladder()["worst_step"], 1)
        self.assertIsNone(self._get_ladder(year=2025)["worst_step"])

    def test_stable_step_is_a_setting(self):
        self.assertEqual(self._get_ladder()["stable_step"], 9)
        self.policy.ladder_stable_step = 5
        self.assertEqual(self._get_ladder()["stable_step"], 5)

    def test_period_of_the_first_order(self):
        self._sell()
        self.assertEqual(
            [(year["year"], year["customers"]) for year in self._get_ladder(year=2025)["years"]],
            [(2026, 1), (2025, 1), (2024, 1)],
        )
        self.assertEqual(self._get_ladder(year=2024)["steps"][0]["reached"], 1)
        self.assertEqual(self._get_ladder(year=2023)["customers"], 0)
        self.assertEqual(self._open(1, year=2024), self.lost)

    def test_segment(self):
        self._sell()
        china = self.env.ref("base.cn")
        ladder = self._get_ladder(group_by="country", value=china.id)
        self.assertEqual([rung["reached"] for rung in ladder["steps"][:3]], [1, 1, 1])
        self.assertEqual(len(ladder["segments"]), 2)
        self.assertEqual(self._get_ladder(group_by="country", value=False)["customers"], 2)
        self.assertEqual(
            self._get_ladder(group_by="salesperson", value=self.user_rep.id)["customers"], 1
        )
        self.assertEqual(self._get_ladder(group_by="quadrant", value="spender")["customers"], 1)
        self.assertEqual(
            self._get_ladder(group_by="year", value=2025)["steps"][2]["median_days"], 80.0
        )
        self.assertEqual(
            self._get_ladder(group_by="year", value=2024)["steps"][2]["median_days"], None
        )

    def test_steps_open_who_stopped_there(self):
        self._sell()
        self.assertEqual(self._open(1), self.lost | self.waiting)
        self.assertEqual(self._open(1, gone=True), self.lost)
        self.assertEqual(self._open(1, gone=False), self.waiting)
        self.assertEqual(self._open(3), self.third)
        self.assertFalse(self._open(2))
        tier = self._get_profile(self.lost).tier_id
        self.assertEqual(self._open(1, group_by="tier", value=tier.id), self.lost)
        self.assertEqual(self._open(1, group_by="country", value=False), self.lost | self.waiting)
        self.assertEqual(self._open(1, group_by="year", value=2026), self.waiting)

    def test_last_step_holds_all_beyond_it(self):
        for day in range(1, 16):
            self._make_history(self.customer, day=f"2026-01-{day:02}")
        self._run_job()
        ladder = self._get_ladder()
        self.assertEqual(ladder["steps"][-1]["reached"], 1)
        self.assertEqual(self._open(12), self.customer)

    def test_small_segments_are_added_up(self):
        countries = self.env["res.country"].search([], limit=14)
        for country in countries:
            partner = self._make_customer(country.name)
            partner.country_id = country
            self._make_history(partner)
        self._run_job()
        segments = self._get_ladder(group_by="country")["segments"]
        self.assertEqual(len(segments), 13)
        self.assertEqual((segments[-1]["value"], segments[-1]["customers"]), (None, 2))

    def test_empty_company(self):
        ladder = self._get_ladder()
        self.assertEqual((ladder["customers"], ladder["years"], ladder["segments"]), (0, [], []))
        self.assertEqual({rung["share"] for rung in ladder["steps"]}, {None})

    def test_all_customers_equal(self):
        for number in range(4):
            partner = self._make_customer(f"Twin {number}")
            self._make_history(partner, day="2026-01-01")
            self._make_history(partner, day="2026-01-31")
        self._run_job()
        steps = self._get_ladder()["steps"]
        self.assertEqual([rung["reached"] for rung in steps[:3]], [4, 4, 0])
        self.assertEqual((steps[1]["mean_days"], steps[1]["median_days"]), (30.0, 30.0))

    def test_a_year_without_orders(self):
        self._make_history(self.customer, day="2024-06-01")
        self._run_job()
        ladder = self._get_ladder()
        self.assertEqual((ladder["customers"], ladder["worst_step"]), (1, 1))

    def test_unknown_group_is_told(self):
        with self.assertRaises(ValidationError):
            self._get_ladder(group_by="password")

    def test_roles(self):
        self._sell()
        for user in (self.user_rep, self.user_marketer, self.user_agent, self.user_auditor):
            self.assertEqual(self._get_ladder(user)["customers"], 3)
        self.assertEqual(self._get_ladder(self.user_rep_us)["customers"], 0)
        with self.assertRaises(AccessError):
            self._get_ladder(self.user_outsider)
