from odoo import api, fields, models
from odoo.exceptions import UserError

KINDS = [
    ("dealer", "Dealer"),
    ("store", "Terminal store, single"),
    ("chain", "Terminal store, chain"),
    ("consumer", "Consumer"),
    ("project", "Project customer"),
]


class TradeCustomerType(models.Model):
    """What kind of buyer a customer is: shared by all companies, as customers are."""

    _name = "trade.customer.type"
    _description = "Customer Type"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=100)
    active = fields.Boolean(default=True)
    color = fields.Integer()
    kind = fields.Selection(
        KINDS,
        required=True,
        default="store",
        index=True,
        help="What reports and rules go by when companies name their types differently.",
    )
    description = fields.Char(translate=True, help="Who belongs here, for those who choose.")
    partner_count = fields.Integer("Customers", compute="_compute_partner_count")

    def _compute_partner_count(self):
        partners = self.env["res.partner"].with_context(active_test=False)
        counts = dict(
            partners._read_group(
                [
                    ("trade_customer_type_id", "in", self.ids),
                    "|",
                    ("is_company", "=", True),
                    ("parent_id", "=", False),
                ],
                ["trade_customer_type_id"],
                ["__count"],
            )
        )
        for customer_type in self:
            customer_type.partner_count = counts.get(customer_type, 0)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        partners_sudo = self.env["res.partner"].sudo().with_context(active_test=False)
        used = partners_sudo.search(
            [("trade_customer_type_id", "in", self.ids)], limit=1
        ).trade_customer_type_id
        if used:
            raise UserError(
                self.env._(
                    "There are customers of the type %(name)s: archive it instead of deleting it.",
                    name=used.name,
                )
            )

    def action_view_partners(self):
        """Open the customers of the type, archived ones included."""
        self.ensure_one()
        return self.env["res.partner"]._get_trade_action(
            [("trade_customer_type_id", "=", self.id)], self.name
        )
