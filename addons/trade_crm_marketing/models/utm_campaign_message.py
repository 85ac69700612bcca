from odoo import models


class UtmCampaign(models.Model):
    """What a campaign has sent for it."""

    _inherit = "utm.campaign"

    def _enqueue_messages(self):
        """Put a message for every member that was not held out into the queue.

        :return: number of messages
        """
        return 0

    def _on_trade_paused(self):
        """What pausing does beside the status."""

    def _on_trade_resumed(self):
        """What going on does beside the status."""

    def _on_trade_ended(self):
        """What the end does beside the status."""
