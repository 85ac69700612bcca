from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import new_test_user, tagged

from .credit_common import CreditCommon


@tagged("post_install", "-at_install")
class TestCreditGate(CreditCommon):
    """Who is let through, and what the others are told."""

    def test_within_and_beyond(self):
        self.assertConfirms(self._quote(1000.0))
        self.assertRefused(
            r"Golden Wok would owe .*1,001\.00.* limit is .*1,000\.00",
            self._quote(1.0).action_confirm,
        )

    def test_says_what_helps(self):
        self.assertConfirms(self._quote(700.0))
        self.assertRefused(
            r"prepayment of .*200\.00.* helps, or splitting the order: .*300\.00.* fit.*Ask for credit",
            self._quote(500.0).action_confirm,
        )

    def test_off_changes_nothing(self):
        self.company_cn.trade_credit_control = False
        self.assertConfirms(self._quote(5000.0))
        self.assertFalse(self.accounts.search([("partner_id", "=", self.customer.id)]))

    def test_no_credit_is_not_unlimited(self):
        account = self._set_limit(0)
        self.assertRefused("limit is", self._quote(1.0).action_confirm)
        account.limit_kind = "unlimited"
        self.assertConfirms(self._quote(99999.0))
        self.assertIsNone(self._get_standing().limit)

    def test_limit_of_customer_tier_and_company(self):
        self.assertEqual(self._get_standing().limit, 1000)
        self._make_order(self.customer, 10.0, day="2026-03-30")
        self._run_job()
        tier = self._get_profile(self.customer).tier_id
        tier.write({"credit_kind": "amount", "credit_amount": 300.0})
        self.assertEqual(self._get_standing().limit, 300)
        tier.credit_kind = "none"
        self.assertEqual(self._get_standing().limit, 0)
        self._set_limit(50)
        self.assertEqual(self._get_standing().limit, 50)

    def test_orders_at_once_count_together(self):
        orders = self._quote(600.0) | self._quote(600.0)
        self.assertRefused("would owe", orders.action_confirm)

    def test_another_company_does_not_count(self):
        self._make_order(self.customer, 5000.0, company=self.company_us)
        self.assertConfirms(self._quote(1000.0))

    def test_the_payer_counts(self):
        other = self._make_customer("Silk Road")
        self._set_limit(0, other)
        order = self._quote(100.0)
        order.partner_invoice_id = other
        self.assertRefused("Silk Road would owe", order.action_confirm)
        self.assertConfirms(self._quote(1000.0))

    def test_group(self):
        head, branch = self._make_customer("Head"), self._make_customer("Branch")
        account = self._set_limit(1000, head)
        self._make_account(branch, head_id=account.id)
        self.assertConfirms(self._quote(600.0, head))
        self.assertRefused("Branch would owe .*1,100", self._quote(500.0, branch).action_confirm)
        self.assertConfirms(self._quote(400.0, branch))
        self.assertEqual(account.exposure, 1000)

    def test_temporary_limit(self):
        account = self._set_limit(100)
        limit = self.env["trade.credit.temporary"].create(
            {
                "account_id": account.id,
                "amount": 500,
                "date_to": fields.Date.today() + timedelta(days=10),
                "reason": "Spring Festival",
            }
        )
        order = self._quote(500.0)
        self.assertEqual(self._get_standing().limit, 500)
        limit.action_end()
        self.assertRefused("limit is", order.action_confirm)
        limit.sudo().ended_at = False
        self.clock.move_to("2026-04-20 04:00:00")
        self.assertRefused("limit is", order.action_confirm)
        self.clock.move_to("2026-04-01 04:00:00")
        self.assertConfirms(order)
        with self.assertRaises(AccessError):
            self._as(self.user_rep, limit).write({"amount": 900})

    def test_overdue(self):
        self.company_cn.write({"trade_credit_overdue": True, "trade_credit_overdue_days": 10})
        invoice = self._make_move(self.customer, 100.0)  # due today
        order = self._quote(10.0)
        self.assertConfirms(self._quote(10.0))
        self.clock.move_to("2026-04-11 04:00:00")
        self.assertRefused("100.00 overdue for more than 10 days", order.action_confirm)
        # Paid, though nobody has matched it yet.
        self._pay(invoice.amount_total, day="2026-04-11")
        self.assertConfirms(order)

    def test_on_hold(self):
        self._make_account(on_hold=True)
        self.assertRefused("is on hold", self._quote(1.0).action_confirm)

    # ------------------------------------------------------------------
    # Changes of confirmed orders
    # ------------------------------------------------------------------

    def test_raising_and_lowering(self):
        order = self._quote(900.0)
        self.assertConfirms(order)
        line = order.order_line
        self.assertRefused("would owe", lambda: line.write({"price_unit": 1001.0}))
        self.assertRefused("would owe", lambda: line.copy({"order_id": order.id}))
        self._set_limit(100)
        line.price_unit = 800.0
        self._end_request()
        self.assertRefused("would owe", lambda: line.write({"price_unit": 801.0}))
        line.price_unit = 50.0
        self._end_request()

    def test_raising_what_is_invoiced_in_part(self):
        """What is not invoiced is less than what the order was, and is still more than the limit."""
        order = self._quote(900.0)
        self.assertConfirms(order)
        self.env["sale.order.line"].create(
            {"order_id": order.id, "product_id": self.product_service.id, "price_unit": 100.0}
        )
        self._end_request()
        self._make_deposit(order, 900.0).action_post()
        line = order.order_line.filtered(lambda line: line.price_unit == 100.0)
        self.assertRefused("would owe .*1,200", lambda: line.write({"price_unit": 300.0}))
        line.price_unit = 50.0
        self._end_request()

    def test_another_company(self):
        order = self._quote(900.0, pricelist_id=False)
        self.assertConfirms(order)
        self.company_us.write({"trade_credit_control": True, "trade_credit_kind": "none"})
        warehouse = self.env["stock.warehouse"].search([("company_id", "=", self.company_us.id)])
        values = {
            "company_id": self.company_us.id,
            "warehouse_id": warehouse[:1].id,
        }
        self.assertRefused("would owe", lambda: order.write(values))

    def test_moved_line(self):
        other = self._quote(500.0)
        order = self._quote(900.0)
        self.assertConfirms(order)
        self.assertRefused("would owe", lambda: other.order_line.write({"order_id": order.id}))

    def test_invoicing_stays_possible(self):
        order = self._quote(900.0)
        self.assertConfirms(order)
        self._set_limit(0)
        deposit = self._make_deposit(order, 270.0)
        self._end_request()
        deposit.action_post()
        order._create_invoices(final=True).action_post()
        self._end_request()
        self.assertEqual(self._get_exposure(), 900)

    def test_draft_invoice_stays_with_who_pays(self):
        order = self._quote(600.0)
        self.assertConfirms(order)
        invoice = order._create_invoices()
        other = self._make_customer("Silk Road")
        with self.assertRaisesRegex(ValidationError, f"{order.name}, which Golden Wok pays"):
            invoice.partner_id = other
        invoice.partner_id = self.contact
        self.company_cn.trade_credit_control = False
        invoice.partner_id = other

    def test_merge_keeps_groups_and_holds(self):
        stays, head, branch, third = map(self._make_customer, ("Stays", "Head", "Branch", "Third"))
        account = self._set_limit(1000, head)
        account.on_hold = True
        members = self._make_account(branch, head_id=account.id)
        members |= self._make_account(third, head_id=account.id)
        own = self._set_limit(50, stays)
        self._merge(stays, head)
        self.assertEqual(members.head_id, own)
        self.assertTrue(own.on_hold)
        self.assertEqual(own.limit_amount, 50)
        # Merged with the head, a member becomes the head and keeps the limit of the group.
        own.write({"on_hold": False, "limit_amount": 700.0})
        self._merge(branch, stays)
        kept, other = members
        self.assertFalse(kept.head_id)
        self.assertEqual((kept.limit_kind, kept.limit_amount), ("amount", 700.0))
        self.assertEqual(other.head_id, kept)
        self.assertEqual(kept.partner_id, branch)

    def test_change_of_payer_terms_and_currency(self):
        other = self._make_customer("Silk Road")
        self._set_limit(0, other)
        order = self._quote(900.0)
        self.assertConfirms(order)
        for values in ({"partner_invoice_id": other.id}, {"partner_id": other.id}):
            self.assertRefused("Silk Road", lambda values=values: order.write(values))
        prepaid = self._quote(900.0, payment_term_id=self.term_prepaid.id)
        self.assertConfirms(prepaid)
        self.assertRefused("would owe", lambda: prepaid.write({"payment_term_id": False}))

    # ------------------------------------------------------------------
    # Prepaid
    # ------------------------------------------------------------------

    def test_prepaid_passes(self):
        self._set_limit(0)
        self.assertConfirms(self._quote(500.0, payment_term_id=self.term_prepaid.id))
        order = self._quote(500.0)
        self.assertRefused("limit is", order.action_confirm)
        self._make_tx(order)
        self.assertConfirms(order)
        self.assertEqual(self._get_exposure(), 0)

    def test_payment_of_another_quotation_is_not_there_for_this_one(self):
        self._set_limit(0)
        paid, other = self._quote(500.0), self._quote(500.0)
        self._make_tx(paid)
        self.assertRefused("limit is", other.action_confirm)
        payment = self._pay(500.0)
        paid.transaction_ids.write({"payment_id": payment.id, "is_post_processed": True})
        self.assertEqual(self._get_exposure(), 0)
        self.assertRefused("limit is", other.action_confirm)
        self.assertConfirms(paid)
        self.assertEqual(self._get_exposure(), 0)

    def test_part_payment_needs_the_rest(self):
        self._set_limit(300)
        order = self._quote(500.0)
        tx = self._make_tx(order, 100.0)
        self.assertRefused("would owe .*400", order.action_confirm)
        tx.amount = 200.0
        self.assertConfirms(order)
        self.assertEqual(self._get_exposure(), 300)

    def test_payment_by_hand(self):
        self._set_limit(0)
        self._pay(500.0)
        self.assertRefused("limit is", self._quote(501.0).action_confirm)
        self.assertConfirms(self._quote(500.0))
        self.assertEqual(self._get_exposure(), 0)

    # ------------------------------------------------------------------
    # Requests
    # ------------------------------------------------------------------

    def _ask(self, order, user=None, reason="Good payer"):
        user = user or self.user_rep
        order.user_id = user
        return self._as(user, self.env["trade.credit.request"])._ask(self._as(user, order), reason)

    def test_request(self):
        self._set_limit(100)
        order = self._quote(500.0)
        with self.assertRaisesRegex(UserError, "Say why"):
            self._ask(order, reason=" ")
        request = self._ask(order)
        self.assertEqual(request.amount, 500)
        own = self._as(self.user_rep, order)
        self.assertTrue(own.trade_credit_asked)
        self.assertEqual(own.action_view_credit_requests()["res_id"], request.id)
        with self.assertRaises(UserError):
            self._ask(order)
        with self.assertRaises(AccessError):
            request.action_grant()
        self._as(self.user_manager, request).action_grant()
        self.assertFalse(request.sudo().activity_ids)
        with self.assertRaisesRegex(UserError, "closed"):
            self._as(self.user_manager, request).action_grant()
        order.order_line.price_unit = 501.0
        self.assertRefused("would owe", order.action_confirm)
        order.order_line.price_unit = 500.0
        order.action_confirm()
        self._end_request()
        self.assertRefused("would owe", lambda: order.order_line.write({"price_unit": 501.0}))

    def test_grant_is_for_the_whole_order(self):
        """What is invoiced meanwhile makes no room in a grant."""
        self._set_limit(100)
        order = self._quote(500.0)
        self._as(self.user_manager, self._ask(order)).action_grant()
        self.assertConfirms(order)
        self._make_deposit(order, 400.0).action_post()
        line = order.order_line.filtered(lambda line: not line.is_downpayment)[:1]
        self.assertRefused("would owe", lambda: line.write({"price_unit": 600.0}))
        line.price_unit = 450.0
        self._end_request()
        line.price_unit = 500.0
        self._end_request()

    def test_a_decision_stays(self):
        request = self._as(self.user_manager, self._ask_beyond())
        request.decision = "Pays well"
        request.action_grant()
        with self.assertRaises(AccessError):
            request.decision = "Never said so"

    def _ask_beyond(self):
        self._set_limit(100)
        return self._ask(self._quote(500.0))

    def test_grant_ends_and_is_for_one_customer(self):
        other = self._make_customer("Silk Road")
        for partner in (self.customer, other):
            self._set_limit(100, partner)
        order = self._quote(500.0)
        request = self._ask(order)
        self._as(self.user_manager, request).action_grant()
        order.partner_invoice_id = other
        self.assertRefused("Silk Road", order.action_confirm)
        order.partner_invoice_id = self.customer
        self.clock.move_to("2026-04-15 04:00:00")
        self.assertRefused("would owe", order.action_confirm)
        self.clock.move_to("2026-04-14 04:00:00")
        self.assertConfirms(order)

    def test_managers_decide_up_to_an_amount(self):
        self._set_limit(100)
        self.company_cn.write(
            {"trade_credit_manager_kind": "amount", "trade_credit_manager_amount": 400.0}
        )
        request = self._ask(self._quote(500.0))
        with self.assertRaisesRegex(AccessError, "Credit control"):
            self._as(self.user_manager, request).action_grant()
        self.user_manager.group_ids += self.env.ref("trade_crm.group_credit")
        self._as(self.user_manager, request).action_grant()
        own = self._ask(self._quote(300.0), self.user_manager)
        with self.assertRaisesRegex(AccessError, "yourself"):
            self._as(self.user_manager, own).action_grant()

    def test_rep_sees_and_does_not_set(self):
        account = self._set_limit(100)
        as_rep = self._as(self.user_rep, account)
        self.assertEqual(as_rep.exposure, 0)
        with self.assertRaises(AccessError):
            as_rep.limit_amount = 1000
        partner = self._as(self.user_rep, self.customer)
        self.assertEqual(partner.trade_credit_free, 100)
        self.assertIn("100", partner.trade_credit_limit)
        with self.assertRaises(AccessError):
            self._as(self.user_marketer, account).read(["limit_amount"])

    def test_over_limit_filter(self):
        """Also of who has no record, and of who shares the limit of somebody else."""
        other, branch, head = map(self._make_customer, ("Other", "Branch", "Head"))
        account = self._set_limit(100, head)
        self._make_account(branch, head_id=account.id)
        for partner, amount in ((self.customer, 1001.0), (other, 999.0), (head, 101.0)):
            self._make_move(partner, amount)
        partners = self._as(self.user_rep, self.env["res.partner"]).with_company(self.company_cn)
        some = self.customer | self.contact | other | branch | head
        over = partners.search([("trade_credit_is_over", "=", True), ("id", "in", some.ids)])
        self.assertEqual(over, self.customer | self.contact | branch | head)
        rest = partners.search([("trade_credit_is_over", "=", False), ("id", "in", some.ids)])
        self.assertEqual(rest, other)

    def test_customers_do_not_read_it(self):
        self._set_limit(100)
        order = self._quote(500.0, state="sent")
        portal = new_test_user(self.env, "credit.portal", groups="base.group_portal")
        portal.partner_id.parent_id = self.customer
        own = self._as(portal, order)
        self.assertEqual(own.read(["amount_total"])[0]["amount_total"], 500)
        for name in ("trade_credit_stop", "trade_credit_request_ids", "trade_waiting"):
            with self.subTest(field=name), self.assertRaises(AccessError):
                own.read([name])

    def test_dialog_is_for_who_edits_the_order(self):
        self._set_limit(100)
        order = self._quote(500.0)
        for user in (self.user_outsider, self.user_marketer, self.user_rep_us):
            with self.subTest(user=user.name), self.assertRaises(AccessError):
                asks = self._as(user, self.env["trade.credit.ask"])
                asks.create({"order_id": order.id, "reason": "Curious"}).read(["situation"])

    # ------------------------------------------------------------------
    # Queries
    # ------------------------------------------------------------------

    def test_queries(self):
        for number in (1, 3):
            orders = self.env["sale.order"].concat(*(self._quote(10.0) for _n in range(number)))
            self.env.flush_all()
            self.accounts._lock(self.company_cn, self.customer.ids)
            orders.mapped("partner_invoice_id.commercial_partner_id")
            with self.assertQueryCount(5):
                orders._check_gate()

    def test_what_is_left_is_asked_for_the_group_at_once(self):
        self.assertEqual(self._get_standing().asked, {})
        order = self._quote(10.0)
        standings = self.accounts._read_standings(self.company_cn, self.customer.ids, order.ids)
        self.assertEqual(standings[self.customer.id].asked, {order.id: 10.0})
