from datetime import datetime, time

import pytz
from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ..models.trade_sales_target import KINDS

STATUSES = [("over", "Reached"), ("on", "On track"), ("under", "Behind")]


class TradeTargetReport(models.Model):
    """Targets beside what has been reached, one row per target.

    Each target adds up its own orders or leads by an index, so that a filter on targets saves the
    work for all others.
    """

    _name = "trade.target.report"
    _description = "Targets and Actual Figures"
    _inherit = ["trade.territory.report.mixin"]
    _auto = False
    _order = "month desc, kind, id desc"
    _rec_name = "target_id"

    target_id = fields.Many2one("trade.sales.target", "Whose target", readonly=True)
    month = fields.Date(readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    currency_id = fields.Many2one("res.currency", readonly=True)
    user_id = fields.Many2one("res.users", "Salesperson", readonly=True)
    kind = fields.Selection(KINDS, readonly=True)
    amount = fields.Monetary("Target", readonly=True)
    achieved = fields.Monetary(readonly=True)
    expected = fields.Monetary(
        "Expected by today",
        readonly=True,
        help="The share of the target that the days of the month have in the month, today included.",
    )
    gap = fields.Monetary(readonly=True, help="What is above the target, or short of it.")
    percent = fields.Float("Share reached", readonly=True, aggregator="avg", digits=(16, 4))
    status = fields.Selection(
        STATUSES,
        readonly=True,
        help="On track: not reached yet, and not less than is expected by today.",
    )

    @property
    def _table_query(self):
        self.env["trade.sales.target"].flush_model()
        self.env["sale.order"].flush_model()
        self.env["crm.lead"].flush_model()
        return SQL(
            """
            SELECT target.id, target.id AS target_id, target.month, target.company_id,
                   target.user_id, target.territory_id, target.kind, target.amount,
                   CASE WHEN target.kind != 'leads' THEN company.currency_id END AS currency_id,
                   actual.achieved,
                   span.expected,
                   actual.achieved - target.amount AS gap,
                   actual.achieved / target.amount AS percent,
                   CASE WHEN actual.achieved >= target.amount THEN 'over'
                        WHEN actual.achieved >= span.expected THEN 'on'
                        ELSE 'under'
                   END AS status
              FROM trade_sales_target target
              JOIN res_company company ON company.id = target.company_id
              LEFT JOIN trade_territory whole ON whole.id = target.territory_id
             CROSS JOIN LATERAL (%(span)s) span
             CROSS JOIN LATERAL (%(actual)s) actual
            """,
            span=self._get_span_sql(),
            actual=self._get_actual_sql(),
        )

    def _get_span_sql(self):
        """When the month begins and ends in the company's time zone, and how much of it is over."""
        return SQL(
            """
            SELECT target.month::timestamp AT TIME ZONE zone.name AT TIME ZONE 'UTC' AS start,
                   days.next::timestamp AT TIME ZONE zone.name AT TIME ZONE 'UTC' AS stop,
                   target.amount * GREATEST(0, LEAST(1,
                       ((%s::timestamp AT TIME ZONE 'UTC' AT TIME ZONE zone.name)::date
                        - target.month + 1)::numeric / (days.next - target.month)
                   )) AS expected
              FROM (SELECT COALESCE(company.trade_tz, 'UTC')) zone (name),
                   (SELECT (target.month + interval '1 month')::date) days (next)
            """,
            fields.Datetime.now(),
        )

    def _get_actual_sql(self):
        """What has been reached, by the kind of the target and by whose it is."""
        return SQL(
            "SELECT COALESCE(sum(found.amount), 0)::numeric AS achieved FROM (%s) found",
            SQL(" UNION ALL ").join(
                self._get_source_sql(kind, by_user)
                for kind in ("orders", "won", "leads")
                for by_user in (True, False)
            ),
        )

    def _get_source_sql(self, kind, by_user):
        """Amounts that count for a target of ``kind``, of a salesperson or of nobody in particular.

        A target of another sort skips this source: its conditions name nothing but the target.
        """
        table, amount, moment, condition = self._get_source(kind)
        return SQL(
            """
            SELECT %(amount)s AS amount
              FROM %(table)s record
              %(owner)s
             WHERE target.kind = %(kind)s
               AND %(moment)s >= span.start AND %(moment)s < span.stop
               AND %(condition)s
            """,
            amount=amount,
            table=SQL.identifier(table),
            owner=self._get_user_sql() if by_user else self._get_territory_sql(),
            kind=kind,
            moment=moment,
            condition=condition,
        )

    def _get_user_sql(self):
        return SQL(
            """
            JOIN (SELECT) nothing ON target.user_id IS NOT NULL
             AND record.user_id = target.user_id
             AND (target.territory_id IS NULL OR record.territory_id IN (
                  SELECT id FROM trade_territory WHERE starts_with(parent_path, whole.parent_path)
             ))
            """
        )

    def _get_territory_sql(self):
        return SQL(
            """
            JOIN trade_territory part ON target.user_id IS NULL
             AND starts_with(part.parent_path, whole.parent_path)
             AND record.territory_id = part.id
            """
        )

    def _get_source(self, kind):
        """Table, and SQL of the amount, the moment and the condition of what counts."""
        if kind == "orders":
            return (
                "sale_order",
                SQL("record.amount_untaxed / COALESCE(NULLIF(record.currency_rate, 0), 1)"),
                SQL("record.date_order"),
                SQL("record.state = 'sale' AND record.company_id = target.company_id"),
            )
        # A lead of no company is one of its salesperson's, or counts for every company.
        company = SQL(
            "COALESCE(record.company_id, (SELECT company_id FROM res_users"
            " WHERE id = record.user_id), target.company_id) = target.company_id"
        )
        if kind == "won":
            condition = SQL("record.won_status = 'won' AND %s", company)
            return "crm_lead", SQL("record.expected_revenue"), SQL("record.date_closed"), condition
        condition = SQL("(record.active OR record.won_status IN ('won', 'lost')) AND %s", company)
        return "crm_lead", SQL("1"), SQL("record.create_date"), condition

    @api.model
    def _read_group_select(self, aggregate_spec, query):
        """The share of several targets is that of their sum."""
        if aggregate_spec != "percent:avg":
            return super()._read_group_select(aggregate_spec, query)
        return SQL(
            "SUM(%s) / NULLIF(SUM(%s), 0)",
            self._field_to_sql(self._table, "achieved", query),
            self._field_to_sql(self._table, "amount", query),
        )

    @api.model
    def _get_territory_domain(self, territory_ids, operation):
        return self.env["trade.sales.target"]._get_territory_domain(territory_ids, operation)

    # ------------------------------------------------------------------
    # Screens
    # ------------------------------------------------------------------

    @api.model
    def _get_mine(self, company):
        """The user's own targets of this month in ``company``, as plain values."""
        if not self.has_access("read"):
            return []
        today = self.env["trade.customer.profile"]._get_today(company.trade_tz)
        domain = [
            ("user_id", "=", self.env.uid),
            ("company_id", "=", company.id),
            ("month", "=", today.replace(day=1)),
        ]
        kinds = dict(self._fields["kind"]._description_selection(self.env))
        return [
            {
                "id": row.id,
                "kind": row.kind,
                "name": kinds[row.kind],
                "territory": row.territory_id.display_name or "",
                "currency_id": row.currency_id.id,
                "status": row.status,
                **{
                    name: row[name] for name in ("amount", "achieved", "expected", "gap", "percent")
                },
            }
            for row in self.search(domain)
        ]

    def action_view_records(self):
        """Open the orders or leads that count for this target."""
        self.ensure_one()
        zone = pytz.timezone(self.company_id.trade_tz or "UTC")
        start, stop = (
            zone.localize(datetime.combine(day, time.min))
            .astimezone(pytz.utc)
            .strftime("%Y-%m-%d %H:%M:%S")
            for day in (self.month, self.month + relativedelta(months=1))
        )
        field, domain = self._get_record_domain()
        domain &= Domain(field, ">=", start) & Domain(field, "<", stop)
        if self.user_id:
            domain &= Domain("user_id", "=", self.user_id.id)
        if self.territory_id:
            domain &= Domain("territory_id", "child_of", self.territory_id.id)
        return {
            "type": "ir.actions.act_window",
            "name": self.target_id.display_name,
            "res_model": "sale.order" if self.kind == "orders" else "crm.lead",
            "view_mode": "list,form",
            "domain": list(domain),
            "context": {"active_test": False, "create": False},
        }

    def _get_record_domain(self):
        """Field with the moment, and condition of what counts beside it."""
        company = self.company_id
        if self.kind == "orders":
            domain = Domain("state", "=", "sale") & Domain("company_id", "=", company.id)
            return "date_order", domain
        own = Domain("user_id", "=", False) | Domain("user_id.company_id", "=", company.id)
        domain = Domain("company_id", "=", company.id) | (Domain("company_id", "=", False) & own)
        if self.kind == "won":
            return "date_closed", domain & Domain("won_status", "=", "won")
        kept = Domain("active", "=", True) | Domain("won_status", "in", ["won", "lost"])
        return "create_date", domain & kept
