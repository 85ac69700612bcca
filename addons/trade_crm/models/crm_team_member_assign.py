from odoo import api, fields, models

# A change of them may find somebody for a lead that waits.
ASKED_AGAIN = {
    "active",
    "assignment_domain",
    "assignment_max",
    "assignment_optout",
    "crm_team_id",
    "trade_customer_type_ids",
    "user_id",
}


class CrmTeamMember(models.Model):
    _inherit = "crm.team.member"

    trade_customer_type_ids = fields.Many2many(
        "trade.customer.type",
        "crm_team_member_trade_customer_type_rel",
        "member_id",
        "type_id",
        string="Customer types",
        help="Gets leads of these types only, and before those who have none here.",
    )

    @api.model_create_multi
    def create(self, vals_list):
        members = super().create(vals_list)
        self.env["crm.lead"]._request_assignment()
        return members

    def write(self, vals):
        result = super().write(vals)
        if not ASKED_AGAIN.isdisjoint(vals):
            self.env["crm.lead"]._request_assignment()
        return result

    def _get_assignment_quota(self, force_quota=False):
        """Leads that are left of the capacity of 30 days, whoever asks.

        Odoo rounds the capacity to leads a day, which is none for a capacity below 15.
        """
        self.ensure_one()
        return max(0, self.assignment_max - self.lead_month_count)
