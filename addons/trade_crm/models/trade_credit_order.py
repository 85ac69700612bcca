"""What is confirmed and not yet invoiced, as part of what customers owe."""

from odoo import api, models
from odoo.tools import SQL


class TradeCreditAccount(models.Model):
    _inherit = "trade.credit.account"

    @api.model
    def _get_order_sql(self, company_id=None, asked_ids=()):
        """What is confirmed and not yet invoiced, with tax, at the rate of the order's date.

        Of cancelled orders it is what was delivered; of prepaid ones as well, because their goods
        wait for the money.
        """
        scope = SQL(
            """
            SELECT so.id, so.delivery_status,
                   so.state = 'cancel' OR COALESCE(term.trade_prepaid, FALSE) AS only_delivered
              FROM sale_order so
              JOIN debtor ON debtor.id = so.partner_invoice_id
              LEFT JOIN account_payment_term term ON term.id = so.payment_term_id
             WHERE (so.state = 'sale' AND so.invoice_status IS DISTINCT FROM 'invoiced'
                    OR so.state = 'cancel' AND so.delivery_status IS NOT NULL)
               AND %s
            """,
            self._in_company("so", company_id),
        )
        return SQL(
            """
            SELECT 'order', open_order.id::bigint * 4 + 1, debtor.commercial_partner_id,
                   open_order.company_id, open_order.commitment_date::date, open_order.amount
              FROM (%(orders)s) open_order
              JOIN debtor ON debtor.id = open_order.partner_invoice_id
             WHERE open_order.amount > 0 AND NOT open_order.id = ANY(%(asked)s)
            """,
            orders=self._get_remaining_sql(scope),
            asked=list(asked_ids),
        )

    @api.model
    def _get_remaining_sql(self, scope):
        """Orders with what is left to invoice, in the currency of the company.

        :param scope: SQL of ``(id, delivery_status, only_delivered)``; besides them come the orders
            that invoices change, see ``_get_adjustment_sql``
        """
        return SQL(
            """
            SELECT so.id, so.partner_invoice_id, so.company_id, so.commitment_date,
                   GREATEST(0, COALESCE(remaining.amount, 0)::float8
                               / COALESCE(NULLIF(so.currency_rate::float8, 0), 1)
                               + COALESCE(adjusted.amount, 0)) AS amount
              FROM (SELECT so.id, sum(%(line)s) AS amount
                      FROM (%(scope)s) so
                      JOIN sale_order_line sol ON sol.order_id = so.id AND sol.display_type IS NULL
                     GROUP BY so.id) remaining
              FULL JOIN (SELECT order_id, sum(amount) AS amount
                           FROM adjustment GROUP BY order_id) adjusted
                     ON adjusted.order_id = remaining.id
              JOIN sale_order so ON so.id = COALESCE(remaining.id, adjusted.order_id)
            """,
            line=self._get_line_sql(),
            scope=scope,
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
    def _get_line_sql(self):
        """Value of what a line will still be invoiced for, beyond what is on invoices or drafts.

        When all goods of the order have gone or were given up, what has gone is what counts.
        """
        return SQL(
            """
            CASE WHEN sol.is_downpayment THEN 0
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
                     THEN LEAST(0, CASE WHEN so.only_delivered THEN sol.qty_delivered
                                        ELSE sol.product_uom_qty END - COALESCE(sol.qty_invoiced, 0))
                     ELSE GREATEST(0,
                         CASE WHEN so.only_delivered
                                OR so.delivery_status = 'full' AND sol.qty_delivered_method = 'stock_move'
                              THEN COALESCE(sol.qty_delivered, 0)
                              ELSE GREATEST(sol.product_uom_qty, sol.qty_delivered)
                         END - COALESCE(sol.qty_invoiced, 0))
                END
                """
            ),
        )

    @api.model
    def _get_asked_sql(self, asked_ids):
        """What orders need: all that is not invoiced, less what was paid for them and is not used yet."""
        scope = SQL(
            "SELECT so.id, so.delivery_status, FALSE AS only_delivered"
            " FROM sale_order so WHERE so.id = ANY(%s)",
            list(asked_ids),
        )
        return SQL(
            """
            SELECT debtor.head_id, need.id AS order_id, need.amount - COALESCE((
                       SELECT sum(%(own)s)
                         FROM earmark
                         JOIN sale_order so ON so.id = earmark.order_id
                         JOIN res_company company ON company.id = so.company_id
                        WHERE earmark.order_id = need.id), 0) AS amount
              FROM (%(need)s) need
              JOIN debtor ON debtor.id = need.partner_invoice_id
             WHERE need.id = ANY(%(asked)s)
            """,
            asked=list(asked_ids),
            need=self._get_remaining_sql(scope),
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
