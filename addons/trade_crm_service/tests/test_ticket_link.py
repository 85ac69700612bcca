import base64

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged

from .service_common import ServiceCommon

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@tagged("post_install", "-at_install")
class TestTicketLink(ServiceCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.order = cls._make_order(cls.wok, 50.0)

    def test_order_button(self):
        order = self._as(self.user_agent, self.order)
        action = order.action_trade_tickets()
        form = Form(
            self._as(self.user_agent, self.env["helpdesk.ticket"]).with_context(**action["context"])
        )
        self.assertEqual(form.trade_order_id, order)
        self.assertEqual(form.partner_id, self.wok)
        form.name = "Late"
        form.description = "Where is it?"
        ticket = form.save()
        self.assertEqual(ticket.territory_id, self.zhejiang)
        order.invalidate_recordset()
        self.assertEqual(order.trade_ticket_count, 1)
        self.assertEqual(
            order.action_trade_tickets()["domain"], [("trade_order_id", "in", order.ids)]
        )

    def test_line_and_lot_say_what_it_is_about(self):
        product = self.env["product.product"].create(
            {"name": "Knife", "is_storable": True, "tracking": "lot"}
        )
        lot = self.env["stock.lot"].create({"name": "L7", "product_id": product.id})
        ticket = self._make_ticket(self.wok, trade_order_line_id=self.order.order_line[:1].id)
        self.assertEqual(ticket.trade_order_id, self.order)
        self.assertEqual(ticket.trade_product_id, self.order.order_line[:1].product_id)
        ticket.trade_lot_id = lot
        self.assertEqual(ticket.trade_product_id, product)
        with self.assertRaises(ValidationError):
            ticket.trade_product_id = self.product_service

    def test_papers_of_another_customer(self):
        with self.assertRaises(ValidationError):
            self._make_ticket(self.hutong, trade_order_id=self.order.id)

    def test_customer_beside_the_ticket(self):
        ticket = self._as(self.user_agent, self._make_ticket(self.wok_contact))
        self.assertEqual(ticket.trade_open_order_count, 1)
        self.assertEqual(
            self.env["sale.order"].search(ticket.action_open_orders()["domain"]), self.order
        )

    def test_counts_of_customers(self):
        self._make_ticket(self.wok_contact)
        self._make_ticket(self.wok, stage_id=self.stage_done.id)
        customer = self._as(self.user_agent, self.wok)
        self.assertEqual(customer.helpdesk_ticket_count_string, "1 / 2")
        self.assertEqual(self._as(self.user_agent, self.wok_contact).helpdesk_ticket_count, 1)

    def test_proof(self):
        self.quality.write({"proof_photo": True, "proof_moment": "solve"})
        ticket = self._as(self.user_agent, self._make_ticket(self.wok, self.user_agent))
        ticket.trade_type_id = self.quality
        self.assertIn("photo", ticket.trade_missing_proof)
        ticket.stage_id = self.stage_work
        with self.assertRaisesRegex(UserError, "photo"):
            ticket.stage_id = self.stage_done
        self.env["ir.attachment"].create(
            {"name": "note.txt", "raw": b"x", "res_model": ticket._name, "res_id": ticket.id}
        )
        with self.assertRaises(UserError):
            ticket.stage_id = self.stage_done
        self.env["ir.attachment"].create(
            {"name": "pot.png", "raw": PIXEL, "res_model": ticket._name, "res_id": ticket.id}
        )
        ticket.stage_id = self.stage_done
        self.assertFalse(ticket.trade_missing_proof)

    def test_proof_before_work(self):
        self.quality.write({"proof_order": True, "proof_moment": "work"})
        ticket = self._make_ticket(self.wok, self.user_agent, trade_type_id=self.quality.id)
        ticket.stage_id = self.stage_wait
        with self.assertRaises(UserError):
            ticket.stage_id = self.stage_work
        ticket.trade_order_id = self.order
        ticket.stage_id = self.stage_work
        other = self._make_ticket(self.wok, self.user_agent, trade_type_id=self.quality.id)
        other.stage_id = self.stage_dropped
        self.assertTrue(other.stage_id.closed)

    def test_reps_see_tickets_of_own_customers(self):
        self.wok.user_id = self.user_zhejiang
        own = self._make_ticket(self.wok_contact)
        neighbour = self._make_ticket(
            self._make_customer("Neighbour", state_id=self.state_zhejiang.id)
        )
        foreign = self._make_ticket(self.hutong)
        tickets = own | neighbour | foreign
        self.assertEqual(self._visible(self.user_zhejiang, tickets), own)
        with self.assertRaises(AccessError):
            self._as(self.user_zhejiang, own).name = "Mine"
        made = self._as(self.user_zhejiang, self.env["helpdesk.ticket"]).create(
            {"name": "Called me", "description": "x", "partner_id": self.wok.id}
        )
        self.assertEqual(made.name, "Called me")
        self.assertEqual(self._visible(self.user_east, tickets), own | neighbour)
        self.assertEqual(self._visible(self.user_auditor, tickets), tickets)
        with self.assertRaises(AccessError):
            self._as(self.user_auditor, own).name = "Mine"

    def test_standard_types(self):
        kind = self.env.ref("trade_crm_service.trade_ticket_type_quality")
        self.assertTrue(kind.ticket_properties)
        ticket = self._make_ticket(self.wok, trade_type_id=kind.id)
        ticket.trade_properties = {"defect": "cracked"}
        self.assertEqual(ticket.trade_properties["defect"], "cracked")
