from odoo import fields, models
from odoo.exceptions import UserError

from odoo.addons.trade_crm.models.base_export import MIN_REASON_LENGTH

FIELDS = {
    "mailing.contact": ("email", "mobile"),
    "mail.blacklist": ("email",),
    "phone.blacklist": ("number",),
    "mailing.trace": ("email", "sms_number"),
}


class TradeMailingReveal(models.TransientModel):
    """Why somebody has to see an address. What is shown is not kept here, where it could be read."""

    _name = "trade.mailing.reveal"
    _description = "Show a Masked Address"

    res_model = fields.Selection(
        lambda self: [(name, self.env["ir.model"]._get(name).name or name) for name in FIELDS],
        required=True,
    )
    res_id = fields.Integer(required=True)
    reason = fields.Char("Why do you need it?", required=True)

    def action_show(self):
        """Show the address for as long as the person looks at it, and log it."""
        self.ensure_one()
        reason = (self.reason or "").strip()
        if len(reason) < MIN_REASON_LENGTH:
            raise UserError(
                self.env._(
                    "Please give a reason, in at least %(count)s characters.",
                    count=MIN_REASON_LENGTH,
                )
            )
        record = self.env[self.res_model].browse(self.res_id)
        record.check_access("read")
        names = [name for name in FIELDS[self.res_model] if name in record._fields and record[name]]
        self.env["trade.access.log"]._log(
            "reveal",
            self.res_model,
            reason=reason,
            description=f"#{record.id}: {', '.join(names)}",
        )
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "title": self.env._("Noted in the access log"),
                "message": ", ".join(record[name] for name in names) or self.env._("Nothing"),
                "sticky": True,
                "next": {"type": "ir.actions.act_window_close"},
            },
        }
