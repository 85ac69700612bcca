import re

from odoo import models

CHANNEL = re.compile(r"trade_crm\.trail:(crm\.lead|res\.partner):(\d{1,9})")


class IrWebsocket(models.AbstractModel):
    """Who has a lead or customer open learns that there is something new in its chatter.

    Odoo tells nobody but the people whom a message is sent to.
    """

    _inherit = "ir.websocket"

    def _build_bus_channel_list(self, channels):
        asked = [channel for channel in channels if self._get_trail_match(channel)]
        kept = [channel for channel in channels if channel not in asked]
        return super()._build_bus_channel_list(kept + self._get_trail_channels(asked))

    def _get_trail_match(self, channel):
        return isinstance(channel, str) and CHANNEL.fullmatch(channel)

    def _get_trail_channels(self, asked):
        """The channels of those records that the user may read; nothing of the others."""
        if not self.env.user._is_internal():
            return []
        ids = {}
        for channel in asked:
            model, record_id = self._get_trail_match(channel).groups()
            ids.setdefault(model, []).append(int(record_id))
        found = []
        for model, record_ids in ids.items():
            # A websocket knows nothing of the companies that are chosen in the browser.
            companies = self.env.user._get_company_ids()
            records = self.env[model].with_context(allowed_company_ids=companies, active_test=False)
            if records.has_access("read"):
                readable = records.search([("id", "in", record_ids)])
                found += [(record, "trade_trail") for record in readable]
        return found
