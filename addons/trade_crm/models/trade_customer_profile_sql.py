import json
from collections import defaultdict
from datetime import datetime, time

import pytz

from odoo import api, models
from odoo.tools import SQL

from ..analytics.windows import get_window_start
from .sale_order_line import ITEM_CONDITION
from .trade_customer_profile import REFRESH_AT_ONCE


class TradeCustomerProfile(models.Model):
    """The statement that computes profiles.

    ``company`` (the companies with a policy) and ``scope`` (the customers to compute; absent in a
    full rebuild) feed ``purchase`` (one row per order, refund and old purchase) and ``item``
    (quantities per customer), which feed ``aggregate``, ``total`` and ``profile``, the new row.
    """

    _inherit = "trade.customer.profile"

    # ------------------------------------------------------------------
    # Sources: what counts as a purchase. Override to add a channel.
    # ------------------------------------------------------------------

    @api.model
    def _get_profile_sources(self, scoped):
        """What counts as a purchase, and who is a customer without one.

        Each query returns one row per document with the columns partner_id (commercial),
        company_id, day (date in the company's time zone), orders (0 or 1), revenue and margin
        (numeric, in company currency, net of tax). It joins the customers by
        :meth:`_get_customer_join`.

        :param scoped: whether only the customers in ``scope`` are asked for
        :return: list of ``SQL``
        """
        return [
            self._get_order_source(scoped),
            self._get_order_refund_source(scoped),
            self._get_other_refund_source(scoped),
            self._get_history_source(scoped),
            self._get_prospect_source(scoped),
        ]

    @api.model
    def _get_profile_item_sources(self, scoped):
        """Quantities bought.

        Each query returns the columns partner_id (commercial), company_id, quantity (in reference
        units), measured (orders of known quantity), lines and discounted (lines with a
        discount), of one document or of many added up.

        :return: list of ``SQL``
        """
        return [self._get_order_item_source(scoped), self._get_history_item_source(scoped)]

    @api.model
    def _get_customer_join(self, partner, company, scoped):
        """Join ``customer``, whose ``partner_id`` is the commercial partner.

        :param partner: ``SQL`` of the partner of the document, of any level
        :param company: ``SQL`` of the company of the document
        """
        if scoped:
            return SQL(
                "JOIN scope customer ON customer.id = %s AND customer.company_id = %s",
                partner,
                company,
            )
        return SQL(
            "JOIN (SELECT id, commercial_partner_id AS partner_id FROM res_partner) customer"
            " ON customer.id = %s",
            partner,
        )

    @api.model
    def _get_order_source(self, scoped):
        """Sale orders. One that is not confirmed counts for nothing but makes a customer."""
        return SQL(
            """
            SELECT customer.partner_id,
                   so.company_id,
                   (so.date_order AT TIME ZONE 'UTC' AT TIME ZONE company.tz)::date AS day,
                   CASE WHEN so.state = 'sale' THEN 1 ELSE 0 END AS orders,
                   CASE WHEN so.state <> 'sale' THEN 0
                        WHEN COALESCE(so.currency_rate, 1) IN (0, 1) THEN so.amount_untaxed
                        ELSE round(so.amount_untaxed / so.currency_rate, company.decimals)
                   END AS revenue,
                   CASE WHEN so.state <> 'sale' THEN 0
                        WHEN COALESCE(so.currency_rate, 1) IN (0, 1) THEN so.margin
                        ELSE round(so.margin / so.currency_rate, company.decimals)
                   END AS margin
              FROM sale_order so
              JOIN company ON company.id = so.company_id
                   %s
            """,
            self._get_customer_join(SQL("so.partner_id"), SQL("so.company_id"), scoped),
        )

    @api.model
    def _get_order_refund_source(self, scoped):
        return SQL(
            "SELECT partner_id, company_id, day, 0, revenue, margin FROM (%s) refund",
            self._get_order_refund_line_source(scoped),
        )

    @api.model
    def _get_order_refund_line_source(self, scoped):
        """Refunds of confirmed orders, as far as the goods were not invoiced again, per line.

        A wrong invoice that is refunded and replaced takes nothing away from the order: a refund
        counts at most for what is missing between the order line and what is invoiced of it
        in the end. It takes away the line's share of margin.
        """
        return SQL(
            """
            SELECT refund.partner_id,
                   refund.company_id,
                   refund.order_id,
                   refund.product_id,
                   refund.day,
                   -refund.quantity * refund.share AS quantity,
                   -round(refund.amount * refund.share, refund.decimals) AS revenue,
                   -round(refund.amount * refund.share * refund.margin_rate, refund.decimals) AS margin
              FROM (
                    SELECT customer.partner_id,
                           m.company_id,
                           company.decimals,
                           sol.order_id,
                           sol.product_id,
                           COALESCE(m.invoice_date, m.date) AS day,
                           l.quantity * COALESCE(uom.factor, 1) AS quantity,
                           l.balance AS amount,
                           CASE WHEN sol.price_subtotal = 0 THEN 0
                                ELSE COALESCE(sol.margin::numeric, 0) / sol.price_subtotal
                           END AS margin_rate,
                           LEAST(1, GREATEST(0,
                               (sol.price_subtotal - COALESCE(sol.untaxed_amount_invoiced, 0))
                               / COALESCE(NULLIF(so.currency_rate, 0), 1)
                               / NULLIF(sum(l.balance) OVER (PARTITION BY sol.id), 0)
                           )) AS share
                      FROM account_move m
                      JOIN company ON company.id = m.company_id
                      JOIN account_move_line l ON l.move_id = m.id AND l.display_type = 'product'
                      JOIN sale_order_line_invoice_rel rel ON rel.invoice_line_id = l.id
                      JOIN sale_order_line sol ON sol.id = rel.order_line_id
                      JOIN sale_order so ON so.id = sol.order_id
                      LEFT JOIN uom_uom uom ON uom.id = l.product_uom_id
                           %s
                     WHERE m.move_type = 'out_refund'
                       AND m.state = 'posted'
                       AND so.state = 'sale'
                       AND sol.is_downpayment IS NOT TRUE
                   ) refund
            """,
            self._get_customer_join(SQL("sol.order_partner_id"), SQL("m.company_id"), scoped),
        )

    @api.model
    def _get_other_refund_source(self, scoped):
        return SQL(
            "SELECT partner_id, company_id, day, 0, revenue, margin FROM (%s) refund",
            self._get_other_refund_line_source(scoped),
        )

    @api.model
    def _get_other_refund_line_source(self, scoped):
        """Refunds without an order line, unless they undo an invoice that has no order either."""
        return SQL(
            """
            SELECT customer.partner_id,
                   m.company_id,
                   l.product_id,
                   COALESCE(m.invoice_date, m.date) AS day,
                   -l.quantity * COALESCE(uom.factor, 1) AS quantity,
                   -l.balance AS revenue,
                   -l.balance AS margin
              FROM account_move m
              JOIN account_move_line l ON l.move_id = m.id AND l.display_type = 'product'
              LEFT JOIN uom_uom uom ON uom.id = l.product_uom_id
                   %s
             WHERE m.move_type = 'out_refund'
               AND m.state = 'posted'
               AND NOT EXISTS (
                    SELECT FROM sale_order_line_invoice_rel rel WHERE rel.invoice_line_id = l.id
               )
               -- Looked up for the few refunds; an EXISTS would be hashed over all invoices.
               AND (m.reversed_entry_id IS NULL OR (
                    SELECT TRUE
                      FROM account_move_line ol
                      JOIN sale_order_line_invoice_rel rel ON rel.invoice_line_id = ol.id
                     WHERE ol.move_id = m.reversed_entry_id
                     LIMIT 1
               ))
            """,
            self._get_customer_join(SQL("m.partner_id"), SQL("m.company_id"), scoped),
        )

    @api.model
    def _get_history_source(self, scoped):
        """Purchases before Odoo; their amount is in company currency already."""
        return SQL(
            """
            SELECT customer.partner_id, h.company_id, h.date, 1, h.amount, COALESCE(h.margin, 0)
              FROM trade_order_history h %s
            """,
            self._get_customer_join(SQL("h.partner_id"), SQL("h.company_id"), scoped),
        )

    @api.model
    def _get_prospect_source(self, scoped):
        """Commercial partners that were entered as customers, whether they bought or not."""
        scope = SQL(
            "JOIN scope ON scope.id = p.id AND scope.company_id = company.id" if scoped else ""
        )
        return SQL(
            """
            SELECT p.id, company.id, NULL::date, 0, 0, 0
              FROM res_partner p
              JOIN company ON p.company_id IS NULL OR p.company_id = company.id
                   %s
             WHERE p.customer_rank > 0 AND p.commercial_partner_id = p.id
            """,
            scope,
        )

    @api.model
    def _get_order_item_source(self, scoped):
        """Lines of confirmed orders; discounts, rewards and down payments are no items.

        They are added up before anything is joined, because they are many. The condition is that
        of the index ``sale_order_line._trade_item_idx``, which spares reading the lines.
        """
        scope = SQL(
            "JOIN scope ON scope.id = sol.order_partner_id AND scope.company_id = sol.company_id"
            if scoped
            else ""
        )
        return SQL(
            """
            SELECT customer.partner_id,
                   line.company_id,
                   line.quantity * COALESCE(uom.factor, 1) AS quantity,
                   0::bigint AS measured,
                   line.lines,
                   line.discounted
              FROM (
                    SELECT sol.order_partner_id, sol.company_id, sol.product_uom_id,
                           sum(sol.product_uom_qty) AS quantity,
                           count(*) AS lines,
                           count(*) FILTER (WHERE sol.discount > 0) AS discounted
                      FROM sale_order_line sol %s
                     WHERE %s
                     GROUP BY sol.order_partner_id, sol.company_id, sol.product_uom_id
                   ) line
              LEFT JOIN uom_uom uom ON uom.id = line.product_uom_id
                   %s
            """,
            scope,
            SQL(ITEM_CONDITION),
            self._get_customer_join(SQL("line.order_partner_id"), SQL("line.company_id"), scoped),
        )

    @api.model
    def _get_history_item_source(self, scoped):
        """Old purchases; ``measured`` is below 0 for those that do not tell their quantity."""
        return SQL(
            """
            SELECT customer.partner_id,
                   h.company_id,
                   sum(h.quantity),
                   -count(*) FILTER (WHERE COALESCE(h.quantity, 0) = 0),
                   sum(h.line_count),
                   sum(h.discounted_count)
              FROM trade_order_history h %s
             GROUP BY customer.partner_id, h.company_id
            """,
            self._get_customer_join(SQL("h.partner_id"), SQL("h.company_id"), scoped),
        )

    # ------------------------------------------------------------------
    # Statement
    # ------------------------------------------------------------------

    @api.model
    def _get_policies(self, companies=None, cached=True):
        """Policies of ``companies``, or of all companies that keep profiles.

        :param cached: whether one will do that another process has changed a moment ago
        :return: list of ``PolicySnapshot``
        """
        policies = self.env["trade.tier.policy"]
        snapshots = policies._get_snapshots() if cached else policies._read_snapshots()
        if companies is None:
            return list(snapshots)
        return [policy for policy in snapshots if policy.company_id in companies._ids]

    @api.model
    def _get_today(self, tz):
        """Today in time zone ``tz``; the context key ``trade_today`` replays another day."""
        today = self.env.context.get("trade_today")
        return today or datetime.now(pytz.timezone(tz or "UTC")).date()

    @api.model
    def _get_now(self):
        """When a change is recorded: the start of the day that is replayed, else now."""
        today = self.env.context.get("trade_today")
        return datetime.combine(today, time.min) if today else self.env.cr.now()

    @api.model
    def _get_company_sql(self, policies):
        rows = [self._get_company_columns(policy) for policy in policies]
        return SQL(
            "company (%s) AS NOT MATERIALIZED (VALUES %s)",
            SQL(", ").join(SQL.identifier(name) for name in rows[0]),
            SQL(", ").join(SQL("(%s)", SQL(", ").join(row.values())) for row in rows),
        )

    @api.model
    def _get_company_columns(self, policy):
        """What the statement knows of one company: dict of name and ``SQL`` of a typed value."""
        cuts = policy.cuts
        today = self._get_today(policy.tz)
        return {
            "id": SQL("%s", policy.company_id),
            "tz": SQL("%s", policy.tz),
            "today": SQL("%s::date", today),
            "decimals": SQL("%s", policy.decimals),
            "time_window": SQL("make_interval(months => %s)", policy.window_months),
            "window_start": SQL("%s::date", get_window_start(today, policy.window_months)),
            "recency_cuts": SQL("%s::date[]", cuts and list(cuts.recency)),
            "frequency_cuts": SQL("%s::int[]", cuts and list(cuts.frequency)),
            "monetary_cuts": SQL("%s::numeric[]", cuts and list(cuts.monetary)),
        }

    @api.model
    def _get_scope_sql(self, pairs):
        """Who has to be computed for ``pairs``, and all the partners that they may buy by.

        :return: query with the columns id (partner of any level), partner_id (commercial),
            company_id and cause
        """
        return SQL(
            """
            SELECT p.id, p.commercial_partner_id AS partner_id, d.company_id, min(d.cause) AS cause
              FROM (
                    -- The partner itself may be commercial no more; then its profile goes.
                    SELECT unnest(ARRAY[p.id, p.commercial_partner_id]) AS partner_id,
                           company.id AS company_id, dirty.cause
                      FROM unnest(%s::int[], %s::int[], %s::text[])
                           AS dirty (partner_id, company_id, cause)
                      JOIN company ON dirty.company_id IS NULL OR company.id = dirty.company_id
                      JOIN res_partner p ON p.id = dirty.partner_id
                   ) d
              JOIN res_partner p ON p.commercial_partner_id = d.partner_id OR p.id = d.partner_id
             GROUP BY p.id, p.commercial_partner_id, d.company_id
            """,
            [partner for partner, _company in pairs],
            [company for _partner, company in pairs],
            list(pairs.values()),
        )

    @api.model
    def _get_total_sql(self, policies, scoped):
        """The CTEs from ``purchase`` and ``item`` to ``profile``, the new rows."""
        return SQL(
            """
            purchase AS (
                SELECT source.*,
                       %(company_columns)s,
                       CASE WHEN source.orders > 0 THEN source.day - lag(source.day) OVER (
                           PARTITION BY source.partner_id, source.company_id, source.orders > 0
                           ORDER BY source.day
                       ) END AS gap
                  FROM (%(sources)s) source
                  JOIN company ON company.id = source.company_id
            ),
            item AS (
                SELECT partner_id, company_id, sum(quantity) AS quantity,
                       sum(measured) AS measured, sum(lines) AS lines, sum(discounted) AS discounted
                  FROM (%(item_sources)s) source
                 GROUP BY partner_id, company_id
            ),
            aggregate AS (
                SELECT purchase.partner_id, purchase.company_id, %(aggregates)s
                  FROM purchase
                 GROUP BY purchase.partner_id, purchase.company_id
            ),
            total AS (
                SELECT aggregate.partner_id, aggregate.company_id, %(totals)s
                  FROM aggregate
                  JOIN company ON company.id = aggregate.company_id
                  LEFT JOIN item ON item.partner_id = aggregate.partner_id
                                AND item.company_id = aggregate.company_id
            ),
            profile AS (
                SELECT total.*, company.today, %(decisions)s
                  FROM total
                  JOIN company ON company.id = total.company_id
            )
            """,
            sources=SQL(" UNION ALL ").join(self._get_profile_sources(scoped)),
            company_columns=SQL(", ").join(
                SQL.identifier("company", name) for name in self._get_purchase_company_columns()
            ),
            item_sources=SQL(" UNION ALL ").join(self._get_profile_item_sources(scoped)),
            aggregates=self._get_select_list(self._get_aggregate_columns()),
            totals=self._get_select_list(self._get_total_columns()),
            decisions=self._get_select_list(self._get_decision_columns(policies)),
        )

    @api.model
    def _get_select_list(self, columns):
        return SQL(", ").join(
            SQL("%s AS %s", expression, SQL.identifier(name))
            for name, expression in columns.items()
        )

    @api.model
    def _get_purchase_company_columns(self):
        """Names of the columns of ``company`` that ``aggregate`` needs; few, because they are sorted."""
        return ["window_start"]

    @api.model
    def _get_aggregate_columns(self):
        """What is added up over ``purchase``: dict of name and ``SQL``."""
        return {
            "first_order_date": SQL("min(day) FILTER (WHERE orders > 0)"),
            "last_order_date": SQL("max(day) FILTER (WHERE orders > 0)"),
            "order_count": SQL("sum(orders)::int"),
            "revenue": SQL("sum(revenue)"),
            "margin": SQL("COALESCE(sum(margin), 0)"),
            "gaps": SQL("count(*) FILTER (WHERE gap > 0)"),
            # The days from the first to the last purchase are all of its gaps.
            "gap_sum": SQL(
                "NULLIF(max(day) FILTER (WHERE orders > 0)"
                " - min(day) FILTER (WHERE orders > 0), 0)::bigint"
            ),
            "gap_squares": SQL("sum(gap::bigint * gap)"),
            "window_revenue": SQL("COALESCE(sum(revenue) FILTER (WHERE day >= window_start), 0)"),
            "window_order_count": SQL(
                "COALESCE(sum(orders) FILTER (WHERE day >= window_start), 0)::int"
            ),
            "first_in_window": SQL(
                "min(day) FILTER (WHERE day >= window_start AND (orders > 0 OR revenue <> 0))"
            ),
        }

    @api.model
    def _get_total_columns(self):
        """What follows from ``aggregate``, ``item`` and ``company``: dict of name and ``SQL``.

        Those that have the name of a stored field are its values.
        """
        passed_on = (
            "first_order_date",
            "last_order_date",
            "order_count",
            "revenue",
            "margin",
            "window_revenue",
            "window_order_count",
        )
        return {
            **{name: SQL.identifier("aggregate", name) for name in passed_on},
            "leaves_window_on": SQL("(aggregate.first_in_window + company.time_window)::date"),
            "average_order_value": SQL(
                "round(aggregate.revenue / NULLIF(aggregate.order_count, 0), company.decimals)"
            ),
            "items_per_order": SQL(
                "(item.quantity / NULLIF(aggregate.order_count + item.measured, 0))::float8"
            ),
            "gap_mean_days": SQL("aggregate.gap_sum::float8 / NULLIF(aggregate.gaps, 0)"),
            # From whole numbers, so that the result does not depend on the order of the rows.
            "gap_std_days": SQL(
                "CASE WHEN aggregate.gaps > 1 THEN sqrt(GREATEST(0, aggregate.gap_squares"
                " - aggregate.gap_sum::numeric * aggregate.gap_sum / aggregate.gaps)::float8"
                " / (aggregate.gaps - 1)) END"
            ),
            "next_order_date": SQL(
                "aggregate.last_order_date"
                " + round(aggregate.gap_sum::numeric / NULLIF(aggregate.gaps, 0))::int"
            ),
            "discounted_share": SQL("(item.discounted::numeric / NULLIF(item.lines, 0))::float8"),
            **self._get_score_columns("company"),
        }

    @api.model
    def _get_score_columns(self, cuts):
        """Recency, frequency and monetary scores of a row of ``aggregate``.

        A score is 1 plus the number of cut points strictly below the value, so that equal
        customers score the same. The day of the last purchase is compared, not the time since
        then: between two runs no score changes because time passes.

        :param cuts: name of the table with the cut points, arrays that are NULL for no scores
        """
        values = {
            "r_score": ("recency_cuts", "last_order_date"),
            "f_score": ("frequency_cuts", "window_order_count"),
            "m_score": ("monetary_cuts", "window_revenue"),
        }
        return {
            name: SQL(
                "CASE WHEN %s IS NOT NULL AND aggregate.order_count > 0 THEN 1 + %s END",
                SQL.identifier(cuts, array),
                SQL(" + ").join(
                    SQL(
                        "COALESCE((%s[%s] < %s)::int, 0)",
                        SQL.identifier(cuts, array),
                        number,
                        SQL.identifier("aggregate", value),
                    )
                    for number in range(1, 5)
                ),
            )
            for name, (array, value) in values.items()
        }

    @api.model
    def _get_decision_columns(self, policies):
        """What the policies decide on ``total`` and ``company``: dict of field name and ``SQL``."""
        return {
            "tier_id": self._get_tier_sql(policies),
            "next_change_on": SQL("LEAST(%s)", SQL(", ").join(self._get_change_days(policies))),
        }

    @api.model
    def _get_value_columns(self):
        """Names of the fields that a rebuild decides on."""
        names = [*self._get_total_columns(), *self._get_decision_columns([])]
        return [name for name in names if name in self._fields]

    @api.model
    def _get_tier_sql(self, policies):
        """The first tier whose conditions hold, per company."""
        condition = self.env["trade.tier"]._get_condition_sql
        branches = [
            SQL(
                "WHEN company.id = %s THEN CASE %s END",
                policy.company_id,
                SQL(" ").join(
                    SQL("WHEN %s THEN %s", condition(rule), tier) for tier, rule in policy.rules
                ),
            )
            for policy in policies
            if policy.rules
        ]
        return SQL("CASE %s END", SQL(" ").join(branches)) if branches else SQL("NULL::int")

    @api.model
    def _get_change_days(self, policies):
        """The days on which time alone changes a row, past ones left out: a purchase leaves the
        window, a period without purchases or after the first one is over.

        :return: list of ``SQL`` on ``total`` and ``company``
        """
        periods = defaultdict(set)
        for policy in policies:
            for _tier, rule in policy.rules:
                for name in rule.keys() & {"inactive_months", "tenure_months"}:
                    periods[name, rule[name]].add(policy.company_id)
        days = [SQL("total.leaves_window_on")]
        for (name, months), company_ids in sorted(periods.items()):
            start = (
                "total.last_order_date" if name == "inactive_months" else "total.first_order_date"
            )
            day = SQL("(%s + make_interval(months => %s))::date", SQL(start), months)
            days.append(
                SQL(
                    "CASE WHEN company.id = ANY(%s) AND %s > company.today THEN %s END",
                    sorted(company_ids),
                    day,
                    day,
                )
            )
        return days

    # ------------------------------------------------------------------
    # Rebuild
    # ------------------------------------------------------------------

    @api.model
    def _rebuild_pairs(self, pairs, only_changed=False):
        """Rebuild the customers of ``pairs``, in this transaction.

        :param pairs: dict ``{(partner id, company id or None for all): cause}``
        :param only_changed: see :meth:`_apply`
        """
        policies = self._get_policies()
        if not pairs or not policies:
            return
        company, scope = self._get_company_sql(policies), self._get_scope_sql(pairs)
        if len(pairs) <= REFRESH_AT_ONCE:
            # One statement, because a person is waiting.
            scope = SQL("%s, scope AS MATERIALIZED (%s)", company, scope)
            ctes = SQL("%s, %s", scope, self._get_total_sql(policies, scoped=True))
            table = SQL("profile")
        else:
            # The planner has to know how many customers of which company there are.
            self._create_temporary_table(
                SQL("trade_profile_scope"), SQL("WITH %s %s", company, scope)
            )
            scope = SQL("scope AS NOT MATERIALIZED (SELECT * FROM trade_profile_scope)")
            self._create_new_table(SQL("%s, %s", company, scope), policies, scoped=True)
            ctes, table = scope, SQL("trade_profile_new")
        self._apply(
            ctes,
            table=table,
            within=SQL(
                "EXISTS (SELECT FROM scope WHERE scope.id = old.partner_id"
                " AND scope.company_id = old.company_id)"
            ),
            cause=SQL(
                "(SELECT min(scope.cause) FROM scope WHERE scope.id = changed.partner_id"
                " AND scope.company_id = changed.company_id)"
            ),
            policies=policies,
            only_changed=only_changed,
            facts=self.env["trade.fact.dirty"]._append_scope(),
        )

    @api.model
    def _rebuild_companies(self, companies=None, cause="rebuild"):
        """Rebuild every customer of ``companies`` (all by default), in this transaction.

        Who decided by the policy of before must not write after us, so that a change of policy
        writes every row.
        """
        policies = self._get_policies(companies, cached=False)
        if cause != "policy":
            self.env["trade.fact.dirty"]._append_companies(policy.company_id for policy in policies)
        within = (
            SQL("TRUE") if companies is None else SQL("old.company_id = ANY(%s)", companies.ids)
        )
        if not policies:
            self.env.cr.execute(SQL("DELETE FROM trade_customer_profile old WHERE %s", within))
            self.env.invalidate_all(flush=False)
            return
        self._create_new_table(self._get_company_sql(policies), policies, scoped=False)
        self._apply(
            SQL("unused AS (SELECT)"),
            table=SQL("trade_profile_new"),
            within=within,
            cause=SQL("%s", cause),
            policies=policies,
            only_changed=cause != "policy",
        )

    @api.model
    def _create_new_table(self, ctes, policies, scoped):
        """Compute new profiles into a table.

        A statement that writes rows is never run in parallel; one that makes a table is.
        """
        self._prepare_large_statement()
        self._create_temporary_table(
            SQL("trade_profile_new"),
            SQL("WITH %s, %s SELECT * FROM profile", ctes, self._get_total_sql(policies, scoped)),
        )

    @api.model
    def _prepare_large_statement(self):
        """Give the rest of this transaction the memory and the plans that suit large tables."""
        self.env.cr.execute(
            SQL(
                "SET LOCAL work_mem = '256MB'; SET LOCAL jit = off; SET LOCAL parallel_tuple_cost = 0.01"
            )
        )

    @api.model
    def _create_temporary_table(self, name, query):
        """Keep the rows of ``query`` until the transaction ends, and tell the planner about them."""
        self.env.cr.execute(SQL("DROP TABLE IF EXISTS %s", name))
        self.env.cr.execute(SQL("CREATE TEMP TABLE %s ON COMMIT DROP AS %s", name, query))
        self.env.cr.execute(SQL("ANALYZE %s", name))

    @api.model
    def _apply(self, ctes, table, within, cause, policies, only_changed, facts=None):
        """Write the rows of ``table``, remove what is gone, record tier changes.

        :param ctes: ``SQL`` with the common table expressions that ``table`` needs
        :param within: condition on ``old``: the profiles that ``table`` is complete for
        :param cause: expression on ``changed``: why its tier changed
        :param only_changed: leave rows alone that are right already. Whoever refreshes for the
            sake of a change writes them all the same: only that makes another transaction, which
            does not see the change, notice that its own result is out of date.
        :param facts: statement that notes the customers whose sales have to be added up again
        """
        columns = [SQL.identifier(name) for name in self._get_value_columns()]
        self.env.cr.execute(
            SQL(
                """
                WITH %(ctes)s,
                changed AS MATERIALIZED (
                    SELECT new.*,
                           old.tier_id AS old_tier_id,
                           CASE WHEN old.id IS NULL OR old.tier_id IS DISTINCT FROM new.tier_id
                                THEN new.today ELSE old.tier_since END AS tier_since
                      FROM %(table)s new
                      LEFT JOIN trade_customer_profile old
                             ON old.partner_id = new.partner_id AND old.company_id = new.company_id
                     WHERE NOT %(only_changed)s
                        OR old.id IS NULL
                        OR (%(old)s) IS DISTINCT FROM (%(new)s)
                ),
                removed AS (
                    DELETE FROM trade_customer_profile old
                     WHERE %(within)s
                       AND NOT EXISTS (
                            SELECT FROM %(table)s new
                             WHERE new.partner_id = old.partner_id
                               AND new.company_id = old.company_id
                       )
                ),
                history AS (
                    INSERT INTO trade_tier_history (
                        partner_id, company_id, changed_at, previous_tier_id, tier_id, cause, rule,
                        window_revenue, window_order_count, first_order_date, last_order_date,
                        r_score, f_score, m_score
                    )
                    SELECT partner_id, company_id, %(now)s, old_tier_id, tier_id, %(cause)s, rule.value,
                           window_revenue, window_order_count, first_order_date, last_order_date,
                           r_score, f_score, m_score
                      FROM changed
                      LEFT JOIN (%(rules)s) rule (id, value) ON rule.id = changed.tier_id
                     WHERE tier_id IS DISTINCT FROM old_tier_id
                ),
                noted AS (%(facts)s)
                INSERT INTO trade_customer_profile (partner_id, company_id, tier_since, %(columns)s)
                SELECT partner_id, company_id, tier_since, %(columns)s FROM changed
                ON CONFLICT (company_id, partner_id) DO UPDATE
                   SET (tier_since, %(columns)s) = (EXCLUDED.tier_since, %(excluded)s)
                """,
                ctes=ctes,
                table=table,
                within=within,
                cause=cause,
                columns=SQL(", ").join(columns),
                old=SQL(", ").join(SQL("old.%s", column) for column in columns),
                new=SQL(", ").join(SQL("new.%s", column) for column in columns),
                excluded=SQL(", ").join(SQL("EXCLUDED.%s", column) for column in columns),
                now=self._get_now(),
                rules=self._get_rules_sql(policies),
                only_changed=only_changed,
                facts=facts or SQL("SELECT"),
            ),
            # To lose against another transaction is no error; callers report the others.
            log_exceptions=False,
        )
        self.invalidate_model(flush=False)
        self.env["trade.tier.history"].invalidate_model(flush=False)
        self.env["res.partner"].invalidate_model(["trade_profile_id"], flush=False)

    @api.model
    def _get_rules_sql(self, policies):
        """The conditions of each tier, to be kept with the decisions that they lead to."""
        rows = [
            SQL("(%s, %s::jsonb)", tier, json.dumps(rule))
            for policy in policies
            for tier, rule in policy.rules
        ]
        return SQL("VALUES %s", SQL(", ").join(rows or [SQL("(NULL::int, NULL::jsonb)")]))
