from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

# Where the code of a coupon goes, in the text of a call or of a message by a provider.
COUPON_SIGN = "{coupon}"


class UtmCampaign(models.Model):
    """What a campaign has sent for it."""

    _inherit = "utm.campaign"

    trade_message_count = fields.Integer(
        "Number of messages", compute="_compute_trade_message_count"
    )

    @api.depends_context("uid")
    def _compute_trade_message_count(self):
        messages = self.env["trade.message"]
        counts = {}
        if messages.has_access("read"):
            domain = [("campaign_id", "in", self.ids)]
            counts = dict(messages._read_group(domain, ["campaign_id"], ["__count"]))
        for campaign in self:
            campaign.trade_message_count = counts.get(campaign._origin, 0)

    def _enqueue_messages(self):
        """Put a message for every member that was not held out into the queue.

        Where a variant has a coupon, who got none (see ``coupon_state`` of the member) is not told of it.

        :return: number of messages
        """
        self.ensure_one()
        self.env.flush_all()
        return (
            self.env["trade.message"]
            .with_context(trade_of_members=True)
            ._enqueue(
                SQL(
                    """
                SELECT member.campaign_id, member.partner_id, member.territory_id, member.company_id,
                       1 AS step, variant.channel, %(purpose)s AS purpose, variant.mailing_id,
                       replace(variant.body, %(sign)s, COALESCE(card.code, '')) AS body,
                       GREATEST(variant.send_at, %(now)s) AS due_at,
                       variant.id AS variant_id, member.id AS member_id
                  FROM trade_campaign_member member
                  JOIN trade_campaign_variant variant ON variant.id = member.variant_id
                  LEFT JOIN loyalty_card card ON card.id = member.coupon_id
                 WHERE member.campaign_id = %(campaign)s
                   AND (variant.program_id IS NULL OR member.coupon_state = 'given')
                """,
                    purpose=self.trade_purpose,
                    sign=COUPON_SIGN,
                    now=fields.Datetime.now(),
                    campaign=self.id,
                )
            )
        )

    def _on_trade_ended(self):
        """What waits is not sent any more, and says so."""
        self.env["trade.message"].sudo()._cancel(self)

    def action_trade_view_messages(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "trade_crm_marketing.trade_message_action"
        )
        return {**action, "domain": [("campaign_id", "=", self.id)], "context": {}}


class TradeMessage(models.Model):
    _inherit = "trade.message"

    variant_id = fields.Many2one(
        "trade.campaign.variant", readonly=True, index="btree_not_null", ondelete="set null"
    )
    member_id = fields.Many2one(
        "trade.campaign.member", readonly=True, index="btree_not_null", ondelete="set null"
    )

    @api.model
    def _get_enqueued_columns(self):
        columns = super()._get_enqueued_columns()
        if self.env.context.get("trade_of_members"):
            return {**columns, "variant_id": SQL("int"), "member_id": SQL("int")}
        return columns

    @api.model
    def _get_sendable_domain(self):
        """Of campaigns that are planned here: while they run."""
        running = Domain("campaign_id.trade_is_campaign", "=", False) | Domain(
            "campaign_id.trade_state", "=", "running"
        )
        return super()._get_sendable_domain() & running
