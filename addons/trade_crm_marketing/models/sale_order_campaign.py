from odoo import api, fields, models


class SaleOrder(models.Model):
    """Which campaign an order is due to, and why."""

    _inherit = "sale.order"

    trade_campaign_id = fields.Many2one(
        "utm.campaign", "Due to campaign", compute="_compute_trade_campaign"
    )
    trade_campaign_reason = fields.Char("Why this campaign", compute="_compute_trade_campaign")

    @api.depends_context("uid", "allowed_company_ids", "lang", "tz")
    def _compute_trade_campaign(self):
        found = self.env["trade.campaign.order"]
        if found.has_access("read"):
            found = found.search([("order_id", "in", self.ids)])
        by_order = {row.order_id: row for row in found}
        for order in self:
            row = by_order.get(order._origin, found.browse())
            order.trade_campaign_id = row.campaign_id
            order.trade_campaign_reason = row.reason
