from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.trade_crm.models import trade_privacy_sweep

from .privacy_common import EMAIL, PHONE, WRITTEN, PrivacyCommon

NEEDLES = (EMAIL, PHONE, WRITTEN, "13812345678", "138-1234-5678")


@tagged("post_install", "-at_install")
class TestPrivacyErasure(PrivacyCommon):
    """Nothing is left of a person but what the law wants, and nobody else loses anything."""

    def _settle(self, invoice):
        wizard = self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=invoice.ids
        )
        wizard.create({"payment_date": invoice.invoice_date}).action_create_payments()
        self.assertFalse(invoice.amount_residual)

    # ------------------------------------------------------------------
    # No trace
    # ------------------------------------------------------------------

    @mute_logger("odoo.models.unlink")
    def test_no_trace_is_left_in_any_table(self):
        self.neighbour.active = False
        self.neighbour.email = "somebody@else.test"
        self.neighbour.phone = False
        self._plant()
        self.order._action_cancel()
        before = self._find_everywhere(*NEEDLES)
        for column in (
            "res_partner.email", "res_partner.comment", "crm_lead.email_from", "mail_message.body",
            "mail_tracking_value.old_value_char", "trade_order_import_row.cells",
            "trade_access_log.description", "trade_lead_log.note", "sale_order.note",
            "trade_lead_request.name", "trade_lead_request.reason", "trade_lead_request.decision",
            "trade_credit_temporary.reason", "trade_credit_request.reason",
            "trade_credit_request.situation", "trade_credit_promise.note", "mail_activity.note",
            "calendar_event.name", "sms_sms.number", "ir_attachment.index_content",
        ):  # fmt: skip
            self.assertIn(column, before, "the test plants nothing there")
        request = self._make_request(partner=self.person, email=EMAIL, phone=WRITTEN)
        request.action_find_data()
        request.action_export()
        self._erase(request)
        self.assertTrue(request.is_sweeping)
        self._sweep()
        self.assertEqual(request.state, "done")
        self.assertFalse(request.is_sweeping)
        self.assertFalse(self._find_everywhere(*NEEDLES))
        self.assertFalse(self._find_everywhere("Lotus Lane 8"))

    def test_texts_are_searched_in_pieces(self):
        """It goes on where it was left, whatever the size of the pieces."""
        leads = self.env["crm.lead"].create(
            [{"name": f"Ask {EMAIL}", "partner_id": self.customer.id} for _number in range(5)]
        )
        self.patch(trade_privacy_sweep, "ROWS", 2)
        request = self._erase(self._make_request()).sudo()
        request.flush_recordset()
        columns = {"crm_lead": {"name": "character varying"}}
        request.sweep_position = ["crm_lead", leads[2].id]
        with patch.object(type(self.env["ir.cron"]), "_commit_progress", lambda *args, **kw: 1):
            request._sweep(columns)
        told = [EMAIL in name for name in leads.sorted("id").mapped("name")]
        self.assertEqual(told, [True, True, False, False, False])
        self.assertFalse(request.sweep_terms or request.sweep_position)

    def test_person_and_leads_are_anonymous(self):
        self._plant()
        self.order._action_cancel()
        self.person.image_1920 = b"R0lGODlhAQABAIAAAP///////yH+A2V0YwAsAAAAAAEAAQAAAgJEAQA7"
        self.person.category_id = self.env["res.partner.category"].create({"name": "Vegan"})
        self._erase(self._make_request())
        self.assertEqual(self.person.name, f"Erased person #{self.person.id}")
        self.assertEqual(self.address.name, f"Erased person #{self.address.id}")
        for name in ("email", "phone", "phone_sanitized", "street", "comment", "image_1920"):
            self.assertFalse(self.person[name], name)
        self.assertFalse(self.person.category_id or self.person.active or self.address.active)
        self.assertEqual(self.person.country_id, self.china)
        self.assertFalse(self.lead.active or self.lead_alone.active)
        self.assertFalse(self.lead_alone.email_from or self.lead_alone.phone)
        self.assertNotIn("Li Wei", self.own_note.body)
        self.assertFalse(self.own_note.attachment_ids.exists())

    def test_others_lose_nothing(self):
        """Namesakes, people at the same domain, and whose address ends like the person's."""
        self._plant()
        self.order._action_cancel()
        others = self.namesake | self.neighbour | self.customer | self.contact
        note = self.namesake.message_post(body=f"Write to w{EMAIL} or +86 138 1234 56789")
        lead = self.env["crm.lead"].create({"name": "N", "partner_id": self.namesake.id})
        names = ["name", "email", "phone", "street", "active", "comment"]
        before = others.read(names), lead.read(["name", "email_from", "active"]), note.body
        self._erase(self._make_request())
        self._sweep()
        after = others.read(names), lead.read(["name", "email_from", "active"]), note.body
        self.assertEqual(before, after)
        self.assertIn("[erased]", self.other_lead.description)
        self.assertTrue(self.other_lead.active)

    def test_what_somebody_else_has_as_well_is_theirs(self):
        """The phone of a reception: it stays theirs, until they are said to be the same person."""
        double = self._make_person("Li W.", email=EMAIL)
        lead = self.env["crm.lead"].create({"name": "Web", "email_from": EMAIL})
        request = self._make_request()
        self.assertEqual(request.suggested_partner_ids, double)
        self._erase(request)
        self._sweep()
        self.assertEqual((double.email, lead.email_from), (EMAIL, EMAIL))
        request = self._make_request(partner=double)
        self._erase(request)
        self.assertFalse(double.email or lead.email_from)

    def test_doubles_go_along(self):
        double = self._make_person("Li W.", email=EMAIL, active=False)
        request = self._make_request()
        request.action_add_suggested()
        self._erase(request)
        self.assertFalse(double.email)

    def test_address_of_the_company_stays(self):
        """Odoo writes the address of a contact to its company."""
        self.customer.write({"street": "Main St 1", "vat": "CN123", "phone": "+86 571 8888 6666"})
        self.contact.write({"email": EMAIL, "phone": WRITTEN})
        self.person.write({"email": False, "phone": False})
        self.address.phone = False
        self._erase(self._make_request(partner=self.contact))
        self.assertEqual(
            (self.customer.name, self.customer.street, self.customer.vat),
            ("Golden Wok", "Main St 1", "CN123"),
        )
        self.assertFalse(self.contact.email or self.contact.phone)

    def test_somebody_who_is_no_customer(self):
        self.person.write({"email": False, "phone": False})
        self.address.phone = False
        lead = self.env["crm.lead"].create(
            {"name": "Web", "email_from": EMAIL, "phone": WRITTEN, "contact_name": "Li Wei"}
        )
        request = self._make_request(email=EMAIL, person_name="Li Wei")
        self._erase(request)
        self._sweep()
        self.assertFalse(lead.email_from or lead.phone or lead.contact_name or lead.active)
        self.assertFalse(request.email or request.person_name)
        self.assertFalse(self._find_everywhere(*NEEDLES, kept=("trade_privacy_request.name",)) - {
            "res_partner.phone", "res_partner.phone_sanitized", "res_partner.email",
            "res_partner.email_normalized", "trade_identity_key.value"})  # fmt: skip
        self.assertFalse(self.env["trade.identity.key"].search([("lead_id", "=", lead.id)]))

    def test_request_by_the_address_of_a_customer(self):
        with self.assertRaisesRegex(UserError, "that of .*Li Wei.*Choose whom"):
            self._make_request(email=EMAIL).action_erase()

    def test_archived_person(self):
        self.person.active = False
        lead = self.env["crm.lead"].create(
            {"name": "Old", "partner_id": self.person.id, "active": False}
        )
        self._erase(self._make_request())
        self.assertFalse(self.person.email or lead.email_from)

    def test_list_of_who_must_not_be_written_to(self):
        self.env["mail.blacklist"]._add(EMAIL)
        self._erase(self._make_request())
        self._sweep()
        self.assertTrue(self.env["mail.blacklist"].search([("email", "=", EMAIL)]))
        self.assertEqual(self._find_everywhere(EMAIL) - {"mail_message.body"}, {"mail_blacklist.email"} | (
            {"res_partner.email", "res_partner.email_normalized", "trade_identity_key.value"}))  # fmt: skip

    def test_suppression_on_request(self):
        self._erase(self._make_request(keep_suppressed=True))
        self.assertTrue(self.env["mail.blacklist"].search([("email", "=", EMAIL)]))
        self.assertTrue(self.env["phone.blacklist"].search([("number", "=", PHONE)]))

    def test_portal_access_ends(self):
        user = new_test_user(self.env, login=EMAIL, groups="base.group_portal")
        user.partner_id.write({"email": EMAIL, "phone": WRITTEN})
        self.person.write({"email": False, "phone": False})
        self.address.phone = False
        self._erase(self._make_request(partner=user.partner_id))
        self.assertFalse(user.active)
        self.assertEqual(user.login, f"erased-{user.id}")

    # ------------------------------------------------------------------
    # What the law wants
    # ------------------------------------------------------------------

    def test_orders_and_figures_stay(self):
        order = self._make_order(self.person, 300.0, day="2026-03-01")
        invoice = self._make_invoice(order)
        self._settle(invoice)
        order_us = self._make_order(self.person, 80.0, company=self.company_us)
        self._settle(self._make_invoice(order_us))
        self._make_history(self.person, 50.0)
        self._run_fact_job()
        amounts = (order | order_us).mapped("amount_total"), invoice.amount_total
        profiles = self._get_figures()
        request = self._erase(self._make_request())
        self._run_fact_job()
        self.assertEqual(((order | order_us).mapped("amount_total"), invoice.amount_total), amounts)
        self.assertEqual(self._get_figures(), profiles)
        self.assertEqual(request.state, "restricted")

    def _get_figures(self):
        profiles = self.env["trade.customer.profile"].sudo().search([])
        facts = self.env["trade.sales.fact"].sudo().search([])
        return (
            [
                (profile.company_id.id, profile.revenue, profile.order_count)
                for profile in profiles.filtered(lambda one: one.partner_id == self.person)
            ],
            sum(facts.filtered(lambda one: one.partner_id == self.person).mapped("revenue")),
        )

    def test_invoices_keep_name_and_address_until_the_end(self):
        self.company_cn.trade_retention_years = 10
        invoice = self._make_invoice(self._make_order(self.person, 300.0))
        self._settle(invoice)
        self.person.vat = "CN9133"
        request = self._erase(self._make_request())
        self.assertEqual(str(request.retention_until), "2036-12-31")
        self.assertEqual((self.person.name, self.person.street), ("Li Wei", "Lotus Lane 8"))
        self.assertFalse(self.person.email or self.person.phone or self.person.active)
        self.assertEqual(invoice.invoice_partner_display_name, "Li Wei")

        requests = self.env["trade.privacy.request"]
        requests._cron_retention(fields.Date.to_date("2036-12-31"))
        self.assertEqual(request.state, "restricted")
        requests._cron_retention(fields.Date.to_date("2037-01-01"))
        self.assertEqual(request.state, "verified")
        self.clock.move_to("2037-01-02 04:00:00")
        self._erase(request)
        self.assertEqual(request.state, "done")
        name = f"Erased person #{self.person.id}"
        self.assertEqual((self.person.name, self.person.street), (name, False))
        self.assertEqual(invoice.invoice_partner_display_name, name)
        self.assertEqual((invoice.amount_total, invoice.state), (300.0, "posted"))

    def test_retention_by_country(self):
        company = self.env["res.company"].create({"name": "C", "country_id": self.china.id})
        self.assertEqual(company.trade_retention_years, 30)
        company.country_id = self.env.ref("base.de")
        self.assertEqual(company.trade_retention_years, 10)

    # ------------------------------------------------------------------
    # Refusals
    # ------------------------------------------------------------------

    def test_open_order(self):
        order = self._make_order(self.person, 300.0)
        with self.assertRaisesRegex(UserError, order.name):
            self._make_request().action_erase()

    def test_unpaid_invoice_of_another_company(self):
        order = self._make_order(self.person, 80.0, company=self.company_us)
        invoice = self._make_invoice(order)
        with self.assertRaisesRegex(UserError, "not settled.*" + invoice.name):
            self._make_request().action_erase()

    def test_users_and_companies(self):
        partner = self.user_rep.partner_id
        with self.assertRaisesRegex(UserError, "user of yours"):
            self._make_request(partner=partner).action_erase()
        self.user_rep.active = False
        with self.assertRaisesRegex(UserError, "user of yours"):
            self._make_request(partner=partner).action_erase()
        with self.assertRaisesRegex(ValidationError, "is a company"):
            self._make_request(partner=self.customer)

    def test_identity_comes_first(self):
        request = self._make_request(verify=False, proof=False)
        with self.assertRaisesRegex(UserError, "Make sure first"):
            request.action_erase()
        with self.assertRaisesRegex(UserError, "Make sure first"):
            request.action_export()
        with self.assertRaisesRegex(UserError, "how you made sure"):
            request.action_verify()

    def test_number_is_typed(self):
        request = self._make_request()
        wizard = request.env["trade.privacy.erase"].create({"request_id": request.id})
        for typed in (False, "PR", self.person.name):
            wizard.number = typed
            with self.assertRaisesRegex(UserError, "cannot be undone"):
                wizard.action_erase()
        self.assertEqual(self.person.email, EMAIL)

    def test_second_officer_gets_a_sentence(self):
        request = self._make_request()
        wizard = request.env["trade.privacy.erase"].create(
            {"request_id": request.id, "number": request.name}
        )
        self._erase(request)
        with self.assertRaisesRegex(UserError, "answered already"):
            wizard.action_erase()

    def test_nothing_half_saved(self):
        """A failure in the last step leaves everything as it was."""
        self._plant()
        self.order._action_cancel()
        self.env.flush_all()
        request = self._make_request()
        self.patch(
            type(request), "_erase_partners", lambda *args: (_ for _ in ()).throw(UserError("no"))
        )
        with self.assertRaisesRegex(UserError, "no"), self.env.cr.savepoint():
            self._erase(request)
        self.env.invalidate_all()
        self.assertEqual(self.person.email, EMAIL)
        self.assertIn("Call Li Wei", self.own_note.body)
        self.assertEqual(request.state, "verified")

    # ------------------------------------------------------------------
    # Roles
    # ------------------------------------------------------------------

    def test_roles(self):
        request = self._make_request()
        for user in (self.user_rep, self.user_marketer, self.user_agent, self.user_outsider):
            with self.assertRaises(AccessError):
                self._as(user, request).read(["name"])
        own = self._as(self.user_manager, request.browse())
        own = own.with_user(self.user_manager).create({"kind": "access", "email": "a@b.test"})
        self.assertEqual(own.search([]), own)
        for method in ("action_verify", "action_export", "action_erase", "action_find_data"):
            with self.subTest(method=method), self.assertRaises(AccessError):
                getattr(own, method)()
        with self.assertRaises(AccessError):
            own.write({"state": "verified"})
        with self.assertRaises(AccessError):
            own.read(["export_file"])
        auditor = self._as(self.user_auditor, request)
        self.assertEqual(auditor.name, request.name)
        with self.assertRaises(AccessError):
            auditor.write({"kind": "access"})
        with self.assertRaises(AccessError):
            self._as(self.user_manager, self.env["trade.privacy.erase"]).create(
                {"request_id": request.id}
            )

    def test_log_without_personal_data(self):
        request = self._erase(self._make_request())
        log = request.sudo().log_id
        for needle in (*NEEDLES, "Li Wei"):
            for name in (
                "anonymized_name",
                "anonymized_email",
                "execution_details",
                "additional_note",
            ):
                self.assertNotIn(needle, log[name] or "")
            self.assertNotIn(needle, request.outcome)
        self.assertIn("Contact: 2 (Made anonymous)", request.outcome)

    # ------------------------------------------------------------------
    # Other kinds
    # ------------------------------------------------------------------

    def test_objection_stops_marketing(self):
        request = self._make_request("objection")
        request.action_stop_marketing()
        self.assertTrue(self.env["mail.blacklist"].search([("email", "=", EMAIL)]))
        self.assertTrue(self.env["phone.blacklist"].search([("number", "=", PHONE)]))
        self.assertTrue(self.person.is_blacklisted)

    def test_refusal_needs_a_reason(self):
        request = self._make_request()
        with self.assertRaisesRegex(UserError, "why the request is refused"):
            request.action_refuse()
        request.refusal = "Cannot be told from a namesake"
        request.action_refuse()
        self.assertEqual((request.state, request.done_on), ("refused", fields.Date.today()))

    def test_due_date_and_late(self):
        request = self._make_request(received_on="2026-03-01")
        self.assertEqual(str(request.due_date), "2026-03-29")
        self.assertTrue(request.is_late)
        self.assertIn(request, request.search([("is_late", "=", True)]))
        self.assertNotIn(request, request.search([("is_late", "=", False)]))
        self.assertEqual(request.activity_ids.user_id, self.user_officer)

    # ------------------------------------------------------------------
    # Search
    # ------------------------------------------------------------------

    def test_find_data(self):
        self._plant()
        action = self._make_request().action_find_data()
        lines = self._as(self.user_officer, self.env["privacy.lookup.wizard.line"])
        lines = lines.search(action["domain"])
        found = {(line.res_model, line.res_id) for line in lines}
        for record in self.person | self.address:
            self.assertIn(("res.partner", record.id), found)
        for record in self.lead | self.lead_alone:
            self.assertIn(("crm.lead", record.id), found)
        self.assertIn(("sale.order", self.order.id), found)
        self.assertIn(("mail.message", self.own_note.id), found)
        self.assertIn("trade.order.import.customer", lines.mapped("res_model"))
        for other in self.namesake | self.neighbour | self.customer:
            self.assertNotIn(("res.partner", other.id), found)
        with self.assertRaises(AccessError):
            lines[0].action_unlink()
        with self.assertRaises(AccessError):
            lines.action_archive_all()
        self.assertTrue(self.person.exists().active)

    def test_lookup_by_phone_without_a_request(self):
        wizard = self.env["privacy.lookup.wizard"].create(
            {"name": "No such name", "email": "no@such.test", "trade_phone": "138 1234 5678"}
        )
        self.env.user.country_id = self.china
        wizard.trade_phone = PHONE
        wizard.action_lookup()
        self.assertNotIn(self.namesake.id, wizard.line_ids.mapped("res_id"))
        lead = self.env["crm.lead"].create(
            {"name": "Web", "phone": PHONE, "country_id": self.china.id}
        )
        wizard.action_lookup()
        self.assertFalse(
            wizard.line_ids.filtered(
                lambda line: (line.res_model, line.res_id) == ("crm.lead", lead.id)
            ),
            "the number is that of a customer",
        )

    def test_archiving_by_onchange_is_for_administrators(self):
        line = self._as(self.user_rep, self.env["privacy.lookup.wizard.line"]).new(
            {"res_id": self.person.id, "is_active": False}
        )
        with self.assertRaises(AccessError):
            line._onchange_is_active()
