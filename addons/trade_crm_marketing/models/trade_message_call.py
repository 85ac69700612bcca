"""Calls are activities of who looks after the customer."""

from collections import defaultdict

from odoo import fields, models
from odoo.tools import plaintext2html


class TradeMessage(models.Model):
    _inherit = "trade.message"

    def _deliver_call(self):
        """Made in one transaction: nothing of it stays when it fails."""
        callers = defaultdict(self.browse)
        for message in self:
            callers[message._get_caller()] |= message
        activities = [
            message._prepare_call_values(user) for user, messages in callers.items() if user
            for message in messages
        ]  # fmt: skip
        # Without a mail to the caller for each.
        model = self.env["mail.activity"].sudo().with_context(mail_activity_quick_update=True)
        model.create(activities)
        nobody = callers.pop(self.env["res.users"], self.browse())
        nobody._finish("failed", "no_caller")
        (self - nobody)._finish("sent")

    def _get_caller(self):
        """Who looks after the customer, or else after the campaign."""
        partner = self.partner_id
        users = [partner.user_id, partner.commercial_partner_id.user_id, self.campaign_id.user_id]
        return next((user for user in users if user.active), self.env["res.users"])

    def _prepare_call_values(self, user):
        kind = self.env.ref("trade_crm_marketing.mail_activity_type_campaign_call", False)
        return {
            "res_model_id": self.env["ir.model"]._get_id("res.partner"),
            "res_id": self.partner_id.id,
            "activity_type_id": kind and kind.id,
            "user_id": user.id,
            "summary": self.campaign_id.title,
            "note": plaintext2html(self.body or ""),
            "date_deadline": fields.Date.context_today(
                self.with_context(tz=user.tz or self.company_id.trade_tz)
            ),
        }
