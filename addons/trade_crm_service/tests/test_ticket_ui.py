from odoo.tests import HttpCase, new_test_user, tagged

from .service_common import ServiceCommon


@tagged("post_install", "-at_install")
class TestTicketUi(ServiceCommon, HttpCase):
    def test_portal(self):
        new_test_user(
            self.env,
            login="service_portal",
            groups="base.group_portal",
            partner_id=self.wok_contact.id,
            company_id=self.company_cn.id,
            company_ids=self.company_cn.ids,
        )
        self.start_tour("/new/ticket", "trade_ticket_portal", login="service_portal")
        ticket = self.env["helpdesk.ticket"].search([("partner_id", "=", self.wok_contact.id)])
        self.assertEqual(ticket.trade_type_id, self.delay)

    def test_incoming_call(self):
        # The browser's clock goes on; that of the server stands still.
        self.wok_contact.phone = "+86 138 0013 8000"
        self.env.flush_all()
        self.start_tour(
            "/odoo/trade-call?number=%2B8613800138000",
            "trade_incoming_call",
            login=self.user_agent.login,
        )
        ticket = self.env["helpdesk.ticket"].search([("partner_id", "=", self.wok_contact.id)])
        self.assertEqual(ticket.name, "Broken pot")
        self.assertTrue(ticket.trade_first_at)
