from datetime import timedelta
from typing import NamedTuple

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tools import SQL
from odoo.tools.misc import format_date, formatLang

# A person reads no more; the counts are of all.
MOST_LINES = 60
COLD_AFTER_DAYS = 3
EXPIRES_WITHIN_DAYS = 3
# Who is later than that has left, and is looked after by win-back campaigns.
OVERDUE_AT_MOST_DAYS = 180
BIRTHDAY_AHEAD_DAYS = 7
LONGEST_SNOOZE_DAYS = 90


class Source(NamedTuple):
    """Lines of one kind.

    :param kind: what the hook is called by, see ``trade.today._get_kinds``
    :param model: of the records that the lines are about
    :param query: ``SQL`` of rows (res_id, partner_id, money, due, cause, details): money at stake in the
        currency of the company, or NULL; due is a day; cause is a text that is another one when the
        same record has to be looked at for a new reason; details is JSON for the words
    """

    kind: str
    model: str
    query: SQL


class TradeToday(models.AbstractModel):
    """What a person who sells should do now, the most money first.

    Nothing of it is stored but what was put off or done. To add lines, extend :meth:`_get_kinds` and
    :meth:`_get_sources`, and write ``_explain_<kind>``.
    """

    _name = "trade.today"
    _description = "Today"

    @api.model
    def _get_kinds(self):
        """``{kind: (title, icon)}`` in the order of the filters."""
        return {
            "lead": (self.env._("Leads to contact"), "fa-star-o"),
            "quotation": (self.env._("Quotations going cold"), "fa-file-text-o"),
            "reorder": (self.env._("Purchases overdue"), "fa-refresh"),
            "invoice": (self.env._("Unpaid invoices"), "fa-money"),
            "activity": (self.env._("Activities"), "fa-clock-o"),
            "birthday": (self.env._("Birthdays"), "fa-birthday-cake"),
        }

    @api.model
    def _get_sources(self, user, today):
        """List of :class:`Source` for ``user``, as whoever looks may read it; None stands for nothing.

        :param today: day in the time zone of the company
        """
        return [
            self._get_lead_source(user, today),
            self._get_quotation_source(user, today),
            self._get_reorder_source(user, today),
            self._get_invoice_source(user, today),
            self._get_activity_source(user, today),
            self._get_birthday_source(user, today),
        ]

    @api.model
    def _select(self, kind, model, domain, **columns):
        """A :class:`Source` of the records of ``model`` that fit ``domain`` and that the user may read.

        :param columns: ``SQL`` of partner_id, money, due, cause and details, with the table as ``record``
        :return: None when the user may read none of them
        """
        if not self.env[model].has_access("read"):
            return None
        query = self.env[model]._search(domain)
        return Source(
            kind,
            model,
            SQL(
                "SELECT record.id AS res_id, %(partner_id)s AS partner_id, %(money)s AS money,"
                " %(due)s AS due, %(cause)s AS cause, %(details)s AS details"
                " FROM %(table)s record WHERE record.id IN %(ids)s",
                table=SQL.identifier(self.env[model]._table),
                ids=query.subselect(),
                **{"details": SQL("NULL::jsonb"), "money": SQL("NULL::numeric"), **columns},
            ),
        )

    # ------------------------------------------------------------------
    # Sources
    # ------------------------------------------------------------------

    @api.model
    def _get_company_domain(self):
        return Domain("company_id", "in", [self.env.company.id, False])

    @api.model
    def _get_lead_source(self, user, today):
        end = fields.Datetime.to_datetime(today) + timedelta(days=1)
        never = Domain("trade_last_contact_at", "=", False) & Domain(
            "date_open", "<", end - timedelta(days=1)
        )
        followed = Domain("trade_follow_up_state", "!=", "none")
        due = followed & Domain("trade_follow_up_at", "<", end) | ~followed & never
        domain = (
            Domain("user_id", "=", user.id)
            & Domain("won_status", "=", "pending")
            & self._get_company_domain()
            & due
        )
        return self._select(
            "lead",
            "crm.lead",
            domain,
            partner_id=SQL("record.partner_id"),
            money=SQL("record.expected_revenue"),
            due=SQL("COALESCE(record.trade_follow_up_at, record.date_open)::date"),
            cause=SQL("COALESCE(record.trade_follow_up_at, record.date_open)::text"),
            details=SQL(
                "jsonb_build_object('contacted', record.trade_last_contact_at::date,"
                " 'recycled', record.trade_recycle_at::date, 'phone', record.phone)"
            ),
        )

    @api.model
    def _get_quotation_source(self, user, today):
        expires = Domain("validity_date", ">=", today) & Domain(
            "validity_date", "<=", today + timedelta(days=EXPIRES_WITHIN_DAYS)
        )
        cold = Domain("date_order", "<", today - timedelta(days=COLD_AFTER_DAYS)) & (
            Domain("validity_date", "=", False) | Domain("validity_date", ">=", today)
        )
        until = SQL(
            "CASE WHEN record.validity_date <= %s THEN record.validity_date END",
            today + timedelta(days=EXPIRES_WITHIN_DAYS),
        )
        domain = (
            Domain("user_id", "=", user.id)
            & Domain("state", "in", ["draft", "sent"])
            & Domain("company_id", "=", self.env.company.id)
            & Domain("amount_untaxed", ">", 0)
            & (expires | cold)
        )
        return self._select(
            "quotation",
            "sale.order",
            domain,
            partner_id=SQL("record.partner_id"),
            money=SQL("record.amount_untaxed / COALESCE(NULLIF(record.currency_rate, 0), 1)"),
            due=SQL("COALESCE(%s, record.date_order::date)", until),
            cause=SQL("COALESCE(%s::text, record.state)", until),
            details=SQL("jsonb_build_object('since', record.date_order::date, 'until', %s)", until),
        )

    @api.model
    def _get_reorder_source(self, user, today):
        domain = (
            Domain("company_id", "=", self.env.company.id)
            & Domain("next_order_date", "<", today)
            & Domain("next_order_date", ">=", today - timedelta(days=OVERDUE_AT_MOST_DAYS))
            & Domain("partner_id", "any!", [("user_id", "=", user.id), ("active", "=", True)])
        )
        return self._select(
            "reorder",
            "trade.customer.profile",
            domain,
            partner_id=SQL("record.partner_id"),
            money=SQL("record.average_order_value"),
            due=SQL("record.next_order_date"),
            cause=SQL("record.next_order_date::text"),
            details=SQL(
                "jsonb_build_object('last', record.last_order_date, 'days', record.gap_mean_days)"
            ),
        )

    @api.model
    def _get_invoice_source(self, user, today):
        domain = (
            Domain("invoice_user_id", "=", user.id)
            & Domain("company_id", "=", self.env.company.id)
            & Domain("move_type", "=", "out_invoice")
            & Domain("state", "=", "posted")
            & Domain("payment_state", "in", ["not_paid", "partial"])
            & Domain("invoice_date_due", "<", today)
        )
        return self._select(
            "invoice",
            "account.move",
            domain,
            partner_id=SQL("record.partner_id"),
            money=SQL("record.amount_residual_signed"),
            due=SQL("record.invoice_date_due"),
            cause=SQL("record.amount_residual::text"),
        )

    @api.model
    def _get_own_activity_types(self):
        """External ids of the types of activities of which something else is a line already."""
        return [f"trade_crm.mail_activity_type_lead_{name}" for name in ("follow_up", "escalation")]

    @api.model
    def _get_activity_source(self, user, today):
        own = [self.env.ref(xmlid, False) for xmlid in self._get_own_activity_types()]
        domain = (
            Domain("user_id", "=", user.id)
            & Domain("date_deadline", "<=", today)
            & Domain("activity_type_id", "not in", [kind.id for kind in own if kind])
        )
        return self._select(
            "activity",
            "mail.activity",
            domain,
            partner_id=SQL("CASE record.res_model WHEN 'res.partner' THEN record.res_id END"),
            due=SQL("record.date_deadline"),
            cause=SQL("record.date_deadline::text"),
        )

    @api.model
    def _get_birthday_source(self, user, today):
        days = [today + timedelta(days=number) for number in range(BIRTHDAY_AHEAD_DAYS + 1)]
        names = [day.strftime("%m%d") for day in days]
        if "0228" in names and "0229" not in names:
            names.append("0229")
        month_day = Domain.custom(
            to_sql=lambda model, alias, query: SQL(
                "to_char(%s, 'MMDD') = ANY(%s)", SQL.identifier(alias, "trade_birthday"), names
            )
        )
        domain = (
            Domain("trade_birthday", "!=", False)
            & Domain("commercial_partner_id", "any!", [("user_id", "=", user.id)])
            & month_day
        )
        # The birthday of this turn of the year: the first one that is not over.
        this_year = SQL(
            "(record.trade_birthday + make_interval(years => %s - extract(year FROM record.trade_birthday)::int))::date",
            today.year,
        )
        next_year = SQL("(%s + interval '1 year')::date", this_year)
        due = SQL("CASE WHEN %s >= %s THEN %s ELSE %s END", this_year, today, this_year, next_year)
        return self._select(
            "birthday",
            "res.partner",
            domain,
            partner_id=SQL("record.id"),
            due=due,
            cause=SQL("%s::text", due),
        )

    # ------------------------------------------------------------------
    # List
    # ------------------------------------------------------------------

    @api.model
    @api.readonly
    def get_list(self, user_id=None, kind=None):
        """What ``user_id`` should do now, of what the caller may read.

        :param user_id: somebody whom the caller leads; the caller without it
        :param kind: lines of this kind only
        :return: dict with ``user_id``, ``users`` that may be chosen (list of {id, name}), ``kinds``
            (list of {kind, title, icon, count}) and ``lines``, the most money first
        :raise AccessError: when the caller does not lead ``user_id``
        """
        users = self._get_led_users()
        user = self.env["res.users"].browse(user_id) if user_id else self.env.user
        if user not in users:
            raise AccessError(self.env._("You see your own list, and those of people you lead."))
        today = self._get_today()
        sources = list(filter(None, self._get_sources(user, today)))
        counts, rows = self._read_lines(sources, user, today, kind)
        return {
            "user_id": user.id,
            "users": [{"id": other.id, "name": other.name} for other in users],
            "is_own": user == self.env.user,
            "kinds": [
                {"kind": name, "title": title, "icon": icon, "count": counts.get(name, 0)}
                for name, (title, icon) in self._get_kinds().items()
            ],
            "lines": self._describe_lines(rows, {source.kind: source.model for source in sources}),
        }

    @api.model
    def _get_today(self):
        company = self.env.company
        return self.env["trade.customer.profile"]._get_today(company.sudo().trade_tz)

    @api.model
    def _get_led_users(self):
        """The user, and for managers the members of the territories below them."""
        user = self.env.user
        if not user.has_group("trade_crm.group_manager"):
            return user
        ids = user._get_territory_ids()
        reps_sudo = self.env.ref("trade_crm.group_rep").sudo().all_user_ids
        if ids is not None:
            reps_sudo = reps_sudo.filtered(lambda rep: set(rep.trade_territory_ids.ids) & set(ids))
        company = self.env.company
        reps_sudo = reps_sudo.filtered(lambda rep: rep.active and company in rep.company_ids)
        return user | reps_sudo.sorted("name").with_env(self.env)

    @api.model
    def _read_lines(self, sources, user, today, kind):
        """:return: ({kind: count}, rows of :data:`MOST_LINES` lines)"""
        self.env.flush_all()
        parts = [
            SQL("SELECT %s AS kind, line.* FROM (%s) line", source.kind, source.query)
            for source in sources
        ]
        rows = self.env.execute_query(
            SQL(
                """
                WITH open AS MATERIALIZED (
                    SELECT line.* FROM (%(lines)s) line
                      LEFT JOIN trade_today_mark mark
                             ON mark.user_id = %(user)s AND mark.kind = line.kind
                            AND mark.res_id = line.res_id
                     WHERE mark.id IS NULL
                        OR (mark.snoozed_until IS NULL OR mark.snoozed_until <= %(today)s)
                           AND mark.done_cause IS DISTINCT FROM line.cause)
                (SELECT kind, count(*) AS res_id, NULL::int AS partner_id, NULL::numeric AS money,
                        NULL::date AS due, NULL AS cause, NULL::jsonb AS details, TRUE AS is_count
                   FROM open GROUP BY kind)
                UNION ALL
                (SELECT kind, res_id, partner_id, money, due, cause, details, FALSE
                   FROM open WHERE %(chosen)s
                  ORDER BY COALESCE(money, 0) DESC, due, kind, res_id LIMIT %(limit)s)
                """,
                lines=SQL(" UNION ALL ").join(parts),
                user=user.id,
                today=today,
                chosen=SQL("kind = %s", kind) if kind else SQL("TRUE"),
                limit=MOST_LINES,
            )
        )
        return {row[0]: row[1] for row in rows if row[-1]}, [
            row[:-1] for row in rows if not row[-1]
        ]

    @api.model
    def _describe_lines(self, rows, models_by_kind):
        partners = self.env["res.partner"].browse(dict.fromkeys(row[2] for row in rows if row[2]))
        readable = partners._filtered_access("read")
        currency = self.env.company.currency_id
        by_kind = {}
        for row in rows:
            by_kind.setdefault(row[0], []).append(row[1])
        records = {
            kind: self.env[models_by_kind[kind]].browse(ids) for kind, ids in by_kind.items()
        }
        lines, today = [], self._get_today()
        for kind, res_id, partner_id, money, due, cause, details in rows:
            record = self.env[models_by_kind[kind]].browse(res_id).with_prefetch(records[kind].ids)
            partner = partners.browse(partner_id or ()).with_prefetch(partners.ids)
            values = {"due": due, "money": money, **(details or {})}
            lines.append(
                {
                    "kind": kind,
                    "res_id": res_id,
                    "cause": cause,
                    "money": money and formatLang(self.env, money, currency_obj=currency),
                    "due": due and format_date(self.env, due),
                    "is_late": bool(due and due < today),
                    "partner": partner.sudo().display_name or False,
                    "phone": values.get("phone")
                    or (partner in readable and partner.phone)
                    or False,
                    **getattr(self, f"_explain_{kind}")(record, values),
                }
            )
        return lines

    # ------------------------------------------------------------------
    # In words
    # ------------------------------------------------------------------
    # Each returns ``title``, ``reason``, and what opens: ``res_model`` and ``open_id``.

    @api.model
    def _day(self, value):
        return format_date(self.env, value)

    @api.model
    def _explain_lead(self, lead, values):
        if values.get("recycled"):
            reason = self.env._("Goes back to the pool on %s", self._day(values["recycled"]))
        elif values.get("contacted"):
            reason = self.env._(
                "Last contact on %(last)s, the next one was due on %(due)s",
                last=self._day(values["contacted"]),
                due=self._day(values["due"]),
            )
        else:
            reason = self.env._("Yours since %s and not contacted yet", self._day(lead.date_open))
        return {"title": lead.name, "reason": reason, "res_model": "crm.lead", "open_id": lead.id}

    @api.model
    def _explain_quotation(self, order, values):
        if values.get("until"):
            reason = self.env._("Waits for an answer; expires on %s", self._day(values["until"]))
        else:
            reason = self.env._("Waits for an answer since %s", self._day(values["since"]))
        return {
            "title": order.name,
            "reason": reason,
            "res_model": "sale.order",
            "open_id": order.id,
        }

    @api.model
    def _explain_reorder(self, profile, values):
        return {
            "title": False,
            "reason": self.env._(
                "Buys every %(days)s days, last on %(last)s: the next purchase was due on %(due)s",
                days=round(values["days"]),
                last=self._day(values["last"]),
                due=self._day(values["due"]),
            ),
            "res_model": "res.partner",
            "open_id": profile.partner_id.id,
        }

    @api.model
    def _explain_invoice(self, move, values):
        return {
            "title": move.name,
            "reason": self.env._("Was to be paid by %s", self._day(values["due"])),
            "res_model": "account.move",
            "open_id": move.id,
        }

    @api.model
    def _explain_activity(self, activity, values):
        return {
            "title": activity.res_name or False,
            "reason": activity.summary or activity.activity_type_id.name or self.env._("To do"),
            "res_model": activity.res_model or "mail.activity",
            "open_id": activity.res_id or activity.id,
        }

    @api.model
    def _explain_birthday(self, partner, values):
        return {
            "title": False,
            "reason": self.env._("Birthday on %s", self._day(values["due"])),
            "res_model": "res.partner",
            "open_id": partner.id,
        }

    # ------------------------------------------------------------------
    # Done and put off
    # ------------------------------------------------------------------

    @api.model
    def set_done(self, kind, res_id, cause):
        """Take a line off the caller's list until it has another cause."""
        if kind == "activity":
            self.env["mail.activity"].browse(res_id).exists().action_done()
            return
        self._mark(kind, res_id, done_cause=cause)

    @api.model
    def snooze(self, kind, res_id, days):
        """Take a line off the caller's list for some days.

        :raise UserError: when ``days`` is not from 1 to :data:`LONGEST_SNOOZE_DAYS`
        """
        if not isinstance(days, int) or not 1 <= days <= LONGEST_SNOOZE_DAYS:
            raise UserError(self.env._("A line is put off for 1 to %s days.", LONGEST_SNOOZE_DAYS))
        self._mark(kind, res_id, snoozed_until=self._get_today() + timedelta(days=days))

    @api.model
    def restore(self, kind, res_id):
        """Put a line back that was done or put off."""
        self.env["trade.today.mark"].sudo().search(
            [("user_id", "=", self.env.uid), ("kind", "=", kind), ("res_id", "=", res_id)]
        ).unlink()

    @api.model
    def _mark(self, kind, res_id, done_cause=None, snoozed_until=None):
        if kind not in self._get_kinds():
            raise UserError(self.env._("There are no lines of the kind “%s”.", kind))
        # Two tabs may do the same at once.
        self.env.cr.execute(
            SQL(
                "INSERT INTO trade_today_mark (user_id, kind, res_id, done_cause, snoozed_until, marked_at)"
                " VALUES (%(user)s, %(kind)s, %(record)s, %(cause)s, %(until)s, %(now)s)"
                " ON CONFLICT (user_id, kind, res_id) DO UPDATE SET done_cause = EXCLUDED.done_cause,"
                " snoozed_until = EXCLUDED.snoozed_until, marked_at = EXCLUDED.marked_at",
                user=self.env.uid,
                kind=kind,
                record=res_id,
                cause=done_cause,
                until=snoozed_until,
                now=fields.Datetime.now(),
            )
        )
        self.env["trade.today.mark"].invalidate_model(flush=False)


class TradeTodayMark(models.Model):
    """A line of somebody's list that is done or put off."""

    _name = "trade.today.mark"
    _description = "Line That Is Done or Put Off"
    _log_access = False
    _rec_name = "kind"

    user_id = fields.Many2one("res.users", required=True, readonly=True, ondelete="cascade")
    kind = fields.Char(required=True, readonly=True)
    res_id = fields.Integer(required=True, readonly=True)
    done_cause = fields.Char(readonly=True)
    snoozed_until = fields.Date(readonly=True)
    marked_at = fields.Datetime(required=True, readonly=True)

    _line_unique = models.UniqueIndex("(user_id, kind, res_id)")

    @api.autovacuum
    def _gc_marks(self):
        """A line that nobody has put off again within a year is of something long over."""
        year_ago = fields.Datetime.subtract(fields.Datetime.now(), years=1)
        self.search([("marked_at", "<", year_ago)]).unlink()
