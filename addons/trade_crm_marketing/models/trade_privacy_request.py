"""What mailings and loyalty programs keep of a person."""

from odoo import models
from odoo.fields import Domain

from odoo.addons.trade_crm.models.trade_privacy_steps import Step


class TradePrivacyRequest(models.Model):
    _inherit = "trade.privacy.request"

    def _get_privacy_sources(self, person):
        contacts = Domain("email_normalized", "in", person.emails)
        cards = person.get_partner_domain("partner_id")
        return [
            *super()._get_privacy_sources(person),
            ("mailing.contact", contacts, None),
            (
                "mailing.subscription",
                Domain("contact_id", "any", contacts),
                ["list_id", "create_date", "opt_out", "opt_out_datetime", "opt_out_reason_id"],
            ),
            (
                "mailing.trace",
                self._get_trace_domain(person),
                ["mass_mailing_id", "email", "sent_datetime", "trace_status", "open_datetime"]
                + ["links_click_datetime"],
            ),
            (
                "link.tracker.click",
                Domain("mailing_trace_id", "any", self._get_trace_domain(person)),
                ["create_date", "link_id", "ip", "country_id"],
            ),
            ("loyalty.card", cards, ["program_id", "code", "points", "expiration_date"]),
            (
                "loyalty.history",
                Domain("card_id", "any", cards),
                ["create_date", "card_id", "issued", "used", "description"],
            ),
        ]

    def _get_trace_domain(self, person):
        return Domain("email", "in", person.emails) | self._get_document_domain(person)

    def _get_contact_steps(self, person):
        traces = self._get_trace_domain(person)
        return [
            *super()._get_contact_steps(person),
            Step(self.env._("Contacts of mailing lists"), "mailing.contact",
                 Domain("email_normalized", "in", person.emails), "delete"),
            Step(self.env._("Clicks in mailings"), "link.tracker.click",
                 Domain("mailing_trace_id", "any", traces), "delete"),
            Step(self.env._("Mailings that were sent"), "mailing.trace", traces, "anonymise",
                 self.env._("How many were sent and opened stays."), "_erase_traces"),
        ]  # fmt: skip

    def _erase_traces(self, traces, person):
        self._set(traces, email=None, sms_number=None, failure_reason=None)

    def _get_kept_steps(self, person):
        return [
            *super()._get_kept_steps(person),
            Step(
                self.env._("Loyalty cards"),
                "loyalty.card",
                person.get_partner_domain("partner_id"),
                "keep",
                self.env._("Points without a name; nobody can use them."),
            ),
        ]
