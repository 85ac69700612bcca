from odoo import api, models
from odoo.tools import SQL

from .trade_tier_policy import ScoreCuts

# Below them lie one, two, three and four fifths of the customers.
QUANTILES = [0.2, 0.4, 0.6, 0.8]


class TradeCustomerProfile(models.Model):
    """Where the customers stand by a policy that need not be in force.

    Read from the stored profiles; nothing is written and no row is locked.
    """

    _inherit = "trade.customer.profile"

    @api.model
    def _get_standing_sql(self, policy, method):
        """The CTEs that sort the customers whom the user may see by the rules of ``policy``.

        ``aggregate`` has a row per stored profile, ``cut`` one row with the cut points among them,
        and ``standing`` the customers with old_tier_id, tier_id and what decides on it.

        :param policy: ``PolicySnapshot``; its cut points are not used but computed
        :param method: "thresholds" or "quantiles"
        """
        return SQL(
            """
            %(company)s,
            aggregate AS (%(aggregate)s),
            cut AS (%(cut)s),
            total AS (SELECT aggregate.*, %(scores)s FROM aggregate CROSS JOIN cut),
            standing AS (
                SELECT total.*, %(tier)s AS tier_id
                  FROM total
                  JOIN company ON company.id = total.company_id
            )
            """,
            company=self._get_company_sql([policy]),
            aggregate=self._get_stored_aggregate_sql(policy),
            cut=self._get_cut_sql(method),
            scores=self._get_select_list(self._get_score_columns("cut")),
            tier=self._get_tier_sql([policy]),
        )

    @api.model
    def _get_stored_aggregate_sql(self, policy):
        """The stored profiles, with the totals of the window of ``policy``."""
        scores = self._get_score_columns("cut")
        names = [
            name
            for name in self._get_total_columns()
            if name in self._fields and name not in scores
        ]
        query = self._search([("company_id", "=", policy.company_id)])
        if self._has_stored_window(policy):
            return SQL(
                "SELECT partner_id, company_id, tier_id AS old_tier_id, %s"
                " FROM trade_customer_profile WHERE id IN %s",
                SQL(", ").join(map(SQL.identifier, names)),
                query.subselect(),
            )
        totals = {name: SQL.identifier("profile", name) for name in names} | {
            "window_revenue": SQL("COALESCE(recent.revenue, 0)"),
            "window_order_count": SQL("COALESCE(recent.orders, 0)::int"),
        }
        return SQL(
            """
            SELECT profile.partner_id, profile.company_id, profile.tier_id AS old_tier_id, %s
              FROM trade_customer_profile profile
              LEFT JOIN (
                    SELECT source.partner_id, sum(source.revenue) AS revenue, sum(source.orders) AS orders
                      FROM (%s) source
                      JOIN company ON company.id = source.company_id
                     WHERE source.day >= company.window_start
                     GROUP BY source.partner_id
                   ) recent ON recent.partner_id = profile.partner_id
             WHERE profile.id IN %s
            """,
            self._get_select_list(totals),
            SQL(" UNION ALL ").join(self._get_profile_sources(scoped=False)),
            query.subselect(),
        )

    @api.model
    def _has_stored_window(self, policy):
        """Whether the stored totals are of the window of ``policy``, and not about to be."""
        company = self.env["res.company"].browse(policy.company_id)
        live = self._get_policies(company)
        same = bool(live) and live[0].window_months == policy.window_months
        return same and not self._awaits_rebuild(company)

    @api.model
    def _awaits_rebuild(self, company):
        """Whether every profile of ``company`` is to be rebuilt, because of this transaction or before."""
        pending = self.env.cr.precommit.data.get("trade_crm.profile", {"pairs": ()})
        return (None, company.id) in pending["pairs"] or (
            company in self.env["trade.profile.dirty"].sudo()._get_whole_companies()
        )

    @api.model
    def _get_cut_sql(self, method):
        """The cut points among the customers that bought within the window.

        Who bought only before scores 1; counting them would leave too little room between those
        who still buy.
        """
        if method != "quantiles":
            return SQL(
                "SELECT NULL::date[] AS recency_cuts, NULL::int[] AS frequency_cuts,"
                " NULL::numeric[] AS monetary_cuts, 0 AS customers"
            )
        return SQL(
            """
            SELECT COALESCE(percentile_disc(%(shares)s) WITHIN GROUP (ORDER BY last_order_date), '{}')
                       AS recency_cuts,
                   COALESCE(percentile_disc(%(shares)s) WITHIN GROUP (ORDER BY window_order_count), '{}')
                       AS frequency_cuts,
                   COALESCE(percentile_disc(%(shares)s) WITHIN GROUP (ORDER BY window_revenue), '{}')
                       AS monetary_cuts,
                   count(*) AS customers
              FROM aggregate
             WHERE window_order_count > 0
            """,
            shares=SQL("%s::float8[]", QUANTILES),
        )

    @api.model
    def _compute_cuts(self, policy):
        """The cut points of today by the window of ``policy``, and among how many customers.

        :param policy: ``PolicySnapshot``
        :return: tuple of ``ScoreCuts`` and int
        """
        self.flush_model()
        [[recency, frequency, monetary, customers]] = self.env.execute_query(
            SQL(
                "WITH %s SELECT recency_cuts, frequency_cuts, monetary_cuts, customers FROM cut",
                self._get_standing_sql(policy, "quantiles"),
            )
        )
        cuts = ScoreCuts(
            recency=tuple(day.isoformat() for day in recency),
            frequency=tuple(frequency),
            monetary=tuple(float(amount) for amount in monetary),
        )
        return cuts, customers
