from odoo import fields, models

from .base_export import CONTROL_PARAMETER
from .trade_access_log import DEFAULT_MONTHS, MONTHS_PARAMETER


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    trade_export_control = fields.Boolean(
        "Control exports of customer data", config_parameter=CONTROL_PARAMETER
    )
    trade_access_log_months = fields.Integer(
        "Months to keep the access log", config_parameter=MONTHS_PARAMETER, default=DEFAULT_MONTHS
    )

    def set_values(self):
        result = super().set_values()
        # Odoo drops a parameter that is 0, which would bring the default back.
        months = max(self.trade_access_log_months, 0)
        self.env["ir.config_parameter"].sudo().set_param(MONTHS_PARAMETER, str(months))
        return result
