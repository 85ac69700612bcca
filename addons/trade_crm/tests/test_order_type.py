from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, tagged

from .common import TradeCrmCommon


@tagged("post_install", "-at_install")
class TestOrderType(TradeCrmCommon):
    """A dealer buys wholesale (numbers W, 60 days), a consumer retail (numbers R, gapless)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["res.config.settings"].create({"group_product_pricelist": True}).execute()
        cls.term, cls.term_hand, cls.term_own, cls.term_tier = cls.env[
            "account.payment.term"
        ].create(
            [{"name": name, "company_id": False} for name in ("60 days", "Hand", "Own", "Tier")]
        )
        # The companies got their currencies after their pricelists.
        for company in (cls.company_cn, cls.company_us):
            usual = cls.env["product.pricelist"].search([("company_id", "=", company.id)])
            usual.currency_id = company.currency_id
        cls.pricelist = cls.env["product.pricelist"].create(
            {
                "name": "Wholesale prices",
                "company_id": cls.company_cn.id,
                "currency_id": cls.cny.id,
                "sequence": 99,
            }
        )
        types = cls._as(cls.user_manager, cls.env["trade.order.type"])
        cls.wholesale, cls.retail, cls.plain = types.create(
            [
                {
                    "name": "Test wholesale",
                    "number_prefix": "TW%(year)s/",
                    "payment_term_id": cls.term.id,
                    "pricelist_id": cls.pricelist.id,
                    "delivery_days": 10,
                },
                {"name": "Test retail", "number_prefix": "TR", "number_gapless": True},
                {"name": "Test plain"},
            ]
        ).with_env(cls.env)
        cls.dealer_type, cls.consumer_type = cls.env["trade.customer.type"].create(
            [
                {"name": "T dealer", "kind": "dealer", "order_type_id": cls.wholesale.id},
                {"name": "T consumer", "kind": "consumer", "order_type_id": cls.retail.id},
            ]
        )
        cls.dealer = cls._make_customer("Dealer", trade_customer_type_id=cls.dealer_type.id)
        cls.consumer = cls._make_customer("Consumer", trade_customer_type_id=cls.consumer_type.id)
        cls.orders = cls._as(cls.user_rep, cls.env["sale.order"])
        cls.env.flush_all()

    def order(self, partner=None, **values):
        line = Command.create({"product_id": self.product_service.id, "tax_ids": False})
        return self.orders.create(
            {"partner_id": (partner or self.dealer).id, "order_line": [line], **values}
        )

    # ------------------------------------------------------------------
    # Type
    # ------------------------------------------------------------------

    def test_type_comes_from_the_customer(self):
        contact = self._make_contact("Ms. Li", self.dealer)
        self.assertEqual(self.order().trade_order_type_id, self.wholesale)
        self.assertEqual(self.order(contact).trade_order_type_id, self.wholesale)
        self.assertFalse(self.order(self.customer).trade_order_type_id)
        self.assertEqual(
            self.order(trade_order_type_id=self.retail.id).trade_order_type_id, self.retail
        )
        self.assertFalse(self.order(trade_order_type_id=False).trade_order_type_id)

    def test_type_in_a_form(self):
        form = Form(self.orders)
        form.partner_id = self.dealer
        self.assertEqual(form.trade_order_type_id, self.wholesale)
        self.assertEqual(form.payment_term_id, self.term)
        form.partner_id = self.consumer
        self.assertEqual(form.trade_order_type_id, self.retail)
        order = form.save()
        self.assertTrue(order.name.startswith("TR"))

    def test_only_for_customers_of_some_types(self):
        self.wholesale.customer_type_ids = self.dealer_type
        with self.assertRaisesRegex(ValidationError, "Consumer cannot have orders of the type"):
            self.order(self.consumer, trade_order_type_id=self.wholesale.id)
        with self.assertRaisesRegex(ValidationError, "not for customers of the type"):
            self.consumer_type.order_type_id = self.wholesale
        order = self.order()
        order.partner_id = self.customer
        self.assertFalse(order.trade_order_type_id)

    def test_type_stays_once_sent(self):
        order = self.order()
        order.action_quotation_sent()
        with self.assertRaisesRegex(UserError, "no draft any more"):
            order.trade_order_type_id = self.retail

    # ------------------------------------------------------------------
    # Numbers
    # ------------------------------------------------------------------

    def test_batch_create_gives_each_its_number(self):
        partners = [self.dealer, self.consumer, self.customer, self.dealer, self.consumer]
        orders = self.orders.create([{"partner_id": partner.id} for partner in partners])
        prefixes = ["TW2026/", "TR", None, "TW2026/", "TR"]
        self.assertEqual(len(set(orders.mapped("name"))), 5)
        for order, prefix in zip(orders, prefixes, strict=True):
            if prefix:
                self.assertTrue(order.name.startswith(prefix), order.name)
            else:
                self.assertNotRegex(order.name, "^T[WR]")
        self.assertEqual([orders[1].name, orders[4].name], ["TR00001", "TR00002"])

    def test_one_dictionary_for_several_orders(self):
        orders = self.orders.create([{"partner_id": self.dealer.id}] * 3)
        self.assertEqual(len(set(orders.mapped("name"))), 3)

    def test_batch_write_gives_each_its_number(self):
        orders = self.orders.create([{"partner_id": self.customer.id} for _number in range(3)])
        orders.write({"trade_order_type_id": self.retail.id})
        self.assertEqual(sorted(orders.mapped("name")), ["TR00001", "TR00002", "TR00003"])
        orders.write({"trade_order_type_id": self.wholesale.id})
        self.assertEqual(len(set(orders.mapped("name"))), 3)
        self.assertTrue(all(name.startswith("TW") for name in orders.mapped("name")))
        orders.write({"trade_order_type_id": self.plain.id})
        self.assertFalse([name for name in orders.mapped("name") if name[:2] in ("TW", "TR")])
        self.assertEqual(len(set(orders.mapped("name"))), 3)

    def test_customer_and_number_change_together(self):
        order = self.order()
        order.partner_id = self.consumer
        self.assertEqual(order.trade_order_type_id, self.retail)
        self.assertEqual(order.name, "TR00001")

    def test_same_type_keeps_the_number(self):
        order = self.order()
        name = order.name
        order.write({"trade_order_type_id": self.wholesale.id, "client_order_ref": "PO"})
        order.partner_id = self.customer
        self.assertEqual(order.name, name)

    def test_copy_has_a_number_of_its_own(self):
        order = self.order()
        copies = order.copy() | order.copy()
        self.assertEqual(copies.trade_order_type_id, self.wholesale)
        self.assertEqual(len(set((order | copies).mapped("name"))), 3)

    def test_number_by_hand_stays(self):
        self.assertEqual(self.order(name="By hand 7").name, "By hand 7")

    def test_prefixes_must_not_meet(self):
        for prefix in ("TR", "TR2026", "TR%(y)s", "S"):
            with (
                self.subTest(prefix=prefix),
                self.assertRaisesRegex(ValidationError, "prefixes"),
                self.env.cr.savepoint(),
            ):
                self.plain.number_prefix = prefix
        with self.assertRaisesRegex(ValidationError, "prefixes"):
            self.retail.with_company(self.company_us).number_prefix = "TR"

    def test_numbers_of_each_company(self):
        self.retail.with_company(self.company_us).number_prefix = "USR"
        order = self.env["sale.order"].create(
            [
                {"partner_id": self.consumer.id, "company_id": company.id}
                for company in (self.company_cn, self.company_us)
            ]
        )
        self.assertEqual(order.mapped("name"), ["TR00001", "USR00001"])

    def test_prefix_is_shown_where_there_is_one(self):
        types = self._as(self.user_manager, self.retail | self.plain)
        self.assertEqual(types.mapped("number_prefix"), ["TR", False])
        self.assertEqual(types.mapped("number_next"), ["TR00001", False])

    def test_without_prefix_they_have_the_usual_numbers(self):
        self.retail.number_prefix = False
        self.assertNotIn("TR", self.order(self.consumer).name)
        self.retail.number_prefix = "TR"
        self.assertEqual(self.order(self.consumer).name, "TR00001")

    def test_who_may_change_types(self):
        with self.assertRaises(AccessError):
            self._as(self.user_rep, self.wholesale).number_prefix = "X"
        self.order()
        with self.assertRaisesRegex(UserError, "archive it"):
            self.wholesale.unlink()
        self.plain.unlink()

    # ------------------------------------------------------------------
    # Defaults
    # ------------------------------------------------------------------

    def test_defaults_of_the_type(self):
        order = self.order()
        self.assertEqual(order.payment_term_id, self.term)
        self.assertEqual(order.pricelist_id, self.pricelist)
        order.trade_order_type_id = self.plain
        self.assertFalse(order.payment_term_id)
        self.assertNotEqual(order.pricelist_id, self.pricelist)

    def test_person_comes_first(self):
        order = self.order(payment_term_id=self.term_hand.id)
        self.assertEqual(order.payment_term_id, self.term_hand)
        order.trade_order_type_id = self.plain
        order.trade_order_type_id = self.wholesale
        self.assertEqual(order.payment_term_id, self.term_hand)
        self.assertEqual(order.pricelist_id, self.pricelist)

    def test_customer_then_tier_then_type(self):
        tier = self._get_tier("Core")
        tier.payment_term_id = self.term_tier
        self._make_history(self.dealer, 600_000, "2026-03-01")
        self._run_job()
        self.assertEqual(self.order().payment_term_id, self.term_tier)
        self.dealer.with_company(self.company_cn).property_payment_term_id = self.term_own
        self.assertEqual(self.order().payment_term_id, self.term_own)

    def test_template_of_the_type(self):
        template = self.env["sale.order.template"].create(
            {
                "name": "Starter set",
                "company_id": self.company_cn.id,
                "sale_order_template_line_ids": [
                    Command.create({"product_id": self.product_service.id, "product_uom_qty": 7})
                ],
            }
        )
        self.retail.with_company(self.company_cn).sale_order_template_id = template
        self.user_rep.group_ids |= self.env.ref("sale_management.group_sale_order_template")
        form = Form(self.orders)
        form.partner_id = self.consumer
        self.assertEqual(form.sale_order_template_id, template)
        self.assertEqual(form.save().order_line.product_uom_qty, 7)
        self.assertEqual(self.order(self.consumer).sale_order_template_id, template)

    def test_form_keeps_what_a_person_chose(self):
        form = Form(self.orders)
        form.partner_id = self.dealer
        form.payment_term_id = self.term_hand
        form.trade_order_type_id = self.plain
        self.assertEqual(form.payment_term_id, self.term_hand)
        form.trade_order_type_id = self.wholesale
        self.assertEqual(form.pricelist_id, self.pricelist)

    # ------------------------------------------------------------------
    # Confirmation
    # ------------------------------------------------------------------

    def test_required_fields(self):
        names = ("client_order_ref", "commitment_date")
        wholesale = self._as(self.user_manager, self.wholesale)
        wholesale.requirement_ids = [Command.create({"field_name": name}) for name in names]
        wholesale.read()
        order = self.order()
        with (
            self.assertRaisesRegex(UserError, "need: Customer Reference, Delivery Date"),
            self.env.cr.savepoint(),
        ):
            order.action_confirm()
        order.write({"client_order_ref": "PO 1", "commitment_date": "2026-05-01 00:00:00"})
        order.action_confirm()
        self.assertEqual(order.state, "sale")

    def test_delivery_promise(self):
        order = self.order()
        self.assertEqual(str(order.trade_promised_on), "2026-04-10")
        order.action_confirm()
        self.assertEqual(order.commitment_date, fields.Datetime.to_datetime("2026-04-10 04:00:00"))
        by_hand = self.order(commitment_date="2026-06-01 00:00:00")
        by_hand.action_confirm()
        self.assertEqual(str(by_hand.commitment_date), "2026-06-01 00:00:00")

    def test_report_by_type(self):
        order = self.order()
        order.action_confirm()
        self.env.flush_all()
        [[count]] = self._as(self.user_rep, self.env["sale.report"])._read_group(
            [("trade_order_type_id", "=", self.wholesale.id)], [], ["__count"]
        )
        self.assertEqual(count, 1)
