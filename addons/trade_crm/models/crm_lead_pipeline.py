from odoo import api, fields, models

# What may move a lead to another stage, or lose or restore it: a new salesperson may bring another
# team, and a team other stages.
STAGE_FIELDS = {"stage_id", "active", "probability", "team_id", "user_id", "type"}


class CrmLead(models.Model):
    """How long a lead was in which stage."""

    _inherit = "crm.lead"

    trade_stay_ids = fields.One2many("trade.lead.stage.stay", "lead_id", "Time in stages")

    # What counts for the target of a territory in a month: see trade.target.report.
    _trade_territory_won_idx = models.Index("(territory_id, date_closed) WHERE won_status = 'won'")
    _trade_territory_created_idx = models.Index("(territory_id, create_date)")

    @api.model_create_multi
    def create(self, vals_list):
        leads = super().create(vals_list)
        self.env["trade.lead.stage.stay"]._follow(leads)
        return leads

    def write(self, vals):
        if STAGE_FIELDS.isdisjoint(vals):
            return super().write(vals)
        stays = self.env["trade.lead.stage.stay"]
        before = stays._get_position(self)
        result = super().write(vals)
        after = stays._get_position(self)
        moved = self.filtered(lambda lead: before[lead.id][:2] != after[lead.id][:2])
        stays._follow(moved, before)
        return result


class SaleOrder(models.Model):
    _inherit = "sale.order"

    # The orders of a salesperson, or of a territory, in a month: see trade.target.report.
    _trade_user_date_idx = models.Index("(user_id, date_order) WHERE state = 'sale'")
    _trade_territory_date_idx = models.Index("(territory_id, date_order) WHERE state = 'sale'")
