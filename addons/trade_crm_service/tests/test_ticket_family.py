from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import Form, tagged

from .service_common import ServiceCommon


@tagged("post_install", "-at_install")
class TestTicketFamily(ServiceCommon):
    """Merge, split, and one problem of many customers."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.first = cls._make_ticket(cls.wok, cls.user_agent, name="First")
        cls.second = cls._make_ticket(
            cls.wok_contact, cls.user_agent, name="Second", trade_type_id=cls.quality.id
        )
        cls.second.message_subscribe(partner_ids=cls.wok_contact.ids)
        cls.message = cls.second.message_post(
            body="And the invoice is wrong",
            author_id=cls.wok_contact.id,
            message_type="email",
            subtype_xmlid="mail.mt_comment",
            attachments=[("invoice.txt", b"wrong")],
        )
        cls.env.flush_all()

    def _merge(self, tickets, target=None, user=None):
        wizard = (
            self._as(user or self.user_agent, self.env["trade.ticket.merge"])
            .with_context(active_ids=tickets.ids)
            .create(target and {"target_id": target.id} or {})
        )
        return wizard.action_merge()

    def test_merge(self):
        opened = self.first.trade_opened_at
        self._after(hours=1)
        self._merge(self.first | self.second)
        self.assertTrue(self.first.active)
        self.assertFalse(self.second.active)
        self.assertEqual(self.second.trade_merged_into_id, self.first)
        self.assertEqual(self.message.res_id, self.first.id)
        self.assertEqual(self.message.attachment_ids.res_id, self.first.id)
        self.assertIn(self.wok_contact, self.first.message_partner_ids)
        self.assertEqual(self.first.trade_type_id, self.quality)
        self.assertEqual(self.first.trade_opened_at, opened)
        self.assertIn("Second", self.first.trade_log_ids.filtered("cause")[-1].reason)
        self.assertFalse(self.second.trade_sla_next)
        # Its promise is counted with the ticket that is left.
        report = self.env["trade.sla.report"].search([])
        self.assertNotIn(self.second, report.ticket_id)

    def test_merge_of_different_customers(self):
        foreign = self._make_ticket(self.hutong, self.user_agent)
        with self.assertRaisesRegex(UserError, "Hutong"):
            self._merge(self.first | foreign)
        with self.assertRaises(UserError):
            self._merge(self.first)
        with self.assertRaises(AccessError):
            self._merge(self.first | self.second, user=self.user_zhejiang)

    def test_merge_twice(self):
        self._merge(self.first | self.second)
        third = self._make_ticket(self.wok, self.user_agent)
        with self.assertRaises(UserError):
            self._merge(third | self.second, target=self.second)

    def test_split(self):
        wizard = self._as(self.user_agent, self.env["trade.ticket.split"]).with_context(
            active_id=self.second.id
        )
        options = dict(wizard._select_messages())
        self.assertIn("invoice is wrong", options[str(self.message.id)])
        wizard.create({"message": str(self.message.id), "name": "Invoice"}).action_split()
        new = self.env["helpdesk.ticket"].search([("trade_split_from_id", "=", self.second.id)])
        self.assertEqual(new.name, "Invoice")
        self.assertEqual(new.partner_id, self.wok_contact)
        self.assertEqual(new.attachment_ids.mapped("name"), ["invoice.txt"])
        self.assertEqual(self.message.res_id, self.second.id)
        with self.assertRaises(UserError):
            self._as(self.user_agent, self.first)._split(self.message, "Other")


@tagged("post_install", "-at_install")
class TestTicketBatch(ServiceCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.warehouse = cls.env["stock.warehouse"].search(
            [("company_id", "=", cls.company_cn.id)], limit=1
        )
        cls.pot = cls.env["product.product"].create(
            {"name": "Pot", "is_storable": True, "tracking": "lot", "list_price": 5.0}
        )
        cls.lot, cls.other_lot = cls.env["stock.lot"].create(
            [
                {"name": name, "product_id": cls.pot.id, "company_id": cls.company_cn.id}
                for name in ("BAD1", "GOOD1")
            ]
        )
        for lot in cls.lot | cls.other_lot:
            cls.env["stock.quant"]._update_available_quantity(
                cls.pot, cls.warehouse.lot_stock_id, 100, lot_id=lot
            )
        cls._deliver(cls.wok, cls.lot, 3)
        cls._deliver(cls.hutong, cls.lot, 2)
        cls._deliver(cls.bund, cls.other_lot, 1)
        cls.problem = cls._make_ticket(
            cls.wok,
            cls.user_agent,
            name="Cracks",
            trade_type_id=cls.quality.id,
            trade_lot_id=cls.lot.id,
        )
        cls.problem.partner_id = False
        cls.env.flush_all()

    @classmethod
    def _deliver(cls, partner, lot, quantity):
        order = cls._make_order(partner, [{"product_id": cls.pot.id, "product_uom_qty": quantity}])
        move = order.picking_ids.move_ids
        move.move_line_ids.unlink()
        move.write(
            {
                "move_line_ids": [
                    Command.create(
                        {
                            "product_id": cls.pot.id,
                            "lot_id": lot.id,
                            "quantity": quantity,
                            "location_id": move.location_id.id,
                            "location_dest_id": move.location_dest_id.id,
                            "picking_id": move.picking_id.id,
                        }
                    )
                ],
                "picked": True,
            }
        )
        order.picking_ids.button_validate()

    def _get_form(self, user):
        return Form(
            self._as(user, self.env["trade.ticket.batch"]).with_context(active_id=self.problem.id)
        )

    def test_who_got_it(self):
        form = self._get_form(self.user_agent)
        form.lot_id = self.lot
        wizard = form.save()
        self.assertEqual(wizard.line_ids.partner_id, self.wok | self.hutong)
        self.assertEqual(wizard.line_ids.mapped("quantity"), [3.0, 2.0])
        self.assertEqual(wizard.hidden_count, 0)
        wizard.message = "<p>Please do not use it.</p>"
        wizard.action_create()
        children = self.problem.trade_child_ids
        self.assertEqual(children.partner_id, self.wok | self.hutong)
        self.assertEqual(children.territory_id, self.zhejiang | self.north)
        self.assertEqual(children.trade_lot_id, self.lot)
        for child in children:
            self.assertIn("do not use", child.message_ids[0].body)
        # Once more, for those who have none yet.
        form = self._get_form(self.user_agent)
        self.assertEqual(form.lot_id, self.lot)
        again = form.save()
        again._onchange_lot_id()
        with self.assertRaises(UserError):
            again.action_create()

    def test_customers_of_other_territories(self):
        form = self._get_form(self.user_agent_east)
        form.lot_id = self.lot
        wizard = form.save()
        self.assertEqual(wizard.line_ids.partner_id, self.wok)
        self.assertEqual(wizard.hidden_count, 1)

    def test_returned_goods(self):
        move = self.env["stock.move"].search([("picking_id.partner_id", "=", self.hutong.id)])
        picking = move.picking_id
        wizard = (
            self.env["stock.return.picking"]
            .with_context(
                active_id=picking.id, active_ids=picking.ids, active_model="stock.picking"
            )
            .create({"picking_id": picking.id})
        )
        wizard.product_return_moves.quantity = 2
        back = wizard._create_return()
        back.move_ids.move_line_ids.lot_id = self.lot
        back.move_ids.quantity = 2
        back.move_ids.picked = True
        back.button_validate()
        form = self._get_form(self.user_agent)
        form.lot_id = self.lot
        self.assertEqual(form.save().line_ids.partner_id, self.wok)

    def test_answer_to_all(self):
        children = self.env["helpdesk.ticket"]
        for partner in (self.wok, self.hutong):
            children |= self._make_ticket(partner, self.user_agent, trade_parent_id=self.problem.id)
        answer = self._as(self.user_agent, self.env["trade.ticket.answer"]).create(
            {
                "ticket_id": self.problem.id,
                "message": "<p>New ones are on the way.</p>",
                "stage_id": self.stage_done.id,
            }
        )
        self.assertEqual(answer.open_count, 2)
        answer.action_send()
        for child in children:
            self.assertTrue(child.closed)
            self.assertTrue(child.trade_first_at)
            self.assertTrue(any("on the way" in message.body for message in child.message_ids))
        with self.assertRaises(UserError):
            answer.action_send()

    def test_problems_have_one_level(self):
        child = self._make_ticket(self.wok, self.user_agent, trade_parent_id=self.problem.id)
        with self.assertRaises(UserError):
            self._make_ticket(self.wok, self.user_agent, trade_parent_id=child.id)


@tagged("post_install", "-at_install")
class TestTicketHelp(ServiceCommon):
    """Similar solutions, and who is calling."""

    def test_similar(self):
        product = self.product_service
        make = self._make_ticket
        solved = make(
            self.bund, self.user_agent, name="砂锅破损", trade_product_id=product.id,
            trade_solution="Send a new one", stage_id=self.stage_done.id,
        )  # fmt: skip
        foreign = make(
            self.hutong, name="砂锅破损了", trade_product_id=product.id, trade_solution="Refund",
            user_id=self.user_leader.id,
        )  # fmt: skip
        make(self.bund, self.user_agent, name="砂锅破损", trade_solution="Of nothing shared")
        make(self.bund, self.user_agent, name="砂锅破损", trade_product_id=product.id)
        ticket = make(self.wok, self.user_agent, name="新到的砂锅破损", trade_product_id=product.id)
        self.assertEqual(self._as(self.user_agent, ticket).trade_similar_ids, solved | foreign)
        # Of another territory: neither the ticket nor its solution.
        ticket.user_id = self.user_agent_east
        self.shanghai.member_ids += self.user_agent_east
        self.env.invalidate_all()
        self.assertEqual(self._as(self.user_agent_east, ticket).trade_similar_ids, solved)
        self._as(self.user_agent, solved).with_context(
            trade_ticket_id=ticket.id
        ).action_take_solution()
        self.assertEqual(ticket.trade_solution, "Send a new one")

    def test_call(self):
        self.wok_contact.phone = "+86 138 0013 8000"
        self.hutong.phone = "+86 10 6552 9988"
        self._make_ticket(self.wok, self.user_agent)
        self.env.flush_all()
        tickets = self._as(self.user_agent_east, self.env["helpdesk.ticket"])
        found = tickets.find_callers("+8613800138000")
        self.assertEqual([caller["id"] for caller in found["callers"]], self.wok_contact.ids)
        self.assertEqual(found["callers"][0]["customer"], "Golden Wok East")
        self.assertEqual(found["callers"][0]["open_count"], 1)
        masked = tickets.find_callers("+86 10 65529988")
        self.assertFalse(masked["callers"])
        self.assertEqual(
            masked["others"],
            [{"name": "Hut****", "territory": "North", "manager": self.user_north.name}],
        )
        nobody = {"callers": [], "others": []}
        for number in ("", "x", "+86 999"):
            self.assertEqual(tickets.find_callers(number), nobody)
        with self.assertRaises(AccessError):
            self._as(self.user_outsider, tickets).find_callers("+8613800138000")

    def test_ticket_of_a_call(self):
        tickets = self._as(self.user_agent, self.env["helpdesk.ticket"])
        action = tickets.action_new_call(self.wok_contact.id, "+8613800138000")
        form = Form(tickets.with_context(**action["context"]))
        form.name = "Broken"
        form.description = "x"
        ticket = form.save()
        self.assertEqual(ticket.partner_id, self.wok_contact)
        self.assertTrue(ticket.trade_first_at)
        with self.assertRaises(AccessError):
            self._as(self.user_agent_east, tickets).action_new_call(self.hutong.id, "1")

    def test_report(self):
        ticket = self._make_ticket(self.wok, self.user_agent, trade_type_id=self.quality.id)
        foreign = self._make_ticket(self.hutong, self.user_agent)
        self._after(hours=1)
        ticket.stage_id = self.stage_done
        self.env.flush_all()
        reports = self._as(self.user_agent, self.env["trade.sla.report"])
        [(_kind, rate, missed)] = reports._read_group(
            [("type_id", "=", self.quality.id)], ["type_id"], ["solve_rate:avg", "solve_missed:sum"]
        )
        self.assertEqual((rate, missed), (1.0, 0))
        east = self._as(self.user_agent_east, self.env["trade.sla.report"]).search([])
        self.assertIn(ticket.id, east.ids)
        self.assertNotIn(foreign.id, east.ids)
