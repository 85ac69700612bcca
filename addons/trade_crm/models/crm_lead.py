from odoo import models


class CrmLead(models.Model):
    _inherit = "crm.lead"

    def _prepare_customer_values(self, partner_name, is_company=False, parent_id=False):
        """A new customer was acquired by the channel of its lead; a contact has its company's."""
        values = super()._prepare_customer_values(partner_name, is_company, parent_id)
        if not parent_id:
            values["trade_acquisition_medium_id"] = self.medium_id.id
            values["trade_acquisition_source_id"] = self.source_id.id
        return values
