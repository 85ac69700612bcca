from odoo import fields, models

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
        help="What reports and rules go by when companies name their types differently.",
    )
    description = fields.Char(translate=True, help="Who belongs here, for those who choose.")
    partner_count = fields.Integer("Customers", compute="_compute_partner_count")

    def _compute_partner_count(self):
        counts = dict(
            self.env["res.partner"]._read_group(
                [("trade_customer_type_id", "in", self.ids), ("parent_id", "=", False)],
                ["trade_customer_type_id"],
                ["__count"],
            )
        )
        for customer_type in self:
            customer_type.partner_count = counts.get(customer_type, 0)

    def action_view_partners(self):
        self.ensure_one()
        return self.env["res.partner"]._get_trade_action(
            [("trade_customer_type_id", "=", self.id)], self.name
        )
