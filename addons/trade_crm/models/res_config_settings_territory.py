from odoo import api, fields, models
from odoo.exceptions import UserError


class ResConfigSettings(models.TransientModel):
    """The switch that limits who sells to their territories."""

    _inherit = "res.config.settings"

    trade_territory_scope = fields.Boolean(
        "Limit sales to their territories", config_parameter="trade_crm.territory_scope"
    )
    trade_territory_progress = fields.Integer(compute="_compute_trade_territory")
    trade_limited_user_count = fields.Integer("Limited users", compute="_compute_trade_territory")
    trade_homeless_user_count = fields.Integer(
        "Without a territory", compute="_compute_trade_territory"
    )

    def _compute_trade_territory(self):
        limited, homeless = self.env["res.users"]._get_limited_users()
        progress = self.env["trade.territory.fill"]._get_progress()
        for settings in self:
            settings.trade_territory_progress = int(100 * progress)
            settings.trade_limited_user_count = len(limited)
            settings.trade_homeless_user_count = len(homeless)

    def set_values(self):
        was_on = self.env["res.users"]._is_territory_scope_on()
        result = super().set_values()
        is_on = self.env["res.users"]._is_territory_scope_on()
        if is_on and not was_on and self.env["trade.territory.fill"]._get_progress() < 1:
            raise UserError(
                self.env._(
                    "Customers and documents are still being sorted into territories. That happens in "
                    "the background; switch the limit on when it is through."
                )
            )
        if is_on != was_on:
            self.env["trade.territory"]._forget_access()
        return result

    def action_trade_limited_users(self):
        """Open the users who are, or would be, limited to their territories."""
        limited, _homeless = self.env["res.users"]._get_limited_users()
        return self._get_users_action(limited, self.env._("Limited users"))

    def action_trade_homeless_users(self):
        """Open those of them who have no territory: they see what is assigned to them only."""
        _limited, homeless = self.env["res.users"]._get_limited_users()
        return self._get_users_action(homeless, self.env._("Without a territory"))

    @api.model
    def _get_users_action(self, users, name):
        return {
            "type": "ir.actions.act_window",
            "name": name,
            "res_model": "res.users",
            "views": [(False, "list"), (False, "form")],
            "domain": [("id", "in", users.ids)],
        }


class ResUsers(models.Model):
    _inherit = "res.users"

    @api.model
    def _get_limited_users(self):
        """Users whom the limit concerns once it is on, and those of them without a territory."""
        users = self.sudo().search([("share", "=", False)])
        limited = users.filtered(lambda user: user._get_assigned_territory_ids() is not None)
        homeless = limited.filtered(lambda user: not user._get_assigned_territory_ids())
        return limited, homeless
