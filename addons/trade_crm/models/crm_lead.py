from odoo import api, models
from odoo.fields import Domain
from odoo.tools import SQL


class CrmLead(models.Model):
    _name = "crm.lead"
    _inherit = ["crm.lead", "trade.territory.mixin"]

    @api.depends("partner_id")
    def _compute_territory_id(self):
        """A lead of no known customer is where the rules place its address."""
        unknown = self.filtered(lambda lead: not lead.partner_id)
        result = super(CrmLead, self - unknown)._compute_territory_id()
        for lead, territory in self.env["trade.territory.rule"]._place_leads(unknown).items():
            lead.territory_id = self.env.user._get_own_territory(territory)
        return result

    @api.depends_context("uid")
    def _compute_potential_lead_duplicates(self):
        # Odoo counts as superuser; who is limited to territories must not learn of others that way.
        super()._compute_potential_lead_duplicates()
        if self.env.user._get_territory_ids() is None:
            return
        for lead in self:
            seen = lead.duplicate_lead_ids.sudo(False)._filtered_access("read")
            lead.duplicate_lead_ids = seen
            lead.duplicate_lead_count = len(seen - lead._origin)

    @api.model
    def _fill_territories(self, first_id, last_id):
        """See ``trade.territory.mixin``; those of no known customer are placed by the rules."""
        leads = self.sudo().with_context(active_test=False)
        query = leads._search(
            Domain("id", ">=", first_id)
            & Domain("id", "<=", last_id)
            & Domain("territory_id", "=", False)
        )
        rules = self.env["trade.territory.rule"]
        placed = query.select(
            SQL.identifier(self._table, "id"),
            SQL.identifier(self._table, "partner_id"),
            SQL("%s AS rule_id", rules._get_rule_sql(leads, query)),
        )
        return SQL(
            """
            UPDATE crm_lead lead
               SET territory_id = COALESCE(customer.territory_id, rule.territory_id, %s)
              FROM (%s) placed
              LEFT JOIN res_partner customer ON customer.id = placed.partner_id
              LEFT JOIN trade_territory_rule rule
                     ON rule.id = placed.rule_id AND placed.partner_id IS NULL
             WHERE lead.id = placed.id
            """,
            self.env["trade.territory"]._get_fallback().id,
            placed,
        )

    def _prepare_customer_values(self, partner_name, is_company=False, parent_id=False):
        """A new customer was acquired by the channel of its lead; a contact has its company's."""
        values = super()._prepare_customer_values(partner_name, is_company, parent_id)
        if not parent_id:
            values["trade_acquisition_medium_id"] = self.medium_id.id
            values["trade_acquisition_source_id"] = self.source_id.id
        return values
