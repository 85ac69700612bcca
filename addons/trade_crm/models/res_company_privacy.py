from odoo import api, fields, models

DEFAULT_YEARS = 10
# 会计档案管理办法 (Order 79 of the Ministry of Finance): vouchers and books.
YEARS = {"CN": 30}


class ResCompany(models.Model):
    _inherit = "res.company"

    trade_retention_years = fields.Integer(
        "Keep invoices for",
        compute="_compute_trade_retention_years",
        store=True,
        readonly=False,
        help="Years after that of the invoice. For so long the name and address of an erased person "
        "stay with it.",
    )

    _check_trade_retention_years = models.Constraint(
        "CHECK (trade_retention_years >= 0)", "The years that invoices are kept cannot be negative."
    )

    @api.depends("country_id")
    def _compute_trade_retention_years(self):
        for company in self:
            company.trade_retention_years = YEARS.get(company.country_id.code, DEFAULT_YEARS)


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    trade_retention_years = fields.Integer(
        related="company_id.trade_retention_years", readonly=False
    )
