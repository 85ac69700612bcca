"""Chunks of messages go out: who may not be contacted is taken out, the rest is claimed and sent.

At most once, whatever happens: a chunk is claimed and committed before anything leaves, and each message
is marked and committed once more right before it is handed over (:meth:`TradeMessage._attempt`). What was
claimed but not handed over goes back to the queue; what was, and has no outcome, is "unknown".
"""

import logging
import uuid
from collections import defaultdict
from datetime import timedelta

from odoo import api, fields, models, modules
from odoo.fields import Domain
from odoo.tools import SQL

from .trade_message import COLUMNS, KINDS, LIVE_STATES

_logger = logging.getLogger(__name__)

CHUNK = 200
RETRY_MINUTES = 15
# Campaigns in whose queue nothing may stay.
ENDED = ("done", "cancelled")
# Whoever had it claimed, it waits in the queue.
UNCLAIMED = {
    "state": "queued", "claim": None, "worker": None, "claimed_at": None, "attempted_at": None,
}  # fmt: skip


class TradeMessage(models.Model):
    _inherit = "trade.message"

    # ------------------------------------------------------------------
    # Run
    # ------------------------------------------------------------------

    @api.model
    def _cron_send(self, limit=CHUNK):
        """Send what is due, chunk by chunk, as long as there is time."""
        cron = self.env["ir.cron"]
        self._settle()
        cron._commit_progress(remaining=self.search_count(self._get_due_domain()))
        while True:
            done, messages = self._claim(limit)
            if not done:
                break
            # What is claimed must be seen before anything leaves.
            seconds = cron._commit_progress(done)
            messages._deliver()
            if not seconds:
                break
        cron._commit_progress(remaining=self.search_count(self._get_due_domain()))

    @api.model
    def _get_due_domain(self):
        return (
            Domain("state", "=", "queued")
            & Domain("due_at", "<=", fields.Datetime.now())
            & self._get_sendable_domain()
        )

    # ------------------------------------------------------------------
    # Claim
    # ------------------------------------------------------------------

    @api.model
    def _claim(self, limit):
        """Take up to ``limit`` messages that are due; decide on each whether it may go out.

        Has to be the first thing in a transaction, which the caller commits.

        :return: how many were decided on, and those to be sent
        """
        # One worker decides at a time, or two campaigns would both see room for one more message. LOCK
        # takes no snapshot, so what follows sees what the one before has committed. The table is a small
        # one that nobody waits for.
        self.env.cr.execute("LOCK TABLE trade_consent_rule IN SHARE UPDATE EXCLUSIVE MODE")
        self.env.invalidate_all(flush=False)
        messages = self._pick(limit)
        allowed = self.browse()
        for (company, channel, purpose), group in self._group_for_guard(messages).items():
            allowed |= group._check_allowed(company, channel, purpose)
        claim = uuid.uuid4().hex
        allowed._mark_claimed(claim)
        # Kept beside the row, where another worker might put its own.
        return len(messages), allowed.with_context(trade_claim=claim)

    @api.model
    def _pick(self, limit):
        """Due messages of the campaign that goes first, locked."""
        due = self._get_due_domain()
        for campaign in self._get_due_campaigns(due):
            query = self._search(
                due & Domain("campaign_id", "=", campaign.id), order="due_at, id", limit=limit
            )
            rows = self.env.execute_query(
                SQL("%s FOR UPDATE OF trade_message SKIP LOCKED", query.select())
            )
            if rows:
                return self.browse(number for [number] in rows)._take_one_per_customer()
        return self.browse()

    @api.model
    def _get_due_campaigns(self, due):
        """Campaigns with something due, in the order in which they may use up the room that is left."""
        campaigns = self.env["utm.campaign"].with_context(active_test=False)
        query = self._search(due).subselect("campaign_id")
        return campaigns.search(Domain("id", "in", query), order=self._get_campaign_order())

    @api.model
    def _get_campaign_order(self):
        """Which campaign goes first when customers have room for one message only."""
        return "trade_priority desc, id"

    def _take_one_per_customer(self):
        """One for each family and address. The next chunk takes the others: it sees what became of these."""
        taken, first = set(), []
        for message in self:
            keys = message._get_recipient_keys()
            if taken.isdisjoint(keys):
                first.append(message.id)
            taken |= keys
        return self.browse(first)

    def _get_recipient_keys(self):
        """What other messages for the same person have as well."""
        partner = self.partner_id
        kind = KINDS.get(self.channel)
        address = kind and partner[COLUMNS[kind]]
        keys = {("customer", partner.commercial_partner_id.id), (kind, address)}
        return {key for key in keys if key[1]}

    @api.model
    def _group_for_guard(self, messages):
        groups = defaultdict(self.browse)
        for message in messages:
            groups[message.company_id, message.channel, message.purpose] |= message
        return groups

    def _check_allowed(self, company, channel, purpose, capped=True):
        """Say why messages must not go out, or not now; return the others.

        :param capped: whether the limit of messages counts; these themselves count once they are claimed
        """
        now = fields.Datetime.now()
        refusals = self.env["trade.contact.guard"]._get_refusals(
            self.partner_id.ids, channel, purpose, now, company, capped
        )
        repeated = self._get_repeated(channel)
        refused = defaultdict(self.browse)
        for message in self:
            # Whose customer was deleted.
            refusal = (
                refusals.get(message.partner_id.id) if message.partner_id else ("erased", None)
            )
            # It need not wait for what the address has already.
            if message in repeated and not (refusal and refusal[1] is None):
                refusal = ("duplicate", None)
            if refusal:
                refused[refusal] |= message
        for (reason, until), messages in refused.items():
            messages._refuse(reason, until)
        return self - self.browse().concat(*refused.values())

    def _get_repeated(self, channel):
        """Those whose address has this step of the campaign already, by way of another record."""
        if channel not in KINDS:
            return self.browse()
        self.env["res.partner"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT message.id
                  FROM trade_message message
                  JOIN res_partner partner ON partner.id = message.partner_id
                 WHERE message.id = ANY(%(ids)s)
                   AND EXISTS (
                        SELECT FROM res_partner twin
                          JOIN trade_message other
                            ON other.campaign_id = message.campaign_id
                           AND other.partner_id = twin.id
                           AND other.step = message.step
                         WHERE twin.%(column)s = partner.%(column)s
                           AND twin.id <> partner.id
                           AND other.channel = message.channel
                           AND other.state IN %(live)s)
                """,
                ids=self.ids,
                column=SQL.identifier(COLUMNS[KINDS[channel]]),
                live=LIVE_STATES,
            )
        )
        return self.browse(number for [number] in rows)

    def _refuse(self, reason, until):
        """Not sent, or not before ``until``."""
        late = self.browse() if until else self
        if until:
            late = self.filtered(lambda message: until > message._get_deadline())
        late._finish("skipped", reason)
        (self - late)._set(due_at=until, reason=reason, **UNCLAIMED)

    def _get_deadline(self):
        """After that the message is not sent any more."""
        patience = self.planned_at + timedelta(days=self.company_id.trade_wait_days)
        return min(patience, self.campaign_id.trade_end or patience)

    def _mark_claimed(self, claim):
        self._set(
            state="sending",
            reason=None,
            reason_detail=None,
            claim=claim,
            worker=SQL("pg_backend_pid()"),
            claimed_at=fields.Datetime.now(),
            attempted_at=None,
        )

    # ------------------------------------------------------------------
    # Deliver
    # ------------------------------------------------------------------

    def _deliver(self):
        """Send what was claimed; an error leaves nothing behind in ``sending``."""
        for channel, messages in self.grouped("channel").items():
            try:
                getattr(messages, f"_deliver_{channel}")()
            except Exception:  # pylint: disable=broad-except
                _logger.exception("Messages by %s could not be sent", channel)
                self._rollback()
            else:
                self._commit()
            # Not at once, or the same would happen again.
            messages._settle_claimed(RETRY_MINUTES)
            messages[-1:]._postpone_others()
            self._commit()

    def _postpone_others(self):
        """Where a server cannot be reached, the rest need not be tried one by one."""
        if (self.state, self.reason) != ("queued", "error"):
            return
        now = fields.Datetime.now()
        self.env.cr.execute(
            SQL(
                "UPDATE trade_message SET due_at = %s, reason = 'error'"
                " WHERE id IN (SELECT id FROM trade_message WHERE state = 'queued' AND channel = %s"
                " AND company_id = %s AND due_at <= %s FOR UPDATE SKIP LOCKED)",
                fields.Datetime.add(now, minutes=RETRY_MINUTES),
                self.channel,
                self.company_id.id,
                now,
            )
        )
        self.invalidate_model(flush=False)

    def _deliver_coupon(self):
        """The campaign has handed it out; without one there is nothing to send."""
        given = self.filtered("member_id.coupon_id")
        given._finish("sent")
        (self - given)._finish("skipped", "no_content")

    def _attempt(self):
        """Mark messages as handed over, and commit: from here on they may have gone out.

        :return: those that are still ours; others must not be sent
        """
        claim = self.env.context.get("trade_claim")
        rows = self.env.execute_query(
            SQL(
                "UPDATE trade_message SET attempted_at = %s"
                " WHERE id = ANY(%s) AND state = 'sending' AND attempted_at IS NULL AND %s"
                " RETURNING id",
                fields.Datetime.now(),
                self.ids,
                SQL("claim = %s", claim) if claim else SQL("TRUE"),
            )
        )
        self.invalidate_recordset(flush=False)
        self._commit()
        return self.browse(number for [number] in rows)

    # ------------------------------------------------------------------
    # Write
    # ------------------------------------------------------------------

    def _set(self, **values):
        """Write columns of many rows in one statement, whoever the user is."""
        if not self:
            return
        self.flush_recordset()
        columns = SQL(", ").join(
            SQL("%s = %s", SQL.identifier(name), value) for name, value in values.items()
        )
        self.env.cr.execute(
            SQL(
                "UPDATE trade_message SET %s, write_date = %s WHERE id = ANY(%s)",
                columns,
                fields.Datetime.now(),
                self.ids,
            )
        )
        self.invalidate_recordset(flush=False)

    def _finish(self, state, reason=None, detail=None):
        now = fields.Datetime.now()
        values = {"sent_at": now} if state == "sent" else {}
        self._set(state=state, reason=reason, reason_detail=detail, **values)

    def _put_back(self, reason=None, minutes=0):
        """Into the queue again: it is certain that nothing has gone out."""
        now = fields.Datetime.now()
        due = now + timedelta(minutes=minutes)
        over = self.filtered(lambda message: message.campaign_id.trade_state in ENDED)
        over._finish("skipped", "cancelled")
        late = (self - over).filtered(lambda message: due > message._get_deadline())
        late._finish("failed" if reason else "skipped", reason or "late")
        (self - over - late)._set(reason=reason, due_at=due, trace_id=None, **UNCLAIMED)

    @api.model
    def _commit(self):
        if modules.module.current_test:
            self.env.flush_all()
        else:
            # The progress of a job is written once for each chunk, this once for each mail.
            self.env.cr.commit()  # pylint: disable=invalid-commit

    @api.model
    def _rollback(self):
        if not modules.module.current_test:
            self.env.cr.rollback()
            self.env.invalidate_all(flush=False)
