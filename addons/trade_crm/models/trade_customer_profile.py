import logging
from collections import defaultdict

from psycopg2 import errors

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from .trade_profile_dirty import RETRIED_ERRORS

_logger = logging.getLogger(__name__)

# Customers that one transaction refreshes itself; more of them wait for the job.
REFRESH_AT_ONCE = 10
# Any number will do, as long as nobody else uses it for an advisory lock.
REBUILD_LOCK = 0x7472616465
# How long one rebuild waits for another.
REBUILD_PATIENCE = "60s"


class TradeCustomerProfile(models.Model):
    """What is computed about a customer: one row per commercial partner and company.

    Only :meth:`_rebuild` and :meth:`_rebuild_all` write it, both with the same SQL, so that a
    refresh of one customer and a rebuild of all of them cannot disagree.
    """

    _name = "trade.customer.profile"
    _inherit = ["trade.queue.mixin"]
    _description = "Customer Profile"
    _rec_name = "partner_id"
    _order = "window_revenue desc, id"
    _log_access = False

    partner_id = fields.Many2one(
        "res.partner", "Customer", required=True, readonly=True, ondelete="cascade"
    )
    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, index=True, ondelete="cascade"
    )
    currency_id = fields.Many2one(related="company_id.currency_id")

    first_order_date = fields.Date("First purchase", readonly=True)
    last_order_date = fields.Date("Last purchase", readonly=True)
    recency_days = fields.Integer(
        "Days since last purchase", compute="_compute_recency_days", search="_search_recency_days"
    )
    order_count = fields.Integer("Orders", readonly=True)
    revenue = fields.Monetary(
        readonly=True,
        help="Net of tax, in company currency at the rate of each order, less refunds.",
    )
    margin = fields.Monetary(
        readonly=True,
        groups="trade_crm.group_manager,trade_crm.group_auditor",
        help="Margin of the orders, less that of what was refunded.",
    )
    average_order_value = fields.Monetary(
        "Average order value", readonly=True, aggregator="avg", help="Revenue divided by orders."
    )
    items_per_order = fields.Float(
        "Items per order",
        readonly=True,
        aggregator="avg",
        help="Quantity per order in reference units of measure, over orders of known quantity.",
    )
    gap_mean_days = fields.Float(
        "Purchase cycle (days)",
        readonly=True,
        aggregator="avg",
        help="Mean time between two days with a purchase.",
    )
    gap_std_days = fields.Float(
        "Deviation of the cycle (days)",
        readonly=True,
        aggregator="avg",
        help="Sample standard deviation of the time between two days with a purchase.",
    )
    next_order_date = fields.Date(
        "Next purchase expected",
        readonly=True,
        help="Last purchase plus the customer's mean purchase cycle.",
    )
    discounted_share = fields.Float(
        "Bought at a discount",
        readonly=True,
        aggregator="avg",
        help="Share of order lines with a discount, a sign of price sensitivity.",
    )
    window_revenue = fields.Monetary(
        "Revenue in window", readonly=True, help="Revenue within the window of the tier policy."
    )
    window_order_count = fields.Integer(
        "Orders in window", readonly=True, help="Orders within the window of the tier policy."
    )
    r_score = fields.Integer(
        "Recency score",
        readonly=True,
        aggregator="avg",
        help="1 to 5: 5 for the fifth of the customers that bought last.",
    )
    f_score = fields.Integer(
        "Frequency score",
        readonly=True,
        aggregator="avg",
        help="1 to 5: 5 for the fifth of the customers with the most orders within the window.",
    )
    m_score = fields.Integer(
        "Monetary score",
        readonly=True,
        aggregator="avg",
        help="1 to 5: 5 for the fifth of the customers with the most revenue within the window.",
    )
    tier_id = fields.Many2one("trade.tier", readonly=True, index=True, ondelete="set null")
    tier_color = fields.Integer(related="tier_id.color", string="Tier color", aggregator=None)
    tier_since = fields.Date("In tier since", readonly=True)
    tier_reason = fields.Char("Why this tier", compute="_compute_tier_reason")
    next_change_on = fields.Date(
        "Next change by time",
        readonly=True,
        index=True,
        help="The next day on which time alone changes this profile.",
    )
    tier_history_ids = fields.One2many(
        "trade.tier.history", compute="_compute_tier_history_ids", string="Tier changes"
    )

    _partner_company_unique = models.Constraint(
        "UNIQUE (company_id, partner_id)", "A customer has one profile in a company."
    )
    _partner_idx = models.Index("(partner_id, company_id)")

    @api.depends("last_order_date")
    @api.depends_context("uid")
    def _compute_recency_days(self):
        for company, profiles in self.grouped("company_id").items():
            today = self._get_today(company.trade_tz)
            for profile in profiles:
                last = profile.last_order_date
                profile.recency_days = (today - last).days if last else 0

    def _search_recency_days(self, operator, value):
        inverse = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
        if operator not in inverse:
            return NotImplemented
        day = fields.Date.subtract(fields.Date.context_today(self), days=int(value))
        return [("last_order_date", inverse[operator], day)]

    @api.depends(
        "tier_id",
        "window_revenue",
        "window_order_count",
        "last_order_date",
        "r_score",
        "f_score",
        "m_score",
    )
    @api.depends_context("lang")
    def _compute_tier_reason(self):
        for profile in self:
            rule = profile.tier_id and profile.tier_id._get_rule()
            profile.tier_reason = rule and self.env["trade.tier.history"]._describe_reason(
                rule, profile
            )

    def _compute_tier_history_ids(self):
        history = self.env["trade.tier.history"].search(
            [("partner_id", "in", self.partner_id.ids), ("company_id", "in", self.company_id.ids)]
        )
        by_key = history.grouped(lambda change: (change.partner_id, change.company_id))
        for profile in self:
            profile.tier_history_ids = by_key.get((profile.partner_id, profile.company_id))

    @api.model
    def fields_get(self, allfields=None, attributes=None):
        result = super().fields_get(allfields, attributes)
        return self.env["trade.tier.policy"]._name_window_fields(result)

    def _order_field_to_sql(self, alias, field_name, direction, nulls, query):
        if (
            field_name in self._fields
            and self._fields[field_name].type == "date"
            and not nulls.code
        ):
            # Who never bought comes last, not before the latest purchase.
            nulls = SQL("NULLS LAST")
        return super()._order_field_to_sql(alias, field_name, direction, nulls, query)

    def action_view_partner(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "res.partner",
            "res_id": self.partner_id.id,
            "view_mode": "form",
        }

    # ------------------------------------------------------------------
    # Capture of change
    # ------------------------------------------------------------------

    @api.model
    def _queue(self, partner_ids, company_ids, cause):
        """Have the profiles of ``partner_ids`` refreshed by the job.

        :param partner_ids: ids of partners of any level
        :param company_ids: ids of companies, or None for all of them
        :param cause: one of ``CAUSES`` of ``trade.profile.dirty``
        """
        companies = [None] if company_ids is None else company_ids
        self._get_pending()["pairs"].update(
            ((partner, company), cause) for partner in partner_ids for company in companies
        )

    @api.model
    def _queue_records(self, table, ids, cause, at_once=False):
        """Have the customers of rows of ``table`` refreshed; the rows are read at commit.

        :param table: ``sale_order`` or another key of :meth:`_get_pending_partner_sql`
        :param at_once: refresh them in this transaction, if they are few
        """
        pending = self._get_pending()
        pending["records"][table, cause].update(ids)
        pending["at_once"] |= at_once

    @api.model
    def _queue_companies(self, companies, cause):
        """Have every profile of ``companies`` rebuilt by the next run of the job."""
        self._get_pending()["pairs"].update(((None, company), cause) for company in companies.ids)
        # Another thread may have read the old policy again before our commit.
        self.env.cr.postcommit.add(self.env.registry.clear_cache)
        self._trigger_refresh()

    @api.model
    def _trigger_refresh(self):
        """Run the job as soon as this transaction is committed."""
        cron = self.env.ref("trade_crm.ir_cron_refresh_profiles", raise_if_not_found=False)
        if cron:
            cron.sudo()._trigger()

    @api.model
    def _get_pending(self):
        """What this transaction has changed so far; it is written once, just before commit."""
        precommit = self.env.cr.precommit
        if "trade_crm.profile" not in precommit.data:
            precommit.data["trade_crm.profile"] = {
                "pairs": {},
                "records": defaultdict(set),
                "at_once": False,
            }
            precommit.add(self.sudo()._flush_pending)
        return precommit.data["trade_crm.profile"]

    @api.model
    def _get_pending_partner_sql(self, table, ids):
        """The customers of rows of ``table``: ``SQL`` with columns partner_id, company_id."""
        if table == "sale_order":
            return SQL("SELECT partner_id, company_id FROM sale_order WHERE id = ANY(%s)", ids)
        if table == "sale_order_line":
            return SQL(
                "SELECT order_partner_id, company_id FROM sale_order_line"
                " WHERE id = ANY(%s) AND state = 'sale'",
                ids,
            )
        if table == "account_move":
            return SQL(
                "SELECT COALESCE(sol.order_partner_id, m.partner_id), m.company_id"
                " FROM account_move m"
                " JOIN account_move_line l ON l.move_id = m.id"
                " LEFT JOIN sale_order_line_invoice_rel rel ON rel.invoice_line_id = l.id"
                " LEFT JOIN sale_order_line sol ON sol.id = rel.order_line_id"
                " WHERE m.id = ANY(%s) AND m.move_type IN ('out_invoice', 'out_refund')",
                ids,
            )
        raise ValueError(f"No customers are known for table {table!r}")

    def _flush_pending(self):
        pending = self.env.cr.precommit.data.pop("trade_crm.profile")
        pairs = pending["pairs"] | self._read_pending_records(pending["records"])
        if not (pending["at_once"] and self._refresh_at_once(pairs)):
            self.env["trade.profile.dirty"]._append(pairs)

    def _read_pending_records(self, records):
        if not records:
            return {}
        queries = [
            SQL(
                "SELECT d.*, %s FROM (%s) d", cause, self._get_pending_partner_sql(table, list(ids))
            )
            for (table, cause), ids in records.items()
        ]
        self.env.cr.execute(SQL(" UNION ").join(queries))
        return {
            (partner, company): cause
            for partner, company, cause in self.env.cr.fetchall()
            if partner
        }

    def _refresh_at_once(self, pairs):
        """Refresh a few customers in the transaction that changed them.

        Another transaction may have refreshed the same customer meanwhile. Then the queue takes
        over, as it does when the computation fails: neither is worth failing the person's action.

        :return: whether it was done
        """
        if len(pairs) > REFRESH_AT_ONCE or any(partner is None for partner, _company in pairs):
            return False
        try:
            with self.env.cr.savepoint(flush=False):
                if not self._lock_shared():
                    return False
                self._rebuild_pairs(pairs)
        except RETRIED_ERRORS:
            return False
        except Exception:  # pylint: disable=broad-except
            _logger.exception("Customer profiles could not be refreshed, the job will try again")
            return False
        return True

    # ------------------------------------------------------------------
    # Refresh
    # ------------------------------------------------------------------

    @api.model
    def _cron_refresh(self):
        """Queue what time has changed, then refresh everything that waits."""
        queue = self.env["trade.profile.dirty"]
        self._queue_due()
        self.env["ir.cron"]._commit_progress(remaining=queue._count_waiting())
        if companies := queue._get_whole_companies():
            self._rebuild_all(companies, "policy")
        self._process_queue()

    @api.model
    def _queue_due(self):
        """Queue the customers whose profile changes because time has passed.

        One that waits already, or was set aside because it fails, is not queued again.
        """
        for policy in self._get_policies():
            self.env.cr.execute(
                SQL(
                    "INSERT INTO trade_profile_dirty (partner_id, company_id, cause)"
                    " SELECT partner_id, company_id, 'time' FROM trade_customer_profile due"
                    " WHERE company_id = %s AND next_change_on <= %s AND NOT EXISTS ("
                    " SELECT FROM trade_profile_dirty d WHERE d.partner_id = due.partner_id"
                    " AND (d.company_id IS NULL OR d.company_id = due.company_id))",
                    policy.company_id,
                    self._get_today(policy.tz),
                )
            )

    @api.model
    def _lock_queue(self):
        """While a full rebuild is running, the rows wait for its end."""
        return self._lock_shared()

    @api.model
    def _take_rows(self, size):
        return self.env["trade.profile.dirty"]._take(size)

    @api.model
    def _work_off(self, rows):
        self._rebuild_pairs({(partner, company): cause for _id, partner, company, cause in rows})

    @api.model
    def _leave_out(self, rows, error):
        """Set the customer aside with the reason."""
        _logger.error("A customer profile could not be refreshed", exc_info=error)
        self.env["trade.profile.dirty"]._set_aside(rows, error)

    @api.model
    def _lock_shared(self):
        """Keep a full rebuild away until this transaction ends.

        :return: False if one is running: it may not see our change, so the queue has to
        """
        [[locked]] = self.env.execute_query(
            SQL("SELECT pg_try_advisory_xact_lock_shared(%s)", REBUILD_LOCK)
        )
        return locked

    @api.model
    def _rebuild(self, partner_ids, cause="rebuild"):
        """Bring the profiles of ``partner_ids`` up to date in every company, in this transaction."""
        self.env.flush_all()
        self._rebuild_pairs({(partner, None): cause for partner in partner_ids})

    @api.model
    def _rebuild_all(self, companies=None, cause="rebuild"):
        """Bring every profile up to date in one transaction of its own: commits before and after.

        Nobody else writes a profile meanwhile: a cursor of its own holds a lock before this
        transaction looks at the data, so that it sees all that was refreshed before. What
        commits later waits in the queue.

        :param companies: the companies to rebuild, all of them by default
        :raise UserError: when another rebuild is running for too long
        """
        # What this transaction holds already would keep the lock away for ever.
        self.env.cr.commit()  # pylint: disable=invalid-commit
        with self.env.registry.cursor() as lock_cr:
            lock_cr.execute(SQL("SET LOCAL lock_timeout = %s", REBUILD_PATIENCE))
            try:
                lock_cr.execute(SQL("SELECT pg_advisory_xact_lock(%s)", REBUILD_LOCK))
            except errors.LockNotAvailable as error:
                raise UserError(
                    self.env._("The profiles are being rebuilt already: wait for that to end.")
                ) from error
            self.env["trade.profile.dirty"]._clear(companies)
            self._rebuild_companies(companies, cause)
            self.env.cr.commit()  # pylint: disable=invalid-commit
