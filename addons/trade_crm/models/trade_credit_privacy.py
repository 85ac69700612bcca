from odoo import api, models
from odoo.fields import Domain

from .trade_privacy_steps import Step


class TradePrivacyRequest(models.Model):
    """Credit of a person: limits, what was asked and promised, and when the person was reminded."""

    _inherit = "trade.privacy.request"

    @api.model
    def _get_privacy_documents(self, person):
        partner = [("partner_id", "in", person.partners.ids)]
        models = ("trade.credit.account", "trade.credit.request", "trade.credit.promise")
        return [
            *super()._get_privacy_documents(person),
            *(self.env[model].sudo().search(partner) for model in models),
        ]

    def _get_privacy_sources(self, person):
        partner = Domain("partner_id", "in", person.partners.ids)
        account = Domain("account_id.partner_id", "in", person.partners.ids)
        return [
            *super()._get_privacy_sources(person),
            (
                "trade.credit.account",
                partner,
                ["company_id", "limit_kind", "limit_amount", "on_hold"],
            ),
            ("trade.credit.temporary", account, ["amount", "date_from", "date_to", "reason"]),
            (
                "trade.credit.request",
                partner,
                ["create_date", "amount", "reason", "decision", "state"],
            ),
            (
                "trade.credit.promise",
                partner,
                ["date_made", "date_promised", "amount", "note", "state"],
            ),
            ("trade.reminder", partner, ["day", "amount"]),
        ]

    def _get_erasure_steps(self, person, restricted):
        partner = Domain("partner_id", "in", person.partners.ids)
        limits = Domain("account_id.partner_id", "in", person.partners.ids)
        return [
            *super()._get_erasure_steps(person, restricted),
            Step(
                self.env._("Reasons of temporary limits"),
                "trade.credit.temporary",
                limits,
                "anonymise",
                run="_erase_credit_limits",
            ),
            Step(self.env._("Promises to pay"), "trade.credit.promise", partner, "delete"),
            Step(self.env._("Reminders"), "trade.reminder", partner, "delete"),
            Step(
                self.env._("Decisions on credit"),
                "trade.credit.request",
                partner,
                "anonymise",
                self.env._("Amount and decision stay, for who answers for them."),
                "_erase_credit_requests",
            ),
        ]

    def _erase_credit_limits(self, limits, _person):
        limits.write({"reason": "-"})

    def _erase_credit_requests(self, requests, _person):
        requests.write({"reason": "-", "situation": False, "decision": False})
