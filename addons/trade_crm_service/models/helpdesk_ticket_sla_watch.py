from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import split_every

from ..analytics.sla_clock import Marks, count_passed
from .helpdesk_ticket_sla import TARGETS
from .trade_ticket_pause import to_seconds

CHUNK_SIZE = 500
REFRESH_CHUNK_SIZE = 2000
# What is told at each mark: kind in the log, activity type.
NOTICES = {
    1: ("warn", "mail_activity_type_sla_risk"),
    2: ("breach", "mail_activity_type_sla_late"),
    3: ("escalate", "mail_activity_type_sla_escalated"),
}


class HelpdeskTicket(models.Model):
    """Whoever has to know is told when a deadline is near, missed, and missed for long."""

    _inherit = "helpdesk.ticket"

    # ------------------------------------------------------------------
    # Jobs
    # ------------------------------------------------------------------

    @api.model
    def _cron_watch_sla(self):
        """Every minute. What was told is written down with it, so a second run tells nothing."""
        tickets = self.sudo()
        for chunk in split_every(REFRESH_CHUNK_SIZE, tickets._follow_tiers().ids, list):
            tickets.browse(chunk)._refresh_sla("tier")
        due = tickets._get_due_tickets().ids
        remaining = len(due)
        for chunk in split_every(CHUNK_SIZE, due, list):
            # Who holds one of them is changing it, and the next minute looks at it again.
            tickets.browse(chunk).try_lock_for_update()._tell_marks()
            remaining -= len(chunk)
            if not self.env["ir.cron"]._commit_progress(len(chunk), remaining=remaining):
                break

    @api.model
    def _get_due_tickets(self):
        """Those of which a mark has passed that nobody was told of."""
        due = Domain("trade_sla_next", "<=", fields.Datetime.now())
        return self.search(due, order="trade_sla_next, id")

    @api.model
    def _cron_refresh_sla(self):
        """Deadlines of all open tickets, after holidays, working hours or a policy changed."""
        tickets = self.sudo()
        ids = tickets.search(
            Domain("trade_opened_at", "!=", False) & Domain("trade_ended_at", "=", False),
            order="id",
        ).ids
        remaining = len(ids)
        for chunk in split_every(REFRESH_CHUNK_SIZE, ids, list):
            tickets.browse(chunk)._refresh_sla("calendar")
            remaining -= len(chunk)
            if not self.env["ir.cron"]._commit_progress(len(chunk), remaining=remaining):
                break

    # ------------------------------------------------------------------
    # Notices
    # ------------------------------------------------------------------

    def _tell_marks(self):
        """Tell of the marks that these tickets have passed, each once."""
        now = to_seconds(fields.Datetime.now())
        rows, notices = {}, []
        for ticket in self:
            marks = {target: ticket._get_stored_marks(target) for target in TARGETS}
            for target, step in ticket._get_new_steps(marks, now):
                notices.append((ticket, target, step))
            rows[ticket.id] = ticket._prepare_sla_values(
                ticket.trade_policy_id, marks, now, told=True
            )
        self._write_sla(rows)
        self._send_notices(notices)

    def _get_stored_marks(self, target):
        return Marks(
            *(
                to_seconds(moment) if (moment := self[f"trade_{target}_{mark}"]) else None
                for mark in ("warn_at", "deadline", "escalate_at")
            )
        )

    def _get_new_steps(self, marks, now):
        """Yield (target, step) of what is to be told; nobody is warned of what is missed already."""
        if self.trade_ended_at or self.trade_paused_at:
            return
        for target in TARGETS:
            if target == "first" and self.trade_first_at:
                continue
            passed = count_passed(marks[target], now)
            for step in range(self[f"trade_{target}_step"] + 1, passed + 1):
                if step == passed or step > 1:
                    yield target, step

    def _send_notices(self, notices):
        activities, logs = [], {}
        for ticket, target, step in notices:
            kind, activity_type = NOTICES[step]
            users = ticket._get_noticed(step)
            activities += [ticket._prepare_notice(user, activity_type, target) for user in users]
            logs.setdefault((kind, target), self.browse())
            logs[kind, target] |= ticket
        # Not by mail: one mail per ticket and minute would be the flood that nobody reads.
        self.env["mail.activity"].with_context(mail_activity_quick_update=True).create(activities)
        for (kind, target), tickets in logs.items():
            self.env["trade.ticket.log"]._log(tickets, kind, target, by_user=False)

    def _get_noticed(self, step):
        """Who hears of a mark: the owner, then also the leader, then the territory's manager."""
        self.ensure_one()
        leader = self.team_id.user_id
        if step == 1:
            return (self.user_id or leader)[:1]
        if step == 2:
            return (self.user_id | leader).filtered("active")
        managers = (
            self._get_managers_of(self.territory_id)
            or leader
            or self.company_id.trade_ticket_owner_id
        )
        return managers.filtered("active")

    @api.model
    def _get_managers_of(self, territory):
        """Those of the territory or of the nearest one above it."""
        while territory and not territory.manager_ids:
            territory = territory.parent_id
        return territory.manager_ids

    def _prepare_notice(self, user, activity_type, target):
        texts = self.env["trade.ticket.log"].with_context(lang=user.lang)
        deadline = self[f"trade_{target}_deadline"]
        local = fields.Datetime.context_timestamp(self.with_context(tz=user.tz), deadline)
        return {
            "res_model_id": self.env["ir.model"]._get_id(self._name),
            "res_id": self.id,
            "activity_type_id": self.env.ref(f"trade_crm_service.{activity_type}").id,
            "summary": texts._get_target_name(target),
            "date_deadline": local.date(),
            "user_id": user.id,
            "automated": True,
        }

    def _drop_told_activities(self):
        """Notices of what is no longer near or late."""
        calm = self.filtered(lambda ticket: ticket.trade_sla_state not in ("risk", "late"))
        types = [self.env.ref(f"trade_crm_service.{xmlid}").id for _kind, xmlid in NOTICES.values()]
        if calm:
            self.env["mail.activity"].sudo().search(
                [
                    ("res_model", "=", self._name),
                    ("res_id", "in", calm.ids),
                    ("activity_type_id", "in", types),
                ]
            ).unlink()
