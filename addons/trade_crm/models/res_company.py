from odoo import api, fields, models

from odoo.addons.base.models.res_partner import _tz_get


class ResCompany(models.Model):
    _inherit = "res.company"

    trade_tz = fields.Selection(
        _tz_get,
        string="Trade CRM time zone",
        required=True,
        default=lambda self: self.env.user.tz or "UTC",
        help="The day of a purchase and the start of a new day follow this time zone.",
    )

    @api.model_create_multi
    def create(self, vals_list):
        companies = super().create(vals_list)
        self.env["trade.tier.policy"].sudo()._create_default(companies)
        return companies

    def write(self, vals):
        result = super().write(vals)
        if {"trade_tz", "currency_id"} & vals.keys():
            self.env.registry.clear_cache()
            self._request_trade_rebuild()
            self._request_trade_facts()
        return result

    def _request_trade_rebuild(self):
        """Have every profile of these companies rebuilt by the next run of the job."""
        if self:
            self.env["trade.customer.profile"].sudo()._queue_companies(self, "policy")

    def _request_trade_facts(self):
        """Have all sales of these companies added up anew by the next run of the job."""
        if self:
            self.env["trade.fact.dirty"].sudo()._append_companies(self.ids)
