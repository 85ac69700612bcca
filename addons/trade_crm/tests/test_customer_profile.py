from odoo.fields import Command
from odoo.tests import tagged

from .common import TODAY, TradeCrmCommon


@tagged("post_install", "-at_install")
class TestCustomerProfile(TradeCrmCommon):
    """Each column on cases that are small enough for mental arithmetic."""

    # ------------------------------------------------------------------
    # Dates
    # ------------------------------------------------------------------

    def test_day_of_order_is_that_of_the_company(self):
        """16:30 in UTC is past midnight in Shanghai and before noon in New York."""
        moments = {self.company_cn: "2026-02-11 00:30:00", self.company_us: "2026-02-10 11:30:00"}
        for company, moment in moments.items():
            order = self._make_order(self.customer, company=company, day=moment)
            self.assertEqual(str(order.date_order), "2026-02-10 16:30:00")
        self.assertProfile(
            self.customer, first_order_date="2026-02-11", last_order_date="2026-02-11"
        )
        self.assertProfile(
            self.customer,
            self.company_us,
            first_order_date="2026-02-10",
            last_order_date="2026-02-10",
        )

    def test_last_second_and_first_second_of_a_day(self):
        self._make_order(self.customer, day="2026-02-10 23:59:59")
        self._make_order(self.customer, day="2026-02-11 00:00:00")
        self.assertProfile(
            self.customer,
            first_order_date="2026-02-10",
            last_order_date="2026-02-11",
            gap_mean_days=1.0,
        )

    def test_day_of_order_in_summer_time(self):
        """New York is 4 hours behind UTC in July and 5 in January."""
        for moment in ("2025-07-01 23:30:00", "2026-01-01 23:30:00"):
            self._make_order(self.customer, company=self.company_us, day=moment)
        self.assertProfile(
            self.customer,
            self.company_us,
            first_order_date="2025-07-01",
            last_order_date="2026-01-01",
        )

    def test_change_of_time_zone_moves_days(self):
        self._make_order(self.customer, day="2026-02-11 00:30:00")
        self.assertProfile(self.customer, last_order_date="2026-02-11")
        self.company_cn.trade_tz = "UTC"
        self._commit()
        waiting = self.env["trade.profile.dirty"]._get_whole_companies()
        self.assertIn(self.company_cn, waiting)
        self.env["trade.customer.profile"]._rebuild_companies(waiting, "policy")
        self.assertProfile(self.customer, last_order_date="2026-02-10")

    def test_recency_counts_days_of_the_company(self):
        """It is March 31 in Shanghai at noon and at midnight in New York."""
        self._make_order(self.customer, day="2026-03-01")
        self._make_order(self.customer, day="2026-03-01", company=self.company_us)
        self.assertProfile(self.customer, recency_days=30)
        self.assertProfile(self.customer, self.company_us, recency_days=30)
        self.clock.move_to("2026-03-31 03:00:00")
        self.env.invalidate_all()
        self.assertEqual(self._get_profile(self.customer).recency_days, 30)
        self.assertEqual(self._get_profile(self.customer, self.company_us).recency_days, 29)

    # ------------------------------------------------------------------
    # Orders and revenue
    # ------------------------------------------------------------------

    def test_only_confirmed_orders_count(self):
        self._make_order(self.customer, 100.0)
        self._make_order(self.customer, 250.0, confirm=False)
        sent = self._make_order(self.customer, 500.0, confirm=False)
        sent.action_quotation_sent()
        self._cancel(self._make_order(self.customer, 1000.0))
        self.assertProfile(self.customer, order_count=1, revenue=100.0, average_order_value=100.0)

    def test_quotation_makes_a_customer_that_never_bought(self):
        self._make_order(self.customer, confirm=False)
        self.assertProfile(
            self.customer,
            tier_id="Never bought",
            order_count=0,
            revenue=0.0,
            margin=0.0,
            first_order_date=False,
            last_order_date=False,
            window_revenue=0.0,
            window_order_count=0,
            next_change_on=False,
            next_order_date=False,
        )

    def test_revenue_is_net_of_tax(self):
        tax = self.env["account.tax"].create(
            {"name": "VAT 13", "amount": 13.0, "company_id": self.company_cn.id}
        )
        order = self._make_order(
            self.customer,
            [{"price_unit": 100.0, "product_uom_qty": 3, "tax_ids": [Command.set(tax.ids)]}],
        )
        self.assertEqual(order.amount_total, 339.0)
        self.assertProfile(self.customer, revenue=300.0, window_revenue=300.0)

    def test_currency_at_the_rate_of_each_order(self):
        """80 EUR are 640 CNY at 0.125 in 2025 and 500 CNY at 0.16 in 2026."""
        self._make_order(self.customer, 80.0, day="2025-12-30", currency=self.eur)
        self._make_order(self.customer, 80.0, day="2026-01-02", currency=self.eur)
        self._make_order(self.customer, 60.0, day="2026-01-03")
        self.assertProfile(self.customer, order_count=3, revenue=1200.0, average_order_value=400.0)

    def test_each_order_is_rounded_in_company_currency(self):
        """0.01 EUR at 0.16 are 0.0625 CNY: three orders are three times 0.06."""
        for day in ("2026-01-05", "2026-01-06", "2026-01-07"):
            self._make_order(self.customer, 0.01, day=day, currency=self.eur)
        self.assertProfile(self.customer, revenue=0.18, average_order_value=0.06)

    def test_later_rate_changes_nothing(self):
        self._make_order(self.customer, 80.0, day="2026-01-02", currency=self.eur)
        self.assertProfile(self.customer, revenue=500.0)
        self.env["res.currency.rate"].create(
            {
                "currency_id": self.eur.id,
                "company_id": self.company_cn.id,
                "name": "2026-02-01",
                "company_rate": 0.5,
            }
        )
        self.env["trade.customer.profile"]._rebuild_companies()
        self.assertProfile(self.customer, revenue=500.0)

    def test_average_order_value_is_rounded(self):
        for day, amount in (("2026-03-01", 10.0), ("2026-03-02", 10.0), ("2026-03-03", 0.01)):
            self._make_order(self.customer, amount, day=day)
        self.assertProfile(self.customer, revenue=20.01, average_order_value=6.67)

    def test_currency_without_decimals(self):
        jpy = self.env.ref("base.JPY")
        jpy.active = True
        company = self._make_company("Trade Japan", jpy, "Asia/Tokyo")
        for day, amount in (("2026-03-01", 100.0), ("2026-03-02", 101.0)):
            self._make_order(self.customer, amount, day=day, company=company)
        self.assertProfile(self.customer, company, revenue=201.0, average_order_value=101.0)

    def test_companies_are_apart(self):
        self._make_order(self.customer, 100.0)
        self._make_order(self.customer, 7.0, company=self.company_us)
        self._make_order(self.customer, 40.0, company=self.company_us, currency=self.eur)
        self.assertProfile(self.customer, order_count=1, revenue=100.0)
        self.assertProfile(self.customer, self.company_us, order_count=2, revenue=57.0)

    def test_orders_of_contacts_belong_to_the_company(self):
        self._make_order(self.contact, 100.0)
        self._make_order(self.customer, 50.0)
        self.assertProfile(self.customer, order_count=2, revenue=150.0)
        self.assertNoProfile(self.contact)

    def test_order_billed_to_headquarters_counts_for_who_bought(self):
        headquarters = self._make_customer("Golden Wok Holding")
        self._make_order(self.customer, 100.0, partner_invoice_id=headquarters.id)
        self.assertProfile(self.customer, order_count=1, revenue=100.0)
        self.assertNoProfile(headquarters)

    # ------------------------------------------------------------------
    # Margin
    # ------------------------------------------------------------------

    def test_margin(self):
        """The product costs 4."""
        self._make_order(self.customer, [{"price_unit": 10.0, "product_uom_qty": 5}])
        self._make_order(self.customer, [{"price_unit": 3.0, "product_uom_qty": 2}])
        self.assertProfile(self.customer, margin=28.0)

    def test_margin_in_foreign_currency(self):
        """5 EUR profit of 80 are 31.25 CNY at 0.16."""
        self._make_order(
            self.customer,
            [{"price_unit": 80.0, "purchase_price": 75.0}],
            "2026-01-02",
            currency=self.eur,
        )
        self.assertProfile(self.customer, revenue=500.0, margin=31.25)

    # ------------------------------------------------------------------
    # Items and discounts
    # ------------------------------------------------------------------

    def test_items_in_reference_units(self):
        """Two dozen and 6 units, then 10 units: 40 items in 2 orders."""
        self._make_order(
            self.customer,
            [
                {"product_uom_qty": 2, "product_uom_id": self.uom_dozen.id},
                {"product_uom_qty": 6},
            ],
        )
        self._make_order(self.customer, [{"product_uom_qty": 10}])
        self.assertProfile(self.customer, items_per_order=20.0)

    def test_sections_rewards_and_down_payments_are_no_items(self):
        self._make_order(
            self.customer,
            [
                {"product_uom_qty": 3, "price_unit": 10.0},
                {"price_unit": -5.0, "product_uom_qty": 1},
                {"price_unit": 9.0, "product_uom_qty": 0, "is_downpayment": True},
                {
                    "display_type": "line_section",
                    "name": "Extras",
                    "product_id": False,
                    "product_uom_qty": 0,
                },
            ],
        )
        self.assertProfile(self.customer, revenue=25.0, items_per_order=3.0, discounted_share=0.0)

    def test_share_of_discounted_lines(self):
        self._make_order(self.customer, [{"discount": 10.0}, {"discount": 0.0}, {"discount": 5.0}])
        self._make_order(self.customer, [{"discount": 0.0}])
        self._make_order(self.customer, [{"discount": 50.0}], confirm=False)
        self.assertProfile(self.customer, discounted_share=0.5)

    # ------------------------------------------------------------------
    # Rhythm
    # ------------------------------------------------------------------

    def test_gaps_are_between_days_with_a_purchase(self):
        """Gaps of 10 and 20 days; the second order of one day makes no gap of 0."""
        for day in ("2026-01-01", "2026-01-11", "2026-01-11", "2026-01-31"):
            self._make_order(self.customer, day=day)
        self.assertProfile(
            self.customer,
            order_count=4,
            gap_mean_days=15.0,
            gap_std_days=50.0**0.5,
            next_order_date="2026-02-15",
        )

    def test_one_gap_has_no_deviation(self):
        self._make_order(self.customer, day="2026-01-01")
        self._make_order(self.customer, day="2026-01-08")
        self.assertProfile(
            self.customer, gap_mean_days=7.0, gap_std_days=0.0, next_order_date="2026-01-15"
        )
        self.env.cr.execute(
            "SELECT gap_std_days FROM trade_customer_profile WHERE id = %s",
            [self._get_profile(self.customer).id],
        )
        self.assertEqual(self.env.cr.fetchone(), (None,))

    def test_one_day_has_no_gap(self):
        self._make_order(self.customer, day="2026-01-01 08:00:00")
        self._make_order(self.customer, day="2026-01-01 20:00:00")
        self.assertProfile(self.customer, order_count=2, gap_mean_days=0.0, next_order_date=False)

    def test_next_order_date_rounds_half_a_day_up(self):
        """Gaps of 3 and 4 days: 3.5 days after the last order, so the 4th day."""
        for day in ("2026-01-01", "2026-01-04", "2026-01-08"):
            self._make_order(self.customer, day=day)
        self.assertProfile(self.customer, gap_mean_days=3.5, next_order_date="2026-01-12")

    # ------------------------------------------------------------------
    # Window
    # ------------------------------------------------------------------

    def test_window_ends_after_twelve_months(self):
        """Today is March 31, 2026."""
        self._make_order(self.customer, 1.0, day="2025-03-31")
        self._make_order(self.customer, 10.0, day="2025-04-01")
        self._make_order(self.customer, 100.0, day="2026-03-31")
        self.assertProfile(
            self.customer,
            revenue=111.0,
            order_count=3,
            window_revenue=110.0,
            window_order_count=2,
            next_change_on="2026-04-01",
        )

    def test_window_follows_the_month_to_its_end(self):
        """With a window of one month, what was bought on Jan 29, 30 and 31 leaves on Feb 28."""
        self.policy.window_months = 1
        for day in ("2026-01-28", "2026-01-29", "2026-01-30", "2026-01-31", "2026-02-01"):
            self._make_order(self.customer, 1.0, day=day)
        for today, count in (
            ("2026-02-27", 5),
            ("2026-02-28", 1),
            ("2026-03-01", 0),
        ):
            self._replay(today)
            self.assertEqual(self._get_profile(self.customer).window_order_count, count, today)

    def test_window_of_a_leap_day(self):
        self._make_order(self.customer, 1.0, day="2024-02-29")
        for today, count, next_change in (
            ("2025-02-27", 1, "2025-02-28"),
            ("2025-02-28", 0, False),
        ):
            self._replay(today)
            profile = self._get_profile(self.customer)
            self.assertEqual(profile.window_order_count, count, today)
            self.assertEqual(str(profile.next_change_on or "") or False, next_change)

    def _replay(self, today):
        """Rebuild everything as if it were ``today``."""
        self.env.flush_all()
        day = self.env["trade.customer.profile"]._fields["next_change_on"].to_date(today)
        self.env["trade.customer.profile"].with_context(trade_today=day)._rebuild_companies()

    def test_next_change_is_when_time_changes_the_row(self):
        """New until 3 months after the first order, dormant 6 and lost 12 months after the last."""
        self._make_order(self.customer, 100.0, day="2026-02-28")
        for today, tier, next_change, window_count in (
            ("2026-03-31", "New", "2026-05-28", 1),
            ("2026-05-28", "General", "2026-08-28", 1),
            ("2026-08-28", "Dormant", "2027-02-28", 1),
            ("2027-02-28", "Lost", False, 0),
        ):
            self.clock.move_to(f"{today} 04:00:00")
            self.assertProfile(
                self.customer,
                tier_id=tier,
                next_change_on=next_change,
                window_order_count=window_count,
                tier_since=today if today != str(TODAY) else str(TODAY),
            )

    def test_next_change_knows_the_policy_of_its_company_only(self):
        """A period of the other company's policy means nothing here."""
        self._get_tier("Dormant", self.policy_us).inactive_months = 1
        self._make_order(self.customer, day="2026-03-10")
        self._make_order(self.customer, day="2026-03-10", company=self.company_us)
        self.assertProfile(self.customer, next_change_on="2026-06-10")
        self.assertProfile(self.customer, self.company_us, next_change_on="2026-04-10")

    def test_order_of_tomorrow_counts_today(self):
        self._make_order(self.customer, 100.0, day="2026-05-01")
        self.assertProfile(
            self.customer,
            last_order_date="2026-05-01",
            recency_days=-31,
            window_revenue=100.0,
            tier_id="New",
        )

    # ------------------------------------------------------------------
    # Purchases before Odoo
    # ------------------------------------------------------------------

    def test_history_counts_as_orders_do(self):
        self._make_history(self.customer, 300.0, "2025-12-01", margin=30.0)
        self._make_order(self.customer, 100.0, day="2026-01-01")
        self.assertProfile(
            self.customer,
            first_order_date="2025-12-01",
            last_order_date="2026-01-01",
            order_count=2,
            revenue=400.0,
            margin=126.0,
            average_order_value=200.0,
            gap_mean_days=31.0,
        )

    def test_history_of_unknown_quantity_is_no_order_without_items(self):
        """8 items in the two purchases whose quantity is known."""
        self._make_history(self.customer, quantity=6.0)
        self._make_history(self.customer)
        self._make_order(self.customer, [{"product_uom_qty": 2}])
        self.assertProfile(self.customer, order_count=3, items_per_order=4.0)

    def test_history_of_contact(self):
        self._make_history(self.contact, 300.0)
        self.assertProfile(self.customer, order_count=1, revenue=300.0)

    def test_rank_matters_when_it_begins_or_ends(self):
        """Every invoice raises the rank of its customer: that is nothing new."""
        self.customer.customer_rank = 1
        self._run_job()
        pending = self.env["trade.customer.profile"]._get_pending
        for rank, expected in ((2, 0), (0, 1), (0, 0), (3, 1)):
            self.customer.customer_rank = rank
            self.env.flush_all()
            self.assertEqual(len(pending()["pairs"]), expected, rank)
            self._run_job()

    def test_customer_with_five_thousand_orders(self):
        self._make_many_purchases(5000)
        self._run_job()
        with self.assertQueryCount(1):
            self.env["trade.customer.profile"]._rebuild_pairs({(self.customer.id, None): "order"})
        profile = self._get_profile(self.customer)
        self.assertEqual(profile.order_count, 5000)
        self.assertEqual(profile.revenue, 12_502_500.0)
        self.assertEqual(profile.gap_mean_days, 1.0)
        self.assertEqual(profile.gap_std_days, 0.0)

    def _make_many_purchases(self, count):
        """A purchase of 1.00 on the first day, of 2.00 on the second and so on."""
        self.env.cr.execute(
            """
            INSERT INTO trade_order_history (
                company_id, partner_id, date, amount, source, external_id, line_count, discounted_count
            )
            SELECT %s, %s, DATE '2026-03-31' - %s + n, n, 'many', n, 0, 0
              FROM generate_series(1, %s) n
            """,
            [self.company_cn.id, self.customer.id, count, count],
        )
