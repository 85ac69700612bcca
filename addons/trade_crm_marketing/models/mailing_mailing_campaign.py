from odoo import fields, models
from odoo.exceptions import UserError

# What a customer reads, and who it seems to come from.
CONTENT_FIELDS = {
    "subject", "preview", "body_arch", "body_html", "body_plaintext", "email_from", "reply_to",
    "attachment_ids", "mailing_type", "mailing_model_id", "active",
}  # fmt: skip
SETTLED = ("approval", "approved", "running", "paused")


class MailingMailing(models.Model):
    """The content of a variant is approved with the campaign."""

    _inherit = "mailing.mailing"

    trade_variant_ids = fields.One2many(
        "trade.campaign.variant", "mailing_id", "Variants of campaigns"
    )

    def write(self, vals):
        if vals.keys() & CONTENT_FIELDS and not self.env.su:
            self._check_content_open()
        if vals.get("state") not in (None, "draft"):
            self._check_sent_by_itself()
        return super().write(vals)

    def _check_content_open(self):
        """:raise UserError: when it was approved as it is"""
        for mailing in self.sudo():
            campaigns = mailing.trade_variant_ids.campaign_id
            campaigns._lock_campaigns()
            campaigns = campaigns.filtered(lambda campaign: campaign.trade_state in SETTLED)
            if campaigns:
                raise UserError(
                    self.env._(
                        "“%(mailing)s” is what the campaign “%(campaign)s” sends, and was approved as it is. "
                        "Take the campaign back to draft first.",
                        mailing=mailing.display_name,
                        campaign=campaigns[0].title,
                    )
                )

    def _check_sent_by_itself(self):
        """:raise UserError: for the content of a campaign, whose own recipients count for nothing"""
        if self.env.su:
            return
        for mailing in self.sudo():
            if campaign := mailing.trade_variant_ids.campaign_id[:1]:
                raise UserError(
                    self.env._(
                        "“%(mailing)s” is sent by the campaign “%(campaign)s” to its audience: start that.",
                        mailing=mailing.display_name,
                        campaign=campaign.title,
                    )
                )

    def action_put_in_queue(self):
        self._check_sent_by_itself()
        return super().action_put_in_queue()

    def _action_send_mail(self, res_ids=None):
        # The job of the messages is the superuser; a context would say nothing.
        self._check_sent_by_itself()
        return super()._action_send_mail(res_ids=res_ids)

    def _get_campaign_gaps(self, campaign):
        """Why the mailings cannot be sent by ``campaign``, as a list of sentences."""
        gaps = []
        for mailing in self:
            # Of two drafts the first one that is sent for approval has it.
            others = (mailing.campaign_id | mailing.trade_variant_ids.campaign_id).filtered(
                lambda other: other.trade_is_campaign and other.trade_state != "draft"
            ) - campaign
            names = {"mailing": mailing.display_name, "campaign": others[:1].title}
            if others:
                gaps.append(
                    self.env._("“%(mailing)s” belongs to “%(campaign)s”: duplicate it.", **names)
                )
            if mailing.mailing_model_real != "res.partner":
                gaps.append(
                    self.env._(
                        "“%s” is not for contacts: choose Contact as recipients.",
                        mailing.display_name,
                    )
                )
            if mailing.state != "draft":
                gaps.append(
                    self.env._(
                        "“%s” was sent by itself already: duplicate it.", mailing.display_name
                    )
                )
        return gaps


class UtmCampaign(models.Model):
    _inherit = "utm.campaign"

    def _take_mailings(self):
        """Have links, clicks and orders of the mailings tell of this campaign."""
        self.sudo().trade_variant_ids.mailing_id.write({"campaign_id": self.id})
