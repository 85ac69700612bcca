from odoo import api, fields, models
from odoo.tools import SQL

KINDS = [
    ("receivable", "Receivable"),
    ("order", "Not yet invoiced"),
    ("payment", "Prepaid"),
]


class TradeCreditReport(models.Model):
    """What customers owe, with its age: the same items that the credit check adds up."""

    _name = "trade.credit.report"
    _description = "Receivables and Exposure"
    _inherit = ["trade.territory.report.mixin"]
    _auto = False
    _rec_name = "partner_id"
    _order = "date_due, id"
    _territory_user_fields = ()

    kind = fields.Selection(KINDS, readonly=True)
    partner_id = fields.Many2one("res.partner", "Customer", readonly=True)
    user_id = fields.Many2one("res.users", "Salesperson", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    currency_id = fields.Many2one("res.currency", readonly=True)
    move_line_id = fields.Many2one("account.move.line", "Journal item", readonly=True)
    order_id = fields.Many2one("sale.order", readonly=True)
    date_due = fields.Date("Due", readonly=True)
    overdue_days = fields.Integer("Days overdue", readonly=True, aggregator="max")
    receivable = fields.Monetary(readonly=True)
    not_due = fields.Monetary("Not due", readonly=True)
    due_30 = fields.Monetary("1–30 days", readonly=True)
    due_60 = fields.Monetary("31–60 days", readonly=True)
    due_90 = fields.Monetary("61–90 days", readonly=True)
    due_more = fields.Monetary("Over 90 days", readonly=True)
    open_orders = fields.Monetary("Not yet invoiced", readonly=True)
    prepaid = fields.Monetary("Prepaid, not yet booked", readonly=True)
    exposure = fields.Monetary(readonly=True)

    @property
    def _table_query(self):
        accounts = self.env["trade.credit.account"]
        accounts._flush_for_exposure()
        return SQL(
            """
            WITH debtor AS NOT MATERIALIZED (SELECT id, commercial_partner_id FROM res_partner),
                 earmark AS NOT MATERIALIZED (%(earmarks)s),
                 adjustment AS (%(adjustments)s),
                 item AS (%(items)s)
            SELECT item.item_id AS id, item.kind, item.customer_id AS partner_id, item.company_id,
                   company.currency_id, customer.territory_id, customer.user_id,
                   item.move_line_id, item.order_id, item.date_due,
                   %(late)s AS overdue_days,
                   item.amount AS exposure,
                   %(columns)s
              FROM item
              LEFT JOIN res_company company ON company.id = item.company_id
              LEFT JOIN res_partner customer ON customer.id = item.customer_id
            """,
            earmarks=accounts._get_earmark_sql(),
            adjustments=accounts._get_adjustment_sql(),
            items=SQL(" UNION ALL ").join(accounts._get_item_queries()),
            late=SQL(
                "CASE WHEN item.kind = 'receivable' AND item.amount > 0"
                " THEN GREATEST(%s - item.date_due, 0) END",
                fields.Date.context_today(self),
            ),
            columns=SQL(", ").join(self._get_amount_columns()),
        )

    @api.model
    def _get_amount_columns(self):
        """Amounts of an item by what it is and how long it has been due."""
        day = fields.Date.context_today(self)
        late = SQL("(%s - item.date_due)", day)
        receivable = SQL("item.kind = 'receivable'")
        # Payments that are not matched yet are of no age.
        not_due = SQL("(item.amount < 0 OR item.date_due IS NULL OR %s <= 0)", late)
        aged = SQL("item.kind = 'receivable' AND item.amount > 0")
        conditions = {
            "receivable": receivable,
            "not_due": SQL("%s AND %s", receivable, not_due),
            "due_30": SQL("%s AND %s BETWEEN 1 AND 30", aged, late),
            "due_60": SQL("%s AND %s BETWEEN 31 AND 60", aged, late),
            "due_90": SQL("%s AND %s BETWEEN 61 AND 90", aged, late),
            "due_more": SQL("%s AND %s > 90", aged, late),
            "open_orders": SQL("item.kind = 'order'"),
        }
        columns = [
            SQL("CASE WHEN %s THEN item.amount ELSE 0 END AS %s", condition, SQL.identifier(name))
            for name, condition in conditions.items()
        ]
        return [
            *columns,
            SQL("CASE WHEN item.kind = 'payment' THEN -item.amount ELSE 0 END AS prepaid"),
        ]

    def action_open(self):
        """Open the invoice, payment or order that the item is of."""
        self.ensure_one()
        record = self.order_id or self.move_line_id.move_id
        return record.get_formview_action() if record else False
