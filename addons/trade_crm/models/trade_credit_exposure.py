"""What customers owe, and what they may owe: read from where it is booked, never kept."""

from typing import NamedTuple

from odoo import api, fields, models
from odoo.tools import SQL
from odoo.tools.misc import formatLang

# From so many customers on, all documents are read instead of theirs.
MANY = 500


class Standing(NamedTuple):
    """Credit of a customer, or of a group, in the currency of the company.

    :param limit: None when it is unlimited, 0 when there is no credit
    :param receivable: posted and open, less what was paid and not yet matched
    :param open_orders: confirmed and not yet invoiced, with tax, without the orders asked about
    :param prepaid: received and not yet booked
    :param granted: by requests that still hold, on top of the limit, for goods to leave
    :param overdue: for longer than allowed, less what was paid and not yet matched
    :param overdue_days: allowed; None when that is not checked
    :param asked: what each order asked about needs: ``{order id: amount}``, not above 0 when it is paid
    """

    company: models.BaseModel
    limit: float | None
    on_hold: bool
    receivable: float
    open_orders: float
    prepaid: float
    granted: float
    overdue: float
    overdue_days: int | None
    asked: dict

    @property
    def exposure(self):
        return self._round(self.receivable + self.open_orders - self.prepaid)

    @property
    def free(self):
        """Room under the limit; 0 when there is none, or no limit."""
        return 0.0 if self.limit is None else max(self._round(self.limit - self.exposure), 0.0)

    @property
    def is_over(self):
        return self.limit is not None and self.exceeds(self.exposure)

    @property
    def is_overdue(self):
        return self.overdue_days is not None and self.overdue > 0

    def exceeds(self, exposure, extra=0.0):
        limit = self.limit
        currency = self.company.currency_id
        return limit is not None and currency.compare_amounts(exposure, limit + extra) > 0

    def _round(self, amount):
        return self.company.currency_id.round(amount)

    def describe_limit(self, env):
        if self.limit is None:
            return env._("Unlimited")
        return self.format(env, self.limit) if self.limit else env._("No credit")

    def format(self, env, amount):
        return formatLang(env, amount, currency_obj=self.company.currency_id)


class TradeCreditAccount(models.Model):
    _inherit = "trade.credit.account"

    @api.model
    def _read_standings(self, company, head_ids, asked_ids=()):
        """Where customers stand, in one statement.

        :param company: whose customers, and in whose currency
        :param head_ids: commercial partners: heads of groups, or customers of no group
        :param asked_ids: orders that are kept out of the exposure and told apart: about to be
            confirmed, changed or delivered
        :return: ``{customer id: Standing}``
        """
        if not head_ids:
            return {}
        self._flush_for_exposure()
        day = fields.Date.context_today(self.with_context(tz=company.trade_tz))
        rows = self.env.execute_query(
            SQL(
                """
                WITH head AS (%(heads)s),
                     debtor AS %(inline)s (%(debtors)s),
                     earmark AS (%(earmarks)s),
                     adjustment AS (%(adjustments)s),
                     item AS (%(items)s),
                     asked AS (%(asked)s)
                SELECT head.id, head.credit_limit, head.on_hold, head.overdue_days, head.granted,
                       COALESCE(sum(item.amount) FILTER (WHERE kind = 'receivable'), 0),
                       COALESCE(sum(item.amount) FILTER (WHERE kind = 'order'), 0),
                       COALESCE(-sum(item.amount) FILTER (WHERE kind = 'payment'), 0),
                       GREATEST(0, COALESCE(sum(item.amount) FILTER (
                           WHERE kind = 'payment'
                              OR kind = 'receivable'
                             AND (item.amount < 0 OR date_due < %(day)s - head.overdue_days)
                       ), 0)),
                       (SELECT json_object_agg(order_id, amount) FROM asked WHERE head_id = head.id)
                  FROM head
                  LEFT JOIN debtor ON debtor.head_id = head.id AND debtor.id = debtor.commercial_partner_id
                  LEFT JOIN item ON item.customer_id = debtor.id
                 GROUP BY head.id, head.credit_limit, head.on_hold, head.overdue_days, head.granted
                """,
                heads=self._get_head_sql(company, head_ids, day),
                # Of many, those of the documents at hand are looked up, not the other way round.
                inline=SQL("NOT MATERIALIZED" if len(head_ids) > MANY else "MATERIALIZED"),
                debtors=self._get_debtor_sql(company, head_ids),
                earmarks=self._get_earmark_sql(company.id, asked_ids),
                adjustments=self._get_adjustment_sql(company.id),
                items=SQL(" UNION ALL ").join(self._get_item_queries(company.id, asked_ids)),
                asked=self._get_asked_sql(asked_ids),
                day=day,
            )
        )
        return {row[0]: self._prepare_standing(company, row) for row in rows}

    @api.model
    def _prepare_standing(self, company, row):
        _head, limit, on_hold, days, granted, receivable, orders, prepaid, overdue, asked = row
        return Standing(
            company=company,
            limit=None if limit is None else float(limit),
            on_hold=bool(on_hold),
            receivable=float(receivable),
            open_orders=float(orders),
            prepaid=float(prepaid),
            granted=float(granted or 0),
            overdue=float(overdue) if days is not None else 0.0,
            overdue_days=days,
            asked={int(order): float(amount) for order, amount in (asked or {}).items()},
        )

    @api.model
    def _flush_for_exposure(self):
        for name in (
            "sale.order", "sale.order.line", "account.move", "account.move.line", "account.payment",
            "payment.transaction", "trade.credit.account", "trade.credit.temporary",
            "trade.credit.request", "res.company", "trade.tier", "account.payment.term",
        ):  # fmt: skip
            self.env[name].flush_model()

    # ------------------------------------------------------------------
    # Limit
    # ------------------------------------------------------------------

    @api.model
    def _get_head_sql(self, company, head_ids, day):
        """Customers with what they may owe: of their own, else of the tier, else of the company."""
        return SQL(
            """
            SELECT customer.id,
                   %(limit)s AS credit_limit,
                   COALESCE(account.on_hold, FALSE) AS on_hold,
                   %(overdue)s AS overdue_days,
                   (SELECT sum(request.amount)
                      FROM trade_credit_request request
                      JOIN sale_order ON sale_order.id = request.order_id AND sale_order.state = 'sale'
                     WHERE request.account_id = account.id AND request.state = 'granted'
                       AND request.valid_until >= %(day)s) AS granted
              FROM res_partner customer
              JOIN res_company company ON company.id = %(company)s
              LEFT JOIN trade_credit_account account
                     ON account.partner_id = customer.id AND account.company_id = company.id
              LEFT JOIN trade_customer_profile profile
                     ON profile.partner_id = customer.id AND profile.company_id = company.id
              LEFT JOIN trade_tier tier ON tier.id = profile.tier_id
             WHERE customer.id IN %(heads)s
            """,
            limit=self._get_limit_sql(day),
            overdue=self._get_overdue_sql(),
            company=company.id,
            heads=tuple(head_ids),
            day=day,
        )

    @api.model
    def _get_limit_sql(self, day):
        """NULL where credit is unlimited; a temporary limit counts where it is higher."""
        return SQL(
            """
            CASE COALESCE(NULLIF(account.limit_kind, 'inherit'), tier.credit_kind, company.trade_credit_kind)
            WHEN 'unlimited' THEN NULL
            ELSE GREATEST(
                CASE WHEN account.limit_kind <> 'inherit'
                     THEN CASE account.limit_kind WHEN 'amount' THEN account.limit_amount ELSE 0 END
                     WHEN tier.credit_kind IS NOT NULL
                     THEN CASE tier.credit_kind WHEN 'amount' THEN tier.credit_amount ELSE 0 END
                     WHEN company.trade_credit_kind = 'amount' THEN company.trade_credit_amount
                     ELSE 0 END,
                0,
                (SELECT max(temporary.amount)
                   FROM trade_credit_temporary temporary
                  WHERE temporary.account_id = account.id
                    AND temporary.ended_at IS NULL
                    AND %(day)s BETWEEN temporary.date_from AND temporary.date_to)
            ) END
            """,
            day=day,
        )

    @api.model
    def _get_overdue_sql(self):
        return SQL(
            """
            CASE COALESCE(account.overdue_kind, 'inherit')
            WHEN 'own' THEN COALESCE(account.overdue_days, 0)
            WHEN 'inherit' THEN CASE WHEN company.trade_credit_overdue
                                     THEN COALESCE(company.trade_credit_overdue_days, 0) END
            END
            """
        )

    # ------------------------------------------------------------------
    # Exposure
    # ------------------------------------------------------------------

    @api.model
    def _get_debtor_sql(self, company, head_ids):
        """Addresses of the customers and of the members of their groups."""
        if len(head_ids) > MANY:
            return SQL(
                """
                SELECT address.id, address.commercial_partner_id,
                       COALESCE(head.partner_id, address.commercial_partner_id) AS head_id
                  FROM res_partner address
                  LEFT JOIN trade_credit_account account
                         ON account.partner_id = address.commercial_partner_id
                        AND account.company_id = %s
                  LEFT JOIN trade_credit_account head ON head.id = account.head_id
                """,
                company.id,
            )
        return SQL(
            """
            SELECT address.id, address.commercial_partner_id, member.head_id
              FROM (SELECT customer.id AS customer_id, customer.id AS head_id
                      FROM res_partner customer WHERE customer.id IN %(heads)s
                     UNION
                    SELECT account.partner_id, head.partner_id
                      FROM trade_credit_account head
                      JOIN trade_credit_account account ON account.head_id = head.id
                     WHERE head.partner_id IN %(heads)s AND head.company_id = %(company)s) member
              JOIN res_partner address ON address.commercial_partner_id = member.customer_id
            """,
            heads=tuple(head_ids),
            company=company.id,
        )

    @api.model
    def _get_item_queries(self, company_id=None, asked_ids=()):
        """What is owed, by document: receivable, orders, and payments that are not yet booked.

        They read ``debtor (id, commercial_partner_id)``, ``earmark`` and ``adjustment``. To be extended by what else is
        owed, with the same columns.
        """
        return [
            self._get_receivable_sql(company_id),
            self._get_order_sql(company_id, asked_ids),
            self._get_payment_sql(company_id),
            self._get_transaction_sql(company_id, asked_ids),
        ]

    @api.model
    def _in_company(self, alias, company_id):
        return (
            SQL("%s = %s", SQL.identifier(alias, "company_id"), company_id)
            if company_id
            else SQL("TRUE")
        )

    @api.model
    def _get_earmark_sql(self, company_id=None, asked_ids=()):
        """Payments of a customer for a quotation: not there for anything else."""
        return SQL(
            """
            SELECT tx.id, tx.payment_id, tx.amount, tx.currency_id,
                   tx.state = 'authorized' OR tx.is_post_processed IS NOT TRUE AS pending,
                   min(so.id) AS order_id
              FROM sale_order so
              JOIN debtor ON debtor.id = so.partner_invoice_id
              JOIN sale_order_transaction_rel rel ON rel.sale_order_id = so.id
              JOIN payment_transaction tx ON tx.id = rel.transaction_id
             WHERE (so.state IN ('draft', 'sent') OR so.id = ANY(%(asked)s))
               AND tx.state IN ('authorized', 'done')
               AND tx.operation IS DISTINCT FROM 'validation'
               AND tx.operation IS DISTINCT FROM 'refund'
               AND %(company)s
             GROUP BY tx.id
            """,
            asked=list(asked_ids),
            company=self._in_company("so", company_id),
        )

    @api.model
    def _get_receivable_sql(self, company_id=None):
        return SQL(
            """
            SELECT 'receivable' AS kind, line.id::bigint * 8 AS item_id, debtor.commercial_partner_id AS customer_id,
                   line.company_id, COALESCE(line.date_maturity, line.date) AS date_due,
                   line.amount_residual::float8 AS amount, line.id AS move_line_id, NULL::integer AS order_id
              FROM account_move_line line
              JOIN account_account account
                ON account.id = line.account_id AND account.account_type = 'asset_receivable'
              JOIN debtor ON debtor.id = line.partner_id
              LEFT JOIN earmark ON earmark.payment_id = line.payment_id
             WHERE line.reconciled IS NOT TRUE
               AND line.parent_state = 'posted'
               AND line.amount_residual <> 0
               AND earmark.id IS NULL
               AND %s
            """,
            self._in_company("line", company_id),
        )

    @api.model
    def _get_payment_sql(self, company_id=None):
        """Payments without an entry, where the journal has no outstanding account."""
        return SQL(
            """
            SELECT 'payment', payment.id::bigint * 8 + 2, debtor.commercial_partner_id, payment.company_id, NULL::date,
                   -payment.amount_company_currency_signed::float8, NULL, NULL
              FROM account_payment payment
              JOIN debtor ON debtor.id = payment.partner_id
              LEFT JOIN earmark ON earmark.payment_id = payment.id
             WHERE payment.state = 'in_process'
               AND payment.move_id IS NULL
               AND payment.partner_type = 'customer'
               AND earmark.id IS NULL
               AND %s
            """,
            self._in_company("payment", company_id),
        )

    @api.model
    def _get_transaction_sql(self, company_id=None, asked_ids=()):
        """Payments of confirmed orders that have not become a payment in the books yet."""
        return SQL(
            """
            SELECT 'payment', tx.id::bigint * 8 + 3, debtor.commercial_partner_id, so.company_id, NULL::date,
                   -(%(amount)s)::float8, NULL, so.id
              FROM payment_transaction tx
              JOIN sale_order_transaction_rel rel ON rel.transaction_id = tx.id
              JOIN sale_order so ON so.id = rel.sale_order_id
              JOIN res_company company ON company.id = so.company_id
              JOIN debtor ON debtor.id = so.partner_invoice_id
             WHERE tx.payment_id IS NULL
               AND (tx.state = 'authorized' OR tx.state = 'done' AND tx.is_post_processed IS NOT TRUE)
               AND tx.operation IS DISTINCT FROM 'validation'
               AND tx.operation IS DISTINCT FROM 'refund'
               AND so.state = 'sale'
               AND NOT so.id = ANY(%(asked)s)
               AND %(company)s
            """,
            amount=self._convert_sql("tx"),
            asked=list(asked_ids),
            company=self._in_company("so", company_id),
        )

    @api.model
    def _convert_sql(self, alias):
        """Amount of a transaction in the currency of the company, at the rate of the order."""
        return SQL(
            """
            CASE %(currency)s
            WHEN so.currency_id THEN %(amount)s / COALESCE(NULLIF(so.currency_rate::float8, 0), 1)
            WHEN company.currency_id THEN %(amount)s
            ELSE 0 END
            """,
            currency=SQL.identifier(alias, "currency_id"),
            amount=SQL.identifier(alias, "amount"),
        )


class AccountPayment(models.Model):
    _inherit = "account.payment"

    _trade_unbooked_idx = models.Index(
        "(partner_id) WHERE state = 'in_process' AND move_id IS NULL"
    )
