from odoo import fields, models


class TradeTerritoryAssign(models.TransientModel):
    _inherit = "trade.territory.assign"

    take_tickets = fields.Boolean("Open tickets", default=True)

    def _get_keys(self):
        keys = super()._get_keys()
        return keys | {"tickets"} if self.take_tickets else keys


class TradeTerritoryApply(models.TransientModel):
    _inherit = "trade.territory.apply"

    take_tickets = fields.Boolean("Open tickets", default=True)
