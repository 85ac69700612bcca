from odoo import fields, models

from ..models.trade_market_note import STATES


class TradeMarketNoteAnswer(models.TransientModel):
    """What the product manager answers to market notes."""

    _name = "trade.market.note.answer"
    _description = "Answer to Market Notes"

    note_ids = fields.Many2many("trade.market.note", required=True)
    state = fields.Selection(STATES[1:], "What is done", required=True, default="taken")
    answer = fields.Char(required=True)

    def action_answer(self):
        self.ensure_one()
        self.note_ids._answer(self.state, self.answer)
        return {"type": "ir.actions.act_window_close"}
