from odoo import models

from ..analytics.masking import mask_number


class PrivacyLog(models.Model):
    _inherit = "privacy.log"

    def _anonymize_email(self, label):
        # Odoo keeps the text of an error instead of what has no or two "@"; some persons have no
        # e-mail.
        if (label or "").count("@") != 1:
            return mask_number(label) or "-"
        return super()._anonymize_email(label)
