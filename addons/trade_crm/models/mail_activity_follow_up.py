from odoo import api, fields, models
from odoo.tools import SQL

KINDS = [
    ("call", "Call"),
    ("mail", "E-mail"),
    ("meeting", "Meeting"),
    ("visit", "Visit"),
    ("chat", "Chat message"),
    ("text", "Text message"),
    ("complaint", "Complaint"),
]
CATEGORY_KINDS = {"phonecall": "call", "meeting": "meeting"}
# Written to people; others are for colleagues or by machines.
TALK_TYPES = ("comment", "email")
SENT_TYPES = ("email_outgoing", "sms", "whatsapp_message")
TRAIL_MODELS = ("crm.lead", "res.partner")
# A job that writes to more at once is not what somebody has open on the screen.
SHARED_LIMIT = 100


class MailActivityType(models.Model):
    _inherit = "mail.activity.type"

    trade_contact_kind = fields.Selection(
        KINDS,
        "Counts as contact",
        compute="_compute_trade_contact_kind",
        store=True,
        readonly=False,
        help="A done activity of this type is a contact with the customer: the lead is followed up.",
    )

    @api.depends("category")
    def _compute_trade_contact_kind(self):
        mail = self.env.ref("mail.mail_activity_data_email", raise_if_not_found=False)
        for activity_type in self:
            kind = CATEGORY_KINDS.get(activity_type.category)
            if activity_type._origin == mail:
                kind = "mail"
            activity_type.trade_contact_kind = kind or activity_type.trade_contact_kind


class MailActivity(models.Model):
    _inherit = "mail.activity"

    def _action_done(self, feedback=False, attachment_ids=None):
        activities = self.with_context(trade_done_activity_ids=self.ids)
        return super(MailActivity, activities)._action_done(
            feedback=feedback, attachment_ids=attachment_ids
        )


class MailMessage(models.Model):
    _inherit = "mail.message"

    @api.model_create_multi
    def create(self, vals_list):
        messages = super().create(vals_list)
        about = messages.sudo().filtered(
            lambda message: message.model in TRAIL_MODELS and message.res_id
        )
        if about:
            about._note_contacts()
            about._share()
        return messages

    # ------------------------------------------------------------------
    # Contacts
    # ------------------------------------------------------------------

    @api.model
    def _get_contact_sql(self):
        """What ``_is_contact`` says, of ``mail_message message``."""
        return SQL(
            """
            (message.author_id IS DISTINCT FROM %(bot)s AND (
                message.mail_activity_type_id IN (
                    SELECT id FROM mail_activity_type WHERE trade_contact_kind IS NOT NULL)
                OR message.mail_activity_type_id IS NULL AND (
                    message.message_type = ANY(%(sent)s)
                    OR message.message_type = ANY(%(talk)s) AND message.subtype_id IN (
                        SELECT id FROM mail_message_subtype WHERE internal IS NOT TRUE))))
            """,
            bot=self.env.ref("base.partner_root").id,
            sent=list(SENT_TYPES),
            talk=list(TALK_TYPES),
        )

    def _is_contact(self):
        """Whether it tells of a contact with the customer: no note, no message of a machine."""
        self.ensure_one()
        if self.author_id == self.env.ref("base.partner_root"):
            return False
        if self.mail_activity_type_id:
            return bool(self.mail_activity_type_id.trade_contact_kind)
        if self.message_type in TALK_TYPES:
            return bool(self.subtype_id) and not self.subtype_id.internal
        return self.message_type in SENT_TYPES

    def _note_contacts(self):
        """Those of these messages that are a contact set back the deadlines of the leads."""
        if self.env.context.get("trade_no_contact"):
            return
        contacts = self.filtered(lambda message: message._is_contact())
        for (model, moment), messages in contacts.grouped(
            lambda message: (message.model, message.date)
        ).items():
            if model == "crm.lead":
                leads = self.env["crm.lead"].browse(messages.mapped("res_id")).exists()
            else:
                leads = messages._get_leads_of_customers()
            leads._note_contact(moment)

    def _get_leads_of_customers(self):
        """The leads that messages on a customer are about.

        What a colleague writes to a customer follows up the leads of that colleague only; what
        the customer writes, all of them.
        """
        customers = self.env["res.partner"].browse(self.mapped("res_id"))
        leads = self.env["crm.lead"].search(
            [
                ("partner_id.commercial_partner_id", "in", customers.commercial_partner_id.ids),
                ("trade_follow_up_at", "!=", False),
            ]
        )
        found = leads.browse()
        for message in self:
            customer = customers.browse(message.res_id).commercial_partner_id
            users = message.author_id.user_ids.filtered(lambda user: not user.share)
            found |= leads.filtered(
                lambda lead, customer=customer, users=users: (
                    lead.partner_id.commercial_partner_id == customer
                    and (not users or lead.user_id in users)
                )
            )
        return found

    # ------------------------------------------------------------------
    # Shared trail
    # ------------------------------------------------------------------

    def _share(self):
        """Tell who has the lead or customer open that there is something to read.

        Nothing of the message is sent along: the reader fetches it, with the reader's rights.
        """
        threads = {(message.model, message.res_id) for message in self}
        if len(threads) > SHARED_LIMIT:
            return
        for model, res_id in threads:
            # A tuple with a record is a channel that no client can subscribe to by its name.
            self.env["bus.bus"]._sendone(
                (self.env[model].browse(res_id), "trade_trail"),
                "trade_crm.trail/changed",
                {"model": model, "id": res_id},
            )


class MailMail(models.Model):
    _inherit = "mail.mail"

    @api.model_create_multi
    def create(self, vals_list):
        """A mailing to many is no contact with one of them."""
        if any(vals.get("mailing_id") for vals in vals_list):
            self = self.with_context(trade_no_contact=True)
        return super().create(vals_list)


class CalendarEvent(models.Model):
    _inherit = "calendar.event"

    @api.model_create_multi
    def create(self, vals_list):
        """Agreeing on a meeting is a contact; holding it is another, see the job."""
        events = super().create(vals_list)
        now = fields.Datetime.now()
        for event in events.sudo().filtered("opportunity_id"):
            event.opportunity_id._note_contact(min(event.start, now))
        return events
