from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import TradeCrmCommon


@tagged("post_install", "-at_install")
class TestOrderHistory(TradeCrmCommon):
    @staticmethod
    def _as(records, user):
        """``records`` as ``user`` sees them with all of their companies."""
        return records.with_user(user).with_context(allowed_company_ids=user.company_ids.ids)

    def _make_with_lines(self, *lines, **values):
        return self.env["trade.order.history"].create(
            {
                "partner_id": self.customer.id,
                "company_id": self.company_cn.id,
                "date": "2026-03-01",
                "line_ids": [Command.create(line) for line in lines],
                **values,
            }
        )

    # ------------------------------------------------------------------
    # Header and lines
    # ------------------------------------------------------------------

    def test_header_follows_lines(self):
        history = self._as(self.env["trade.order.history"], self.user_manager).create(
            {
                "partner_id": self.customer.id,
                "date": "2026-03-01",
                "line_ids": [
                    Command.create({"product_name": "Rice", "quantity": 2, "price_unit": 10}),
                    Command.create(
                        {"product_name": "Oil", "quantity": 3, "price_unit": 10, "discount": 15}
                    ),
                ],
            }
        )
        self.assertEqual(history.line_ids.mapped("amount"), [20, 25.5])
        self.assertRecordValues(
            history, [{"amount": 45.5, "quantity": 5, "line_count": 2, "discounted_count": 1}]
        )
        history.line_ids[1].write({"discount": 0, "quantity": 1})
        self.assertRecordValues(
            history, [{"amount": 30, "quantity": 3, "line_count": 2, "discounted_count": 0}]
        )
        history.line_ids[0].unlink()
        self.assertRecordValues(history, [{"amount": 10, "quantity": 1, "line_count": 1}])
        history.line_ids.unlink()
        self.assertRecordValues(history, [{"amount": 0, "quantity": 0, "line_count": 0}])

    def test_header_without_lines_keeps_what_is_entered(self):
        history = self._make_history(self.customer, 99.5, quantity=7)
        history.partner_id = self.contact
        self.assertRecordValues(
            history, [{"amount": 99.5, "quantity": 7, "line_count": 0, "discounted_count": 0}]
        )

    def test_total_that_is_given_wins_over_lines(self):
        history = self._make_with_lines({"quantity": 2, "price_unit": 10}, amount=25)
        self.assertEqual(history.amount, 25)

    def test_line_keeps_an_amount_without_price(self):
        history = self._make_with_lines({"product_name": "Box", "amount": 12}, amount=12)
        history.line_ids.quantity = 3
        self.assertEqual(history.line_ids.amount, 12)
        self.assertEqual(history.quantity, 3)

    def test_product_gives_line_its_name(self):
        history = self._make_with_lines({"product_id": self.product_service.id, "price_unit": 5})
        self.assertEqual(history.line_ids.product_name, self.product_service.display_name)

    def test_number_is_unique_in_company_and_source(self):
        values = {"external_id": "A1", "source": "old"}
        self._make_history(self.customer, **values)
        self._make_history(self.customer, **{**values, "source": "older"})
        self._make_history(self.customer, company=self.company_us, **values)
        self._make_history(self.customer, **{**values, "external_id": False})
        self._make_history(self.customer, **{**values, "external_id": False})
        with mute_logger("odoo.sql_db"), self.assertRaises(IntegrityError):
            self._make_history(self.customer, **values)

    def test_customer_of_another_company_is_refused(self):
        stranger = self._make_customer("Stranger", company_id=self.company_us.id)
        with self.assertRaises(UserError):
            self._make_history(stranger)

    # ------------------------------------------------------------------
    # Profile
    # ------------------------------------------------------------------

    def test_purchase_counts_in_profile(self):
        history = self._make_history(self.contact, 100, margin=30, quantity=4)
        self.assertProfile(self.customer, revenue=100, margin=30, order_count=1, items_per_order=4)
        history.amount = 80
        self.assertProfile(self.customer, revenue=80)
        history.date = "2026-02-01"
        self.assertProfile(self.customer, last_order_date="2026-02-01")
        history.unlink()
        self.assertNoProfile(self.customer)

    def test_lines_count_in_profile(self):
        history = self._make_with_lines({"quantity": 2, "price_unit": 10, "discount": 50})
        self._run_job()
        history.line_ids.write({"quantity": 6})
        self.assertProfile(self.customer, revenue=30, items_per_order=6, discounted_share=1)
        history.line_ids.discount = 0
        self.assertProfile(self.customer, revenue=60, discounted_share=0)
        history.line_ids = [Command.create({"quantity": 1, "price_unit": 40})]
        self.assertProfile(self.customer, revenue=100, items_per_order=7)
        history.line_ids[0].unlink()
        self.assertProfile(self.customer, revenue=40, items_per_order=1)

    def test_customer_of_purchase_changes(self):
        other = self._make_customer("Silver Spoon")
        history = self._make_history(self.customer, 100)
        self.assertProfile(self.customer, revenue=100)
        history.partner_id = other
        self.assertProfile(other, revenue=100)
        self.assertFalse(self._get_profile(self.customer))

    def test_company_of_purchase_changes(self):
        history = self._make_history(self.customer, 100)
        self.assertProfile(self.customer, revenue=100)
        history.company_id = self.company_us
        self.assertProfile(self.customer, self.company_us, revenue=100)
        self.assertNoProfile(self.customer, self.company_cn)

    def test_what_profile_does_not_read_is_no_change(self):
        history = self._make_history(self.customer, 100)
        self._run_job()
        history.source = "another"
        self._commit()
        waiting = self.env["trade.profile.dirty"].search([("partner_id", "=", self.customer.id)])
        self.assertFalse(waiting)

    # ------------------------------------------------------------------
    # Access
    # ------------------------------------------------------------------

    def test_rep_reads_and_does_not_write(self):
        history = self._make_with_lines({"quantity": 1, "price_unit": 10}, margin=4)
        history.invalidate_recordset()
        history = self._as(history, self.user_rep)
        self.assertEqual(history.amount, 10)
        self.assertEqual(history.line_ids.quantity, 1)
        with self.assertRaises(AccessError):
            history.margin  # pylint: disable=pointless-statement
        for change in (
            lambda: history.write({"amount": 1}),
            lambda: history.line_ids.write({"amount": 1}),
            lambda: history.create({"partner_id": self.customer.id, "date": "2026-03-01"}),
            history.unlink,
        ):
            with self.assertRaises(AccessError):
                change()

    def test_who_sees_margin(self):
        history = self._make_history(self.customer, margin=4)
        self.env.flush_all()
        for user in (self.user_manager, self.user_auditor):
            self.assertEqual(self._as(history, user).margin, 4)

    def test_other_company_is_hidden(self):
        history = self._make_with_lines({"quantity": 1}, company_id=self.company_us.id)
        self.env.flush_all()
        for records in (history, history.line_ids):
            self.assertFalse(self._as(records, self.user_rep).search([("id", "in", records.ids)]))
            self.assertTrue(self._as(records, self.user_rep_us).search([("id", "in", records.ids)]))

    def test_outsider_sees_nothing(self):
        history = self._make_history(self.customer)
        with self.assertRaises(AccessError):
            self._as(history, self.user_outsider).read(["amount"])
