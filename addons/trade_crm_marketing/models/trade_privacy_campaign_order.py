"""What the results of campaigns keep of a person."""

from odoo import models

from odoo.addons.trade_crm.models.trade_privacy_steps import Step


class TradePrivacyRequest(models.Model):
    _inherit = "trade.privacy.request"

    def _get_privacy_sources(self, person):
        return [
            *super()._get_privacy_sources(person),
            (
                "trade.campaign.order",
                person.get_partner_domain("partner_id"),
                ["order_id", "campaign_id", "method", "touched_at", "coupon_id"],
            ),
        ]

    def _get_kept_steps(self, person):
        return [
            *super()._get_kept_steps(person),
            Step(
                self.env._("Orders of campaigns"),
                "trade.campaign.order",
                person.get_partner_domain("partner_id"),
                "keep",
                self.env._("Numbers without a name, so that results of campaigns stay right."),
            ),
        ]
