from odoo.fields import Command
from odoo.tests import tagged

from odoo.addons.trade_crm.tests.privacy_common import EMAIL, PrivacyCommon


@tagged("post_install", "-at_install")
class TestMarketingPrivacy(PrivacyCommon):
    def setUp(self):
        super().setUp()
        self.mailing_list = self.env["mailing.list"].create({"name": "Chefs"})
        self.mailing_contact = self.env["mailing.contact"].create(
            {"name": "Li Wei", "email": EMAIL, "list_ids": [Command.set(self.mailing_list.ids)]}
        )
        self.other_contact = self.env["mailing.contact"].create(
            {"name": "Li Wei", "email": self.namesake.email}
        )
        mailing = self.env["mailing.mailing"].create(
            {
                "subject": "News",
                "mailing_model_id": self.env["ir.model"]._get_id("mailing.list"),
                "contact_list_ids": [Command.set(self.mailing_list.ids)],
            }
        )
        self.trace = self.env["mailing.trace"].create(
            {
                "mass_mailing_id": mailing.id,
                "model": "mailing.contact",
                "res_id": self.mailing_contact.id,
                "email": EMAIL,
                "trace_status": "open",
            }
        )
        program = self.env["loyalty.program"].create({"name": "Points", "program_type": "loyalty"})
        self.card = self.env["loyalty.card"].create(
            {"program_id": program.id, "partner_id": self.person.id, "points": 5}
        )

    def test_copy(self):
        request = self._make_request("access")
        person = request._get_person()
        found = {
            model: self.env[model].sudo().search(domain)
            for model, domain, _fields in request._get_privacy_sources(person)
        }
        self.assertEqual(found["mailing.contact"], self.mailing_contact)
        self.assertEqual(found["mailing.subscription"], self.mailing_contact.subscription_ids)
        self.assertEqual(found["mailing.trace"], self.trace)
        self.assertEqual(found["loyalty.card"], self.card)
        request.action_export()
        self.assertTrue(request.export_file)

    def test_erasure(self):
        self._erase(self._make_request())
        self._sweep()
        self.assertFalse(self.mailing_contact.exists())
        self.assertTrue(self.other_contact.email)
        self.assertEqual((self.trace.email, self.trace.trace_status), (False, "open"))
        self.assertEqual(self.card.points, 5)
        left = {column for column in self._find_everywhere(EMAIL) if "w" + EMAIL not in column}
        # That of the neighbour, with the key that it is recognised by.
        neighbours = {
            "res_partner.email",
            "res_partner.email_normalized",
            "trade_identity_key.value",
        }
        self.assertEqual(left, neighbours)

    def test_objection_stays_proven(self):
        self.env["mail.blacklist"]._add(EMAIL)
        self._erase(self._make_request())
        again = self.env["mailing.contact"].create({"name": "From an old list", "email": EMAIL})
        self.assertTrue(again.is_blacklisted)
