from odoo import api, fields, models
from odoo.exceptions import AccessError


class TradeCreditTemporary(models.Model):
    """A higher limit until a date: who gave it and why stays on record."""

    _name = "trade.credit.temporary"
    _description = "Temporary Credit Limit"
    _inherit = ["trade.territory.path.mixin"]
    _territory_path = "account_id"
    _order = "date_from desc, id desc"

    account_id = fields.Many2one(
        "trade.credit.account", "Customer", required=True, index=True, ondelete="cascade"
    )
    currency_id = fields.Many2one(related="account_id.currency_id")
    amount = fields.Monetary("Limit meanwhile", required=True)
    date_from = fields.Date("From", required=True, default=fields.Date.context_today)
    date_to = fields.Date("Last day", required=True)
    reason = fields.Char(required=True)
    user_id = fields.Many2one(
        "res.users",
        "Given by",
        required=True,
        readonly=True,
        default=lambda self: self.env.uid,
        ondelete="restrict",
    )
    ended_at = fields.Datetime("Ended", readonly=True)

    _dates_in_order = models.Constraint(
        "CHECK (date_from <= date_to)", "A temporary limit ends after it begins."
    )
    _amount_positive = models.Constraint("CHECK (amount > 0)", "A temporary limit is more than 0.")

    @api.model_create_multi
    def create(self, vals_list):
        if not self.env.su:
            for vals in vals_list:
                vals["user_id"] = self.env.uid
        limits = super().create(vals_list)
        for limit in limits:
            limit.account_id.message_post(
                body=self.env._(
                    "Temporary limit of %(amount)s from %(start)s to %(end)s: %(reason)s",
                    amount=limit.currency_id.format(limit.amount),
                    start=limit.date_from,
                    end=limit.date_to,
                    reason=limit.reason,
                )
            )
        limits.account_id._release_later()
        return limits

    def write(self, vals):
        if not self.env.su:
            raise AccessError(
                self.env._("A temporary limit stays as it was given: end it and give another one.")
            )
        return super().write(vals)

    def action_end(self):
        """End it now; it stays on record."""
        self.check_access("write")
        running = self.filtered(lambda limit: not limit.ended_at)
        running.sudo().ended_at = fields.Datetime.now()
        for limit in running:
            limit.account_id.message_post(
                body=self.env._(
                    "Temporary limit of %s ended.", limit.currency_id.format(limit.amount)
                )
            )
