"""What of a person is deleted, made anonymous and kept, and how."""

from collections import namedtuple

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

# What an invoice has to say of its customer, as long as the law wants the invoice kept.
INVOICE_FIELDS = {"name", "street", "street2", "zip", "city", "vat", "company_registry"}
# Not personal, or no longer so without the rest.
KEPT_FIELDS = {"name", "lang", "tz", "type", "display_name", "peppol_eas"}
LEAD_FIELDS = (
    "contact_name", "description", "email_cc", "email_from", "function", "phone", "referred",
    "street", "street2", "trade_vat", "website", "zip", "city",
)  # fmt: skip
KEPT_FILES = {"account.move", "account.payment", "sale.order", "stock.picking"}

# run: method that takes the records and the person; None deletes them, or does nothing to keep.
Step = namedtuple("Step", "label model domain action why run", defaults=(None, None))


class TradePrivacyRequest(models.Model):
    _inherit = "trade.privacy.request"

    # ------------------------------------------------------------------
    # Steps
    # ------------------------------------------------------------------

    def _get_erasure_steps(self, person, restricted):
        """What is erased, in this order; addons extend it.

        Records are looked up before the first step runs.

        :param person: see :class:`Person`
        :param restricted: whether invoices need the person's name and address for now
        :return: list of :class:`Step`
        """
        return [
            *self._get_message_steps(person),
            *self._get_contact_steps(person),
            *self._get_payment_steps(person, restricted),
            *self._get_suppression_steps(person),
            *self._get_lead_steps(person),
            *self._get_visit_steps(person),
            *self._get_partner_steps(person, restricted),
            *self._get_kept_steps(person),
        ]

    def _get_message_steps(self, person):
        about = self._get_document_domain(person)
        on = self._get_document_domain(person, "res_model", "res_id")
        messages = self._get_message_domain(person, about)
        partners = person.partners.ids
        return [
            Step(self.env._("Copies made on request"), self._name, self._get_requests_domain(person), "delete",
                 run="_erase_copies"),
            Step(self.env._("Mails waiting or failed"), "mail.mail",
                 Domain("mail_message_id", "any", messages) | Domain("recipient_ids", "in", partners),
                 "delete"),
            Step(self.env._("Messages from, to and about the person"), "mail.message", messages, "anonymise",
                 self.env._("The text goes; that there was a message stays."), "_erase_messages"),
            Step(self.env._("Changes of the person's data"), "mail.tracking.value",
                 Domain("mail_message_id", "any", about), "anonymise", run="_erase_tracking"),
            Step(self.env._("Deliveries of messages"), "mail.notification",
                 Domain("res_partner_id", "in", partners)
                 | Domain("mail_email_address", "in", person.emails)
                 | Domain("sms_number", "in", person.phones),
                 "delete",),
            Step(self.env._("Activities"), "mail.activity", on, "delete"),
            Step(self.env._("Scheduled messages"), "mail.scheduled.message", about, "delete"),
            Step(self.env._("Followed records"), "mail.followers", Domain("partner_id", "in", partners), "delete"),
            Step(self.env._("Meetings"), "calendar.event",
                 Domain("opportunity_id", "in", person.leads.ids) | on
                 | Domain("partner_ids", "in", partners),
                 "anonymise", self.env._("The time stays, what it was about goes."), "_erase_meetings"),
            Step(self.env._("Text messages"), "sms.sms",
                 Domain("partner_id", "in", partners) | Domain("number", "in", person.phones), "delete"),
            Step(self.env._("Letters"), "snailmail.letter", Domain("partner_id", "in", partners), "delete"),
            Step(self.env._("Files"), "ir.attachment", self._get_erased_files(person), "delete"),
        ]  # fmt: skip

    def _get_contact_steps(self, person):
        partners = person.partners.ids
        return [
            Step(self.env._("Customers in imported files"), "trade.order.import.customer",
                 Domain("partner_id", "in", partners) | person.get_email_domain("email")
                 | Domain("phone", "in", person.phones),
                 "anonymise", run="_erase_import_customers"),
            Step(self.env._("Addresses that may write"), "mail.gateway.allowed",
                 Domain("email_normalized", "in", person.emails), "delete"),
            Step(self.env._("Guests of chats"), "mail.guest", person.get_email_domain("email"), "anonymise",
                 run="_erase_guests"),
            *self._get_identity_steps(person),
        ]  # fmt: skip

    def _get_identity_steps(self, person):
        """What doubles are found by."""
        keys = self.env.get("trade.identity.key")
        if keys is None:
            return []
        ids = {"res.partner": person.partners.ids, "crm.lead": person.leads.ids}
        domain = Domain.OR(
            Domain(name, "in", ids[field.comodel_name])
            for name, field in keys._fields.items()
            if field.type == "many2one" and field.store and field.comodel_name in ids
        )
        return [Step(self.env._("Keys for finding doubles"), keys._name, domain, "delete")]

    def _get_payment_steps(self, person, restricted):
        partner = Domain("partner_id", "in", person.partners.ids)
        why = (
            self.env._("Payments need them as long as the invoices are kept.")
            if restricted
            else None
        )
        kept = "keep" if restricted else "anonymise"
        return [
            Step(self.env._("Online payments"), "payment.transaction", partner, "anonymise",
                 self.env._("Amounts and references stay."), "_erase_transactions"),
            Step(self.env._("Saved means of payment"), "payment.token", partner, "anonymise",
                 run="_erase_tokens"),
            Step(self.env._("Bank accounts"), "res.partner.bank", partner, kept, why,
                 not restricted and "_erase_banks" or None),
        ]  # fmt: skip

    def _get_suppression_steps(self, person):
        emails = Domain("email", "in", person.emails)
        phones = Domain("number", "in", person.phones)
        proof = self.env._(
            "They prove the objection and keep lists imported later from undoing it."
        )
        return [
            Step(
                self.env._("Addresses that must not be written to"),
                "mail.blacklist",
                emails,
                "keep",
                proof,
            ),
            Step(
                self.env._("Numbers that must not be called"),
                "phone.blacklist",
                phones,
                "keep",
                proof,
            ),
        ]

    def _get_lead_steps(self, person):
        leads, decided = person.leads.ids, self._get_decided_domain(person)
        return [
            Step(self.env._("Notes on decisions"), "trade.lead.log", decided, "anonymise", run="_erase_notes"),
            Step(self.env._("Requests of our people for the person"), "trade.lead.request", decided,
                 "anonymise", self.env._("Who asked and who decided stays."), "_erase_lead_requests"),
            Step(self.env._("Leads"), "crm.lead", Domain("id", "in", leads), "anonymise",
                 self.env._("Open ones are lost; figures about sources and stages stay."), "_erase_leads"),
        ]  # fmt: skip

    @api.model
    def _get_decided_domain(self, person):
        """What was decided on the person, or on a lead of theirs."""
        return Domain("lead_id", "in", person.leads.ids) | Domain(
            "partner_id", "in", person.partners.ids
        )

    def _get_visit_steps(self, person):
        visits = self._get_visit_domain(person)
        return [
            Step(self.env._("Visits"), "trade.visit", visits, "anonymise",
                 self.env._("That there was a visit stays; words and places go."), "_erase_visits"),
            Step(self.env._("Words of market notes"), "trade.market.note",
                 Domain("visit_id", "any", visits) | Domain("partner_id", "in", person.partners.ids),
                 "anonymise", self.env._("Prices and space on shelves stay."), "_erase_market_notes"),
        ]  # fmt: skip

    def _get_partner_steps(self, person, restricted):
        partner = Domain("partner_id", "in", person.partners.ids)
        quotations = person.get_partner_domain("partner_id") & Domain(
            "state", "in", ["draft", "sent"]
        )
        why = (
            self.env._("Name, address and tax number stay with the invoices until %(day)s.",
              day=self._format_day(restricted))
            if restricted else self.env._("Country and language stay, for figures.")
        )  # fmt: skip
        orders = Domain("order_id", "any", person.get_partner_domain("partner_id"))
        steps = Domain("request_id.order_id", "any", person.get_partner_domain("partner_id"))
        return [
            Step(self.env._("Words with requests for approval"), "trade.approval.request", orders,
                 "anonymise", self.env._("Who decided what stays."), "_erase_notes"),
            Step(self.env._("Words with approvals"), "trade.approval.step", steps, "anonymise",
                 run="_erase_notes"),
            Step(self.env._("Open quotations"), "sale.order", quotations, "anonymise", self.env._("They are cancelled."),
                 "_erase_quotations"),
            Step(self.env._("Portal access"), "res.users", partner, "anonymise", run="_erase_users"),
            Step(self.env._("Contact"), "res.partner", Domain("id", "in", person.partners.ids), "anonymise",
                 why, "_erase_restricted" if restricted else "_erase_partners"),
        ]  # fmt: skip

    def _get_kept_steps(self, person):
        law = self.env._("The law wants them kept; they name the person by the contact only.")
        figures = self.env._("Purchases without a name, for figures.")
        partner = Domain("partner_id", "in", person.partners.ids)
        return [
            Step(self.env._("Orders"), "sale.order", partner & Domain("state", "=", "sale"), "keep", law),
            Step(self.env._("Invoices"), "account.move",
                 partner & Domain("state", "=", "posted") & Domain("move_type", "!=", "entry"),
                 "keep", law),
            Step(self.env._("Payments"), "account.payment", partner, "keep", law),
            Step(self.env._("Deliveries"), "stock.picking", partner, "keep", law),
            Step(self.env._("Purchases before Odoo"), "trade.order.history", partner, "keep", figures),
            Step(self.env._("Who looked at the customer"), "trade.access.log", partner, "keep",
                 self.env._("Proves who had access; deleted after the months set in Settings.")),
        ]  # fmt: skip

    @api.model
    def _format_day(self, day):
        return self.env["ir.qweb.field.date"].value_to_html(day, {}) if day else ""

    @api.model
    def _get_requests_domain(self, person):
        return (
            person.get_partner_domain("partner_id", "partner_ids")
            | person.get_email_domain("email")
            | Domain("id", "in", self.ids)
        )

    @api.model
    def _get_erased_files(self, person):
        """What was sent, and what is on the person's records; not what belongs to a document."""
        files = self._get_files(person)
        return Domain("id", "in", files.filtered(lambda file: file.res_model not in KEPT_FILES).ids)

    # ------------------------------------------------------------------
    # Messages
    # ------------------------------------------------------------------

    def _erase_copies(self, requests, person):
        requests._forget_export()
        (requests - self).write({"person_name": False, "email": False, "phone": False})

    def _erase_messages(self, messages, person):
        kept = {"body": self._get_gone(), "subject": False}
        messages.write(kept)
        own = messages.filtered(
            lambda message: (
                message.author_id in person.partners
                or not message.author_id
                or (message.email_from or "").lower() in person.emails
            )
        )
        self._set(own, email_from=None, reply_to=None)
        self._set(messages, incoming_email_cc=None, incoming_email_to=None, outgoing_email_to=None)
        self._find("mail.message.translation", Domain("message_id", "in", messages.ids)).unlink()

    def _erase_tracking(self, values, person):
        names = dict.fromkeys(
            ("old_value_char", "new_value_char", "old_value_text", "new_value_text")
        )
        self._set(values.filtered(self._is_personal_change), **names)

    @api.model
    def _is_personal_change(self, value):
        """Of what is typed, or of a contact; a stage or a salesperson says nothing of the person."""
        if not value.field_id:
            return True
        return value.field_id.ttype in ("char", "text", "html") or (
            value.field_id.relation == "res.partner"
        )

    def _erase_meetings(self, events, person):
        """Those with nobody else of outside; in others the person becomes anonymous as a contact."""
        own = events.filtered(
            lambda event: event.partner_ids.filtered("partner_share") <= person.partners
        )
        self._set(
            own,
            name=self.env._("Meeting"),
            description=None,
            notes=None,
            location=None,
            videocall_location=None,
        )
        attendees = events.attendee_ids.filtered(lambda one: one.partner_id in person.partners)
        for attendee in attendees:
            self._set(attendee, common_name=self._get_anonymous_name(attendee.partner_id))

    def _erase_visits(self, visits, person):
        self._set(
            visits,
            report=None,
            next_step=None,
            next_day=None,
            latitude=None,
            longitude=None,
            accuracy=None,
            distance=None,
        )

    def _erase_market_notes(self, notes, person):
        # A wish is nothing but words, and stays as one for the figures.
        self._set(notes, text=self._get_gone(), answer=None)

    # ------------------------------------------------------------------
    # Contacts
    # ------------------------------------------------------------------

    def _erase_import_customers(self, customers, person):
        for customer in customers:
            key = f"erased-{customer.id}"
            self.env.cr.execute(
                SQL(
                    "UPDATE trade_order_import_row SET cells = NULL, customer_key = %s"
                    " WHERE import_id = %s AND customer_key = %s",
                    key,
                    customer.import_id.id,
                    customer.key,
                )
            )
            name = self._get_anonymous_name(customer)
            empty = dict.fromkeys(("name", "ref", "vat", "email", "phone", "candidates"))
            self._set(customer, key=key, value=name, **empty)

    def _erase_guests(self, guests, person):
        for guest in guests:
            self._set(guest, name=self._get_anonymous_name(guest), email=None)

    def _erase_transactions(self, transactions, person):
        names = dict.fromkeys(
            ("partner_email", "partner_phone", "partner_address", "partner_zip", "partner_city")
        )
        if not self._get_restriction(person):
            names["partner_name"] = None
        self._set(transactions, **names)

    def _erase_tokens(self, tokens, person):
        self._set(tokens, payment_details=None, active=False)

    def _erase_banks(self, banks, person):
        for bank in banks:
            number = f"ERASED{bank.id}"
            self._set(
                bank,
                acc_number=number,
                sanitized_acc_number=number,
                acc_holder_name=None,
                note=None,
                active=False,
            )

    # ------------------------------------------------------------------
    # Leads and customers
    # ------------------------------------------------------------------

    def _erase_notes(self, rows, person):
        self._set(rows.filtered("note"), note=f"[{self.env._('erased')}]")

    def _erase_lead_requests(self, requests, person):
        erased = f"[{self.env._('erased')}]"
        self._set(requests, name=erased, reason=erased)
        self._set(requests.filtered("decision"), decision=erased)

    def _erase_quotations(self, orders, person):
        orders._action_cancel()

    def _erase_users(self, users, person):
        """Portal users; others were refused."""
        for user in users:
            user.write({"active": False, "login": f"erased-{user.id}", "signature": False})
        self._find("res.users.apikeys", Domain("user_id", "in", users.ids))._remove()
        self.env.cr.execute(SQL("DELETE FROM res_device_log WHERE user_id = ANY(%s)", users.ids))

    def _erase_partners(self, partners, person):
        self._clear_partners(partners, set())
        for partner in partners:
            name = self._get_anonymous_name(partner)
            partner.write({"name": name, "active": False})
        moves = self._find("account.move", Domain("partner_id", "in", partners.ids))
        for partner, group in moves.grouped("partner_id").items():
            self._set(group, invoice_partner_display_name=partner.name, invoice_source_email=None)
        lines = self._find("account.bank.statement.line", Domain("partner_id", "in", partners.ids))
        self._set(lines, partner_name=None, account_number=None)
        orders = self._find("sale.order", person.get_partner_domain("partner_id"))
        self._set(orders, signed_by=None)
        orders.write({"signature": False})
        self._rename_in_changes(partners)

    def _erase_restricted(self, partners, person):
        self._clear_partners(partners, INVOICE_FIELDS)
        partners.write({"active": False})

    def _clear_partners(self, partners, kept):
        """Empty everything that somebody may have entered, also in fields of other addons."""
        for partner in partners:
            values = partner._get_erased_values(kept)
            partner.write(values)
        empty = {
            name: None
            for name, field in partners._fields.items()
            if field.company_dependent
            and field.type in ("char", "text", "html")
            and name not in kept
        }
        if empty:
            self._set(partners, **empty)

    def _rename_in_changes(self, partners):
        """Records of others have noted the name where their customer was changed."""
        for partner in partners:
            for side in ("old", "new"):
                self.env.cr.execute(
                    SQL(
                        "UPDATE mail_tracking_value SET %s = %s WHERE %s = %s AND field_id IN"
                        " (SELECT id FROM ir_model_fields WHERE relation = 'res.partner')",
                        SQL.identifier(f"{side}_value_char"),
                        partner.name,
                        SQL.identifier(f"{side}_value_integer"),
                        partner.id,
                    )
                )
        self.env["mail.tracking.value"].invalidate_model()

    def _erase_leads(self, leads, person):
        for lead in leads:
            lead.write(lead._get_erased_values(person))
        leads.filtered(lambda lead: lead.active and lead.won_status != "won").action_set_lost()


class ResPartner(models.Model):
    _inherit = "res.partner"

    def _get_erased_values(self, kept):
        """What a person's record is left with.

        What a contact has from its company stays: writing it would write it to the company.

        :param kept: names of fields that are needed for now
        """
        self.ensure_one()
        kept = kept | KEPT_FIELDS
        if self.commercial_partner_id != self:
            kept = kept | set(self._commercial_fields()) | set(self._synced_commercial_fields())
            if self.type == "contact":
                kept |= set(self._address_fields())
        values = {
            name: False
            for name, field in self._fields.items()
            if field.type in ("char", "text", "html", "binary", "image", "date", "properties")
            and field.store
            and not (field.compute and field.readonly)
            and not field.related
            and not field.company_dependent
            and name not in kept
        }
        return values | {"category_id": [fields.Command.clear()]}


class CrmLead(models.Model):
    _inherit = "crm.lead"

    def _get_erased_values(self, person):
        """What the lead of an erased person is left with: where it came from and how it went.

        :param person: see :class:`Person`
        """
        self.ensure_one()
        values = {name: False for name in LEAD_FIELDS if name in self._fields}
        values["name"] = self.env._("Lead of an erased person #%(number)s", number=self.id)
        if "lead_properties" in self._fields:
            values["lead_properties"] = False
        if not self.partner_name or not self.partner_id.is_company:
            values["partner_name"] = False
        return values
