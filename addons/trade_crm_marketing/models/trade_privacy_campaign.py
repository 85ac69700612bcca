"""What campaigns keep of a person."""

from odoo import models

from odoo.addons.trade_crm.models.trade_privacy_steps import Step


class TradePrivacyRequest(models.Model):
    _inherit = "trade.privacy.request"

    def _get_privacy_sources(self, person):
        return [
            *super()._get_privacy_sources(person),
            (
                "trade.campaign.member",
                person.get_partner_domain("partner_id"),
                ["campaign_id", "tier_id", "variant_id", "coupon_id"],
            ),
        ]

    def _get_kept_steps(self, person):
        return [
            *super()._get_kept_steps(person),
            Step(
                self.env._("Audiences of campaigns"),
                "trade.campaign.member",
                person.get_partner_domain("partner_id"),
                "keep",
                self.env._("A number without a name, so that results of campaigns stay right."),
            ),
        ]
