"""What a person decided and was sent, when they ask for a copy or to be erased."""

from odoo import models
from odoo.fields import Domain

from odoo.addons.trade_crm.models.trade_privacy_steps import Step


class TradePrivacyRequest(models.Model):
    _inherit = "trade.privacy.request"

    def action_stop_marketing(self):
        result = super().action_stop_marketing()
        proof = self.env._("Objection %(number)s", number=self.display_name)
        partners = self._get_person().partners
        self.env["trade.consent"].sudo()._withdraw_all(partners, "request", proof)
        return result

    def _get_privacy_sources(self, person):
        own = Domain("partner_id", "in", person.partners.ids)
        return [
            *super()._get_privacy_sources(person),
            (
                "trade.consent",
                own,
                ["decided_at", "channel", "purpose", "decision", "source", "proof"],
            ),
            (
                "trade.message",
                own,
                ["campaign_id", "channel", "purpose", "body", "state", "reason", "sent_at"]
                + ["opened_at", "clicked_at"],
            ),
        ]

    def _get_contact_steps(self, person):
        own = Domain("partner_id", "in", person.partners.ids)
        return [
            *super()._get_contact_steps(person),
            Step(self.env._("Consent"), "trade.consent", own, "anonymise",
                 self.env._("What was decided stays, and proves objections; its words go."),
                 "_erase_consents"),
            Step(self.env._("Messages of campaigns"), "trade.message", own, "anonymise",
                 self.env._("How many were sent and opened stays; what waits is not sent."),
                 "_erase_campaign_messages"),
        ]  # fmt: skip

    def _erase_consents(self, consents, person):
        self._set(consents, proof=self._get_gone())

    def _erase_campaign_messages(self, messages, person):
        """Their text is that of the campaign, but may have the code of a coupon in it."""
        messages = messages.sudo()
        messages.filtered(lambda message: message.state == "queued")._finish("skipped", "erased")
        messages._set(body=None, reason_detail=None, provider_ref=None)
