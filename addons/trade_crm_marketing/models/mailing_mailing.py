from odoo import models


class MailingMailing(models.Model):
    _inherit = "mailing.mailing"

    def _get_recipients_domain(self):
        """Whom the people behind it may see: Odoo looks for recipients as who runs the queue."""
        domain = super()._get_recipients_domain()
        for user in self.create_uid | self.user_id:
            rules = self.env["ir.rule"].with_user(user)
            domain &= rules._get_territory_scope(self.mailing_model_real, "read")
        return domain
