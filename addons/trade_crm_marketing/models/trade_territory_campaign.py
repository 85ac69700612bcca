"""What of campaigns goes along when a customer moves to another territory."""

from odoo import api, models
from odoo.fields import Domain


class TradeTerritoryMove(models.Model):
    _inherit = "trade.territory.move"

    @api.model
    def _get_documents(self):
        running = Domain("campaign_id.trade_state", "in", ("running", "paused"))
        return [
            *super()._get_documents(),
            (
                "campaigns",
                self.env._("Running campaigns"),
                "trade.campaign.member",
                running,
                True,
            ),
            (
                "messages",
                self.env._("Messages of running campaigns"),
                "trade.message",
                running,
                True,
            ),
        ]
