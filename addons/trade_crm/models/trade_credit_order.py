"""What is confirmed and not yet invoiced, as part of what customers owe."""

from odoo import api, models
from odoo.tools import SQL

# Lines of which something may be left to invoice.
OPEN = (
    "display_type IS NULL AND is_downpayment IS NOT TRUE"
    " AND (state = 'sale' OR state = 'cancel' AND qty_delivered > 0)"
    " AND (COALESCE(qty_invoiced, 0) < GREATEST(product_uom_qty, qty_delivered) OR product_uom_qty < 0)"
)
# Lines that lower what is left of an order.
NEGATIVE = "price_total < 0 OR price_unit < 0"


class TradeCreditAccount(models.Model):
    _inherit = "trade.credit.account"

    @api.model
    def _get_order_sql(self, company_id=None, asked_ids=()):
        """What is confirmed and not yet invoiced, with tax, at the rate of the order's date: by line.

        Of cancelled orders it is what was delivered; of prepaid ones as well, because their goods
        wait for the money. No order lowers what is owed for others: where invoices change one, or a
        discount is left of one that is invoiced, another row makes its sum right. Most orders need
        none, so that they need not be added up one by one.
        """
        return SQL(
            """
            SELECT 'order', sol.id::bigint * 8 + 1, so.customer_id, so.company_id, so.day,
                   (%(line)s)::float8 / so.rate, NULL::integer, so.id
              FROM (%(orders)s) so
              JOIN (%(lines)s) sol ON sol.order_id = so.id
             WHERE so.is_open
             UNION ALL
            SELECT 'order', id::bigint * 8 + 4, customer_id, company_id, day,
                   GREATEST(0, listed + change) - listed, NULL, id
              FROM (SELECT so.id, so.customer_id, so.company_id, so.day, special.change,
                           COALESCE(sum(%(line)s) FILTER (WHERE so.is_open), 0)::float8 / so.rate AS listed
                      FROM (SELECT order_id, sum(amount) AS change
                              FROM (SELECT order_id, amount FROM adjustment
                                     UNION ALL
                                    SELECT so.id, 0
                                      FROM (%(orders)s) so
                                      JOIN sale_order_line sol ON sol.order_id = so.id AND (%(negative)s)
                                     WHERE so.is_open) change
                             GROUP BY order_id) special
                      JOIN (%(orders)s) so ON so.id = special.order_id
                      LEFT JOIN (%(lines)s) sol ON sol.order_id = so.id
                     GROUP BY so.id, so.customer_id, so.company_id, so.day, so.rate, special.change) special
            """,
            orders=self._get_open_order_sql(company_id, asked_ids),
            lines=SQL(f"SELECT * FROM sale_order_line WHERE {OPEN}"),
            line=self._get_line_sql(SQL("so.only_delivered")),
            negative=SQL(NEGATIVE),
        )

    @api.model
    def _get_open_order_sql(self, company_id, asked_ids):
        """Orders of the debtors, and which of them are open: confirmed and not invoiced."""
        return SQL(
            """
            SELECT so.id, so.company_id, so.commitment_date::date AS day, so.delivery_status,
                   debtor.commercial_partner_id AS customer_id,
                   COALESCE(NULLIF(so.currency_rate::float8, 0), 1) AS rate,
                   so.state = 'cancel' OR COALESCE(term.trade_prepaid, FALSE) AS only_delivered,
                   (so.state = 'sale' AND so.invoice_status IS DISTINCT FROM 'invoiced'
                    OR so.state = 'cancel' AND so.delivery_status IS NOT NULL) AS is_open
              FROM sale_order so
              JOIN debtor ON debtor.id = so.partner_invoice_id
              LEFT JOIN account_payment_term term ON term.id = so.payment_term_id
             WHERE %(company)s %(others)s
            """,
            company=self._in_company("so", company_id),
            others=SQL("AND so.id NOT IN %s", tuple(asked_ids)) if asked_ids else SQL(),
        )

    @api.model
    def _get_adjustment_sql(self, company_id=None):
        """What invoices change of order lines: ``(order_id, amount)``.

        What is on a draft is not owed yet, though Odoo takes it for invoiced; a down payment is owed
        already, once it is posted.
        """
        amount = SQL(
            "CASE move.move_type WHEN 'out_refund' THEN -1 ELSE 1 END"
            " * line.price_total::float8 / COALESCE(NULLIF(move.invoice_currency_rate::float8, 0), 1)"
        )
        return SQL(
            """
            SELECT sol.order_id, %(amount)s AS amount
              FROM account_move move
              JOIN debtor ON debtor.id = move.partner_id
              JOIN account_move_line line ON line.move_id = move.id
              JOIN sale_order_line_invoice_rel rel ON rel.invoice_line_id = line.id
              JOIN sale_order_line sol ON sol.id = rel.order_line_id AND sol.is_downpayment IS NOT TRUE
              JOIN sale_order so ON so.id = sol.order_id AND %(counts)s
             WHERE move.state = 'draft'
               AND move.move_type IN ('out_invoice', 'out_refund')
               AND %(in_company)s
             UNION ALL
            SELECT sol.order_id, -(%(amount)s)
              FROM sale_order_line sol
              JOIN sale_order so ON so.id = sol.order_id AND %(counts)s
              JOIN debtor ON debtor.id = so.partner_invoice_id
              JOIN sale_order_line_invoice_rel rel ON rel.order_line_id = sol.id
              JOIN account_move_line line ON line.id = rel.invoice_line_id
              JOIN account_move move ON move.id = line.move_id
             WHERE sol.is_downpayment
               AND move.state = 'posted'
               AND move.move_type IN ('out_invoice', 'out_refund')
               AND %(in_company)s
            """,
            amount=amount,
            counts=SQL(
                "(so.state = 'sale' OR so.state = 'cancel' AND so.delivery_status IS NOT NULL)"
            ),
            in_company=self._in_company("move", company_id),
        )

    @api.model
    def _get_line_sql(self, only_delivered):
        """Value of what a line will still be invoiced for, beyond what is on invoices or drafts.

        When all goods of the order have gone or were given up, what has gone is what counts.
        """
        return SQL(
            """
            CASE WHEN sol.qty_invoiced = 0 AND sol.qty_delivered = sol.product_uom_qty
                 THEN sol.price_total
                 WHEN sol.product_uom_qty = 0
                 THEN %(left)s * sol.price_unit * (1 - COALESCE(sol.discount, 0) / 100)
                 ELSE CASE %(left)s WHEN 0 THEN 0
                      WHEN sol.product_uom_qty THEN sol.price_total
                      ELSE %(left)s * sol.price_total / sol.product_uom_qty END
            END
            """,
            left=SQL(
                """
                CASE WHEN sol.product_uom_qty < 0
                     THEN LEAST(0, CASE WHEN %(only_delivered)s THEN sol.qty_delivered
                                        ELSE sol.product_uom_qty END - COALESCE(sol.qty_invoiced, 0))
                     ELSE GREATEST(0,
                         CASE WHEN %(only_delivered)s
                                OR so.delivery_status = 'full' AND sol.qty_delivered_method = 'stock_move'
                              THEN COALESCE(sol.qty_delivered, 0)
                              ELSE GREATEST(sol.product_uom_qty, sol.qty_delivered)
                         END - COALESCE(sol.qty_invoiced, 0))
                END
                """,
                only_delivered=only_delivered,
            ),
        )

    @api.model
    def _get_asked_sql(self, asked_ids):
        """What orders need: all that is not invoiced, less what was paid for them and is not used yet."""
        return SQL(
            """
            SELECT debtor.head_id, so.id AS order_id,
                   GREATEST(0, COALESCE((SELECT sum(%(line)s)
                                           FROM sale_order_line sol
                                          WHERE sol.order_id = so.id AND sol.display_type IS NULL
                                            AND sol.is_downpayment IS NOT TRUE), 0)::float8 / COALESCE(NULLIF(so.currency_rate::float8, 0), 1)
                               + COALESCE((SELECT sum(amount) FROM adjustment WHERE order_id = so.id), 0))
                   - COALESCE((SELECT sum(%(own)s) FROM earmark WHERE earmark.order_id = so.id), 0) AS amount
              FROM sale_order so
              JOIN res_company company ON company.id = so.company_id
              JOIN debtor ON debtor.id = so.partner_invoice_id
             WHERE so.id = ANY(%(asked)s)
            """,
            asked=list(asked_ids),
            line=self._get_line_sql(SQL("FALSE")),
            own=SQL(
                """
                CASE WHEN earmark.payment_id IS NULL
                     THEN CASE WHEN earmark.pending THEN %s ELSE 0 END
                     ELSE COALESCE((
                         SELECT -sum(line.amount_residual)
                           FROM account_move_line line
                           JOIN account_account account
                             ON account.id = line.account_id AND account.account_type = 'asset_receivable'
                          WHERE line.payment_id = earmark.payment_id AND line.parent_state = 'posted'
                     ), 0) + COALESCE((
                         SELECT payment.amount_company_currency_signed
                           FROM account_payment payment
                          WHERE payment.id = earmark.payment_id
                            AND payment.state = 'in_process' AND payment.move_id IS NULL
                     ), 0) END
                """,
                self._convert_sql("earmark"),
            ),
        )


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"

    _trade_downpayment_idx = models.Index("(order_id) WHERE is_downpayment")
    # What is owed is read from this index and not from the lines, which are wide and mostly invoiced.
    _trade_open_idx = models.Index(
        "(order_id) INCLUDE (id, product_uom_qty, qty_delivered, qty_invoiced, price_total, price_unit,"
        f" discount, qty_delivered_method) WHERE {OPEN}"
    )
    _trade_negative_idx = models.Index(f"(order_id) WHERE {NEGATIVE}")
