from odoo import SUPERUSER_ID
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import Form, tagged

from .common import TODAY, TradeCrmCommon


@tagged("post_install", "-at_install")
class TestTierEffect(TradeCrmCommon):
    """Core customers pay later, by a pricelist of their own, and are delivered first."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["res.config.settings"].create({"group_product_pricelist": True}).execute()
        terms = cls.env["account.payment.term"].create(
            [
                {"name": name, "company_id": False}
                for name in ("45 days of the tier", "Own terms", "By hand")
            ]
        )
        cls.term_tier, cls.term_own, cls.term_hand = terms
        # The companies got their currencies after their pricelists.
        for company in (cls.company_cn, cls.company_us):
            usual = cls.env["product.pricelist"].search([("company_id", "=", company.id)])
            usual.currency_id = company.currency_id
        cls.list_tier, cls.list_own, cls.list_hand = cls.env["product.pricelist"].create(
            [
                {
                    "name": name,
                    "company_id": cls.company_cn.id,
                    "currency_id": cls.cny.id,
                    "sequence": 99,
                }
                for name in ("Prices of the tier", "Own prices", "Prices by hand")
            ]
        )
        cls.core = cls._get_tier("Core")
        cls.core.write(
            {
                "payment_term_id": cls.term_tier.id,
                "pricelist_id": cls.list_tier.id,
                "picking_priority": "1",
            }
        )
        cls.goods = cls.env["product.product"].create(
            {"name": "Tile", "type": "consu", "list_price": 20.0, "taxes_id": [Command.clear()]}
        )
        for company in (cls.company_cn, cls.company_us):
            cls._make_history(cls.customer, 600_000, "2026-03-01", company=company)
        cls.env.flush_all()
        cls.env["trade.customer.profile"].with_context(trade_today=TODAY)._rebuild_companies()

    def _order(self, partner=None, **values):
        """A new order as a rep creates it over RPC."""
        lines = [Command.create({"product_id": self.goods.id, "product_uom_qty": 3})]
        values = {"partner_id": (partner or self.customer).id, "order_line": lines, **values}
        orders = self._as(self.user_rep, self.env["sale.order"])
        return orders.create({"company_id": self.company_cn.id, **values})

    def assertTerms(self, order, term, pricelist):
        self.assertEqual((order.payment_term_id, order.pricelist_id), (term, pricelist))

    # ------------------------------------------------------------------
    # Payment terms and pricelist
    # ------------------------------------------------------------------

    def test_order_gets_what_the_tier_gives(self):
        order = self._order()
        self.assertTerms(order, self.term_tier, self.list_tier)
        reason = order.trade_effect_reason
        for text in ("Core", "revenue of 12 months", "45 days of the tier", "Prices of the tier"):
            self.assertIn(text, reason)
        self.assertIn("urgent delivery", reason)

    def test_prices_are_those_of_the_pricelist(self):
        self.list_tier.item_ids = [
            Command.create(
                {"compute_price": "percentage", "percent_price": 10, "applied_on": "3_global"}
            )
        ]
        line = self._order().order_line
        self.assertEqual(line.price_subtotal, 54.0)

    def test_order_of_a_contact(self):
        self.assertTerms(self._order(self.contact), self.term_tier, self.list_tier)

    def test_form(self):
        """Choosing the customer on the screen does the same as RPC, and choosing another undoes it."""
        other = self._make_customer("Nobody yet")
        with Form(self._as(self.user_rep, self.env["sale.order"])) as form:
            form.partner_id = self.customer
            self.assertEqual(form.payment_term_id, self.term_tier)
            self.assertEqual(form.pricelist_id, self.list_tier)
            self.assertIn("Core", form.trade_effect_reason)
            form.partner_id = other
            self.assertFalse(form.payment_term_id)
            self.assertFalse(form.trade_effect_reason)
            form.partner_id = self.customer
        self.assertTerms(form.record, self.term_tier, self.list_tier)
        self.assertIn("Core", form.record.trade_effect_reason)

    def test_hand_on_the_order_is_kept(self):
        order = self._order(payment_term_id=self.term_hand.id)
        self.assertTerms(order, self.term_hand, self.list_tier)
        self.assertNotIn("payment terms", order.trade_effect_reason)
        order.write({"pricelist_id": self.list_hand.id, "trade_delivery_priority": "0"})
        self.assertFalse(order.trade_effect_reason)
        self._make_history(self.customer, 1.0, "2026-03-30")
        self._run_job()
        order.order_line.product_uom_qty = 5
        order.action_confirm()
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertTerms(order, self.term_hand, self.list_hand)

    def test_no_terms_by_hand_are_kept(self):
        order = self._order(payment_term_id=False)
        self.assertFalse(order.payment_term_id)
        self.assertNotIn("payment terms", order.trade_effect_reason)

    def test_hand_in_the_form_is_kept(self):
        with Form(self._as(self.user_rep, self.env["sale.order"])) as form:
            form.partner_id = self.customer
            form.payment_term_id = self.term_hand
        self.assertTerms(form.record, self.term_hand, self.list_tier)

    def test_own_terms_of_the_customer_are_kept(self):
        self.customer.with_company(self.company_cn).property_payment_term_id = self.term_own
        order = self._order(self.contact)
        self.assertTerms(order, self.term_own, self.list_tier)

    def test_own_prices_of_the_customer_are_kept(self):
        self.customer.with_company(self.company_cn).property_product_pricelist = self.list_own
        order = self._order(self.contact)
        self.assertTerms(order, self.term_tier, self.list_own)

    def test_default_terms_of_the_company_give_way(self):
        """Terms that everybody gets are not the customer's own."""
        self.env["ir.default"].set(
            "res.partner",
            "property_payment_term_id",
            self.term_own.id,
            company_id=self.company_cn.id,
        )
        self.assertEqual(self._order(self._make_customer("Other")).payment_term_id, self.term_own)
        self.assertEqual(self._order().payment_term_id, self.term_tier)

    def test_other_currency_is_kept(self):
        self.list_tier.currency_id = self.usd
        order = self._order()
        self.assertNotEqual(order.pricelist_id, self.list_tier)
        self.assertEqual(order.payment_term_id, self.term_tier)

    def test_pricelist_for_other_countries(self):
        self.list_tier.country_group_ids = self.env["res.country.group"].create(
            {"name": "France", "country_ids": [Command.link(self.env.ref("base.fr").id)]}
        )
        self.assertNotEqual(self._order().pricelist_id, self.list_tier)
        self.customer.country_id = self.env.ref("base.fr")
        self.assertEqual(self._order().pricelist_id, self.list_tier)

    def test_archived_offers_are_not_given(self):
        self.list_tier.active = self.term_tier.active = False
        order = self._order()
        self.assertFalse(order.payment_term_id)
        self.assertNotEqual(order.pricelist_id, self.list_tier)
        self.assertEqual(set(order.trade_effects), {"picking_priority"})

    def test_without_pricelists(self):
        self.env["res.config.settings"].create({"group_product_pricelist": False}).execute()
        order = self._order()
        self.assertFalse(order.pricelist_id)
        self.assertEqual(order.payment_term_id, self.term_tier)

    def test_other_tiers_give_nothing(self):
        order = self._order(self._make_customer("Nobody yet"))
        self.assertFalse(order.payment_term_id)
        self.assertFalse(order.trade_effect_reason)

    def test_archived_customer(self):
        self.customer.active = False
        self.assertTerms(self._order(), self.term_tier, self.list_tier)

    def test_other_company(self):
        """Core there as well, but that company's tier gives nothing."""
        order = self.env["sale.order"].create(
            {"partner_id": self.customer.id, "company_id": self.company_us.id}
        )
        self.assertEqual(self._get_profile(self.customer, self.company_us).tier_id.name, "Core")
        self.assertFalse(order.payment_term_id)
        self.assertFalse(order.trade_effect_reason)

    def test_order_moved_to_the_other_company(self):
        """Odoo takes the pricelist from the customer anew, and so does the tier."""
        order = self.env["sale.order"].create(
            {"partner_id": self.customer.id, "company_id": self.company_us.id}
        )
        order.company_id = self.company_cn
        self.assertEqual(order.pricelist_id, self.list_tier)

    def test_tier_of_another_company_offers_nothing_of_it(self):
        with self.assertRaisesRegex(UserError, "compan"), self.cr.savepoint():
            self._get_tier("Core", self.policy_us).pricelist_id = self.list_tier

    def test_copy_keeps_what_the_order_has(self):
        order = self._order(payment_term_id=self.term_hand.id)
        copy = order.copy()
        self.assertTerms(copy, self.term_hand, self.list_tier)
        self.assertIn("Prices of the tier", copy.trade_effect_reason)
        self.assertNotIn("payment terms", copy.trade_effect_reason)

    def test_later_tiers_change_no_order(self):
        order = self._order()
        self.core.payment_term_id = self.term_own
        self.core.min_revenue = 1_000_000
        self._run_job()
        order.order_line.product_uom_qty = 5
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertTerms(order, self.term_tier, self.list_tier)
        self.assertIn("¥\xa0500,000", order.trade_effect_reason)

    def test_reason_outlives_the_tier(self):
        order = self._order()
        self.env.cr.execute("DELETE FROM trade_tier_history")
        self.core.unlink()
        self.env.invalidate_all()
        self.assertIn("Removed", order.trade_effect_reason)

    def test_reason_is_told_in_the_language_of_the_reader(self):
        self.env["res.lang"]._activate_lang("zh_CN")
        self.core.with_context(lang="zh_CN").name = "核心"
        order = self._order()
        self.assertIn("核心", order.with_context(lang="zh_CN").trade_effect_reason)

    # ------------------------------------------------------------------
    # Delivery priority
    # ------------------------------------------------------------------

    def test_delivery_is_urgent(self):
        order = self._order()
        self.assertEqual(order.trade_delivery_priority, "1")
        order.action_confirm()
        self.assertEqual(order.picking_ids.priority, "1")
        self.assertIn("urgent delivery", order.trade_effect_reason)

    def test_normal_by_hand_is_kept(self):
        order = self._order(trade_delivery_priority="0")
        order.action_confirm()
        self.assertEqual(order.picking_ids.priority, "0")
        self.assertNotIn("urgent", order.trade_effect_reason)

    def test_urgent_by_hand_needs_no_tier(self):
        order = self._order(self._make_customer("Nobody yet"), trade_delivery_priority="1")
        order.action_confirm()
        self.assertEqual(order.picking_ids.priority, "1")
        self.assertFalse(order.trade_effect_reason)

    def test_other_customers_are_delivered_as_usual(self):
        order = self._order(self._make_customer("Nobody yet"))
        order.action_confirm()
        self.assertEqual(order.picking_ids.priority, "0")

    def test_priority_changed_on_the_delivery_stays(self):
        order = self._order()
        order.action_confirm()
        picking = order.picking_ids.with_user(SUPERUSER_ID)
        picking.priority = "0"
        order.order_line.product_uom_qty = 8
        self.env.flush_all()
        self.assertEqual(order.picking_ids.mapped("priority"), ["0"])

    def test_copy_of_an_urgent_order(self):
        """Urgency by hand is of one order; that of the tier is of each."""
        order = self._order(self._make_customer("Nobody yet"), trade_delivery_priority="1")
        self.assertEqual(order.copy().trade_delivery_priority, "0")
        self.assertEqual(
            self._order(trade_delivery_priority="0").copy().trade_delivery_priority, "1"
        )

    # ------------------------------------------------------------------
    # Rights and cost
    # ------------------------------------------------------------------

    def test_only_managers_set_effects(self):
        for user in (self.user_rep, self.user_auditor):
            with self.assertRaises(AccessError):
                self._as(user, self.core).payment_term_id = self.term_own
            self.assertEqual(self._as(user, self.core).picking_priority, "1")
        self._as(self.user_manager, self.core).payment_term_id = self.term_own
        self.assertEqual(self._order().payment_term_id, self.term_own)

    def _count_confirm(self):
        """Queries of a confirmation, everything before the commit included."""
        order = self._order()
        self._commit()
        self.env.invalidate_all()
        before = self.cr.sql_log_count
        order.action_confirm()
        self._commit()
        return self.cr.sql_log_count - before

    def test_confirmation_costs_no_query(self):
        """What the tier gives was resolved when the order was made."""
        self._count_confirm()
        with_effects = self._count_confirm()
        self.core.write(
            {"payment_term_id": False, "pricelist_id": False, "picking_priority": False}
        )
        self._count_confirm()
        self.assertLessEqual(with_effects, self._count_confirm())

    def test_many_orders_at_once(self):
        """The tiers of a hundred orders are one query."""
        partners = [self._make_customer(f"Buyer {number}") for number in range(20)]
        for partner in partners:
            self._make_history(partner, 600_000, "2026-03-01")
        self.env.flush_all()
        self.env["trade.customer.profile"].with_context(trade_today=TODAY)._rebuild_companies()
        orders = self.env["sale.order"].create(
            [{"partner_id": partner.id, "company_id": self.company_cn.id} for partner in partners]
        )
        self.assertEqual(orders.payment_term_id, self.term_tier)
        self.env.invalidate_all()
        orders.partner_id.commercial_partner_id.mapped("name")
        self.env["trade.tier"]._get_effects()
        with self.assertQueryCount(3):
            tiers = orders._get_customer_tiers()
        self.assertEqual(set(tiers.values()), {self.core})
