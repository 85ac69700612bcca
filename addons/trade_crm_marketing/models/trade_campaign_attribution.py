"""Which campaign an order is due to, and what became of the members."""

import logging

from odoo import api, fields, models
from odoo.tools import SQL

_logger = logging.getLogger(__name__)

# Any number will do, as long as nobody else uses it for an advisory lock.
ATTRIBUTION_LOCK = 0x7472617474


class TradeCampaignOrder(models.Model):
    """The job that finds the campaign of orders, customer by customer and many at once.

    An order is due to one campaign: whose coupon was used on it; else in which the customer clicked
    last, within the days of effect; else through whose link it came; else which reached the customer
    last, within those days. Customers who are held out count only for a coupon that they got otherwise.
    """

    _inherit = "trade.campaign.order"

    # ------------------------------------------------------------------
    # Queue
    # ------------------------------------------------------------------

    @api.model
    def _cron_refresh(self):
        """Bring results up to date: what became of messages, then the orders of who waits."""
        queue = self.env["trade.campaign.dirty"]
        self._sync_touches(self._get_open_campaigns())
        self.env["ir.cron"]._commit_progress(remaining=queue._count_waiting())
        self._process_queue()
        self.env["utm.campaign"]._cron_choose_winners()

    @api.model
    def _cron_check(self):
        """Look at all customers of campaigns again whose results are not final."""
        self.env["trade.campaign.dirty"]._note_members(self._get_open_campaigns())
        self.env.ref("trade_crm_marketing.ir_cron_campaign_results").sudo()._trigger()

    @api.model
    def _get_open_campaigns(self):
        """Campaigns that were started and whose days of effect are not over."""
        rows = self.env.execute_query(
            SQL(
                "SELECT id FROM utm_campaign campaign WHERE trade_started_at IS NOT NULL AND %s >= %s",
                self._get_until_sql(),
                fields.Datetime.now(),
            )
        )
        return self.env["utm.campaign"].browse(row_id for [row_id] in rows)

    @api.model
    def _get_until_sql(self):
        """The moment until which orders count for ``campaign``; endless while it runs."""
        return SQL(
            "COALESCE(campaign.trade_ended_at, 'infinity')"
            " + make_interval(days => COALESCE(campaign.trade_window_days, 1))"
        )

    @api.model
    def _lock_queue(self):
        return self._lock()

    @api.model
    def _take_rows(self, size):
        return self.env["trade.campaign.dirty"]._take(size)

    @api.model
    def _work_off(self, rows):
        self._attribute({(partner, company) for _id, partner, company in rows})

    @api.model
    def _leave_out(self, rows, error):
        """The daily check brings the customer back."""
        _logger.error("Orders of %s found no campaign", rows, exc_info=error)
        self.env["trade.campaign.dirty"]._forget(rows)

    @api.model
    def _lock(self):
        """Keep others from writing results until this transaction ends.

        :return: False if somebody is: what waits is left to the next run
        """
        [[locked]] = self.env.execute_query(
            SQL("SELECT pg_try_advisory_xact_lock(%s)", ATTRIBUTION_LOCK)
        )
        return locked

    # ------------------------------------------------------------------
    # Messages
    # ------------------------------------------------------------------

    @api.model
    def _sync_touches(self, campaigns):
        """Note on the members of ``campaigns`` when they were reached, opened and clicked.

        Who clicks has opened, also where pictures that tell of it are blocked.
        """
        if not campaigns:
            return
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """
                UPDATE trade_campaign_member member
                   SET sent_at = touch.sent_at,
                       opened_at = touch.opened_at,
                       clicked_at = touch.clicked_at
                  FROM (
                        SELECT campaign_id, partner_id,
                               min(sent_at) AS sent_at,
                               LEAST(min(opened_at), min(clicked_at)) AS opened_at,
                               min(clicked_at) AS clicked_at
                          FROM trade_message
                         WHERE campaign_id = ANY(%s) AND sent_at IS NOT NULL
                         GROUP BY campaign_id, partner_id
                       ) touch
                 WHERE member.campaign_id = touch.campaign_id
                   AND member.partner_id = touch.partner_id
                   AND (member.sent_at, member.opened_at, member.clicked_at)
                       IS DISTINCT FROM (touch.sent_at, touch.opened_at, touch.clicked_at)
                """,
                campaigns.ids,
            )
        )
        self.env["trade.campaign.member"].invalidate_model()

    # ------------------------------------------------------------------
    # Orders
    # ------------------------------------------------------------------

    @api.model
    def _attribute(self, pairs):
        """Find the campaigns of all orders of some customers, in this transaction.

        :param pairs: set of (commercial partner id, company id)
        """
        if not pairs:
            return
        self.env.flush_all()
        keep = self.env["trade.customer.profile"]._create_temporary_table
        keep(SQL("trade_campaign_scope"), self._get_scope_sql(pairs))
        keep(SQL("trade_campaign_participant"), self._get_participant_sql())
        keep(SQL("trade_campaign_purchase"), self._get_purchase_sql())
        keep(SQL("trade_campaign_found"), self._get_found_sql())
        keep(SQL("trade_campaign_touched"), self._get_touched_sql())
        self._apply_orders()
        self._apply_members()
        self.invalidate_model()
        self.env["trade.campaign.member"].invalidate_model()

    @api.model
    def _get_member_pairs(self, campaigns, limit):
        """Customers in the audience of ``campaigns``, for :meth:`_attribute`; ``limit`` of them at most."""
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT DISTINCT customer.commercial_partner_id, member.company_id
                  FROM trade_campaign_member member
                  JOIN res_partner customer ON customer.id = member.partner_id
                 WHERE member.campaign_id = ANY(%s)
                 LIMIT %s
                """,
                campaigns.ids,
                limit,
            )
        )
        return set(rows)

    @api.model
    def _get_scope_sql(self, pairs):
        """Customers with their branches and contacts, as the sources of the profile expect them."""
        return SQL(
            """
            SELECT partner.id, partner.commercial_partner_id AS partner_id, pair.company_id
              FROM (SELECT DISTINCT * FROM unnest(%s::int[], %s::int[]) AS pair (partner_id, company_id)) pair
              JOIN res_partner partner ON partner.commercial_partner_id = pair.partner_id
            """,
            [partner for partner, _company in pairs],
            [company for _partner, company in pairs],
        )

    @api.model
    def _get_participant_sql(self):
        return SQL(
            """
            SELECT member.id AS member_id, member.campaign_id, member.variant_id, member.partner_id,
                   scope.partner_id AS customer_id, member.company_id,
                   campaign.trade_started_at AS began,
                   %s AS until,
                   make_interval(days => COALESCE(campaign.trade_window_days, 1)) AS effect
              FROM trade_campaign_scope scope
              JOIN trade_campaign_member member
                ON member.partner_id = scope.id AND member.company_id = scope.company_id
              JOIN utm_campaign campaign
                ON campaign.id = member.campaign_id AND campaign.trade_started_at IS NOT NULL
            """,
            self._get_until_sql(),
        )

    @api.model
    def _get_purchase_sql(self):
        """Confirmed orders since the first campaign, in company currency, less what was refunded."""
        return SQL(
            """
            WITH company AS (
                SELECT company.id, currency.decimal_places AS decimals, (
                           SELECT min(trade_started_at) FROM utm_campaign
                            WHERE trade_company_id = company.id
                       ) AS began
                  FROM res_company company
                  JOIN res_currency currency ON currency.id = company.currency_id
            ), scope AS NOT MATERIALIZED (
                SELECT * FROM trade_campaign_scope
            ), refund AS (
                SELECT order_id, sum(revenue) AS revenue, sum(margin) AS margin
                  FROM (%(refunds)s) line
                 GROUP BY order_id
            )
            SELECT so.id AS order_id, so.partner_id, scope.partner_id AS customer_id, so.company_id,
                   so.date_order, so.campaign_id,
                   round(so.amount_untaxed / rate.value, company.decimals)
                       + COALESCE(refund.revenue, 0) AS revenue,
                   round(COALESCE(so.margin, 0)::numeric / rate.value, company.decimals)
                       + COALESCE(refund.margin, 0) AS margin
              FROM scope
              JOIN company ON company.id = scope.company_id
              JOIN sale_order so
                ON so.partner_id = scope.id AND so.company_id = scope.company_id
               AND so.state = 'sale' AND so.date_order >= company.began
             CROSS JOIN LATERAL (
                   SELECT COALESCE(NULLIF(so.currency_rate, 0), 1)::numeric AS value
                   ) rate
              LEFT JOIN refund ON refund.order_id = so.id
            """,
            refunds=self.env["trade.customer.profile"]._get_order_refund_line_source(scoped=True),
        )

    @api.model
    def _get_found_sql(self):
        """The campaign of each order that has one: the strongest evidence, the latest of equal ones."""
        return SQL(
            """
            SELECT DISTINCT ON (evidence.order_id)
                   evidence.*, purchase.customer_id, purchase.company_id, purchase.date_order,
                   purchase.revenue, purchase.margin
              FROM (%s) evidence
              JOIN trade_campaign_purchase purchase ON purchase.order_id = evidence.order_id
             ORDER BY evidence.order_id, evidence.strength, evidence.touched_at DESC,
                      evidence.campaign_id DESC, evidence.member_id
            """,
            SQL(" UNION ALL ").join(self._get_evidence_queries()),
        )

    @api.model
    def _get_evidence_queries(self):
        """What speaks for a campaign, as queries with the columns order_id, campaign_id, member_id,
        variant_id, coupon_id, method, touched_at and strength (1 is the strongest)."""
        return [
            self._get_coupon_evidence(),
            self._get_click_evidence(),
            self._get_link_evidence(),
            self._get_window_evidence(),
        ]

    @api.model
    def _get_coupon_evidence(self):
        """A coupon counts for the campaign that gave it, whoever uses it."""
        return SQL(
            """
            SELECT purchase.order_id, member.campaign_id, member.id AS member_id, member.variant_id,
                   line.coupon_id, 'coupon' AS method, purchase.date_order AS touched_at,
                   1 AS strength
              FROM trade_campaign_purchase purchase
              JOIN sale_order_line line
                ON line.order_id = purchase.order_id AND line.coupon_id IS NOT NULL
              JOIN trade_campaign_member member
                ON member.coupon_id = line.coupon_id AND member.company_id = purchase.company_id
            """
        )

    @api.model
    def _get_click_evidence(self):
        """The last click, in a mail or SMS of Odoo's own or as a provider tells it."""
        return SQL(
            """
            SELECT purchase.order_id, touch.campaign_id, touch.member_id, touch.variant_id,
                   NULL::int, 'click', touch.at, 2
              FROM (
                    SELECT participant.*, click.create_date AS at
                      FROM trade_campaign_participant participant
                      JOIN trade_message message
                        ON message.campaign_id = participant.campaign_id
                       AND message.partner_id = participant.partner_id
                      JOIN link_tracker_click click ON click.mailing_trace_id = message.trace_id
                     WHERE participant.variant_id IS NOT NULL
                     UNION ALL
                    SELECT participant.*, message.clicked_at
                      FROM trade_campaign_participant participant
                      JOIN trade_message message
                        ON message.campaign_id = participant.campaign_id
                       AND message.partner_id = participant.partner_id
                     WHERE participant.variant_id IS NOT NULL AND message.clicked_at IS NOT NULL
                   ) touch
              JOIN trade_campaign_purchase purchase
                ON purchase.customer_id = touch.customer_id
               AND purchase.company_id = touch.company_id
               AND purchase.date_order >= touch.at
               AND purchase.date_order <= touch.at + touch.effect
            """
        )

    @api.model
    def _get_link_evidence(self):
        """The campaign that the web shop or a person has written on the order."""
        return SQL(
            """
            SELECT purchase.order_id, campaign.id, participant.member_id, participant.variant_id,
                   NULL::int, 'link', NULL::timestamp, 3
              FROM trade_campaign_purchase purchase
              JOIN utm_campaign campaign
                ON campaign.id = purchase.campaign_id
               AND campaign.trade_company_id = purchase.company_id
               AND purchase.date_order BETWEEN campaign.trade_started_at AND %s
              LEFT JOIN trade_campaign_participant participant
                ON participant.campaign_id = campaign.id
               AND participant.customer_id = purchase.customer_id
               AND participant.company_id = purchase.company_id
             WHERE participant.member_id IS NULL OR participant.variant_id IS NOT NULL
            """,
            self._get_until_sql(),
        )

    @api.model
    def _get_window_evidence(self):
        return SQL(
            """
            SELECT purchase.order_id, participant.campaign_id, participant.member_id,
                   participant.variant_id, NULL::int, 'window', message.sent_at, 4
              FROM trade_campaign_participant participant
              JOIN trade_message message
                ON message.campaign_id = participant.campaign_id
               AND message.partner_id = participant.partner_id
               AND message.state IN ('sent', 'unknown')
              JOIN trade_campaign_purchase purchase
                ON purchase.customer_id = participant.customer_id
               AND purchase.company_id = participant.company_id
               AND purchase.date_order >= message.sent_at
               AND purchase.date_order <= message.sent_at + participant.effect
             WHERE participant.variant_id IS NOT NULL
            """
        )

    @api.model
    def _apply_orders(self):
        columns = (
            "order_id", "campaign_id", "member_id", "variant_id", "company_id", "date_order",
            "method", "touched_at", "coupon_id", "revenue", "margin",
        )  # fmt: skip
        names = SQL(", ").join(map(SQL.identifier, columns))
        new = SQL(", ").join(SQL("EXCLUDED.%s", SQL.identifier(name)) for name in columns)
        old = SQL(", ").join(SQL("own.%s", SQL.identifier(name)) for name in columns)
        self.env.cr.execute(
            SQL(
                """
                DELETE FROM trade_campaign_order own
                 USING trade_campaign_scope scope
                 WHERE own.partner_id = scope.id AND own.company_id = scope.company_id
                   AND NOT EXISTS (
                       SELECT FROM trade_campaign_found found WHERE found.order_id = own.order_id
                   )
                """
            )
        )
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO trade_campaign_order AS own (%(names)s, partner_id)
                SELECT %(names)s, customer_id FROM trade_campaign_found
                    ON CONFLICT (order_id) DO UPDATE
                   SET (%(names)s, partner_id) = (%(new)s, EXCLUDED.partner_id)
                 WHERE (%(old)s, own.partner_id) IS DISTINCT FROM (%(new)s, EXCLUDED.partner_id)
                """,
                names=names,
                new=new,
                old=old,
            )
        )

    @api.model
    def _get_touched_sql(self):
        """Members whose figures change: also those who lose an order of somebody else, by their coupon."""
        return SQL(
            """
            SELECT member_id FROM trade_campaign_participant
             UNION
            SELECT member_id FROM trade_campaign_found
             UNION
            SELECT own.member_id
              FROM trade_campaign_order own
              JOIN trade_campaign_scope scope
                ON own.partner_id = scope.id AND own.company_id = scope.company_id
            """
        )

    @api.model
    def _apply_members(self):
        """Add up for each member what the customer bought, and what of it is due to the campaign.

        What a customer with several members in a campaign bought counts once: for the member that is
        on the order, else for the first.
        """
        self.env.cr.execute(
            SQL(
                """
                WITH bought AS (
                    SELECT DISTINCT ON (participant.campaign_id, purchase.order_id)
                           participant.member_id, purchase.revenue, purchase.margin
                      FROM trade_campaign_participant participant
                      JOIN trade_campaign_purchase purchase
                        ON purchase.customer_id = participant.customer_id
                       AND purchase.company_id = participant.company_id
                       AND purchase.date_order BETWEEN participant.began AND participant.until
                     ORDER BY participant.campaign_id, purchase.order_id,
                              (participant.partner_id = purchase.partner_id) DESC,
                              participant.member_id
                ), total AS (
                    SELECT member_id, count(*) AS orders, sum(revenue) AS revenue, sum(margin) AS margin
                      FROM bought GROUP BY member_id
                ), due AS (
                    SELECT own.member_id, count(*) AS orders, sum(own.revenue) AS revenue,
                           sum(own.margin) AS margin, bool_or(own.method = 'coupon') AS coupon
                      FROM trade_campaign_order own
                     WHERE own.member_id IN (SELECT member_id FROM trade_campaign_touched)
                     GROUP BY own.member_id
                ), figure AS (
                    SELECT member.id,
                           CASE WHEN participant.member_id IS NULL THEN member.order_count
                                ELSE COALESCE(total.orders, 0) END AS order_count,
                           CASE WHEN participant.member_id IS NULL THEN member.revenue
                                ELSE COALESCE(total.revenue, 0) END AS revenue,
                           CASE WHEN participant.member_id IS NULL THEN member.margin
                                ELSE COALESCE(total.margin, 0) END AS margin,
                           COALESCE(due.orders, 0) AS due_count,
                           COALESCE(due.revenue, 0) AS due_revenue,
                           COALESCE(due.margin, 0) AS due_margin,
                           COALESCE(due.coupon, FALSE) AS coupon_used
                      FROM trade_campaign_member member
                      LEFT JOIN trade_campaign_participant participant
                        ON participant.member_id = member.id
                      LEFT JOIN total ON total.member_id = member.id
                      LEFT JOIN due ON due.member_id = member.id
                     WHERE member.id IN (SELECT member_id FROM trade_campaign_touched)
                )
                UPDATE trade_campaign_member member
                   SET order_count = figure.order_count, revenue = figure.revenue,
                       margin = figure.margin, due_count = figure.due_count,
                       due_revenue = figure.due_revenue, due_margin = figure.due_margin,
                       coupon_used = figure.coupon_used
                  FROM figure
                 WHERE member.id = figure.id
                   AND (member.order_count, member.revenue, member.margin, member.due_count,
                        member.due_revenue, member.due_margin, member.coupon_used)
                       IS DISTINCT FROM
                       (figure.order_count, figure.revenue, figure.margin, figure.due_count,
                        figure.due_revenue, figure.due_margin, figure.coupon_used)
                """
            )
        )
