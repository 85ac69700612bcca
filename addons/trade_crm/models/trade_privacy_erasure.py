"""What is done when a person asks to be forgotten."""

from collections import namedtuple
from datetime import date

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

# Nobody is told, nothing is tracked, no meeting is sent around.
QUIET = {
    "tracking_disable": True,
    "mail_notrack": True,
    "mail_create_nolog": True,
    "no_reset_password": True,
    "dont_notify": True,
}
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

    keep_suppressed = fields.Boolean(
        "Keep on the lists of who must not be written to",
        help="The bare address stays on the blacklist, so that a list imported later does not bring "
        "the person back. Who is on it already stays in any case: it proves the objection.",
    )
    retention_until = fields.Date(
        "Kept until",
        readonly=True,
        help="Until then the name and address stay with the invoices; everything else is gone.",
    )

    # ------------------------------------------------------------------
    # May it be done
    # ------------------------------------------------------------------

    def _check_erasable(self, person):
        """Refuse what must not be erased, with what to do about it."""
        self._check_person(person)
        self._check_not_ours(person.partners)
        orders = self._find(
            "sale.order",
            person.get_partner_domain("partner_id", "partner_invoice_id", "partner_shipping_id")
            & Domain("state", "=", "sale")
            & (
                Domain("invoice_status", "=", "to invoice")
                | Domain("delivery_status", "in", ["pending", "started", "partial"])
            ),
        )
        if orders:
            raise UserError(
                self.env._(
                    "There are open orders: %(names)s. Deliver and invoice them, or cancel them; "
                    "then erase the person.",
                    names=self._name_some(orders),
                )
            )
        moves = self._find(
            "account.move",
            person.get_partner_domain("partner_id", "partner_shipping_id")
            & Domain("move_type", "!=", "entry")
            & (
                Domain("state", "=", "draft")
                | (Domain("state", "=", "posted") & Domain("amount_residual", "!=", 0))
            ),
        )
        if moves:
            raise UserError(
                self.env._(
                    "There are invoices that are not settled: %(names)s. Have them paid, credited "
                    "or, if they are drafts, deleted; then erase the person.",
                    names=self._name_some(moves),
                )
            )

    def _check_not_ours(self, partners_sudo):
        users_sudo = self._find("res.users", Domain("partner_id", "in", partners_sudo.ids))
        if users_sudo.filtered(lambda user: not user.share):
            raise UserError(
                self.env._(
                    "This person is, or was, a user of yours. What is kept of employees is not "
                    "erased from here: ask whoever is in charge of personnel."
                )
            )
        if self._find("res.company", Domain("partner_id", "in", partners_sudo.ids)):
            raise UserError(self.env._("This is one of your own companies, which are not erased."))

    @api.model
    def _find(self, model, domain):
        return self.env[model].sudo().with_context(active_test=False).search(domain)

    @api.model
    def _name_some(self, records):
        names = [name or self.env._("Draft") for name in records[:5].mapped("name")]
        return ", ".join(names) + (" …" if len(records) > 5 else "")

    # ------------------------------------------------------------------
    # How long invoices need the person
    # ------------------------------------------------------------------

    @api.model
    def _get_retention_end(self, person):
        """Last day on which a posted entry with the person has to be kept.

        To the end of the calendar year in which the period ends, which is the latest of the laws.

        :return: date, or None without entries
        """
        ids = person.partners.ids
        if not ids:
            return None
        self.env["account.move"].flush_model()
        self.env["account.move.line"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT company_id, max(date) FROM (
                    SELECT company_id, date FROM account_move_line
                     WHERE partner_id = ANY(%(ids)s) AND parent_state = 'posted'
                    UNION ALL
                    SELECT company_id, date FROM account_move
                     WHERE (partner_id = ANY(%(ids)s) OR partner_shipping_id = ANY(%(ids)s))
                       AND state = 'posted'
                ) entry GROUP BY company_id
                """,
                ids=ids,
            )
        )
        companies_sudo = self.env["res.company"].sudo()
        ends = [
            date(last.year + companies_sudo.browse(company_id).trade_retention_years, 12, 31)
            for company_id, last in rows
        ]
        return max(ends, default=None)

    def _get_restriction(self, person):
        """The day until which the person is kept with the invoices, False if not at all."""
        end = self._get_retention_end(person)
        return end if end and end >= fields.Date.context_today(self) else False

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
            *self._get_partner_steps(person, restricted),
            *self._get_kept_steps(person),
        ]

    def _get_message_steps(self, person):
        _ = self.env._
        about = self._get_document_domain(person)
        on = self._get_document_domain(person, "res_model", "res_id")
        messages = self._get_message_domain(person, about)
        partners = person.partners.ids
        return [
            Step(_("Copies made on request"), self._name, self._get_requests_domain(person), "delete",
                 run="_erase_copies"),
            Step(_("Mails waiting or failed"), "mail.mail",
                 Domain("mail_message_id", "any", messages) | Domain("recipient_ids", "in", partners),
                 "delete"),
            Step(_("Messages from, to and about the person"), "mail.message", messages, "anonymise",
                 _("The text goes; that there was a message stays."), "_erase_messages"),
            Step(_("Changes of the person's data"), "mail.tracking.value",
                 Domain("mail_message_id", "any", about), "anonymise", run="_erase_tracking"),
            Step(_("Deliveries of messages"), "mail.notification",
                 Domain("res_partner_id", "in", partners)
                 | Domain("mail_email_address", "in", person.emails)
                 | Domain("sms_number", "in", person.phones),
                 "delete",),
            Step(_("Activities"), "mail.activity", on, "delete"),
            Step(_("Scheduled messages"), "mail.scheduled.message", about, "delete"),
            Step(_("Followed records"), "mail.followers", Domain("partner_id", "in", partners), "delete"),
            Step(_("Meetings"), "calendar.event",
                 Domain("opportunity_id", "in", person.leads.ids) | on
                 | Domain("partner_ids", "in", partners),
                 "anonymise", _("The time stays, what it was about goes."), "_erase_meetings"),
            Step(_("Text messages"), "sms.sms",
                 Domain("partner_id", "in", partners) | Domain("number", "in", person.phones), "delete"),
            Step(_("Letters"), "snailmail.letter", Domain("partner_id", "in", partners), "delete"),
            Step(_("Files"), "ir.attachment", self._get_erased_files(person), "delete"),
        ]  # fmt: skip

    def _get_contact_steps(self, person):
        _ = self.env._
        partners = person.partners.ids
        return [
            Step(_("Customers in imported files"), "trade.order.import.customer",
                 Domain("partner_id", "in", partners) | person.get_email_domain("email")
                 | Domain("phone", "in", person.phones),
                 "anonymise", run="_erase_import_customers"),
            Step(_("Addresses that may write"), "mail.gateway.allowed",
                 Domain("email_normalized", "in", person.emails), "delete"),
            Step(_("Guests of chats"), "mail.guest", person.get_email_domain("email"), "anonymise",
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
        _ = self.env._
        partner = Domain("partner_id", "in", person.partners.ids)
        why = _("Payments need them as long as the invoices are kept.") if restricted else None
        kept = "keep" if restricted else "anonymise"
        return [
            Step(_("Online payments"), "payment.transaction", partner, "anonymise",
                 _("Amounts and references stay."), "_erase_transactions"),
            Step(_("Saved means of payment"), "payment.token", partner, "anonymise",
                 run="_erase_tokens"),
            Step(_("Bank accounts"), "res.partner.bank", partner, kept, why,
                 not restricted and "_erase_banks" or None),
        ]  # fmt: skip

    def _get_suppression_steps(self, person):
        _ = self.env._
        emails = Domain("email", "in", person.emails)
        phones = Domain("number", "in", person.phones)
        proof = _("They prove the objection and keep lists imported later from undoing it.")
        return [
            Step(
                _("Addresses that must not be written to"), "mail.blacklist", emails, "keep", proof
            ),
            Step(_("Numbers that must not be called"), "phone.blacklist", phones, "keep", proof),
        ]

    def _get_lead_steps(self, person):
        _ = self.env._
        leads = person.leads.ids
        return [
            Step(_("Notes on decisions"), "trade.lead.log", Domain("lead_id", "in", leads),
                 "anonymise", run="_erase_lead_log"),
            Step(_("Leads"), "crm.lead", Domain("id", "in", leads), "anonymise",
                 _("Open ones are lost; figures about sources and stages stay."), "_erase_leads"),
        ]  # fmt: skip

    def _get_partner_steps(self, person, restricted):
        _ = self.env._
        partner = Domain("partner_id", "in", person.partners.ids)
        quotations = person.get_partner_domain("partner_id") & Domain(
            "state", "in", ["draft", "sent"]
        )
        why = (
            _("Name, address and tax number stay with the invoices until %(day)s.",
              day=self._format_day(restricted))
            if restricted else _("Country and language stay, for figures.")
        )  # fmt: skip
        return [
            Step(_("Open quotations"), "sale.order", quotations, "anonymise", _("They are cancelled."),
                 "_erase_quotations"),
            Step(_("Portal access"), "res.users", partner, "anonymise", run="_erase_users"),
            Step(_("Contact"), "res.partner", Domain("id", "in", person.partners.ids), "anonymise",
                 why, "_erase_restricted" if restricted else "_erase_partners"),
        ]  # fmt: skip

    def _get_kept_steps(self, person):
        _ = self.env._
        law = _("The law wants them kept; they name the person by the contact only.")
        figures = _("Purchases without a name, for figures.")
        partner = Domain("partner_id", "in", person.partners.ids)
        return [
            Step(_("Orders"), "sale.order", partner & Domain("state", "=", "sale"), "keep", law),
            Step(_("Invoices"), "account.move",
                 partner & Domain("state", "=", "posted") & Domain("move_type", "!=", "entry"),
                 "keep", law),
            Step(_("Payments"), "account.payment", partner, "keep", law),
            Step(_("Deliveries"), "stock.picking", partner, "keep", law),
            Step(_("Purchases before Odoo"), "trade.order.history", partner, "keep", figures),
            Step(_("Who looked at the customer"), "trade.access.log", partner, "keep",
                 _("Proves who had access; deleted after the months set in Settings.")),
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
    # Preview
    # ------------------------------------------------------------------

    def _prepare_erasure(self):
        """
        :return: tuple of the person, the last day of a restriction or False, and a list of the
            steps with their records as superuser
        """
        self.ensure_one()
        person = self._get_person()
        restricted = self._get_restriction(person)
        steps = [
            (step, self._find(step.model, step.domain))
            for step in self._get_erasure_steps(person, restricted)
            if step.model in self.env
        ]
        return person, restricted, [(step, records) for step, records in steps if records]

    def action_erase(self):
        """Show what will be done, and ask."""
        self.ensure_one()
        self._check_verified()
        self._check_erasable(self._get_person())
        return {
            "name": self.env._("Erase a person"),
            "type": "ir.actions.act_window",
            "res_model": "trade.privacy.erase",
            "view_mode": "form",
            "target": "new",
            "context": {"default_request_id": self.id},
        }

    # ------------------------------------------------------------------
    # Do it
    # ------------------------------------------------------------------

    def _erase(self):
        """Erase the person, all or nothing.

        Free text elsewhere that has the e-mail or phone is left to a job: it reads every table.
        """
        self.ensure_one()
        self._check_verified()
        self._take()
        person, restricted, steps = self._prepare_erasure()
        self._check_erasable(person)
        self._suppress(person)
        log_values = self._prepare_privacy_log()
        for step, records_sudo in steps:
            # What is deleted takes other records along.
            records_sudo = records_sudo.exists().with_context(**QUIET, active_test=True)
            if step.run:
                getattr(self.with_context(**QUIET), step.run)(records_sudo, person)
            elif step.action == "delete":
                records_sudo.unlink()
        self._close_erasure(person, restricted, steps, log_values)

    def _close_erasure(self, person, restricted, steps, log_values):
        told = "\n".join(
            f"{step.label}: {len(records)} ({self._get_action_label(step.action)})"
            for step, records in steps
        )
        log = self.env["privacy.log"].sudo().create({**log_values, "execution_details": told})
        self._forget_lookups()
        self._add_outcome(told)
        self._finish(
            "restricted" if restricted else "done",
            retention_until=restricted,
            log_id=log.id,
            person_name=False,
            email=False,
            phone=False,
        )
        self._request_sweep(person)

    @api.model
    def _get_action_label(self, action):
        return {
            "delete": self.env._("Deleted"),
            "anonymise": self.env._("Made anonymous"),
            "keep": self.env._("Kept"),
        }[action]

    def _prepare_privacy_log(self):
        partner_sudo = self.partner_id.sudo()
        return {
            "anonymized_name": partner_sudo.name or self.person_name or "-",
            "anonymized_email": partner_sudo.email or self.email or "-",
            "additional_note": self.name,
        }

    def _forget_lookups(self):
        """What was found, with its names, is kept for a day by Odoo."""
        wizards_sudo = self.env["privacy.lookup.wizard"].sudo()
        wizards_sudo = wizards_sudo.search([("trade_request_id", "=", self.id)])
        wizards_sudo.line_ids.unlink()
        wizards_sudo.unlink()

    def _suppress(self, person):
        if not self.keep_suppressed:
            return
        for email in person.emails:
            self.env["mail.blacklist"].sudo()._add(email)
        for phone in person.phones:
            if phone.startswith("+"):
                self.env["phone.blacklist"].sudo()._add([phone])

    @api.model
    def _get_anonymous_name(self, record):
        return self.env._("Erased person #%(number)s", number=record.id)

    @api.model
    def _get_gone(self):
        return Markup("<p>[%s]</p>") % self.env._("erased")

    @api.model
    def _set(self, records, **values):
        """Write columns without what Odoo does about a change; NULL empties."""
        if not records:
            return
        records.flush_recordset()
        names = [name for name in values if name in records._fields and records._fields[name].store]
        assignments = [SQL("%s = %s", SQL.identifier(name), values[name]) for name in names]
        self.env.cr.execute(
            SQL(
                "UPDATE %s SET %s WHERE id = ANY(%s)",
                SQL.identifier(records._table),
                SQL(", ").join(assignments),
                records.ids,
            )
        )
        records.invalidate_recordset()

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

    def _erase_lead_log(self, rows, person):
        self._set(rows.filtered("note"), note=f"[{self.env._('erased')}]")

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

    # ------------------------------------------------------------------
    # Retention
    # ------------------------------------------------------------------

    @api.model
    def _cron_retention(self, today=None):
        """Open the requests again whose period has ended, for an officer to erase the rest."""
        today = today or fields.Date.context_today(self)
        requests = self.search([("state", "=", "restricted"), ("retention_until", "<", today)])
        requests.write({"state": "verified", "done_on": False})
        for request in requests:
            request.activity_schedule(
                "mail.mail_activity_data_todo",
                user_id=request.user_id.id or self.env.uid,
                summary=self.env._("Invoices need the person no longer: erase the rest"),
            )


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
