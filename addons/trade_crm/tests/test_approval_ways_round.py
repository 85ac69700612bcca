from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import tagged

from .approval_common import ApprovalCommon


@tagged("post_install", "-at_install")
class TestApprovalWaysRound(ApprovalCommon):
    """A rep tries what is left: discounts over 20 % need approval, and so does any order over 5,000."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["res.config.settings"].create(
            {"group_product_pricelist": True, "group_uom": True, "group_discount_per_so_line": True}
        ).execute()
        cls.rule = cls.make_rule(discount_over=20)
        cls.make_rule(name="Large order", amount_over=5000)
        cls.term = cls.env["account.payment.term"].create({"name": "Later"})
        cls.tax = cls.env["account.tax"].create({"name": "T", "company_id": cls.company_cn.id})
        cls.company_cn.sale_discount_product_id = cls.env["product.product"].create(
            {"name": "Discount", "type": "service", "taxes_id": False}
        )
        cls.order_type = cls.env["trade.order.type"].create({"name": "Project of the test"})
        cls.env.flush_all()

    def assert_refused(self, action, text="needs approval|Approval void|Needs approval"):
        with self.assertRaisesRegex(UserError, text), self.env.cr.savepoint():
            action()
            self._commit()
        self.env.cr.precommit.clear()
        self.env.invalidate_all()

    def test_every_change_voids_and_going_back_heals(self):
        order = self.approved_order()
        line = order.order_line
        pricelist = self.env["product.pricelist"].create(
            {"name": "Cheap", "company_id": self.company_cn.id, "currency_id": self.cny.id}
        )
        other = self._make_customer("Somebody else", territory_id=self.territory.id)
        for record, name, value, text in (
            (line, "price_unit", 90.0, "price of Tile changed from 100 to 90"),
            (line, "product_uom_qty", 11.0, "quantity of Tile changed from 10 to 11"),
            (line, "discount", 40.0, "discount of Tile changed from 35 % to 40 %"),
            (
                line,
                "product_uom_id",
                self.uom_dozen.id,
                "unit of Tile changed from Units to Dozens",
            ),
            (line, "tax_ids", [Command.set(self.tax.ids)], "taxes of Tile changed"),
            (line, "product_id", self.product_service.id, "Tile was removed"),
            (order, "payment_term_id", self.term.id, "Payment Terms changed from – to Later"),
            (order, "pricelist_id", pricelist.id, "Pricelist changed"),
            (order, "trade_order_type_id", self.order_type.id, "Order type changed"),
            (order, "partner_id", other.id, "Customer changed from"),
        ):
            with self.subTest(name=name), self.env.cr.savepoint() as savepoint:
                record.write({name: value})
                if name.startswith("product"):
                    # Odoo has taken the price of the pricelist again.
                    line.write({"discount": 35.0, "price_unit": 100.0})
                self.assertEqual(order.trade_approval_state, "void")
                self.assertIn(text, order.trade_approval_info)
                self.assert_refused(order.action_confirm, "Approval void: .*" + text)
                savepoint.rollback()
                self.env.invalidate_all()
        line.price_unit = 90
        self.assertEqual(order.trade_approval_state, "void")
        line.price_unit = 100
        self.assertEqual(order.trade_approval_state, "approved")
        order.action_confirm()

    def test_lines_added_and_exchanged(self):
        order = self.approved_order()
        copied = order.order_line.copy({"order_id": order.id})
        self.assertIn("Tile was added", order.trade_approval_info)
        self.assert_refused(order.action_confirm)
        order.order_line[0].unlink()
        self.assertEqual(order.order_line, copied)
        self.assertEqual(order.trade_approval_state, "approved", "the same lines again")
        order.write(
            {"order_line": [Command.create({"display_type": "line_note", "name": "Thanks"})]}
        )
        self.assertEqual(order.trade_approval_state, "approved", "a note changes nothing")

    def test_discount_in_disguise(self):
        order = self.make_order()
        line = order.order_line
        for values in (
            {"price_unit": 70.0},
            {"price_unit": 70.0, "technical_price_unit": 70.0},
            {"price_unit": 0.0},
            {"price_unit": 85.0, "discount": 10.0},
        ):
            with self.subTest(values=values), self.env.cr.savepoint() as savepoint:
                line.write(values)
                self.assert_refused(order.action_confirm)
                savepoint.rollback()
                self.env.invalidate_all()

    def test_discount_wizard(self):
        for values in (
            {"discount_type": "sol_discount", "discount_percentage": 0.3},
            {"discount_type": "so_discount", "discount_percentage": 0.3},
            {"discount_type": "amount", "discount_amount": 300},
        ):
            with self.subTest(values=values):
                order = self.make_order()
                wizard = self._as(self.user_rep, self.env["sale.order.discount"])
                wizard.create({"sale_order_id": order.id, **values}).action_apply_discount()
                self.assert_refused(order.action_confirm, "discount 30 % is over 20 %")

    def test_negative_line(self):
        order = self.make_order()
        order.order_line = [
            Command.create({"product_id": self.product_service.id, "price_unit": -300})
        ]
        self.assert_refused(order.action_confirm)

    def test_cost_written_down(self):
        self.make_rule(name="Low margin", by_margin=True, margin_below=45)
        order = self.make_order()
        order.order_line.purchase_price = 1.0
        self.assert_refused(order.action_confirm, "the margin is less")

    def test_stored_amounts_written(self):
        self.make_rule(name="Low margin", by_margin=True, margin_below=45)
        order = self.make_order(quantity=100)
        line = order.order_line
        for record, values in (
            (order, {"amount_untaxed": 1.0, "amount_total": 1.0}),
            (line, {"price_subtotal": 1.0, "price_total": 1.0}),
            (line, {"price_subtotal": 1e6, "margin": 1e6, "margin_percent": 1.0}),
        ):
            with self.subTest(values=values), self.env.cr.savepoint() as savepoint:
                record.write(values)
                self._commit()
                self.assert_refused(order.action_confirm, "the amount .*the margin|the margin")
                self.assertEqual(len(order._get_needed_rules()[order]), 2)
                savepoint.rollback()
                self.env.invalidate_all()

    def test_line_moved_to_a_confirmed_order(self):
        order = self.make_order()
        order.action_confirm()
        self._commit()
        gift = self.make_order(discount=100, quantity=50).order_line
        self.assert_refused(lambda: gift.write({"order_id": order.id}))

    def test_fields_of_the_approval(self):
        order = self.make_order(35)
        request = self.approved_order().trade_approval_request_id
        for values in (
            {"trade_approval_state": "approved"},
            {"trade_approval_request_id": request.id},
        ):
            with self.subTest(values=values):
                with self.assertRaises(AccessError):
                    order.write(values)
                with self.assertRaises(AccessError):
                    self.make_order(35, **values)
        defaults = order.with_context(default_trade_approval_request_id=request.id)
        copy = defaults.copy()
        self.assert_refused(copy.action_confirm)

    def test_nobody_writes_to_requests(self):
        request = self.ask(self.make_order(35))
        for user in (self.user_rep, self.boss, self.user_manager):
            for record, values in (
                (request, {"state": "approved"}),
                (request, {"content": {}}),
                (request.step_ids, {"state": "approved"}),
                (request.step_ids, {"approver_id": user.id}),
            ):
                with self.subTest(user=user.name, values=values), self.assertRaises(AccessError):
                    self._as(user, record).write(values)
            with self.assertRaises(AccessError):
                self._as(user, request).unlink()
            with self.assertRaises(AccessError):
                self._as(user, request).copy()

    def test_state_written_created_imported(self):
        order = self.make_order(35)
        self.assert_refused(lambda: order.write({"state": "sale"}))
        self.assert_refused(lambda: self.make_order(35, state="sale"))
        imported = order.load(
            [
                "partner_id/.id",
                "company_id/.id",
                "state",
                "order_line/product_id/.id",
                "order_line/discount",
            ],
            [[str(self.customer.id), str(self.company_cn.id), "sale", str(self.product.id), "35"]],
        )
        self.assertFalse(imported["ids"])

    def test_signed_on_the_portal(self):
        order = self.make_order(35)
        # The customer learns neither rule nor limit.
        self.assert_refused(
            order.sudo().with_user(self.env.ref("base.public_user")).sudo()._validate_order,
            "^We have to look at this order once more",
        )

    def test_decided_for_another_content(self):
        """An order that is edited while somebody decides: nothing else is approved."""
        order = self.make_order(35)
        request = self.ask(order)
        order.order_line.discount = 60
        with self.assertRaisesRegex(UserError, "discount of Tile changed from 35 % to 60 %"):
            self.approve(request, self.boss)
        self.assertEqual(order.trade_approval_state, "void")
        again = self.ask(order)
        self.assertEqual((request.state, again.state), ("void", "pending"))

    # ------------------------------------------------------------------
    # After the confirmation
    # ------------------------------------------------------------------

    def test_late_change_by_the_rep(self):
        order = self.approved_order()
        order.action_confirm()
        self._commit()
        for values in (
            {"discount": 36},
            {"price_unit": 90},
            {"product_uom_qty": 12, "discount": 35},
        ):
            with self.subTest(values=values):
                self.assert_refused(
                    lambda values=values: order.order_line.write(values),
                    r"Have it changed by who approves \(Boss\)",
                )
        order.order_line.write({"discount": 10})
        self._commit()

    def test_late_change_of_an_order_without_approval(self):
        order = self.make_order(10)
        order.action_confirm()
        self._commit()
        self.assert_refused(lambda: order.order_line.write({"discount": 30}))
        self.assert_refused(lambda: order.order_line.write({"product_uom_qty": 1000}))
        order.order_line.product_uom_qty = 12
        self._commit()

    def test_late_change_by_the_approver(self):
        order = self.approved_order()
        order.action_confirm()
        self._commit()
        line = self._as(self.boss, order).order_line
        line.write({"discount": 40})
        line.env.flush_all()
        self._commit()
        self.assertEqual(order.order_line.discount, 40)
        self.assertIn("Boss, who approves it, changed", order.message_ids[0].body)

    def test_down_payment_and_delivery_go_on(self):
        order = self.approved_order()
        order.action_confirm()
        self._commit()
        wizard = (
            self.env["sale.advance.payment.inv"]
            .with_context(active_ids=order.ids, active_model="sale.order")
            .create({"advance_payment_method": "percentage", "amount": 30})
        )
        wizard.create_invoices()
        order.sudo().order_line.filtered(lambda line: line.product_uom_qty).qty_delivered = 10
        self._commit()
        self.assertEqual(order.invoice_count, 1)
