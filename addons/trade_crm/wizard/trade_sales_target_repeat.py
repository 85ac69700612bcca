from dateutil.relativedelta import relativedelta

from odoo import fields, models


class TradeSalesTargetRepeat(models.TransientModel):
    _name = "trade.sales.target.repeat"
    _description = "Repeat Sales Targets"

    target_ids = fields.Many2many("trade.sales.target", string="Targets", required=True)
    months = fields.Integer("For the next months", default=11, required=True)
    growth = fields.Float(
        "Growth a month", help="2 % on 100,000 makes 102,000 in the next month, then 104,040."
    )

    _check_months = models.Constraint(
        "CHECK (months BETWEEN 1 AND 60)", "Targets are repeated for 1 to 60 months."
    )
    _check_growth = models.Constraint(
        "CHECK (growth > -1)", "A target cannot shrink to nothing: enter more than -100 %."
    )

    def action_repeat(self):
        """Add the targets of the months to come; what is there already stays as it is."""
        self.ensure_one()
        wanted = {}
        for target in self.target_ids.sorted("month"):
            for number in range(1, self.months + 1):
                month = target.month + relativedelta(months=number)
                # Of several months of one target the latest says how it goes on.
                wanted[target._get_key(month)] = {
                    "month": month,
                    "company_id": target.company_id.id,
                    "user_id": target.user_id.id,
                    "territory_id": target.territory_id.id,
                    "kind": target.kind,
                    "amount": target.amount * (1 + self.growth) ** number,
                }
        targets = self.env["trade.sales.target"]
        months = [vals["month"] for vals in wanted.values()]
        found = targets.search([("month", ">=", min(months)), ("month", "<=", max(months))])
        known = {target._get_key() for target in found}
        created = targets.create([vals for key, vals in wanted.items() if key not in known])
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self.env._(
                    "%(created)s targets added, %(known)s were there already.",
                    created=len(created),
                    known=len(wanted) - len(created),
                ),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }
