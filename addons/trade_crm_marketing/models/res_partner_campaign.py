from odoo import api, fields, models


class ResPartner(models.Model):
    _inherit = "res.partner"

    trade_coupon_code = fields.Char(
        "Code of the coupon",
        compute="_compute_trade_coupon_code",
        help="In the text of a mailing: the code that the campaign has handed out to who gets it.",
    )

    @api.depends_context("uid", "trade_campaign_id")
    def _compute_trade_coupon_code(self):
        members = self.env["trade.campaign.member"]
        campaign_id = self.env.context.get("trade_campaign_id")
        codes = {}
        if campaign_id and members.has_access("read"):
            domain = [("campaign_id", "=", campaign_id), ("partner_id", "in", self.ids)]
            codes = {
                member.partner_id.id: member.coupon_id.sudo().code
                for member in members.search(domain + [("coupon_id", "!=", False)])
            }
        for partner in self:
            partner.trade_coupon_code = codes.get(partner._origin.id)

    @api.model
    def mail_allowed_qweb_expressions(self):
        """Marketers, who edit no templates in general, may place the code."""
        return (*super().mail_allowed_qweb_expressions(), "object.trade_coupon_code")


class TradeMessage(models.Model):
    _inherit = "trade.message"

    def _prepare_mails(self, mailing):
        """Have ``object.trade_coupon_code`` in the text be that of the campaign, which a chunk has one of."""
        return super()._prepare_mails(
            mailing.with_context(trade_campaign_id=self.campaign_id[:1].id)
        )

    def _deliver_sms(self):
        messages = self.with_context(trade_campaign_id=self.campaign_id[:1].id)
        return super(TradeMessage, messages)._deliver_sms()
