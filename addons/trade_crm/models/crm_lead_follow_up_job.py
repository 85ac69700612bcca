import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL, format_date

from .trade_profile_dirty import RETRIED_ERRORS

_logger = logging.getLogger(__name__)

CHUNK_SIZE = 200
MAX_TRIES = 5
STEPS = ("overdue", "escalate", "warn", "recycle")
FOLLOW_UP_TYPE = "trade_crm.mail_activity_type_lead_follow_up"
ESCALATION_TYPE = "trade_crm.mail_activity_type_lead_escalation"


class CrmLead(models.Model):
    """What happens to leads that nobody contacts: reminder, escalation, warning, pool.

    Each step takes leads by an UPDATE of the column that says it is done, or by locking them, and
    does the rest in the same transaction: a run that is killed leaves nothing half done, and of
    two runs at once only one gets a lead.
    """

    _inherit = "crm.lead"

    @api.model
    def _cron_follow_up(self, now=None, chunk_size=CHUNK_SIZE):
        """Do what is due, for the companies that follow their leads up.

        :param now: moment to act for; the clock by default
        """
        now = (now or fields.Datetime.now()).replace(microsecond=0)
        cron = self.env["ir.cron"]
        if not self.env["res.company"].search_count([("trade_lead_follow_up", "=", True)], limit=1):
            return
        cron._commit_progress(remaining=1)
        for step in ("meeting", *STEPS):
            failed, tries = set(), 0
            while True:
                taken, error = self._follow_up_chunk(step, now, chunk_size, failed)
                tries = tries + 1 if error else 0
                if error and tries >= MAX_TRIES:
                    raise error
                if not cron._commit_progress(0 if error else len(taken), remaining=1):
                    return
                if not taken and not error:
                    break
        cron._commit_progress(remaining=0)

    @api.model
    def _follow_up_chunk(self, step, now, limit, failed):
        """Do one step for the next leads.

        :param failed: set of ids that are left alone in this run; those that fail are added
        :return: ids of the leads taken, and what another transaction has spoilt, if it has
        """
        try:
            with self.env.cr.savepoint():
                return self._take_and_do(step, now, limit, failed), None
        except RETRIED_ERRORS as error:
            self.env.invalidate_all(flush=False)
            return [], error
        except Exception:
            if limit == 1:
                raise
            self.env.invalidate_all(flush=False)
            _logger.warning("A chunk of leads is done one by one (%s)", step, exc_info=True)
        return self._follow_up_singly(step, now, limit, failed)

    @api.model
    def _follow_up_singly(self, step, now, limit, failed):
        """One bad lead must not keep the others from their turn."""
        taken = []
        for _number in range(limit):
            ids = []
            try:
                with self.env.cr.savepoint():
                    ids = self._take_due(step, now, 1, failed)
                    self._do_follow_up(step, self.browse(ids), now)
            except RETRIED_ERRORS as error:
                self.env.invalidate_all(flush=False)
                return taken, error
            except Exception:
                self.env.invalidate_all(flush=False)
                failed.update(ids)
                _logger.exception("Lead %s cannot be followed up (%s)", ids, step)
            if not ids:
                break
            taken += ids
            failed.update(ids if step == "recycle" else ())
        return taken, None

    @api.model
    def _take_and_do(self, step, now, limit, failed):
        ids = self._take_due(step, now, limit, failed)
        self._do_follow_up(step, self.browse(ids), now)
        if step == "recycle":
            # They have left; and if something has kept them, they do not come again in this run.
            failed.update(ids)
        return ids

    # ------------------------------------------------------------------
    # Taking
    # ------------------------------------------------------------------

    @api.model
    def _take_due(self, step, now, limit, failed):
        """Mark the next leads for which ``step`` is due, and nobody else's turn.

        :return: ids
        """
        self.flush_model()
        self.env["crm.stage"].flush_model()
        self.env["res.company"].flush_model()
        self.env["res.users"].flush_model()
        self.env["calendar.event"].flush_model()
        condition, values = self._get_step_sql(step, now)
        # Materialized: as a subquery it may run again per row, and take more than the limit.
        rows = self.env.execute_query(
            SQL(
                """
                WITH due AS MATERIALIZED (
                    SELECT lead.id, lead.trade_follow_up_at, stage.trade_recycle_days,
                            company.trade_recycle_warning_days
                       FROM crm_lead lead
                       JOIN crm_stage stage ON stage.id = lead.stage_id
                       JOIN res_users owner ON owner.id = lead.user_id
                       JOIN res_company company
                         ON company.id = COALESCE(lead.company_id, owner.company_id)
                      WHERE lead.trade_follow_up_at IS NOT NULL
                        AND company.trade_lead_follow_up
                        AND owner.share IS NOT TRUE
                        AND lead.id <> ALL(%(failed)s)
                        AND %(condition)s
                      ORDER BY lead.trade_follow_up_at, lead.id
                      LIMIT %(limit)s
                        FOR UPDATE OF lead SKIP LOCKED
                )
                UPDATE crm_lead
                   SET %(values)s
                  FROM due
                 WHERE due.id = crm_lead.id
                RETURNING crm_lead.id
                """,
                values=values,
                condition=condition,
                failed=list(failed),
                limit=limit,
            )
        )
        self.invalidate_model(flush=False)
        return [lead_id for [lead_id] in rows]

    @api.model
    def _get_step_sql(self, step, now):
        """Condition and SET clause of a step; each takes itself out of its condition."""
        day = SQL("interval '1 day'")
        due = SQL("lead.trade_follow_up_at <= %s", now)
        recycles = SQL("stage.trade_recycle_days > 0")
        recycle_at = SQL("lead.trade_follow_up_at + stage.trade_recycle_days * %s", day)
        if step == "meeting":
            return (
                SQL("%s AND EXISTS (%s)", due, self._get_held_sql(SQL("lead"), now, SQL("1"))),
                SQL(
                    "trade_last_contact_at = (%s)",
                    self._get_held_sql(
                        SQL("crm_lead"), now, SQL("date_trunc('second', max(event.start))")
                    ),
                ),
            )
        if step == "overdue":
            return (
                SQL("lead.trade_reminded_at IS NULL AND owner.active AND %s", due),
                SQL("trade_reminded_at = %s", now),
            )
        if step == "escalate":
            return (
                SQL(
                    "lead.trade_escalated_at IS NULL AND (NOT owner.active"
                    " OR stage.trade_escalation_days > 0"
                    " AND lead.trade_follow_up_at + stage.trade_escalation_days * %s <= %s)",
                    day,
                    now,
                ),
                SQL("trade_escalated_at = %s", now),
            )
        if step == "warn":
            return (
                SQL(
                    "lead.trade_warned_at IS NULL AND %s AND %s"
                    " AND %s - company.trade_recycle_warning_days * %s <= %s",
                    recycles,
                    due,
                    recycle_at,
                    day,
                    now,
                ),
                SQL(
                    "trade_warned_at = %(now)s, trade_recycle_at = GREATEST("
                    "due.trade_follow_up_at + due.trade_recycle_days * %(day)s,"
                    " %(now)s::timestamp + due.trade_recycle_warning_days * %(day)s)",
                    now=now,
                    day=day,
                ),
            )
        # What the warning said holds, even if the days of the stage are fewer by now.
        return (
            SQL(
                "lead.trade_warned_at IS NOT NULL AND %s AND GREATEST(lead.trade_recycle_at, %s) <= %s",
                recycles,
                recycle_at,
                now,
            ),
            SQL("trade_recycle_at = crm_lead.trade_recycle_at"),
        )

    @api.model
    def _get_held_sql(self, lead, now, what):
        """Meetings about a lead that have begun since its last contact."""
        return SQL(
            "SELECT %(what)s FROM calendar_event event"
            " WHERE event.opportunity_id = %(lead)s.id AND event.active AND event.start <= %(now)s"
            " AND event.start >= %(lead)s.trade_last_contact_at + interval '1 second'",
            what=what,
            lead=lead,
            now=now,
        )

    # ------------------------------------------------------------------
    # Doing
    # ------------------------------------------------------------------

    @api.model
    def _do_follow_up(self, step, leads, now):
        if not leads:
            return
        if step == "meeting":
            leads._refresh_follow_up(SQL("lead.id = ANY(%s)", list(leads.ids)))
        elif step == "recycle":
            leads._put_in_pool(
                "recycle", cause="follow_up_recycle", details=leads._get_follow_up_details()
            )
        else:
            getattr(leads, f"_follow_up_{step}")(now)

    def _follow_up_overdue(self, now):
        details = self._get_follow_up_details()
        self._log_follow_up("overdue", "follow_up_overdue", details, now)
        open_ids = set(self.activity_search([FOLLOW_UP_TYPE]).mapped("res_id"))
        self.filtered(lambda lead: lead.id not in open_ids)._schedule_follow_up(
            FOLLOW_UP_TYPE,
            {lead: lead.user_id for lead in self},
            lambda env, lead: (
                env._("Contact the customer"),
                env["trade.lead.log"]._get_reason("follow_up_overdue", details[lead.id]),
            ),
        )

    def _follow_up_escalate(self, now):
        managers = self._get_follow_up_managers()
        details = self._get_follow_up_details()
        for lead in self:
            details[lead.id]["managers"] = managers[lead].mapped("name")
            if not lead.user_id.active:
                details[lead.id]["gone"] = lead.user_id.name
        self._log_follow_up("escalate", "follow_up_escalate", details, now)
        self._schedule_follow_up(
            ESCALATION_TYPE,
            managers,
            lambda env, lead: (
                env._("%(user)s has not contacted this lead", user=lead.user_id.name),
                env["trade.lead.log"]._get_reason("follow_up_escalate", details[lead.id]),
            ),
        )

    def _follow_up_warn(self, now):
        details = self._get_follow_up_details()
        self._log_follow_up("warn", "follow_up_warn", details, now)
        # The warning takes the place of the reminder.
        self.activity_unlink([FOLLOW_UP_TYPE])
        managers = self.filtered(lambda lead: not lead.user_id.active)._get_follow_up_managers()
        self._schedule_follow_up(
            FOLLOW_UP_TYPE,
            {lead: managers.get(lead, lead.user_id) for lead in self},
            lambda env, lead: (
                env._(
                    "Goes to the pool on %(date)s unless you contact the customer",
                    date=format_date(
                        env,
                        fields.Datetime.context_timestamp(
                            self.with_env(env), lead.trade_recycle_at
                        ),
                    ),
                ),
                env["trade.lead.log"]._get_reason("follow_up_warn", details[lead.id]),
            ),
        )

    def _get_follow_up_details(self):
        """``{id: what the sentences about a lead are made of}``"""
        return {
            lead.id: {
                "since": fields.Datetime.to_string(
                    lead.trade_follow_up_at - timedelta(days=lead.stage_id.trade_follow_up_days)
                ),
                "days": lead.stage_id.trade_follow_up_days,
                "warned": fields.Datetime.to_string(lead.trade_warned_at) or None,
                "recycle": fields.Datetime.to_string(lead.trade_recycle_at) or None,
            }
            for lead in self
        }

    def _log_follow_up(self, kind, cause, details, now):
        self.env["trade.lead.log"]._log(self, kind, cause, details, by_user=False, happened_at=now)

    def _schedule_follow_up(self, type_xmlid, users, get_words):
        """One activity per lead and user, in the user's language; without an e-mail for each.

        :param users: ``{lead: users}``
        :param get_words: function of (env, lead) that returns summary and note
        """
        vals_list = []
        base = {
            "activity_type_id": self.env.ref(type_xmlid).id,
            "automated": True,
            "res_model_id": self.env["ir.model"]._get_id("crm.lead"),
        }
        for lead in self:
            for user in users[lead]:
                env = self.with_context(lang=user.lang, tz=user.tz).env
                summary, note = get_words(env, lead)
                vals_list.append(
                    {
                        **base,
                        "res_id": lead.id,
                        "user_id": user.id,
                        "summary": summary,
                        "note": note,
                        "date_deadline": fields.Date.context_today(self.with_env(env)),
                    }
                )
        self.env["mail.activity"].with_context(mail_activity_quick_update=True).create(vals_list)

    def _get_follow_up_managers(self):
        """Who is told of a lead: the nearest managers of its territory who are somebody else than
        its salesperson, or else the leader of its team.

        :return: ``{lead: users}``
        """
        above = self.territory_id._get_above()
        parts = self.env["trade.territory"].union(*above.values())
        parts.fetch(["manager_ids"])
        managers = {}
        for lead in self:
            nobody = users = self.env["res.users"]
            for part in reversed(above.get(lead.territory_id.id, parts.browse())):
                users = part.manager_ids.filtered("active") - lead.user_id
                if users:
                    break
            leader = lead.team_id.user_id.filtered("active") - lead.user_id
            managers[lead] = users or leader or nobody
        return managers


class TradeLeadLog(models.Model):
    _inherit = "trade.lead.log"

    @api.model
    def _get_reason(self, cause, details):
        if not (cause or "").startswith("follow_up_"):
            return super()._get_reason(cause, details)

        def day(name):
            moment = fields.Datetime.to_datetime(details[name])
            return format_date(self.env, fields.Datetime.context_timestamp(self, moment))

        told = self.env._(
            "No contact since %(date)s; it was to be within %(days)s days",
            date=day("since"),
            days=details["days"],
        )
        if details.get("gone"):
            told = self.env._(
                "%(user)s no longer works with Odoo. %(reason)s", user=details["gone"], reason=told
            )
        if cause == "follow_up_escalate":
            names = ", ".join(details.get("managers") or [])
            if names:
                return self.env._("%(reason)s. Told: %(names)s", reason=told, names=names)
            return self.env._(
                "%(reason)s. Nobody could be told: its territory has no manager, its team no leader",
                reason=told,
            )
        if cause == "follow_up_warn":
            return self.env._(
                "%(reason)s. Goes to the pool on %(date)s", reason=told, date=day("recycle")
            )
        if cause == "follow_up_recycle":
            return self.env._("%(reason)s. Warned on %(date)s", reason=told, date=day("warned"))
        return told
