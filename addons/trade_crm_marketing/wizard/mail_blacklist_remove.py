from odoo import fields, models

SOURCES = {"mail.blacklist", "mailing.contact"}


class MailBlacklistRemove(models.TransientModel):
    """Marketers see a masked address here, which is on no list: it is taken from its record."""

    _inherit = "mail.blacklist.remove"

    trade_res_model = fields.Char()
    trade_res_id = fields.Integer()

    def action_unblacklist_apply(self):
        self.ensure_one()
        if self.trade_res_model not in SOURCES or not self.trade_res_id:
            return super().action_unblacklist_apply()
        source = self.env[self.trade_res_model].browse(self.trade_res_id)
        source.check_access("read")
        # In memory: the dialog's row could be read.
        dialog = self.new({"email": source.email, "reason": self.reason})
        return super(MailBlacklistRemove, dialog).action_unblacklist_apply()
