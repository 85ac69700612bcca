from odoo import SUPERUSER_ID, fields, models
from odoo.exceptions import UserError
from odoo.tools import email_normalize, plaintext2html
from odoo.tools.mail import single_email_re

from odoo.addons.phone_validation.tools import phone_validation

# Most characters that a field of the form takes.
LENGTHS = {"name": 100, "company": 150, "phone": 40, "email": 254, "city": 100, "need": 4000}
# Nobody fills in the form in less time; who leaves it open for longer gets a new one.
MIN_SECONDS = 2
MAX_HOURS = 24
UTM_LENGTH = 64
SUBJECT_LENGTH = 80
# Visitors do not see this field, and programs fill it in.
TRAP = "homepage"


class TradeLeadChannel(models.Model):
    """The web form of a channel: what it asks, what it refuses, and the lead it makes.

    Visitors are anonymous: methods are called as superuser on a channel found by its token, and
    what they enter never touches an existing customer.
    """

    _name = "trade.lead.channel"
    _inherit = ["trade.lead.channel", "trade.public.form"]

    _form_scope = "trade_lead_form"
    _form_key = "channel"

    def _find_by_token(self, token):
        """The channel of a link, as superuser; empty if there is none or it is archived."""
        channels = self.env["trade.lead.channel"].with_user(SUPERUSER_ID)
        channel_sudo = channels.search([("access_token", "=", token)], limit=1)
        return channel_sudo.with_company(channel_sudo.company_id or self.env.company)

    # ------------------------------------------------------------------
    # Show
    # ------------------------------------------------------------------

    def _get_consent_text(self):
        self.ensure_one()
        if self.consent_text:
            return self.consent_text
        return self.env._(
            "I agree that %(company)s keeps what I enter here to answer my inquiry and to contact me"
            " about it. I can have it corrected or deleted at any time.",
            company=(self.company_id or self.env.company).name,
        )

    def _get_asked_types(self):
        types = self.env["trade.customer.type"]
        return types.search([("active", "=", True)]) if self.form_asks_type else types

    def _get_form_limit(self):
        return self.hourly_limit

    # ------------------------------------------------------------------
    # Check
    # ------------------------------------------------------------------

    def _read_form(self, params):
        """What was typed, without what the form does not ask."""
        typed = {name: (params.get(name) or "").strip() for name in LENGTHS}
        # PostgreSQL cannot keep it, and nobody types it.
        typed = {name: value.replace("\x00", "") for name, value in typed.items()}
        typed["customer_type"] = (params.get("customer_type") or "") if self.form_asks_type else ""
        typed["consent"] = bool(params.get("consent"))
        return typed

    def _check_form(self, typed):
        """``{name of a field: what is wrong with it}`` in the language of the visitor."""
        errors = {
            name: self.env._("Please shorten this to %(count)s characters.", count=length)
            for name, length in LENGTHS.items()
            if len(typed[name]) > length
        }
        return self._check_contact(typed) | self._check_rest(typed) | errors

    def _check_contact(self, typed):
        errors = {}
        if not typed["phone"] and not typed["email"]:
            errors["phone"] = self.env._("Please enter your phone number or your e-mail address.")
        if typed["email"] and not self._is_email(typed["email"]):
            errors["email"] = self.env._("This is not an e-mail address.")
        if typed["phone"] and not self._format_phone(typed["phone"]):
            errors["phone"] = self.env._(
                "This is not a phone number. Please start with + and the country code if you are"
                " abroad."
            )
        return errors

    def _check_rest(self, typed):
        errors = {}
        if not typed["name"]:
            errors["name"] = self.env._("Please enter your name.")
        if not typed["need"]:
            errors["need"] = self.env._("Please tell us what you need.")
        if typed["customer_type"] and not self._find_type(typed["customer_type"]):
            errors["customer_type"] = self.env._("Please choose one of the list.")
        if not typed["consent"]:
            errors["consent"] = self.env._("We may keep your data only if you agree.")
        return errors

    def _is_email(self, text):
        return bool(single_email_re.match(text) and email_normalize(text))

    def _format_phone(self, text):
        """The number in its international form; False if it is none."""
        country = (self.company_id or self.env.company).country_id
        try:
            return phone_validation.phone_format(text, country.code, country.phone_code)
        except UserError:
            return False

    def _find_type(self, text):
        types = self._get_asked_types()
        return types.filtered(lambda asked: str(asked.id) == text)

    # ------------------------------------------------------------------
    # Make a lead
    # ------------------------------------------------------------------

    def _create_form_lead(self, typed, utm):
        """The lead of a form that was checked.

        :param typed: see :meth:`_read_form`
        :param utm: what the link said of source, medium and campaign, by ``utm_source`` and so on
        """
        self.ensure_one()
        consent_text = self._get_consent_text()
        values = self._prepare_form_values(typed) | self._prepare_utm_values(utm)
        values |= {"trade_consent_at": fields.Datetime.now(), "trade_consent_text": consent_text}
        # What is written into the log of the lead is for the company to read.
        company = self.company_id or self.env.company
        leads = self.env["crm.lead"].with_context(
            mail_create_nosubscribe=True, lang=company.partner_id.lang or None
        )
        lead = leads.create(values)
        lead._assign_userless_lead_in_team(self.env._("web form"))
        return lead

    def _prepare_form_values(self, typed):
        phone = typed["phone"] and self._format_phone(typed["phone"])
        customer_type = self._find_type(typed["customer_type"])
        values = self._prepare_lead_values() | {
            "name": self._get_subject(typed),
            "contact_name": typed["name"],
            "partner_name": typed["company"],
            "phone": phone,
            "email_from": typed["email"],
            "city": typed["city"],
            "description": plaintext2html(typed["need"]),
            "country_id": self._get_country(phone).id,
            "lang_id": self.env["res.lang"]._get_data(code=self.env.lang).id,
        }
        if customer_type:
            values["trade_customer_type_id"] = customer_type.id
        # Given, so that Odoo does not look for them in the cookies of an earlier visit.
        return dict.fromkeys(("source_id", "medium_id", "campaign_id"), False) | values

    def _get_country(self, phone):
        """The country of a number in its international form."""
        countries = self.env["res.country"]
        code = phone and phone_validation.phone_get_region_data_for_number(phone)["code"]
        return countries.search([("code", "=", code)], limit=1) if code else countries

    def _get_subject(self, typed):
        need = " ".join(typed["need"].split())
        if len(need) > SUBJECT_LENGTH:
            need = need[:SUBJECT_LENGTH].rstrip() + "…"
        return f"{typed['company'] or typed['name']}: {need}"

    def _prepare_utm_values(self, utm):
        """What the link says goes before what the channel says."""
        values = {}
        mixin = self.env["utm.mixin"]
        for parameter, name, _cookie in mixin.tracking_fields():
            text = (utm.get(parameter) or "").replace("\x00", "").strip()
            # Odoo looks the name up by a pattern: a wildcard would find any.
            if text and len(text) <= UTM_LENGTH and "%" not in text and "\\" not in text:
                comodel = self.env["crm.lead"]._fields[name].comodel_name
                values[name] = mixin._find_or_create_record(comodel, text).id
        return values
