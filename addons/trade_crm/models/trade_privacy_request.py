import re
from datetime import timedelta

import phonenumbers
from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import SQL, email_normalize

from .trade_privacy_person import Person

KINDS = [
    ("access", "Access and copy"),
    ("correction", "Correction"),
    ("erasure", "Erasure"),
    ("objection", "Objection or restriction"),
]
STATES = [
    ("new", "New"),
    ("verified", "Identity checked"),
    ("restricted", "Kept as the law needs"),
    ("done", "Done"),
    ("refused", "Refused"),
]
CHANNELS = [
    ("email", "E-mail"),
    ("phone", "Phone"),
    ("letter", "Letter"),
    ("in_person", "In person"),
    ("form", "Web form"),
]
# Within one month of the GDPR (article 12(3)), whatever month it is; the PIPL wants it "in time".
DUE_DAYS = 28
OFFICER = "trade_crm.group_privacy"
# Set by the buttons, not by whoever files a request.
GIVEN_FIELDS = {"state", "done_on", "exported_at"}
# A shorter number may stand for anything.
MIN_DIGITS = 7


class TradePrivacyRequest(models.Model):
    """What a person asks for about the data that is kept of them, and what was done.

    The request names the person only as long as it is open: its number, and the counts of what was
    done, are what is left of it.
    """

    _name = "trade.privacy.request"
    _inherit = ["mail.thread", "mail.activity.mixin", "trade.territory.hidden.mixin"]
    _description = "Request of a Person"
    _order = "due_date, id"

    name = fields.Char("Number", required=True, readonly=True, copy=False, default="/")
    kind = fields.Selection(KINDS, required=True, default="access", tracking=True)
    partner_id = fields.Many2one(
        "res.partner",
        "Person",
        index="btree_not_null",
        ondelete="restrict",
        domain=[("is_company", "=", False)],
        context={"active_test": False},
    )
    partner_ids = fields.Many2many(
        "res.partner",
        string="Also kept as",
        domain=[("is_company", "=", False)],
        context={"active_test": False},
        help="Further records of the same person: doubles, and the same person at another company.",
    )
    suggested_partner_ids = fields.Many2many(
        "res.partner",
        string="The same person?",
        compute="_compute_suggested_partner_ids",
        compute_sudo=True,
        context={"active_test": False},
        groups=OFFICER,
        help="They have the same e-mail or phone. As long as they are not chosen, that e-mail or "
        "phone is taken for theirs, and nothing is looked for by it.",
    )
    person_name = fields.Char("Name", help="Of somebody who is no customer.")
    email = fields.Char("E-mail", help="Of somebody who is no customer, or a further address.")
    phone = fields.Char(help="Of somebody who is no customer, or a further number.")
    received_on = fields.Date(required=True, default=fields.Date.context_today)
    channel = fields.Selection(CHANNELS, default="email")
    due_date = fields.Date(
        "To be answered by",
        compute="_compute_due_date",
        store=True,
        readonly=False,
        precompute=True,
        required=True,
    )
    is_late = fields.Boolean(compute="_compute_is_late", search="_search_is_late")
    proof = fields.Text("How the identity was checked", groups=OFFICER)
    user_id = fields.Many2one(
        "res.users",
        "Responsible",
        default=lambda self: self._default_user_id(),
        domain=lambda self: [("all_group_ids", "in", self.env.ref(OFFICER).ids)],
        tracking=True,
    )
    state = fields.Selection(STATES, required=True, default="new", readonly=True, tracking=True)
    refusal = fields.Text("Why it is refused", groups=OFFICER)
    outcome = fields.Text("What was done", groups=OFFICER)
    done_on = fields.Date(readonly=True)
    log_id = fields.Many2one("privacy.log", readonly=True, groups=OFFICER)

    _name_unique = models.Constraint("UNIQUE (name)", "The number of a request is unique.")

    @api.model
    def _default_user_id(self):
        officers = self.env.ref(OFFICER).sudo().all_user_ids
        return self.env.user if self.env.user in officers else False

    @api.depends("received_on")
    def _compute_due_date(self):
        for request in self:
            request.due_date = (request.received_on or fields.Date.context_today(self)) + timedelta(
                days=DUE_DAYS
            )

    @api.depends("due_date", "state")
    def _compute_is_late(self):
        today = fields.Date.context_today(self)
        for request in self:
            request.is_late = request.state in ("new", "verified") and request.due_date < today

    @api.model
    def _search_is_late(self, operator, value):
        if operator != "in":
            return NotImplemented
        return Domain("state", "in", ["new", "verified"]) & Domain("due_date", "<", "today")

    @api.depends("partner_id", "partner_ids", "email", "phone")
    def _compute_suggested_partner_ids(self):
        for request in self:
            request.suggested_partner_ids = request._get_sharing_partners()

    @api.constrains("partner_id", "partner_ids")
    def _check_persons(self):
        partners_sudo = (self.partner_id | self.partner_ids).sudo()
        if company := partners_sudo.filtered("is_company")[:1]:
            raise ValidationError(
                self.env._(
                    "%(name)s is a company. These rights are those of persons: choose the contact "
                    "who asks. A sole trader is a person: untick “Company” on the contact first.",
                    name=company.name,
                )
            )

    @api.constrains("partner_id", "email", "phone")
    def _check_is_about_somebody(self):
        for request in self.filtered(lambda request: request.state in ("new", "verified")):
            if not (request.partner_id or request.email or request.phone):
                raise ValidationError(
                    self.env._("Choose the person, or enter the e-mail or phone of somebody else.")
                )

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        if not self.env.su:
            # A request begins as a new one, whoever files it.
            vals_list = [
                {name: value for name, value in vals.items() if name not in GIVEN_FIELDS}
                for vals in vals_list
            ]
        for vals in vals_list:
            vals["name"] = self.env["ir.sequence"].sudo().next_by_code(self._name)
        requests = super().create(vals_list)
        for request in requests.filtered("user_id"):
            request.activity_schedule(
                "mail.mail_activity_data_todo",
                date_deadline=request.due_date,
                user_id=request.user_id.id,
                summary=self.env._("Answer the request"),
            )
        return requests

    # ------------------------------------------------------------------
    # The person
    # ------------------------------------------------------------------

    def _get_person(self):
        """The person with what their records are found by; see :class:`Person`."""
        self.ensure_one()
        partners_sudo = self._get_partners()
        emails, phones = self._get_identifiers(partners_sudo)
        emails, phones = self._drop_shared(partners_sudo, emails, phones)
        leads_sudo = self._find_leads(partners_sudo, emails, phones)
        # A lead may know another address of the same person.
        emails |= set(leads_sudo.mapped("email_normalized")) - {False}
        phones |= set(leads_sudo.mapped("phone_sanitized")) - {False}
        emails, phones = self._drop_shared(partners_sudo, emails, phones)
        return Person(partners_sudo, leads_sudo, tuple(sorted(emails)), tuple(sorted(phones)))

    def _check_person(self, person):
        if person:
            return
        if sharing := self._get_sharing_partners():
            raise UserError(
                self.env._(
                    "The e-mail or phone is that of %(names)s. Choose whom the request is about.",
                    names=", ".join(sharing[:5].mapped("display_name")),
                )
            )
        raise UserError(self.env._("Nothing is stored about this person."))

    @api.model
    def _drop_shared(self, partners_sudo, emails, phones):
        """Without what somebody else has as well."""
        others_sudo = self._find_partners(emails, phones) - partners_sudo
        return (
            emails - set(others_sudo.mapped("email_normalized")),
            phones - set(others_sudo.mapped("phone_sanitized")),
        )

    def _get_partners(self):
        """Records of the person, with the addresses of theirs that are below them."""
        partners_sudo = (self.partner_id | self.partner_ids).sudo()
        addresses = Domain("parent_id", "in", partners_sudo.ids) & Domain(
            "type", "not in", [False, "contact"]
        )
        return partners_sudo | partners_sudo.with_context(active_test=False).search(
            addresses & Domain("is_company", "=", False)
        )

    def _get_identifiers(self, partners_sudo):
        """E-mails and phones of the person, normalised."""
        emails = {email_normalize(self.email), *partners_sudo.mapped("email_normalized")}
        phones = {self._sanitize_phone(self.phone), *partners_sudo.mapped("phone_sanitized")}
        odd = partners_sudo.filtered(lambda partner: partner.phone and not partner.phone_sanitized)
        # Nothing can be looked up by a number of no known country, but it is found in texts.
        digits = (re.sub(r"\D", "", phone) for phone in odd.mapped("phone"))
        phones |= {number for number in digits if len(number) >= MIN_DIGITS}
        return emails - {False, None, ""}, phones - {False, None, ""}

    @api.model
    def _sanitize_phone(self, number):
        if not number:
            return False
        return self.env.user._phone_format(number=number, force_format="E164") or False

    @api.model
    def _get_national_number(self, phone):
        """A sanitised number with what is dialled within its country."""
        try:
            return phone, str(phonenumbers.parse(phone).national_number)
        except phonenumbers.NumberParseException:
            return phone, phone.removeprefix("+")

    @api.model
    def _find_partners(self, emails, phones):
        partners_sudo = self.env["res.partner"].sudo().with_context(active_test=False)
        return partners_sudo.search(
            Domain("email_normalized", "in", list(emails))
            | Domain("phone_sanitized", "in", list(phones))
        )

    def _get_sharing_partners(self):
        """Who else has the e-mail or phone."""
        partners_sudo = self._get_partners()
        found = self._find_partners(*self._get_identifiers(partners_sudo))
        return (found - partners_sudo).filtered(lambda partner: not partner.is_company)

    @api.model
    def _find_leads(self, partners_sudo, emails, phones):
        """Leads of the person.

        A phone alone is that of a household or of a reception: a lead with it counts only if it
        says nothing of another person.
        """
        phone = Domain("phone_sanitized", "in", list(phones)) & Domain(
            "email_normalized", "in", [*emails, False]
        )
        stranger = Domain("partner_id", "=", False) | Domain("partner_id.is_company", "=", True)
        leads_sudo = self.env["crm.lead"].sudo().with_context(active_test=False)
        return leads_sudo.search(
            Domain("partner_id", "in", partners_sudo.ids)
            | (stranger & (Domain("email_normalized", "in", list(emails)) | phone))
        )

    @api.model
    def _get_privacy_documents(self, person):
        """Records with messages, activities and files that are about the person as a whole.

        :return: list of recordsets as superuser; who adds a model extends it
        """
        return [
            person.partners,
            person.leads,
            self._find("trade.visit", self._get_visit_domain(person)),
        ]

    @api.model
    def _get_visit_domain(self, person):
        """Visits to the person, at home or at work."""
        return person.get_partner_domain("partner_id", "contact_id")

    def _get_document_domain(self, person, model_field="model", id_field="res_id"):
        return Domain.OR(
            Domain(model_field, "=", records._name) & Domain(id_field, "in", records.ids)
            for records in self._get_privacy_documents(person)
        )

    # ------------------------------------------------------------------
    # Steps
    # ------------------------------------------------------------------

    def _check_officer(self):
        if not (self.env.su or self.env.user.has_group(OFFICER)):
            raise AccessError(
                self.env._("Requests of persons are answered by personal data officers only.")
            )

    def _check_verified(self):
        self._check_officer()
        for request in self:
            if request.state == "new":
                raise UserError(
                    self.env._(
                        "Make sure first that it is the person who asks: say how you checked it, "
                        "then press “Identity checked”."
                    )
                )

    def _take(self):
        """Have nobody else work on the request at the same time; they wait, and are told.

        Whoever comes second gets a serialization failure, which Odoo retries: then they find what
        was done.
        """
        self.ensure_one()
        self.env.cr.execute(
            SQL("UPDATE trade_privacy_request SET write_date = write_date WHERE id = %s", self.id)
        )
        self.invalidate_recordset(["state"])
        if self.state in ("done", "refused"):
            raise UserError(
                self.env._(
                    "The request %(number)s has been answered already. Reload the page to see how.",
                    number=self.name,
                )
            )

    def _finish(self, state="done", **values):
        self.write({"state": state, "done_on": fields.Date.context_today(self), **values})
        self.activity_unlink(["mail.mail_activity_data_todo"])

    def action_verify(self):
        self._check_officer()
        for request in self.filtered(lambda request: request.state == "new"):
            if not (request.proof or "").strip():
                raise UserError(
                    self.env._(
                        "Say how you made sure that it is the person who asks. Do not keep copies "
                        "of identity cards."
                    )
                )
            request.state = "verified"

    def action_refuse(self):
        self._check_officer()
        for request in self:
            if not (request.refusal or "").strip():
                raise UserError(self.env._("Say why the request is refused: the person must know."))
            request._take()
            request._finish("refused")

    def action_done(self):
        """Odoo cannot know what a correction is: the officer says what was done."""
        self._check_verified()
        for request in self:
            if request.kind == "erasure":
                raise UserError(self.env._("Use “Erase”, so that everything is found."))
            if not (request.outcome or "").strip():
                raise UserError(self.env._("Say what was done."))
            request._take()
            request._finish()

    def action_stop_marketing(self):
        """Enter the addresses in the lists of who must not be written to or called."""
        self._check_verified()
        self._take()
        person = self._get_person()
        for email in person.emails:
            self.env["mail.blacklist"].sudo()._add(email)
        for phone in person.phones:
            self.env["phone.blacklist"].sudo()._add([phone])
        self._add_outcome(
            self.env._(
                "%(count)s addresses and numbers are not used for marketing any more.",
                count=len(person.emails) + len(person.phones),
            )
        )

    def _add_outcome(self, text):
        self.outcome = "\n".join(filter(None, [self.outcome, text]))
        self.message_post(body=Markup("<br/>").join(text.split("\n")))

    def action_add_suggested(self):
        self._check_officer()
        self.partner_ids |= self.suggested_partner_ids

    # ------------------------------------------------------------------
    # Find
    # ------------------------------------------------------------------

    def action_find_data(self):
        """List what is stored about the person, by Odoo's own search."""
        self.ensure_one()
        self._check_officer()
        person_sudo = self.partner_id.sudo()
        wizard_sudo = (
            self.env["privacy.lookup.wizard"]
            .sudo()
            .create(
                {
                    "name": person_sudo.name or self.person_name or self.name,
                    "email": person_sudo.email or self.email or self.phone or self.name,
                    "trade_request_id": self.id,
                }
            )
        )
        return wizard_sudo.action_lookup()
