from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError


class TradePrivacyErase(models.TransientModel):
    """What will be deleted, made anonymous and kept, before it cannot be undone."""

    _name = "trade.privacy.erase"
    _description = "Erase a Person"

    request_id = fields.Many2one("trade.privacy.request", required=True, ondelete="cascade")
    preview = fields.Html(compute="_compute_preview", sanitize=False)
    retention_until = fields.Date(compute="_compute_preview")
    keep_suppressed = fields.Boolean(related="request_id.keep_suppressed", readonly=False)
    number = fields.Char("Number of the request")

    @api.depends("request_id")
    def _compute_preview(self):
        for wizard in self:
            # Not in memory: it names the person.
            wizard.request_id._check_officer()
            _person, restricted, steps = wizard.request_id._prepare_erasure()
            wizard.retention_until = restricted
            wizard.preview = wizard._get_table(steps)

    def _get_table(self, steps):
        row = Markup("<tr><td>%s</td><td class='text-end'>%s</td><td>%s</td><td>%s</td></tr>")
        get_label = self.request_id._get_action_label
        return Markup("<table class='table table-sm'>%s</table>") % Markup().join(
            row % (step.label, len(records), get_label(step.action), step.why or "")
            for step, records in steps
        )

    def action_erase(self):
        self.ensure_one()
        request = self.request_id
        if (self.number or "").strip() != request.name:
            raise UserError(
                self.env._(
                    "This cannot be undone. Type the number of the request, %(number)s, to confirm.",
                    number=request.name,
                )
            )
        request._erase()
        return {"type": "ir.actions.act_window_close"}
