from datetime import datetime

from odoo import models

# Odoo's own queue leaves mails alone until then: we send them, and only we know which went out.
HELD_UNTIL = datetime(2999, 1, 1)


class MailComposeMessage(models.TransientModel):
    _inherit = "mail.compose.message"

    def _compute_force_send(self):
        result = super()._compute_force_send()
        if self.env.context.get("trade_held"):
            self.force_send = False
        return result

    def _action_send_mail(self, auto_commit=False):
        # The progress of the job is ours to tell.
        held = self.env.context.get("trade_held")
        return super()._action_send_mail(auto_commit=auto_commit and not held)

    def _prepare_mail_values(self, res_ids):
        values = super()._prepare_mail_values(res_ids)
        if self.env.context.get("trade_held"):
            for mail_values in values.values():
                mail_values["scheduled_date"] = HELD_UNTIL
        return values
