from odoo.exceptions import ValidationError
from odoo.tests import tagged

from .credit_common import CreditCommon


@tagged("post_install", "-at_install")
class TestSupplyHold(CreditCommon):
    """Core customers come first where goods are scarce."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company_cn.trade_credit_control = False
        cls.scarce = cls.env["product.product"].create(
            {"name": "Truffles", "type": "consu", "is_storable": True, "taxes_id": False}
        )
        cls.env["stock.quant"]._update_available_quantity(
            cls.scarce, cls.warehouse.lot_stock_id, 10
        )
        cls.core, cls.other = cls._make_customer("Core"), cls._make_customer("Other")
        cls.tier = cls._get_tier("Core") or cls.policy.tier_ids[0]
        for partner in (cls.core, cls.other):
            cls._make_order(partner, 1.0, day="2026-03-30")

    def setUp(self):
        super().setUp()
        self._run_job()
        self.env.cr.execute(
            "UPDATE trade_customer_profile SET tier_id = CASE partner_id WHEN %s THEN %s END"
            " WHERE partner_id IN %s",
            [self.core.id, self.tier.id, (self.core.id, self.other.id)],
        )
        self.env.invalidate_all()

    def _hold(self, **values):
        return self.env["trade.supply.hold"].create(
            {
                "name": "Season",
                "company_id": self.company_cn.id,
                "product_id": self.scarce.id,
                "warehouse_id": self.warehouse.id,
                "tier_ids": self.tier.ids,
                "quantity": 6,
                "date_to": "2026-04-30",
                **values,
            }
        )

    def _order_scarce(self, partner, quantity=10):
        line = {"product_id": self.scarce.id, "product_uom_qty": quantity, "price_unit": 1.0}
        order = self._make_order(partner, [line])
        order.picking_ids.action_assign()
        return order.picking_ids

    def test_others_stop_at_what_is_held(self):
        self._hold()
        picking = self._order_scarce(self.other)
        self.assertEqual(picking.move_ids.quantity, 4)
        self.assertIn("Truffles is held until 2026-04-30", picking.trade_priority_reason)
        own = self._order_scarce(self.core, 6)
        self.assertEqual(own.move_ids.quantity, 6)
        self.assertFalse(own.trade_priority_reason)

    def test_what_core_customers_get_comes_off(self):
        self._hold()
        self.assertEqual(self._order_scarce(self.core, 5).move_ids.quantity, 5)
        self.assertEqual(self._order_scarce(self.other).move_ids.quantity, 4)

    def test_what_left_the_stock_is_not_held(self):
        """In two steps: what is picked for others is shipped, and what core customers picked counts."""
        self.warehouse.delivery_steps = "pick_ship"
        self._hold()
        pickings = self._order_scarce(self.other)
        pick = pickings.filtered("move_ids.quantity")
        self.assertEqual(pick.move_ids.quantity, 4)
        pick.move_ids.picked = True
        pick.with_context(skip_backorder=True).button_validate()
        ship = pick.move_ids.move_dest_ids
        self.assertEqual(ship.quantity, 4)
        core = self._order_scarce(self.core, 5).filtered("move_ids.quantity")
        self.assertEqual(core.move_ids.quantity, 5)
        self.env["stock.quant"]._update_available_quantity(
            self.scarce, self.warehouse.lot_stock_id, 3
        )
        rest = self._order_scarce(self.other, 5).filtered("move_ids.quantity")
        self.assertEqual(rest.move_ids.quantity, 3, "1 of 6 is held still")

    def test_share_counts_what_core_customers_got(self):
        self._hold(quantity=0, share=0.5)
        picking = self._order_scarce(self.core, 4)
        picking.move_ids.picked = True
        picking.button_validate()
        self.assertEqual(self._order_scarce(self.other).move_ids.quantity, 5)

    def test_share_category_and_end(self):
        above = self.env["product.category"].create({"name": "Fine food"})
        self.scarce.categ_id = above.create({"name": "Mushrooms", "parent_id": above.id})
        hold = self._hold(product_id=False, category_id=above.id, quantity=0, share=0.5)
        picking = self._order_scarce(self.other)
        self.assertEqual(picking.move_ids.quantity, 5)
        self.clock.move_to("2026-05-01 04:00:00")
        picking.move_ids._action_assign()
        self.assertEqual(picking.move_ids.quantity, 10)
        with self.assertRaises(ValidationError):
            hold.quantity = 3

    def test_first_in_line(self):
        self.tier.picking_priority = "1"
        self.scarce.stock_quant_ids.quantity = 0
        late, first = self._order_scarce(self.other), self._order_scarce(self.core)
        self.assertIn("urgent delivery", first.trade_priority_reason)
        listed = self.env["stock.picking"].search([("id", "in", (late + first).ids)])
        self.assertEqual(listed[0], first)
        self.env["stock.quant"]._update_available_quantity(
            self.scarce, self.warehouse.lot_stock_id, 10
        )
        self.env["stock.rule"]._run_scheduler_tasks(company_id=self.company_cn.id)
        self.assertEqual((first.move_ids.quantity, late.move_ids.quantity), (10, 0))
