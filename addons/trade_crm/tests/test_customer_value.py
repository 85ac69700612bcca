from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .value_common import ValueCommon


@tagged("post_install", "-at_install")
class TestCustomerValue(ValueCommon):
    """Each rule on cases small enough for mental arithmetic. It is 2026-03-31."""

    def _buy(self, *purchases, partner=None):
        """Purchases as (day, amount)."""
        for day, amount in purchases:
            self._make_history(partner or self.customer, amount, day=day)

    # ------------------------------------------------------------------
    # Matrix and bands
    # ------------------------------------------------------------------

    def test_four_quadrants(self):
        """Limits: 10,000 per order, 6 orders in 12 months."""
        months = [f"2025-{month:02}-15" for month in range(7, 13)]
        cases = {
            "best": [(day, 10000.0) for day in months],
            "spender": [(day, 10000.0) for day in months[:5]],
            "frequent": [(day, 9999.99) for day in months],
            "uncertain": [(day, 9999.99) for day in months[:5]],
        }
        for quadrant, purchases in cases.items():
            partner = self._make_customer(quadrant)
            self._buy(*purchases, partner=partner)
            self.assertProfile(partner, matrix_quadrant=quadrant)

    def test_matrix_is_of_the_window(self):
        """The large order of 2025-03-31 is no longer within 12 months, that of a day later is."""
        other = self._make_customer("Later")
        self._buy(("2025-03-31", 50000.0), ("2026-03-01", 100.0))
        self._buy(("2025-04-01", 50000.0), ("2026-03-01", 100.0), partner=other)
        self.assertProfile(
            self.customer, matrix_quadrant="uncertain", window_average_order_value=100.0
        )
        self.assertProfile(other, matrix_quadrant="spender", window_average_order_value=25050.0)

    def test_parts_of_uncertain(self):
        cases = {
            "new": [("2026-01-01", 100.0)],
            "steady": [("2025-06-01", 100.0), ("2026-01-01", 100.0)],
            "gone": [("2025-09-30", 100.0)],
        }
        for segment, purchases in cases.items():
            partner = self._make_customer(segment)
            self._buy(*purchases, partner=partner)
            self.assertProfile(partner, matrix_quadrant="uncertain", matrix_segment=segment)

    def test_other_quadrants_have_no_parts(self):
        self._buy(("2026-01-01", 10000.0))
        self.assertProfile(self.customer, matrix_quadrant="spender", matrix_segment=False)

    def test_never_bought_has_no_value(self):
        self.customer.customer_rank = 1
        self.assertProfile(
            self.customer,
            matrix_quadrant=False,
            matrix_segment=False,
            value_band=False,
            lifecycle_status="prospect",
            purchase_pattern="never",
            potential_high_value=False,
            ladder_step=0,
            step_days=False,
        )

    def test_bands_need_amount_and_frequency(self):
        """High from 500,000 and 4 orders, middle from 100,000 and 2 orders."""
        days = ["2025-10-01", "2025-12-01", "2026-01-01", "2026-02-01"]
        cases = {
            "high": [(day, 125000.0) for day in days],
            "middle": [(day, 400000.0) for day in days[:3]],
            "low": [(days[0], 900000.0)],
        }
        for band, purchases in cases.items():
            partner = self._make_customer(band)
            self._buy(*purchases, partner=partner)
            self.assertProfile(partner, value_band=band)

    def test_limit_of_a_band_that_is_not_used(self):
        self.policy.write(
            {"band_high_revenue": 0.0, "band_high_orders": 2, "band_middle_revenue": 0.0}
        )
        self._buy(("2026-01-01", 1.0), ("2026-02-01", -5.0))
        self._rebuild_all_now()
        self.assertProfile(self.customer, value_band="high")

    def _rebuild_all_now(self):
        self.env.flush_all()
        self.env["trade.customer.profile"]._rebuild_companies()

    # ------------------------------------------------------------------
    # Lifecycle
    # ------------------------------------------------------------------

    def _get_status(self, *purchases):
        partner = self._make_customer("Status")
        self._buy(*purchases, partner=partner)
        self._run_job()
        return self._get_profile(partner).lifecycle_status

    def test_new_stable_dormant_lost(self):
        self.assertEqual(self._get_status(("2026-01-01", 100.0)), "new")
        self.assertEqual(self._get_status(("2025-12-31", 100.0)), "stable")
        self.assertEqual(self._get_status(("2025-10-01", 100.0)), "stable")
        self.assertEqual(self._get_status(("2025-09-30", 100.0)), "dormant")
        self.assertEqual(self._get_status(("2025-04-01", 100.0)), "dormant")
        self.assertEqual(self._get_status(("2025-03-31", 100.0)), "lost")

    def test_growing_and_slipping_by_revenue(self):
        """20 % more or less is no change yet. The purchases are too few for a rhythm."""
        for recent, status in (
            (80.0, "stable"),
            (79.0, "slipping"),
            (120.0, "stable"),
            (121.0, "growing"),
        ):
            with self.subTest(recent=recent):
                purchases = (("2025-03-01", 500.0), ("2025-09-01", 100.0), ("2026-02-25", recent))
                # 2025-03-01 is beyond both periods; it makes the customer old enough.
                self.policy.slip_factor = 20.0
                self.assertEqual(self._get_status(*purchases), status)

    def test_no_trend_before_two_periods(self):
        later = (("2025-09-01", 900.0), ("2026-02-01", 1.0))
        self.assertEqual(self._get_status(("2025-04-01", 100.0), *later), "stable")
        self.assertEqual(self._get_status(("2025-03-31", 100.0), *later), "slipping")

    def test_slipping_by_own_rhythm(self):
        """Every 10 days; more than 20 days without a purchase is late."""
        for last, status in (("2026-03-11", "stable"), ("2026-03-10", "slipping")):
            with self.subTest(last=last):
                day = self.env["res.partner"]._fields["trade_last_order_date"].to_date(last)
                days = [str(day.fromordinal(day.toordinal() - 10 * n)) for n in range(12)]
                self.assertEqual(self._get_status(*((day, 10.0) for day in days)), status)

    def test_two_days_make_no_rhythm(self):
        self.assertEqual(self._get_status(("2025-12-01", 10.0), ("2025-12-05", 10.0)), "stable")

    def test_won_back(self):
        """Six months without a purchase, then one within the last three months."""
        self.assertEqual(self._get_status(("2025-07-01", 10.0), ("2026-01-01", 10.0)), "won_back")
        self.assertEqual(self._get_status(("2025-07-02", 10.0), ("2026-01-01", 10.0)), "stable")
        self.assertEqual(
            self._get_status(("2025-04-01", 10.0), ("2025-12-31", 10.0), ("2026-03-01", 10.0)),
            "stable",
        )

    def test_time_alone_makes_dormant_and_lost(self):
        self._buy(("2026-03-01", 100.0))
        self.assertProfile(self.customer, lifecycle_status="new", next_change_on="2026-06-01")
        for moment, status, due in (
            ("2026-06-01 04:00:00", "stable", "2026-09-01"),
            ("2026-09-01 04:00:00", "dormant", "2027-03-01"),
            ("2027-03-01 04:00:00", "lost", False),
        ):
            self.clock.move_to(moment)
            self.assertProfile(self.customer, lifecycle_status=status, next_change_on=due)

    def test_reasons_say_the_numbers(self):
        purchases = {
            "new": (("2026-01-01", 100.0),),
            "lost": (("2025-01-01", 100.0),),
            "won_back": (("2025-07-01", 10.0), ("2026-01-01", 10.0)),
            "growing": (("2025-03-01", 1.0), ("2025-09-01", 100.0), ("2026-02-25", 300.0)),
        }
        words = {
            "new": "01/01/2026, within 3 months",
            "lost": "No purchase for 12 months; the last one was on 01/01/2025",
            "won_back": "Bought again on 01/01/2026 after 6 months",
            "growing": "of the last 6 months is ¥",
        }
        self.policy.slip_factor = 20.0
        for status, rows in purchases.items():
            partner = self._make_customer(status)
            self._buy(*rows, partner=partner)
            self._run_job()
            profile = self._get_profile(partner)
            self.assertEqual(profile.lifecycle_status, status)
            self.assertIn(words[status], profile.lifecycle_reason.replace("\N{NO-BREAK SPACE}", ""))

    def test_reason_of_a_late_customer(self):
        self._buy(("2026-01-01", 1.0), ("2026-01-11", 1.0), ("2026-01-21", 1.0))
        self.policy.lifecycle_new_months = 1
        self._rebuild_all_now()
        profile = self._get_profile(self.customer)
        self.assertEqual(profile.lifecycle_status, "slipping")
        self.assertEqual(
            profile.lifecycle_reason, "No purchase for 69 days; the purchase cycle is 10 days"
        )

    # ------------------------------------------------------------------
    # Pattern and potential
    # ------------------------------------------------------------------

    def test_patterns(self):
        cases = {
            "bulk_once": [("2025-06-01", 40000.0), ("2026-01-01", 60000.0)],
            "bulk_repeated": [
                ("2025-05-01", 50000.0),
                ("2025-09-01", 50000.0),
                ("2026-01-01", 50000.0),
            ],
            "continuous": [(f"2025-{month}-01", 90000.0) for month in (10, 11, 12)]
            + [("2026-01-01", 9.0)],
            "occasional": [("2025-11-01", 49999.0), ("2026-01-01", 50000.0)],
        }
        for pattern, purchases in cases.items():
            partner = self._make_customer(pattern)
            self._buy(*purchases, partner=partner)
            self.assertProfile(partner, purchase_pattern=pattern)

    def test_four_orders_on_three_days_are_not_continuous(self):
        self._buy(*((day, 5.0) for day in ("2026-01-01", "2026-01-01", "2026-02-01", "2026-03-01")))
        self.assertProfile(self.customer, purchase_pattern="occasional", ladder_step=4)

    def test_likely_high_value(self):
        """New, two orders of 10,000 or more on average within 60 days."""
        cases = {
            "likely": ([("2026-01-10", 12000.0), ("2026-02-10", 8000.0)], True),
            "small orders": ([("2026-01-10", 9000.0), ("2026-02-10", 9000.0)], False),
            "one order": ([("2026-02-10", 90000.0)], False),
            "seldom": ([("2026-01-01", 50000.0), ("2026-03-03", 50000.0)], False),
            "old": ([("2025-11-01", 50000.0), ("2025-12-01", 50000.0)], False),
            "high already": ([(f"2026-03-0{day}", 200000.0) for day in (1, 2, 3, 4)], False),
        }
        for name, (purchases, likely) in cases.items():
            partner = self._make_customer(name)
            self._buy(*purchases, partner=partner)
            self._run_job()
            profile = self._get_profile(partner)
            self.assertEqual(profile.potential_high_value, likely, name)
            self.assertEqual(bool(profile.potential_reason), likely, name)
        reason = self._get_profile(
            self.env["res.partner"].search([("name", "=", "likely")])
        ).potential_reason
        for words in ("New, 2 orders of", "10,000.00", "one every 31 days"):
            self.assertIn(words, reason)

    # ------------------------------------------------------------------
    # Ladder
    # ------------------------------------------------------------------

    def test_days_between_orders(self):
        self._buy(*((day, 5.0) for day in ("2026-03-01", "2026-01-01", "2026-01-01", "2026-01-11")))
        self.assertProfile(self.customer, ladder_step=4, step_days=[0, 10, 49])

    def test_ladder_ends_at_the_twelfth_order(self):
        self._buy(*((f"2026-01-{day:02}", 5.0) for day in range(1, 15)))
        self.assertProfile(self.customer, order_count=14, ladder_step=12, step_days=[1] * 11)

    def test_sale_orders_climb_too(self):
        self._make_history(self.customer, day="2026-01-01")
        self._make_order(self.contact, day="2026-01-31")
        self._make_order(self.customer, day="2026-02-10", confirm=False)
        self.assertProfile(self.customer, ladder_step=2, step_days=[30])

    # ------------------------------------------------------------------
    # Policy
    # ------------------------------------------------------------------

    def test_limits_are_those_of_the_company(self):
        self.policy_us.matrix_order_value = 50.0
        for company in self.company_cn | self.company_us:
            self._make_history(self.customer, 100.0, company=company)
        self._rebuild_all_now()
        self.assertProfile(self.customer, matrix_quadrant="uncertain")
        self.assertProfile(self.customer, self.company_us, matrix_quadrant="spender")

    def test_change_of_a_limit_has_the_company_rebuilt(self):
        self._commit()
        self.env["trade.profile.dirty"].search([]).unlink()
        self.policy.matrix_order_value = 5.0
        self._commit()
        self.assertEqual(self.env["trade.profile.dirty"]._get_whole_companies(), self.company_cn)

    def test_limits_that_contradict_each_other(self):
        for values in (
            {"band_high_revenue": 50.0},
            {"band_high_orders": 1},
            {"lifecycle_dormant_months": 12},
        ):
            with self.subTest(**values), self.assertRaises(ValidationError):
                self.policy.write(values)
        for values in (
            {"ladder_stable_step": 13},
            {"ladder_stable_step": 1},
            {"trend_months": 0},
            {"potential_orders": -1},
        ):
            with self.subTest(**values), mute_logger("odoo.sql_db"):
                with self.assertRaises(IntegrityError), self.cr.savepoint():
                    self.policy.write(values)
                    self.policy.flush_recordset()
                self.policy.invalidate_recordset()

    def test_rep_may_not_set_limits(self):
        with self.assertRaises(AccessError):
            self.policy.with_user(self.user_rep).matrix_order_count = 1

    def test_refresh_of_one_customer_reads_no_policy(self):
        """What confirming an order costs: no query but the statement and its lock."""
        self._buy(("2026-03-01", 100.0))
        self._run_job()
        profiles = self.env["trade.customer.profile"]
        profiles._get_policies()
        with self.assertQueryCount(1):
            profiles._rebuild_pairs({(self.customer.id, self.company_cn.id): "order"})

    # ------------------------------------------------------------------
    # Partner
    # ------------------------------------------------------------------

    def test_partner_searches_and_groups(self):
        self._buy(("2026-01-01", 20000.0))
        self._run_job()
        partners = self._as("res.partner", self.user_rep)
        partner = partners.browse(self.customer.id)
        self.assertEqual(partner.trade_matrix_quadrant, "spender")
        self.assertEqual(partner.trade_lifecycle_status, "new")
        self.assertEqual(partner.trade_purchase_pattern, "occasional")
        self.assertIn(partner, partners.search([("trade_value_band", "=", "low")]))
        self.assertNotIn(partner, partners.search([("trade_lifecycle_status", "=", "lost")]))
        groups = dict(
            partners._read_group([("id", "=", partner.id)], ["trade_matrix_quadrant"], ["__count"])
        )
        self.assertEqual(groups, {"spender": 1})

    # ------------------------------------------------------------------
    # Measures
    # ------------------------------------------------------------------

    def test_every_status_has_a_measure(self):
        measures = self.env["trade.lifecycle.measure"].search(
            [("company_id", "=", self.company_cn.id)]
        )
        statuses = dict(self.env["trade.customer.profile"]._fields["lifecycle_status"].selection)
        self.assertEqual(set(measures.mapped("status")), set(statuses))
        self.assertTrue(all(measures.mapped("measure")))

    def test_measure_is_that_of_company_and_status(self):
        measures = self.env["trade.lifecycle.measure"]
        mine = measures.search([("company_id", "=", self.company_cn.id), ("status", "=", "new")])
        mine.measure = "Send the sample box"
        for company in self.company_cn | self.company_us:
            self._make_history(self.customer, company=company)
        self._run_job()
        partner = self._as("res.partner", self.user_rep).browse(self.customer.id)
        self.assertEqual(partner.trade_lifecycle_measure, "Send the sample box")
        self.assertNotEqual(
            self._get_profile(self.customer, self.company_us).lifecycle_measure,
            "Send the sample box",
        )

    def test_measures_are_made_once_and_edits_stay(self):
        measures = self.env["trade.lifecycle.measure"]
        mine = measures.search([("company_id", "=", self.company_cn.id)])
        mine[0].measure = "Ours"
        mine[1].unlink()
        made = measures._create_default(self.company_cn)
        self.assertEqual(len(made), 1)
        self.assertEqual(mine[0].measure, "Ours")

    def test_one_measure_per_status(self):
        with mute_logger("odoo.sql_db"), self.assertRaises(IntegrityError), self.cr.savepoint():
            self.env["trade.lifecycle.measure"].create(
                {"company_id": self.company_cn.id, "status": "new", "measure": "Twice"}
            )

    def test_measure_opens_its_customers(self):
        self._make_history(self.customer, day="2026-03-01")
        self._make_history(self._make_customer("Old"), day="2025-01-01")
        self._run_job()
        measure = self._as("trade.lifecycle.measure", self.user_rep).search(
            [("status", "=", "new")]
        )
        self.assertEqual(measure.profile_count, 1)
        self.assertEqual(self._find_partners(measure.action_view_partners()), self.customer)

    def test_managers_edit_measures(self):
        measure = self._as("trade.lifecycle.measure", self.user_rep).search([], limit=1)
        with self.assertRaises(AccessError):
            measure.measure = "Nothing"
        measure.with_user(self.user_manager).measure = "Call them"
        self.assertEqual(measure.measure, "Call them")
        foreign = self.env["trade.lifecycle.measure"].search(
            [("company_id", "=", self.company_us.id)]
        )
        with self.assertRaises(AccessError):
            foreign[0].with_user(self.user_manager).read(["measure"])
