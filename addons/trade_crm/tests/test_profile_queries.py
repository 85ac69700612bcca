from unittest.mock import patch

from odoo.tests import tagged

from .common import TradeCrmCommon


@tagged("post_install", "-at_install")
class TestProfileQueries(TradeCrmCommon):
    """What keeping profiles costs the transactions of the people who sell."""

    def setUp(self):
        super().setUp()
        # The first order fills the caches that every worker has filled.
        self._make_order(self.customer)
        self._commit()

    def _count_queries(self, action):
        """How often the profile's hooks run and how many queries they make, up to the commit."""
        profiles = type(self.env["trade.customer.profile"])
        counts = []

        def count(function):
            def wrapper(*args, **kwargs):
                before = self.env.cr.sql_log_count
                result = function(*args, **kwargs)
                counts.append(self.env.cr.sql_log_count - before)
                return result

            return wrapper

        with (
            patch.object(profiles, "_flush_pending", count(profiles._flush_pending)),
            patch.object(profiles, "_queue_records", count(profiles._queue_records)),
            patch.object(profiles, "_queue", count(profiles._queue)),
        ):
            action()
            self._commit()
        return sum(counts)

    def test_confirming_one_order(self):
        order = self._make_order(self.customer, confirm=False)
        self._commit()
        self.assertEqual(self._count_queries(order.action_confirm), 5)
        self.assertEqual(self._get_profile(self.customer).order_count, 2)

    def test_cancelling_one_order(self):
        order = self._make_order(self.customer)
        self._commit()
        self.assertEqual(self._count_queries(lambda: self._cancel(order)), 5)
        self.assertEqual(self._get_profile(self.customer).order_count, 1)

    def test_confirming_many_orders_costs_the_same(self):
        """More than a few customers wait for the job: their rows are appended at once."""
        orders = self.env["sale.order"]
        for number in range(12):
            customer = self._make_customer(f"Customer {number}")
            orders |= self._make_order(customer, confirm=False)
        self._commit()
        self.assertEqual(self._count_queries(orders.action_confirm), 2)

    def test_change_of_a_quotation_line(self):
        order = self._make_order(self.customer, confirm=False)
        self._commit()

        def change():
            order.order_line.price_unit = 120.0

        self.assertLessEqual(self._count_queries(change), 2)

    def test_change_that_does_not_matter(self):
        order = self._make_order(self.customer)
        self._commit()

        def change():
            order.client_order_ref = "PO 1"
            order.partner_id.comment = "Likes tea"

        self.assertEqual(self._count_queries(change), 0)
