"""What tickets keep of a person."""

from odoo import api, fields, models
from odoo.fields import Domain

from odoo.addons.trade_crm.models.trade_privacy_steps import Step


class TradePrivacyRequest(models.Model):
    _inherit = "trade.privacy.request"

    @api.model
    def _get_tickets(self, person):
        """Of the person, or of nobody we know who wrote from the same address."""
        stranger = Domain("partner_id", "=", False) | Domain("partner_id.is_company", "=", True)
        domain = person.get_partner_domain("partner_id")
        return self._find(
            "helpdesk.ticket", domain | (stranger & person.get_email_domain("partner_email"))
        )

    @api.model
    def _get_answers_domain(self, person):
        """Answers of the person, or of nobody we know who was asked at the same address."""
        return person.get_partner_domain("partner_id") | (
            Domain("partner_id", "=", False) & person.get_email_domain("email")
        )

    @api.model
    def _get_privacy_documents(self, person):
        return [*super()._get_privacy_documents(person), self._get_tickets(person)]

    @api.model
    def _get_privacy_sources(self, person):
        tickets = Domain("id", "in", self._get_tickets(person).ids)
        logs = Domain("ticket_id", "in", self._get_tickets(person).ids)
        return [
            *super()._get_privacy_sources(person),
            ("helpdesk.ticket", tickets, None),
            ("trade.ticket.log", logs, None),
            ("trade.survey.invitation", self._get_answers_domain(person), None),
        ]

    def _get_lead_steps(self, person):
        tickets = Domain("id", "in", self._get_tickets(person).ids)
        return [
            *super()._get_lead_steps(person),
            Step(self.env._("Tickets"), "helpdesk.ticket", tickets, "anonymise",
                 self.env._("Times and categories stay, for figures."), "_erase_tickets"),
            Step(self.env._("Answers to surveys"), "trade.survey.invitation", self._get_answers_domain(person),
                 "anonymise", self.env._("Scores stay, for figures."), "_erase_answers"),
        ]  # fmt: skip

    def _erase_tickets(self, tickets, person):
        for ticket in tickets:
            ticket.write(
                {
                    "name": self.env._("Ticket of an erased person #%(number)s", number=ticket.id),
                    "description": self._get_gone(),
                    "partner_name": False,
                    "partner_email": False,
                    "email_cc": False,
                    "properties": False,
                    "trade_properties": False,
                    "trade_solution": False,
                }
            )

    def _erase_answers(self, answers, person):
        """The link is good no longer: nobody is behind it."""
        answers.write(
            {
                "partner_id": False,
                "partner_name": False,
                "email": False,
                "phone": False,
                "comment": False,
                "expires_at": fields.Datetime.subtract(fields.Datetime.now(), seconds=1),
            }
        )
