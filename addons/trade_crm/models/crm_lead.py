from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL
from odoo.tools.sql import column_exists, create_column, table_exists


class CrmLead(models.Model):
    _name = "crm.lead"
    _inherit = ["crm.lead", "trade.territory.mixin"]

    trade_customer_type_id = fields.Many2one(
        "trade.customer.type",
        string="Customer type",
        compute="_compute_trade_customer_type_id",
        store=True,
        readonly=False,
        index="btree_not_null",
    )
    trade_vat = fields.Char(
        "Tax ID", compute="_compute_trade_vat", store=True, readonly=False, copy=False
    )
    trade_log_ids = fields.One2many("trade.lead.log", "lead_id", "Decisions")

    def _auto_init(self):
        # One statement instead of the ORM, which would read every lead that there is.
        cr = self.env.cr
        if table_exists(cr, "crm_lead") and not column_exists(cr, "crm_lead", "trade_vat"):
            create_column(cr, "crm_lead", "trade_vat", "varchar")
            create_column(cr, "crm_lead", "trade_customer_type_id", "int4")
            cr.execute(
                "UPDATE crm_lead lead SET trade_vat = NULLIF(partner.vat, ''),"
                " trade_customer_type_id = partner.trade_customer_type_id"
                " FROM res_partner partner WHERE partner.id = lead.partner_id"
            )
        return super()._auto_init()

    @api.depends("partner_id")
    def _compute_trade_customer_type_id(self):
        for lead in self:
            lead.trade_customer_type_id = (
                lead.partner_id.trade_customer_type_id or lead.trade_customer_type_id
            )

    @api.depends("partner_id")
    def _compute_trade_vat(self):
        for lead in self:
            lead.trade_vat = lead.partner_id.vat or lead.trade_vat

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
            values["trade_customer_type_id"] = self.trade_customer_type_id.id
            if self.trade_vat:
                values["vat"] = self.trade_vat
        return values
