from unittest.mock import patch

from odoo.exceptions import AccessError, ConcurrencyError, UserError
from odoo.tests import tagged

from ..models.sale_order_gate import Refusal
from .access_common import AccessCommon
from .territory_common import TerritoryCommon

QUICK = "trade.quick.order"
TOKEN = "one-order-of-mine"


@tagged("post_install", "-at_install")
class TestQuickOrder(TerritoryCommon, AccessCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.wok.user_id = cls.user_zhejiang
        pricelist = cls._get_pricelist(cls.company_cn, cls.cny)
        cls.wok.with_company(cls.company_cn).property_product_pricelist = pricelist
        cls.dozen = cls.env["product.product"].create(
            {"name": "Buns", "type": "service", "uom_id": cls.uom_dozen.id, "list_price": 60.0}
        )
        for day, quantity in (("2026-01-05", 2), ("2026-02-05", 4)):
            cls._make_order(
                cls.wok,
                [
                    {"product_id": cls.dozen.id, "product_uom_qty": quantity, "price_unit": 50.0},
                    {"price_unit": 9.0},
                ],
                day=day,
            )
        cls._make_order(cls.wok, 8.0, day="2026-03-05")
        cls.env.flush_all()
        cls.env["trade.sales.fact"]._rebuild_pairs({(cls.wok.id, cls.company_cn.id)})

    def _quick(self, user=None):
        return self._as(user or self.user_zhejiang, self.env[QUICK])

    def _send(self, quantity=3, token=TOKEN, user=None, **kwargs):
        lines = [{"product_id": self.product_service.id, "quantity": quantity}]
        return self._quick(user).send(self.wok.id, lines, token, **kwargs)

    def test_usual_basket(self):
        basket = self._quick().get_basket(self.wok_contact.id)
        self.assertEqual(basket["customer"]["id"], self.wok.id)
        self.assertEqual(basket["currency_id"], self.cny.id)
        advice, buns = basket["lines"]
        self.assertEqual((advice["name"], advice["usual"], advice["last_price"]), ("Advice", 1, 8))
        self.assertEqual((buns["usual"], buns["last_price"], buns["price"]), (3, 50, 60))
        self.assertEqual((buns["last_day"], buns["available"]), ("2026-02-05", None))

    def test_quotation_as_odoo_makes_it(self):
        sent = self._send()
        order = self.env["sale.order"].browse(sent["id"])
        self.assertEqual((order.state, order.user_id), ("draft", self.user_zhejiang))
        self.assertEqual(order.territory_id, self.zhejiang)
        by_hand = self._as(self.user_zhejiang, order).create({"partner_id": self.wok.id})
        self.assertEqual(order.pricelist_id, by_hand.pricelist_id)
        self.assertEqual(order.order_line.price_unit, 10)
        self.assertEqual(order.order_line.product_uom_qty, 3)

    def test_confirmed(self):
        self.assertEqual(self._send(confirm=True)["state"], "sale")

    def test_sent_twice_is_one_order(self):
        first = self._send(confirm=True)
        self.assertEqual(self._send(quantity=5, confirm=True), first)
        lines = self.env["sale.order"].browse(first["id"]).order_line
        self.assertEqual(lines.product_uom_qty, 3)
        self.assertNotEqual(self._send(token="another-order")["id"], first["id"])
        other = self._send(user=self.user_east)
        self.assertNotEqual(other["id"], first["id"], "tokens are of one user")

    def test_basket_tells_what_has_arrived(self):
        """A page that was closed while sending begins anew, and does not send other quantities as the same."""
        quick = self._quick()
        self.assertFalse(quick.get_basket(self.wok.id, TOKEN)["sent"])
        sent = self._send()
        self.assertEqual(quick.get_basket(self.wok.id, TOKEN)["sent"], sent["name"])
        self.assertFalse(quick.get_basket(self.wok.id)["sent"])

    def test_sent_at_once_is_tried_again(self):
        """The other call was not there yet when this one looked."""
        first = self._send()
        orders = self.env["sale.order"]
        blind = patch.object(self.env.registry["sale.order"], "_find_sent", lambda *_args: orders)
        with blind, self.assertRaises(ConcurrencyError):
            self._send()
        self.assertEqual(self._send()["id"], first["id"])

    def test_refused_stays_a_quotation(self):
        """What the gate says is told, and the order is there to ask for approval."""
        refusal = Refusal("approval", "Ask your manager.", "We will call you.")
        gate = patch.object(
            self.env.registry["sale.order"],
            "_get_gate_refusals",
            lambda orders, before: {order: [refusal] for order in orders},
        )
        with gate:
            sent = self._send(confirm=True)
        self.assertEqual(sent["refusal"], "Ask your manager.")
        order = self.env["sale.order"].browse(sent["id"])
        self.assertEqual((order.state, order.picking_ids.ids), ("draft", []))
        again = self._send(confirm=True)
        self.assertEqual((again["id"], order.state), (order.id, "draft"), "sent already")
        self.assertTrue(again["refusal"], "what is not confirmed is not called sent")

    def test_a_copy_is_another_order(self):
        order = self.env["sale.order"].browse(self._send()["id"])
        self.assertFalse(order.copy().trade_token)

    def test_bad_input(self):
        quick = self._quick()
        product = self.product_service.id
        for lines in (
            [],
            [{"product_id": product, "quantity": 0}],
            [{"product_id": product, "quantity": -1}],
            [{"product_id": product, "quantity": "x"}],
            [{"product_id": product, "quantity": float("nan")}],
            [{"product_id": 0, "quantity": 1}],
            [{"quantity": 1}],
        ):
            with self.assertRaises(UserError, msg=str(lines)):
                quick.send(self.wok.id, lines, TOKEN)
        for token in ("", None, "short", "x" * 65):
            with self.assertRaises(UserError):
                self._send(token=token)
        self.product_service.sale_ok = False
        with self.assertRaises(UserError):
            self._send()

    def test_archived_customer(self):
        self.wok.active = False
        with self.assertRaises(UserError):
            self._quick().get_basket(self.wok.id)

    def test_other_territory_and_roles(self):
        for user in (self.user_shanghai, self.user_agent_east, self.user_auditor):
            for method, args in (
                ("get_basket", ()),
                ("send", ([], TOKEN)),
                ("find_products", ("",)),
            ):
                with self.assertRaises(AccessError, msg=f"{user.login} {method}"):
                    self._call(user, QUICK, method, self.wok.id, *args)

    def test_find(self):
        quick = self._quick()
        self.assertEqual([found[0] for found in quick.find_customers("golden wok e")], self.wok.ids)
        self.assertFalse(quick.find_customers("Hutong"))
        found = quick.find_products(self.wok.id, "bun")
        self.assertEqual([line["product_id"] for line in found], self.dozen.ids)
