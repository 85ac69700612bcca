from odoo import api, fields, models


class TradeCreditAsk(models.TransientModel):
    """Dialog in which a seller asks to let an order through in spite of its customer's credit."""

    _name = "trade.credit.ask"
    _description = "Ask for Credit"

    order_id = fields.Many2one("sale.order", required=True, readonly=True)
    situation = fields.Text(compute="_compute_situation")
    reason = fields.Text("Why should it go on?", required=True)

    @api.depends("order_id")
    @api.depends_context("lang")
    def _compute_situation(self):
        for ask in self:
            ask.situation = "\n".join(ask.order_id._get_credit_stops())

    def action_ask(self):
        self.ensure_one()
        request = self.env["trade.credit.request"]._ask(self.order_id, self.reason)
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self.env._(
                    "%s is asked for. You are told what is decided.", request.display_name
                ),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }
