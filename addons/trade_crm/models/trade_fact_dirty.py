from odoo import api, fields, models
from odoo.tools import SQL


class TradeFactDirty(models.Model):
    """Customers whose sales have to be added up again, written by who refreshes their profile.

    Append-only, without foreign keys or log columns, like ``trade.profile.dirty``.
    """

    _name = "trade.fact.dirty"
    _description = "Sales to Add Up"
    _log_access = False
    _order = "id"

    partner_id = fields.Integer("Customer", help="Empty: every customer of the company")
    company_id = fields.Integer(required=True)

    @api.model
    def _append_companies(self, company_ids):
        """Have all sales of these companies added up anew."""
        self.env.cr.execute(
            SQL(
                "INSERT INTO trade_fact_dirty (company_id) SELECT unnest(%s::int[])",
                list(company_ids),
            )
        )

    @api.model
    def _append_scope(self):
        """The statement that notes the customers in ``scope`` of a refresh of profiles.

        Neither time nor a policy changes what was sold.
        """
        return SQL(
            "INSERT INTO trade_fact_dirty (partner_id, company_id)"
            " SELECT DISTINCT partner_id, company_id FROM scope"
            " WHERE cause NOT IN ('time', 'policy')"
        )

    @api.model
    def _take(self, limit):
        """Remove up to ``limit`` rows that nobody else is working on.

        :return: list of (id, partner id, company id)
        """
        return self.env.execute_query(
            SQL(
                "DELETE FROM trade_fact_dirty WHERE id IN ("
                " SELECT id FROM trade_fact_dirty WHERE partner_id IS NOT NULL"
                " ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED)"
                " RETURNING id, partner_id, company_id",
                limit,
            )
        )

    @api.model
    def _forget(self, rows):
        """Remove ``rows`` (see :meth:`_take`)."""
        self.env.cr.execute(
            SQL("DELETE FROM trade_fact_dirty WHERE id = ANY(%s)", [row_id for row_id, *_ in rows])
        )

    @api.model
    def _count_waiting(self):
        [[count]] = self.env.execute_query(SQL("SELECT count(*) FROM trade_fact_dirty"))
        return count

    @api.model
    def _get_whole_companies(self):
        """Companies of which every customer waits."""
        rows = self.env.execute_query(
            SQL("SELECT DISTINCT company_id FROM trade_fact_dirty WHERE partner_id IS NULL")
        )
        return self.env["res.company"].browse(company for [company] in rows).exists()

    @api.model
    def _clear(self, companies=None):
        """Forget what waits in ``companies``, because the caller adds up all of it."""
        query = SQL("DELETE FROM trade_fact_dirty")
        if companies is not None:
            query = SQL("%s WHERE company_id = ANY(%s)", query, companies.ids)
        self.env.cr.execute(query)
