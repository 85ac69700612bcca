from datetime import timedelta

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import email_normalize, split_every
from odoo.tools.misc import hmac

from .helpdesk_ticket_tell import HEADERS

CHUNK_SIZE = 100
# Wrong links an hour from one sender; the right ones are answered also after that.
GUESS_LIMIT = 30


class TradeSurvey(models.Model):
    """Who is asked, and by which way."""

    _inherit = "trade.survey"

    # ------------------------------------------------------------------
    # Jobs
    # ------------------------------------------------------------------

    @api.model
    def _cron_ask_after_tickets(self):
        """Ask about what was solved since the last run; each solution is looked at once."""
        for survey in self.sudo().search([("kind", "=", "ticket")]):
            until = fields.Datetime.now() - timedelta(hours=survey.delay_hours)
            tickets = survey._find_solved(until)
            for chunk in split_every(CHUNK_SIZE, tickets.ids, tickets.browse):
                survey._ask(chunk)
                survey.asked_until = chunk[-1].trade_ended_at
                if not self.env["ir.cron"]._commit_progress(len(chunk)):
                    return
            survey.asked_until = max(survey.asked_until or until, until)

    def _find_solved(self, until):
        """Tickets that were solved after those that the survey has looked at, in order."""
        domain = (
            Domain("trade_ended_at", ">=", self.asked_until or until)
            & Domain("trade_ended_at", "<=", until)
            & Domain("stage_id.trade_kind", "=", "solved")
            & Domain("company_id", "=", self.company_id.id)
            & (Domain("trade_type_id", "=", False) | Domain("trade_type_id.ask_survey", "=", True))
        )
        if self.type_ids:
            domain &= Domain("trade_type_id", "in", self.type_ids.ids)
        return self.env["helpdesk.ticket"].search(domain, order="trade_ended_at, id")

    @api.model
    def _cron_ask_relationships(self):
        """Every day a share of the customers whose turn it is."""
        for survey in self.sudo().search([("kind", "=", "relationship")]):
            people = survey._find_due_people()
            survey._invite([survey._prepare_invitation(person) for person in people])
            if not self.env["ir.cron"]._commit_progress(len(people)):
                return

    def _find_due_people(self):
        """List of one person of each customer whose turn it is."""
        customers = self._get_audience()
        since = fields.Datetime.now() - relativedelta(months=self.interval_months)
        invitations = self.env["trade.survey.invitation"]
        recent = invitations._search(
            Domain("survey_id", "=", self.id)
            & Domain("sent_at", ">", since)
            & Domain("commercial_partner_id", "!=", False)
        )
        reached = Domain("email", "!=", False) | Domain("phone", "!=", False)
        domain = (
            Domain("id", "in", customers)
            & (reached | Domain("child_ids", "any", reached))
            & Domain("id", "not in", recent.subselect("commercial_partner_id"))
        )
        found = self.env["res.partner"].search(domain, order="id", limit=self.per_day)
        return [self._choose_person(customer) for customer in found]

    @api.model
    def _choose_person(self, customer):
        """The customer itself, else the first contact with an address."""
        if customer.email:
            return customer
        return customer.child_ids.filtered("email")[:1] or customer

    def _get_audience(self):
        """``Query`` of the ids of the customers that the survey is for."""
        if self.segment_id:
            return self.segment_id.with_company(self.company_id)._get_members_query()
        profiles = self.env["trade.customer.profile"]._search(
            Domain("company_id", "=", self.company_id.id) & Domain("window_order_count", ">", 0)
        )
        return profiles.subselect("partner_id")

    # ------------------------------------------------------------------
    # Ask
    # ------------------------------------------------------------------

    def _ask(self, tickets):
        """Ask the customers of solved tickets, each person once."""
        domain = [("survey_id", "=", self.id), ("ticket_id", "in", tickets.ids)]
        asked = self.env["trade.survey.invitation"].search(domain).ticket_id
        self._invite(
            [self._prepare_invitation(ticket.partner_id, ticket) for ticket in tickets - asked]
        )

    def _invite(self, candidates):
        """Ask those who can be reached and have had a rest; of several occasions the first counts.

        :param candidates: list of values of invitations
        """
        invitations = self.env["trade.survey.invitation"]
        partners = self.env["res.partner"].browse(
            filter(None, (one["partner_id"] for one in candidates))
        )
        emails = set(filter(None, (one["email"] for one in candidates)))
        busy, busy_emails = invitations._get_resting(
            partners, emails, self.rest_days, self.company_id
        )
        chosen = []
        for values in candidates:
            partner, email = values["partner_id"], values["email"]
            if not values["channel"] or partner in busy or email in busy_emails:
                continue
            chosen.append(values)
            # Addresses of people whom nobody knows are all that tells them apart.
            busy |= {partner} - {False}
            busy_emails |= {email} - {False}
        self._send(invitations.create(chosen))

    def _prepare_invitation(self, partner, ticket=None, channel=None):
        """Values of an invitation; its channel is empty if the person cannot be reached.

        :param ticket: what the survey is about, if it is about a ticket
        :param channel: "qr" for somebody who is shown the code
        """
        address = partner.email or (ticket and ticket.partner_email) or ""
        email = email_normalize(address) or False
        phone = (partner.phone or "").strip() or False
        now = fields.Datetime.now()
        return {
            "survey_id": self.id,
            "company_id": self.company_id.id,
            "channel": channel or self._choose_channel(email, phone),
            "sent_at": now,
            "expires_at": now + timedelta(days=self.expire_days),
            "partner_id": partner.id,
            "commercial_partner_id": partner.commercial_partner_id.id,
            "partner_name": partner.name or (ticket and ticket.partner_name) or email,
            "email": email,
            "phone": phone,
            "lang": partner.lang
            or (ticket and ticket.trade_lang)
            or self.company_id.partner_id.lang,
            **self._prepare_occasion(partner, ticket),
        }

    def _choose_channel(self, email, phone):
        ways = {"email": bool(email), "sms": bool(phone) and "sms.sms" in self.env}
        if ways[self.channel]:
            return self.channel
        return next((way for way, works in ways.items() if works), None)

    def _prepare_occasion(self, partner, ticket):
        """What the answer will be told apart by."""
        if not ticket:
            customer = partner.commercial_partner_id.with_company(self.company_id)
            return {"tier_id": customer.trade_tier_id.id, "user_id": partner.user_id.id}
        return {
            "ticket_id": ticket.id,
            "user_id": ticket.user_id.id,
            "team_id": ticket.team_id.id,
            "type_id": ticket.trade_type_id.id,
            "tier_id": ticket.trade_tier_id.id,
            "product_id": ticket.trade_product_id.id,
            "carrier": self._get_carrier_name(ticket),
        }

    @api.model
    def _get_carrier_name(self, ticket):
        """Who delivered; deliveries have a carrier if the addon for it is installed."""
        picking = ticket.trade_picking_id
        return picking.carrier_id.name if "carrier_id" in picking._fields else False

    # ------------------------------------------------------------------
    # Send
    # ------------------------------------------------------------------

    def _send(self, invitations):
        by_channel = invitations.grouped("channel")
        for channel in ("email", "sms"):
            if channel in by_channel:
                getattr(self, f"_send_{channel}")(by_channel[channel])

    def _send_email(self, invitations):
        template = self.env.ref(f"trade_crm_service.mail_template_survey_{self.kind}", False)
        if template:
            template.sudo().send_mail_batch(
                invitations.ids,
                # Of no record: who may read an answer must not find the link to it in a message.
                email_values={"headers": repr(HEADERS), "model": False, "res_id": False},
                email_layout_xmlid="mail.mail_notification_light",
            )

    def _send_sms(self, invitations):
        self.env["sms.sms"].sudo().create(
            [
                {
                    "number": invitation.phone,
                    "partner_id": invitation.partner_id.id,
                    "body": invitation.with_context(lang=invitation.lang)._get_sms_text(),
                }
                for invitation in invitations
            ]
        )


class TradeSurveyInvitation(models.Model):
    _inherit = "trade.survey.invitation"

    def _get_sms_text(self):
        return self.env._(
            "%(company)s: how did we do? Your answer takes a minute: %(link)s",
            company=self.company_id.name,
            link=self.link,
        )


class TradeLeadInquiry(models.Model):
    """Who tries links that we have not signed."""

    _inherit = "trade.lead.inquiry"

    @api.model
    def _may_guess(self, address):
        """Count one wrong link; whether the sender may go on."""
        hour = fields.Datetime.now().strftime("%Y-%m-%d %H")
        sender = hmac(self.env(su=True), "trade_survey_guess", self._get_network(address))
        return self._count(f"guess {hour} {sender[:32]}") <= GUESS_LIMIT
