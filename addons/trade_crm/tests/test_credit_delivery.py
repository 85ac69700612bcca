from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from .credit_common import CreditCommon


@tagged("post_install", "-at_install")
class TestCreditDelivery(CreditCommon):
    """Goods stop before they leave, and go when the customer pays."""

    def _prepare(self, quantity=10):
        order = self._order_goods(quantity)
        self._end_request()
        picking = order.picking_ids
        picking.action_assign()
        picking.move_ids.picked = True
        return order, picking

    def test_goes(self):
        order, picking = self._prepare()
        self.assertFalse(picking.trade_credit_stop)
        picking.button_validate()
        self.assertEqual(order.order_line.qty_delivered, 10)

    def test_stops_in_each_way(self):
        order, picking = self._prepare()
        self._set_limit(50)
        self.assertIn("stays here", picking.trade_credit_stop)
        self.assertIn("stays here", order.trade_credit_stop)
        ways = {
            "button": picking.button_validate,
            "picking": picking._action_done,
            "move": picking.move_ids._action_done,
            "batch": lambda: self.env["stock.picking"].browse(picking.ids).button_validate(),
            "immediate": picking.with_context(
                skip_backorder=True, skip_immediate=True, cancel_backorder=True
            ).button_validate,
        }
        for name, way in ways.items():
            with self.subTest(way=name):
                self.assertRefused(
                    "owes .*100.00 with this order, and the credit limit is .*50", way
                )
        self.assertEqual(picking.state, "assigned")
        self._pay(50.0)
        picking.button_validate()
        self.assertEqual(picking.state, "done")

    def test_the_warehouse_reads_no_figures(self):
        order, picking = self._prepare()
        order.user_id = self.user_rep
        self._set_limit(50)
        packer = new_test_user(
            self.env, "packer", groups="stock.group_stock_user", company_id=self.company_cn.id,
            company_ids=[Command.set(self.company_cn.ids)],
        )  # fmt: skip
        text = self._as(packer, picking).trade_credit_stop
        self.assertIn(f"{order.name} stays here", text)
        self.assertIn(self.user_rep.name, text)
        self.assertNotRegex(text, r"\d\.\d\d")
        self.assertRefused("ask trade_rep", self._as(packer, picking).button_validate)

    def test_overdue_and_hold(self):
        _order, picking = self._prepare()
        self.company_cn.trade_credit_overdue = True
        self._make_move(self.customer, 10.0)
        self.clock.move_to("2026-04-05 04:00:00")
        self.assertRefused("overdue", picking.button_validate)
        self.company_cn.trade_credit_overdue = False
        account = self._set_limit(1000)
        account.on_hold = True
        self.assertRefused("on hold", picking.button_validate)
        account.on_hold = False
        picking.button_validate()

    def test_released_by_a_manager(self):
        order, picking = self._prepare()
        other, picking_of_other = self._prepare(2)
        self._set_limit(50)
        order.user_id = self.user_rep
        request = self._as(self.user_rep, self.env["trade.credit.request"])._ask(
            self._as(self.user_rep, order), "The truck is here"
        )
        self.assertIn("stays here", request.sudo().situation)
        self._as(self.user_manager, request).action_grant()
        # What a manager let through does not stop the next one.
        self.assertFalse(other.trade_credit_stop)
        picking_of_other.button_validate()
        picking.button_validate()

    def test_prepaid_waits_for_the_money(self):
        self._set_limit(0)
        order = self._order_goods(10, payment_term_id=self.term_prepaid.id)
        self._end_request()
        self.assertEqual(self._get_exposure(), 0)
        picking = order.picking_ids
        picking.action_assign()
        picking.move_ids.picked = True
        self.assertRefused("stays here", picking.button_validate)
        self._make_tx(order)
        picking.button_validate()

    def test_paid_invoice_goes(self):
        order = self._quote(1.0)
        order.order_line = [
            Command.create(
                {"product_id": self.product_goods.id, "product_uom_qty": 1, "price_unit": 9}
            )
        ]
        self.product_goods.invoice_policy = "order"
        order.action_confirm()
        invoice = self._make_invoice(order)
        self._set_limit(0)
        picking = order.picking_ids
        picking.action_assign()
        picking.move_ids.picked = True
        self.assertRefused("stays here", picking.button_validate)
        payment = self._pay(invoice.amount_total)
        lines = (invoice.line_ids | payment.move_id.line_ids).filtered(
            lambda line: line.account_type == "asset_receivable"
        )
        lines.reconcile()
        # Another debt does not matter for what is paid.
        self._make_move(self.customer, 500.0)
        picking.button_validate()

    def test_returns_and_receipts_come_in(self):
        order, picking = self._prepare()
        picking.button_validate()
        self._set_limit(0)
        wizard = (
            self.env["stock.return.picking"]
            .with_context(active_id=picking.id, active_model="stock.picking")
            .create({})
        )
        wizard.product_return_moves.quantity = 10
        back = self.env["stock.picking"].browse(wizard.action_create_returns()["res_id"])
        back.move_ids.write({"quantity": 10, "picked": True})
        back.button_validate()
        self.assertEqual(order.order_line.qty_delivered, 0)
        self.assertEqual(self._get_exposure(), 0)

    def test_reservation(self):
        order = self._order_goods(10)
        self._end_request()
        picking = order.picking_ids
        picking.do_unreserve()
        self._set_limit(50)
        self.company_cn.trade_credit_reservation = True
        picking.move_ids._action_assign()
        self.assertEqual(picking.move_ids.quantity, 0)
        self._set_limit(100)
        picking.move_ids._action_assign()
        self.assertEqual(picking.move_ids.quantity, 10)

    def test_off(self):
        _order, picking = self._prepare()
        self._set_limit(0)
        self.company_cn.trade_credit_delivery = False
        self.assertFalse(picking.trade_credit_stop)
        picking.button_validate()


@tagged("post_install", "-at_install")
class TestCreditRelease(CreditCommon):
    """Orders that wait are looked at again when the customer pays or gets credit."""

    def _wait(self, amount=500.0):
        self._set_limit(100)
        order = self._quote(amount, user_id=self.user_rep.id)
        self._as(self.user_rep, order).action_credit_wait()
        self._end_request()
        self.env["ir.cron.trigger"].search([]).unlink()
        return order

    def _run_release(self):
        cron = self.env.ref("trade_crm.ir_cron_release_waiting")
        self._end_request()
        triggered = bool(self.env["ir.cron.trigger"].search([("cron_id", "=", cron.id)]))
        with self._job_env() as env:
            env["sale.order"]._cron_release_waiting()
        self.env.invalidate_all()
        return triggered

    def test_payment_tells_the_rep(self):
        order = self._wait()
        self.assertEqual(order.activity_ids.user_id, self.user_rep)
        self.assertFalse(self._run_release())
        self.assertEqual(order.trade_waiting, "rep")
        self._pay(400.0)
        self.assertTrue(self._run_release())
        self.assertFalse(order.trade_waiting)
        self.assertEqual(order.state, "draft", "nobody sent it; the rep confirms it")
        self.assertIn("can be confirmed", order.activity_ids.summary)
        self.assertConfirms(order)

    def test_credit_note_limit_cancel_and_grant(self):
        for credit in (
            lambda order: self._make_move(self.customer, 400.0, "out_refund"),
            lambda order: self._set_limit(500),
            lambda order: self.company_cn.write({"trade_credit_amount": 500.0}),
        ):
            with self.subTest(), self.env.cr.savepoint() as savepoint:
                order = self._wait()
                if self.company_cn.trade_credit_amount != 500:
                    credit(order)
                self.assertTrue(self._run_release())
                savepoint.rollback()

    def test_nothing_to_wait_for(self):
        order = self._quote(10.0)
        with self.assertRaisesRegex(UserError, "need not wait"):
            order.action_credit_wait()

    def test_cancelled_order_waits_no_more(self):
        order = self._wait()
        order._action_cancel()
        self._run_release()
        self.assertFalse(order.trade_waiting)
        self.assertFalse(order.activity_ids)
