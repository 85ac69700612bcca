from odoo.tests import tagged

from odoo.addons.trade_crm.tests.privacy_common import EMAIL, PrivacyCommon


@tagged("post_install", "-at_install")
class TestTicketPrivacy(PrivacyCommon):
    def test_tickets(self):
        tickets = self.env["helpdesk.ticket"]
        values = {"name": f"Broken pot, {EMAIL}", "description": f"Write to {EMAIL}"}
        own = tickets.create({**values, "partner_id": self.person.id})
        unknown = tickets.create({**values, "partner_email": EMAIL, "partner_name": "Li Wei"})
        other = tickets.create({"name": "Mine", "description": "x", "partner_id": self.namesake.id})
        own.message_post(body=f"Call me, {EMAIL}")
        request = self._make_request()
        self.assertEqual(request._get_tickets(request._get_person()), own | unknown)
        request.action_export()
        self._erase(request)
        self._sweep()
        for ticket in own | unknown:
            self.assertNotIn("Broken", ticket.name)
            self.assertFalse(ticket.partner_name or ticket.partner_email)
        self.assertEqual(other.name, "Mine")
        # That of the neighbour ends with it.
        self.assertEqual(
            self._find_everywhere(EMAIL),
            {"res_partner.email", "res_partner.email_normalized", "trade_identity_key.value"},
        )
