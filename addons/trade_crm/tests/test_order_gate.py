from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged

from odoo.addons.trade_crm.models.sale_order_gate import Refusal

from .common import TradeCrmCommon


@tagged("post_install", "-at_install")
class TestOrderGate(TradeCrmCommon):
    """Each way to a confirmed order, and to more of it, meets the gate."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customer = cls.env["res.partner"].create({"name": "Lotus Inn"})

    def setUp(self):
        super().setUp()
        self.asked = []
        self.limit = 100.0
        test = self

        def refuse(orders, before):
            test.asked.append((orders, before))
            return {
                order: [Refusal("credit", "Too much.", "Please wait.")]
                for order in orders
                if order.amount_untaxed > test.limit
            }

        target = type(self.env["sale.order"])
        self.enterContext(patch.object(target, "_get_gate_refusals", refuse))

    def make_order(self, quantity=1, **values):
        line = Command.create(
            {"product_id": self.product_service.id, "product_uom_qty": quantity, "tax_ids": False}
        )
        return self.env["sale.order"].create(
            {"partner_id": self.customer.id, "order_line": [line], **values}
        )

    def commit(self):
        """What a request does at its end."""
        self.env.cr.flush()

    def assert_refused(self, action):
        with self.assertRaisesRegex(UserError, "Too much"), self.env.cr.savepoint():
            action()
            self.commit()
        self.env.cr.precommit.clear()

    def test_button(self):
        self.assert_refused(self.make_order(11).action_confirm)
        order = self.make_order(10)
        order.action_confirm()
        self.assertEqual(order.state, "sale")

    def test_asked_once(self):
        order = self.make_order(10)
        self.commit()
        self.asked.clear()
        order.action_confirm()
        self.commit()
        self.assertEqual(self.asked, [(order, {})])

    def test_gate_itself_costs_nothing(self):
        order = self.make_order(10)
        self.commit()
        gate = "SELECT id, amount_total FROM sale_order"
        statements = []
        run = type(self.env.cr).execute

        def note(cursor, query, *args, **kwargs):
            statements.append(str(getattr(query, "code", query)))
            return run(cursor, query, *args, **kwargs)

        self.patch(type(self.env.cr), "execute", note)
        order.action_confirm()
        self.commit()
        self.assertTrue(statements)
        self.assertFalse([text for text in statements if text.startswith(gate)])

    def test_write_and_create(self):
        order = self.make_order(11)
        self.assert_refused(lambda: order.write({"state": "sale"}))
        self.assert_refused(lambda: order.update({"state": "sale"}))
        self.assert_refused(lambda: self.make_order(11, state="sale"))

    def test_lines_of_a_confirmed_order(self):
        order = self.make_order(10)
        order.action_confirm()
        self.commit()
        line = order.order_line
        for values in ({"product_uom_qty": 11}, {"price_unit": 11}):
            self.assert_refused(lambda values=values: line.write(values))
        self.assert_refused(lambda: line.copy({"order_id": order.id}))
        self.asked.clear()
        line.discount = 10
        self.commit()
        self.assertEqual(self.asked, [(order, {order.id: 100.0})])

    def test_same_total_is_asked_too(self):
        order = self.make_order(10)
        order.action_confirm()
        self.commit()
        self.asked.clear()
        order.order_line.write({"product_uom_qty": 5, "price_unit": 20})
        self.commit()
        self.assertEqual([before for _orders, before in self.asked], [{order.id: 100.0}])

    def test_confirmed_empty_and_filled(self):
        order = self.env["sale.order"].create({"partner_id": self.customer.id, "state": "sale"})
        self.commit()
        line = {"product_id": self.product_service.id, "product_uom_qty": 11, "order_id": order.id}
        self.assert_refused(lambda: self.env["sale.order.line"].create(line))

    def test_intermediate_values_do_not_count(self):
        order = self.make_order(10)
        order.action_confirm()
        self.commit()
        line = order.order_line
        line.product_uom_qty = 20
        self.env.flush_all()
        line.product_uom_qty = 9
        self.commit()
        self.assertEqual(order.amount_untaxed, 90)

    def test_each_order_is_named(self):
        orders = self.make_order(11) | self.make_order(12)
        with self.assertRaises(UserError) as refused:
            orders.action_confirm()
        for order in orders:
            self.assertIn(f"{order.name}: Too much.", str(refused.exception))

    def test_what_does_not_matter_is_not_asked(self):
        order = self.make_order(10)
        order.action_confirm()
        self.commit()
        self.asked.clear()
        order.client_order_ref = "PO 7"
        order.order_line.name = "Rice, 5 kg"
        self.commit()
        self.assertFalse(self.asked)
