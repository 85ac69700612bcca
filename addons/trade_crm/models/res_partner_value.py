from odoo import fields, models

from .res_partner import ROLES


class ResPartner(models.Model):
    _inherit = "res.partner"

    trade_window_average_order_value = fields.Monetary(
        related="trade_profile_id.window_average_order_value",
        currency_field="trade_currency_id",
        aggregator="avg",
        groups=ROLES,
    )
    trade_matrix_quadrant = fields.Selection(
        related="trade_profile_id.matrix_quadrant", groups=ROLES
    )
    trade_matrix_segment = fields.Selection(related="trade_profile_id.matrix_segment", groups=ROLES)
    trade_value_band = fields.Selection(related="trade_profile_id.value_band", groups=ROLES)
    trade_lifecycle_status = fields.Selection(
        related="trade_profile_id.lifecycle_status", groups=ROLES
    )
    trade_lifecycle_reason = fields.Char(related="trade_profile_id.lifecycle_reason", groups=ROLES)
    trade_lifecycle_measure = fields.Text(
        related="trade_profile_id.lifecycle_measure", groups=ROLES
    )
    trade_purchase_pattern = fields.Selection(
        related="trade_profile_id.purchase_pattern", groups=ROLES
    )
    trade_potential_high_value = fields.Boolean(
        related="trade_profile_id.potential_high_value", groups=ROLES
    )
    trade_potential_reason = fields.Char(related="trade_profile_id.potential_reason", groups=ROLES)
    trade_ladder_step = fields.Integer(
        related="trade_profile_id.ladder_step", aggregator="avg", groups=ROLES
    )
