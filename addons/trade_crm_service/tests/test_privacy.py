from odoo.tests import tagged

from odoo.addons.trade_crm.tests.privacy_common import EMAIL, PrivacyCommon


@tagged("post_install", "-at_install")
class TestTicketPrivacy(PrivacyCommon):
    def _make_answer(self, ticket):
        survey = self.env["trade.survey"].create({"name": "Ask", "recovery_type_id": False})
        answers = self.env["trade.survey.invitation"].sudo()
        answer = answers.create(survey._prepare_invitation(ticket.partner_id, ticket, "email"))
        answer._take_score("2")
        answer._take_details(answer._read_details({"comment": f"Write to {EMAIL}"}, []))
        return answer

    def test_tickets(self):
        tickets = self.env["helpdesk.ticket"]
        values = {"name": f"Broken pot, {EMAIL}", "description": f"Write to {EMAIL}"}
        own = tickets.create({**values, "partner_id": self.person.id})
        unknown = tickets.create({**values, "partner_email": EMAIL, "partner_name": "Li Wei"})
        other = tickets.create({"name": "Mine", "description": "x", "partner_id": self.namesake.id})
        own.message_post(body=f"Call me, {EMAIL}")
        answer = self._make_answer(own)
        request = self._make_request()
        self.assertEqual(request._get_tickets(request._get_person()), own | unknown)
        request.action_export()
        self._erase(request)
        self._sweep()
        for ticket in own | unknown:
            self.assertNotIn("Broken", ticket.name)
            self.assertFalse(ticket.partner_name or ticket.partner_email)
        self.assertEqual(other.name, "Mine")
        # The score stays for the figures; whose it was, and the link, do not.
        self.assertEqual(answer.nps, "2")
        self.assertFalse(answer.partner_id or answer.comment or answer.email)
        self.assertFalse(answer._take_details({"comment": EMAIL}))
        # That of the neighbour ends with it.
        self.assertEqual(
            self._find_everywhere(EMAIL),
            {"res_partner.email", "res_partner.email_normalized", "trade_identity_key.value"},
        )
