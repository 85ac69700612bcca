import base64
import mimetypes

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import email_normalize, plaintext2html
from odoo.tools.mail import single_email_re
from odoo.tools.mimetypes import guess_mimetype

from odoo.addons.crm.models.crm_stage import AVAILABLE_PRIORITIES
from odoo.addons.phone_validation.tools import phone_validation

SUBJECT_LENGTH = 80


class TradeLeadQuick(models.TransientModel):
    """A lead typed with the thumb, at an exhibition or on the telephone."""

    _name = "trade.lead.quick"
    _description = "Quick Entry of a Lead"

    channel_id = fields.Many2one("trade.lead.channel", required=True)
    contact_name = fields.Char("Name")
    partner_name = fields.Char("Company")
    phone = fields.Char()
    email = fields.Char("E-mail")
    city = fields.Char()
    customer_type_id = fields.Many2one("trade.customer.type", "Customer type")
    need = fields.Text("What they need")
    priority = fields.Selection(AVAILABLE_PRIORITIES, "Rating", default="0")
    card = fields.Image("Photo of the business card", max_width=1920, max_height=1920)
    saved_name = fields.Char(readonly=True)
    collision = fields.Char(compute="_compute_collision")

    @api.model
    def default_get(self, fields):
        """The channel of the user's last entry, which is a default of the user's own."""
        values = super().default_get(fields)
        if "channel_id" in fields:
            channels = self.env["trade.lead.channel"]
            last = [("id", "=", values.get("channel_id"))]
            channel = channels.search(last) or channels.search([], limit=2)
            values["channel_id"] = channel.id if len(channel) == 1 else False
        return values

    @api.depends("contact_name", "partner_name", "phone", "email")
    def _compute_collision(self):
        for entry in self:
            entry.collision = entry._check_collision()

    def _check_collision(self):
        """Who may have this person or company already, in a sentence for the user; False if none."""
        values = {
            "name": self.partner_name,
            "phone": self.phone,
            "email": self.email,
            "country": self.env.company.country_id.code,
        }
        return self.env["trade.collision"]._warn(values, self.env.company)

    # ------------------------------------------------------------------
    # Save
    # ------------------------------------------------------------------

    def action_save_next(self):
        """Save, and offer an empty entry of the same channel."""
        lead = self._create_lead()
        action = self.env["ir.actions.actions"]._for_xml_id("trade_crm.trade_lead_quick_action")
        action["context"] = {"default_saved_name": lead.name}
        return action

    def action_save_open(self):
        return self._create_lead().get_formview_action()

    def _create_lead(self):
        self.ensure_one()
        self._check_entry()
        lead = self.env["crm.lead"].create(self._prepare_lead_values())
        if self.card:
            lead.message_post(attachments=[self._prepare_attachment()])
        defaults = self.env["ir.default"]
        defaults.set(self._name, "channel_id", self.channel_id.id, user_id=True)
        return lead

    def _prepare_attachment(self):
        content = base64.b64decode(self.with_context(bin_size=False).card)
        extension = mimetypes.guess_extension(guess_mimetype(content)) or ""
        return self.env._("Business card") + extension, content

    def _prepare_lead_values(self):
        values = {
            "name": self._get_subject(),
            "contact_name": self.contact_name,
            "partner_name": self.partner_name,
            "phone": self.phone and self._format_phone(),
            "email_from": self.email,
            "city": self.city,
            "description": self.need and plaintext2html(self.need),
            "priority": self.priority,
            "trade_channel_id": self.channel_id.id,
            "user_id": self.env.uid,
        }
        if self.customer_type_id:
            values["trade_customer_type_id"] = self.customer_type_id.id
        return values

    def _get_subject(self):
        who = self.partner_name or self.contact_name or self.phone or self.email
        who = who or self.env._("Business card")
        need = " ".join((self.need or "").split())
        if len(need) > SUBJECT_LENGTH:
            need = need[:SUBJECT_LENGTH].rstrip() + "…"
        return f"{who}: {need}" if need else who

    # ------------------------------------------------------------------
    # Check
    # ------------------------------------------------------------------

    def _check_entry(self):
        """Refuse with a sentence that names the field; what was typed stays on the screen."""
        if not self.channel_id:
            raise ValidationError(self.env._("Channel: choose where you met."))
        if not self.phone and not self.email and not self.card:
            raise ValidationError(
                self.env._("Phone or E-mail: enter one of them, or take a photo of the card.")
            )
        if not (self.contact_name or self.partner_name or self.card):
            raise ValidationError(self.env._("Name or Company: enter one of them."))
        if self.phone:
            self._format_phone()
        if self.email and not (single_email_re.match(self.email) and email_normalize(self.email)):
            raise ValidationError(
                self.env._("E-mail: %(email)s is not an e-mail address.", email=self.email)
            )

    def _format_phone(self):
        country = self.env.company.country_id
        try:
            return phone_validation.phone_format(self.phone, country.code, country.phone_code)
        except UserError as error:
            raise ValidationError(
                self.env._(
                    "Phone: %(phone)s is not a phone number. Check it, or start with + and the"
                    " country code.",
                    phone=self.phone,
                )
            ) from error
