from odoo.exceptions import UserError
from odoo.tests import tagged

from .service_common import ServiceCommon


@tagged("post_install", "-at_install")
class TestComplaint(ServiceCommon):
    """Severe complaints mark their customers; suggestions are counted and answered."""

    def _find_marked(self, user, marked=True):
        partners = self._as(user, self.env["res.partner"])
        domain = [("trade_severe_complaint", "=", marked), ("id", "in", self.customers.ids)]
        return partners.search(domain).with_env(self.env)

    def test_marked_while_it_is_open(self):
        self.quality.is_complaint = True
        mild = self._make_ticket(self.wok_contact, trade_type_id=self.quality.id, priority="1")
        other = self._make_ticket(self.hutong, trade_type_id=self.delay.id, priority="3")
        self.assertFalse(self._find_marked(self.user_east))
        mild.priority = "2"
        self.env.flush_all()
        # Those who sell see the mark, also who may not read the ticket.
        for user in (self.user_zhejiang, self.user_marketer_east, self.user_east):
            self.assertEqual(self._find_marked(user), self.wok, user.name)
        self.assertNotIn(self.wok, self._find_marked(self.user_east, marked=False))
        self.assertIn(self.hutong, self._find_marked(self.user_north, marked=False))
        self.assertTrue(self._as(self.user_zhejiang, self.wok_contact).trade_severe_complaint)
        self.assertFalse(other.partner_id.trade_severe_complaint)
        mild.stage_id = self.stage_done
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertFalse(self._find_marked(self.user_east))
        self.assertFalse(self.wok.trade_severe_complaint)

    def test_on_the_page_of_the_customer(self):
        self.quality.is_complaint = True
        ticket = self._make_ticket(self.wok_contact, trade_type_id=self.quality.id, priority="3")
        self.env.flush_all()
        partners = self._as(self.user_agent_east, self.env["res.partner"])
        panels = partners.get_trade_360(self.wok.id)["panels"]
        [row] = next(panel["rows"] for panel in panels if panel["key"] == "tickets")
        self.assertEqual((row["res_id"], row["is_bad"]), (ticket.id, True))
        self.assertEqual(panels[0]["key"], "tickets")

    def test_in_the_value_matrix(self):
        self.quality.is_complaint = True
        self._make_order(self.wok, 10.0)
        self._make_ticket(self.wok, trade_type_id=self.quality.id, priority="3")
        self.env.flush_all()
        self.env["trade.customer.profile"]._rebuild_companies()
        profiles = self._as(self.user_zhejiang, self.env["trade.customer.profile"])
        matrix = profiles.get_value_matrix()
        marked = {one["key"]: one["complaints"] for one in matrix["quadrants"] if one["complaints"]}
        quadrant = self._get_profile(self.wok).matrix_quadrant
        self.assertEqual(marked, {quadrant: 1})
        action = profiles.action_view_matrix_complaints(quadrant)
        found = self._as(self.user_zhejiang, self.env["res.partner"]).search(action["domain"])
        self.assertEqual(found.ids, self.wok.ids)

    def test_suggestion(self):
        kind = self.env.ref("trade_crm_service.trade_ticket_type_suggestion")
        suggestions = self._as(self.user_service, self.env["trade.suggestion"])
        suggestion = suggestions.create({"name": "Smaller packages"})
        tickets = self.env["helpdesk.ticket"]
        for partner in (self.wok, self.wok_contact, self.hutong):
            tickets |= self._make_ticket(
                partner, trade_type_id=kind.id, trade_suggestion_id=suggestion.id
            )
        self.env.flush_all()
        self.assertEqual((suggestion.ticket_count, suggestion.customer_count), (3, 2))
        # Counted by who looks.
        self.assertEqual(self._as(self.user_agent_east, suggestion).ticket_count, 2)
        with self.assertRaisesRegex(UserError, "Decide"):
            suggestion.action_answer()
        suggestion.write({"state": "done", "answer": "<p>From May on.</p>"})
        suggestion.action_answer()
        self.assertEqual(tickets.stage_id, self.stage_done)
        for ticket in tickets:
            self.assertIn("From May on.", "".join(ticket.message_ids.mapped("body")))
            self.assertTrue(ticket.trade_first_at)
        suggestion.invalidate_recordset()
        self.assertEqual(suggestion.open_count, 0)
        with self.assertRaisesRegex(UserError, "answered"):
            suggestion.action_answer()
