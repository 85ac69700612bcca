from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import Form, tagged

from .service_common import ServiceCommon


@tagged("post_install", "-at_install")
class TestTicketRemedy(ServiceCommon):
    """Five pots were delivered and invoiced, worth 30 each and sold for 100."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pot = (
            cls.env["product.product"]
            .with_company(cls.company_cn)
            .create(
                {
                    "name": "Pot",
                    "type": "consu",
                    "is_storable": True,
                    "standard_price": 30.0,
                    "invoice_policy": "order",
                    "taxes_id": [Command.clear()],
                }
            )
        )
        cls.order = cls._make_order(
            cls.wok, [{"product_id": cls.pot.id, "product_uom_qty": 5, "price_unit": 100.0}]
        )
        cls.picking = cls.order.picking_ids
        cls._deliver(cls.picking)
        cls.invoice = cls._make_invoice(cls.order)
        cls.user_agent_east.group_ids += cls.env.ref("stock.group_stock_user") | cls.env.ref(
            "account.group_account_invoice"
        )
        cls.ticket = cls._make_ticket(
            cls.wok,
            cls.user_agent_east,
            team_id=cls.team_quality.id,
            trade_order_id=cls.order.id,
            trade_picking_id=cls.picking.id,
            trade_product_id=cls.pot.id,
        )
        cls.env.flush_all()

    @classmethod
    def _deliver(cls, picking):
        for move in picking.move_ids:
            move.quantity = move.product_uom_qty
            move.picked = True
        picking.button_validate()

    def _act(self, name, user=None):
        return getattr(self._as(user or self.user_agent_east, self.ticket), name)()

    def _open(self, action, **values):
        return (
            self._as(self.user_agent_east, self.env[action["res_model"]])
            .with_context(**action["context"])
            .create(values)
        )

    def test_return_and_exchange(self):
        wizard = self._open(self._act("action_return"))
        wizard.product_return_moves.quantity = 2
        result = wizard.action_create_exchanges()
        back = self.env["stock.picking"].browse(result["res_id"])
        self.assertEqual(back.move_ids.trade_complaint_id, self.ticket)
        again = (self.ticket.trade_move_ids.picking_id - back).ensure_one()
        self.assertEqual(again.picking_type_code, "outgoing")
        self._deliver(back)
        self.assertEqual(self.ticket.trade_cost, 0)
        self._deliver(again)
        self.assertEqual((self.ticket.trade_goods_cost, self.ticket.trade_cost), (60.0, 60.0))
        self.assertEqual(self._as(self.user_agent_east, self.ticket).trade_picking_count, 2)

    def test_replacement_is_no_purchase(self):
        orders = self.env["sale.order"].search_count([])
        result = self._act("action_replace")
        picking = self.env["stock.picking"].browse(result["res_id"])
        self.assertEqual((picking.partner_id, picking.origin), (self.wok, self.ticket.number))
        with (
            Form(self._as(self.user_agent_east, picking).with_context(**result["context"])) as form,
            form.move_ids.new() as line,
        ):
            line.product_id = self.pot
            line.product_uom_qty = 2
        self.assertEqual(picking.move_ids.trade_complaint_id, self.ticket)
        picking.action_confirm()
        self._deliver(picking)
        self.assertEqual(self.ticket.trade_goods_cost, 90.0)
        self.assertEqual(self.env["sale.order"].search_count([]), orders)

    def test_part_that_comes_later(self):
        picking = self.env["stock.picking"].browse(self._act("action_replace")["res_id"])
        picking.move_ids.product_uom_qty = 3
        picking.action_confirm()
        picking.move_ids.write({"quantity": 1, "picked": True})
        picking._action_done()
        self.assertEqual(self.ticket.trade_goods_cost, 30.0)
        self.assertEqual(len(self.ticket.trade_move_ids), 2)

    def test_credit_note(self):
        wizard = self._open(self._act("action_refund"), journal_id=self.invoice.journal_id.id)
        self.assertIn(self.ticket.number, wizard.reason)
        refund = self.env["account.move"].browse(wizard.refund_moves()["res_id"])
        self.assertEqual(refund.trade_complaint_id, self.ticket)
        self.assertEqual(self.ticket.trade_cost, 0)
        refund.invoice_line_ids.filtered("product_id").quantity = 1
        refund.action_post()
        self.assertEqual(self.ticket.trade_refund_cost, 100.0)
        self.ticket.trade_other_cost = 15.0
        self.assertEqual(self.ticket.trade_cost, 115.0)
        refund.button_draft()
        self.assertEqual(self.ticket.trade_cost, 15.0)

    def test_rights_are_those_of_the_user(self):
        self.user_agent_east.group_ids = self.env.ref("trade_crm.group_agent")
        with self.assertRaises(AccessError):
            self._act("action_replace")
        with self.assertRaises(AccessError):
            self._as(self.user_agent_east, self.ticket).read(["trade_cost"])
        # A number in the context that is not theirs links nothing.
        foreign = self._make_ticket(self.hutong)
        tickets = self._as(self.user_agent_east, self.env["helpdesk.ticket"])
        self.assertFalse(tickets.with_context(trade_complaint_id=foreign.id)._get_complaint())

    def test_what_is_missing_is_said(self):
        self.ticket.write({"trade_order_id": False, "trade_picking_id": False})
        for name, words in (("action_return", "delivery"), ("action_refund", "posted invoice")):
            with self.assertRaisesRegex(UserError, words):
                self._act(name)
