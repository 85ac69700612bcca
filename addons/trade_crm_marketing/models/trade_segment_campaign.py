from odoo import api, models


class TradeSegment(models.Model):
    _inherit = "trade.segment"

    @api.depends_context("lang")
    def _compute_used_by(self):
        """A segment that a campaign leaves out must not go: the audience would grow without a word."""
        result = super()._compute_used_by()
        campaigns_sudo = (
            self.env["utm.campaign"]
            .sudo()
            .search(
                [
                    ("trade_is_campaign", "=", True),
                    ("trade_state", "not in", ("done", "cancelled")),
                    "|",
                    ("trade_segment_ids", "in", self.ids),
                    ("trade_excluded_segment_ids", "in", self.ids),
                ]
            )
        )
        for segment in self:
            titles = [
                campaign.title
                for campaign in campaigns_sudo
                if segment._origin.sudo()
                in campaign.trade_segment_ids | campaign.trade_excluded_segment_ids
            ]
            texts = [segment.used_by, *titles]
            segment.used_by = ", ".join(filter(None, texts))
        return result
