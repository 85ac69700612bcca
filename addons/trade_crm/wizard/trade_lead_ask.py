from odoo import fields, models


class TradeLeadAsk(models.TransientModel):
    """Asks for a lead or customer that the user reads, but that a colleague has."""

    _name = "trade.lead.ask"
    _description = "Ask for a Customer"

    lead_id = fields.Many2one("crm.lead")
    partner_id = fields.Many2one("res.partner", "Customer")
    reason = fields.Text(required=True)

    def action_ask(self):
        """File the request and open it."""
        self.ensure_one()
        (self.lead_id or self.partner_id).check_access("read")
        request = self.env["trade.lead.request"]._ask(
            lead=self.lead_id, partner=self.partner_id, reason=self.reason
        )
        return {
            "type": "ir.actions.act_window",
            "res_model": request._name,
            "res_id": request.id,
            "views": [(False, "form")],
        }
