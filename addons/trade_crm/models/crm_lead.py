from odoo import api, models


class CrmLead(models.Model):
    _name = "crm.lead"
    _inherit = ["crm.lead", "trade.territory.mixin"]

    @api.depends("partner_id")
    def _compute_territory_id(self):
        """A lead of no known customer is where the rules place its address."""
        unknown = self.filtered(lambda lead: not lead.partner_id)
        super(CrmLead, self - unknown)._compute_territory_id()
        for lead, territory in self.env["trade.territory.rule"]._place_leads(unknown).items():
            lead.territory_id = self.env.user._get_own_territory(territory)

    def _prepare_customer_values(self, partner_name, is_company=False, parent_id=False):
        """A new customer was acquired by the channel of its lead; a contact has its company's."""
        values = super()._prepare_customer_values(partner_name, is_company, parent_id)
        if not parent_id:
            values["trade_acquisition_medium_id"] = self.medium_id.id
            values["trade_acquisition_source_id"] = self.source_id.id
        return values
