from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import plaintext2html

from ..models.res_partner_person import CHANNELS

# A visit has a page of its own.
KINDS = {
    "call": ("Call", "mail.mail_activity_data_call"),
    "chat": ("Chat message", "trade_crm.mail_activity_type_chat"),
    "text": ("Text message", "trade_crm.mail_activity_type_text"),
    "mail": ("E-mail", "mail.mail_activity_data_email"),
    "meeting": ("Meeting", "mail.mail_activity_data_meeting"),
    "complaint": ("Complaint", "trade_crm.mail_activity_type_complaint"),
}


class TradeContactLog(models.TransientModel):
    """Writes down that somebody was in touch with a customer outside of Odoo."""

    _name = "trade.contact.log"
    _description = "Log a Contact"

    partner_id = fields.Many2one("res.partner", "Customer", required=True)
    kind = fields.Selection(
        [(kind, label) for kind, (label, _type) in KINDS.items()], required=True, default="call"
    )
    happened_at = fields.Datetime("Date and time", required=True, default=fields.Datetime.now)
    text = fields.Text("What was said", required=True)
    next_step = fields.Char()
    next_day = fields.Date("Next step on")
    is_preferred = fields.Boolean("Prefers this channel")
    may_prefer = fields.Boolean(compute="_compute_may_prefer")

    @api.depends("kind", "partner_id")
    def _compute_may_prefer(self):
        for log in self:
            log.may_prefer = log.kind in dict(CHANNELS) and log.partner_id.has_access("write")

    def action_log(self):
        """Write it to the customer's messages, where the trail finds it.

        :raise UserError: when it is still to come
        """
        self.ensure_one()
        partner = self.partner_id
        partner.check_access("read")
        if self.happened_at > fields.Datetime.now():
            raise UserError(self.env._("What is still to come is an activity or a meeting."))
        kind = self.env.ref(KINDS[self.kind][1], raise_if_not_found=False)
        # Who may read a customer may say what was talked about.
        partner.sudo().message_post(
            body=plaintext2html(self.text),
            author_id=self.env.user.partner_id.id,
            date=self.happened_at,
            mail_activity_type_id=kind and kind.id,
            subtype_xmlid="mail.mt_note",
        )
        if self.next_step:
            partner.sudo().activity_schedule(
                "mail.mail_activity_data_todo",
                date_deadline=self.next_day or fields.Date.context_today(self),
                summary=self.next_step,
                user_id=self.env.uid,
            )
        if self.is_preferred and self.may_prefer:
            partner.trade_preferred_channel = self.kind
        return {"type": "ir.actions.act_window_close"}


class ResPartner(models.Model):
    _inherit = "res.partner"

    def action_log_contact(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Log a contact"),
            "res_model": "trade.contact.log",
            "view_mode": "form",
            "views": [(False, "form")],
            "target": "new",
            "context": {"default_partner_id": self.id},
        }
