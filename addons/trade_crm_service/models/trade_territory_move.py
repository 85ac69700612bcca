from odoo import api, models
from odoo.fields import Domain


class TradeTerritoryMove(models.Model):
    _inherit = "trade.territory.move"

    @api.model
    def _get_documents(self):
        tickets = Domain("closed", "=", False)
        return [
            *super()._get_documents(),
            ("tickets", self.env._("Open tickets"), "helpdesk.ticket", tickets, True),
        ]
