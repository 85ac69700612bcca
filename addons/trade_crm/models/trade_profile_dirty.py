import logging

from psycopg2 import errors

from odoo import api, fields, models
from odoo.tools import SQL

_logger = logging.getLogger(__name__)

CAUSES = [
    ("order", "Order"),
    ("refund", "Refund"),
    ("history", "Purchase before Odoo"),
    ("partner", "Customer changed"),
    ("merge", "Customers merged"),
    ("time", "Time passed"),
    ("policy", "Policy changed"),
    ("rebuild", "Recomputed"),
]

# What another transaction's commit can do to ours; a second try sees its result.
RETRIED_ERRORS = (
    errors.SerializationFailure,
    errors.DeadlockDetected,
    errors.ForeignKeyViolation,
    errors.LockNotAvailable,
    errors.UniqueViolation,
)


class TradeProfileDirty(models.Model):
    """Customers whose profile is out of date, written by the transaction that made it so.

    Append-only, without foreign keys or log columns, so that writing a row neither locks nor
    conflicts. A watermark on ``write_date`` would lose a transaction that commits late; a row
    here becomes visible exactly when the change does.
    """

    _name = "trade.profile.dirty"
    _description = "Customer Profile to Refresh"
    _log_access = False
    _order = "id"

    partner_id = fields.Integer("Customer", help="Empty: every customer of the company")
    company_id = fields.Integer(help="Empty: every company")
    cause = fields.Selection(CAUSES, required=True)
    error = fields.Text(readonly=True, help="Why this customer could not be refreshed")

    def _get_redirect_suggested_company(self):
        return self.env["res.company"].browse(self.mapped("company_id")).exists()

    @api.model
    def _append(self, pairs):
        """Append ``pairs``, a dict ``{(partner id or None, company id or None): cause}``, at once."""
        if pairs:
            self.env.cr.execute(
                SQL(
                    "INSERT INTO trade_profile_dirty (partner_id, company_id, cause)"
                    " SELECT * FROM unnest(%s::int[], %s::int[], %s::text[])",
                    [partner for partner, _company in pairs],
                    [company for _partner, company in pairs],
                    list(pairs.values()),
                )
            )

    @api.model
    def _take(self, limit):
        """Remove up to ``limit`` rows that nobody else is working on.

        :return: list of (id, partner id, company id or None, cause)
        """
        return self.env.execute_query(
            SQL(
                "DELETE FROM trade_profile_dirty WHERE id IN ("
                " SELECT id FROM trade_profile_dirty WHERE error IS NULL AND partner_id IS NOT NULL"
                " ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED)"
                " RETURNING id, partner_id, company_id, cause",
                limit,
            )
        )

    @api.model
    def _set_aside(self, rows, error):
        """Leave ``rows`` (see :meth:`_take`) out, with the reason, until they are retried."""
        try:
            with self.env.cr.savepoint(flush=False):
                self.env.cr.execute(
                    SQL(
                        "UPDATE trade_profile_dirty SET error = %s WHERE id = ANY(%s)",
                        str(error) or type(error).__name__,
                        [row_id for row_id, *_values in rows],
                    ),
                    log_exceptions=False,
                )
        except RETRIED_ERRORS:
            _logger.info("Another transaction has taken care of %s", rows)

    @api.model
    def _retry_failed(self):
        """Give rows that were set aside another chance, unless a full rebuild does that now."""
        if self.env["trade.customer.profile"]._lock_shared():
            self.env.cr.execute(
                "UPDATE trade_profile_dirty SET error = NULL WHERE error IS NOT NULL"
            )

    @api.model
    def _count_waiting(self):
        [[count]] = self.env.execute_query(
            SQL("SELECT count(*) FROM trade_profile_dirty WHERE error IS NULL")
        )
        return count

    @api.model
    def _get_whole_companies(self):
        """Companies of which every customer waits."""
        rows = self.env.execute_query(
            SQL("SELECT DISTINCT company_id FROM trade_profile_dirty WHERE partner_id IS NULL")
        )
        return self.env["res.company"].browse(company for [company] in rows).exists()

    @api.model
    def _clear(self, companies=None):
        """Forget what waits in ``companies``, because the caller refreshes all of it."""
        query = SQL("DELETE FROM trade_profile_dirty")
        if companies is not None:
            query = SQL("%s WHERE company_id = ANY(%s)", query, companies.ids)
        self.env.cr.execute(query)
