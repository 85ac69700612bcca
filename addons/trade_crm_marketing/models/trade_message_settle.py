"""What became of messages whose worker died, and of those that Odoo's trackers know more about."""

from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from .trade_message_send import RETRY_MINUTES

# However long a worker takes, and if its connection is kept by a pooler.
GIVE_UP_MINUTES = 60
# What a trace says of a message: state, reason.
FAILURES = {
    "mail_bl": ("skipped", "blacklisted"),
    "sms_blacklist": ("skipped", "blacklisted"),
    "mail_optout": ("skipped", "opted_out"),
    "sms_optout": ("skipped", "opted_out"),
    "mail_dup": ("skipped", "duplicate"),
    "sms_duplicate": ("skipped", "duplicate"),
    "mail_email_missing": ("skipped", "no_address"),
    "sms_number_missing": ("skipped", "no_address"),
    "mail_email_invalid": ("skipped", "bad_address"),
    "sms_number_format": ("skipped", "bad_address"),
}
SENT_STATUSES = ("pending", "process", "sent", "open", "reply")
FOLLOWED = {"trace_status", "sent_datetime", "open_datetime", "links_click_datetime"}


class TradeMessage(models.Model):
    _inherit = "trade.message"

    # ------------------------------------------------------------------
    # Interrupted
    # ------------------------------------------------------------------

    @api.model
    def _settle(self):
        """Settle what workers that are gone have left behind."""
        limit = fields.Datetime.now() - timedelta(minutes=GIVE_UP_MINUTES)
        rows = self.env.execute_query(
            SQL(
                """
                SELECT id FROM trade_message message
                 WHERE state = 'sending'
                   AND (claimed_at < %s OR NOT EXISTS (
                        SELECT FROM pg_stat_activity activity
                         WHERE activity.pid = message.worker
                           -- Numbers come again. Clocks differ.
                           AND activity.backend_start AT TIME ZONE 'UTC'
                               < message.claimed_at + interval '1 minute'))
                 ORDER BY id FOR UPDATE SKIP LOCKED
                """,
                limit,
            )
        )
        self.browse(number for [number] in rows)._settle_claimed()

    def _settle_claimed(self, minutes=0):
        """Nobody works on these any more: each gets an outcome.

        As the trace says, where it says something; back to the queue what was not handed over; the rest is
        unknown, and never sent again. What waits in Odoo's own queue of text messages is left there.
        """
        self._follow_traces()
        left = self.filtered(lambda message: message.state == "sending")
        left -= left._get_waiting_sms()
        untouched = left.filtered(lambda message: not message.attempted_at)
        untouched._drop_traces()
        untouched._put_back(minutes=minutes)
        (left - untouched)._finish("unknown", "interrupted")
        (left - untouched)._drop_mails()

    def _get_traces(self):
        """Traces of messages, also those that were not linked before a worker died."""
        mailed = self.filtered("mailing_id")
        domain = (
            Domain("mass_mailing_id", "in", mailed.mailing_id.ids)
            & Domain("model", "=", "res.partner")
            & Domain("res_id", "in", mailed.partner_id.ids)
            & Domain("is_test_trace", "=", False)
        )
        return self.env["mailing.trace"].sudo().search(domain, order="id")

    def _link_traces(self):
        """Note which trace is whose.

        :return: the messages that have one
        """
        pairs = {(m.mailing_id.id, m.partner_id.id): m for m in self.filtered("mailing_id")}
        found = {}
        for trace in self._get_traces():
            if message := pairs.get((trace.mass_mailing_id.id, trace.res_id)):
                found[message.id] = trace.id
        if found:
            self.env.cr.execute(
                SQL(
                    "UPDATE trade_message message SET trace_id = own.trace_id"
                    " FROM unnest(%s::int[], %s::int[]) own (id, trace_id)"
                    " WHERE message.id = own.id",
                    list(found),
                    list(found.values()),
                )
            )
            self.invalidate_recordset(flush=False)
        return self.browse(found)

    def _drop_traces(self):
        """Nothing was handed over: Odoo must neither send it nor believe that it was sent."""
        self._drop_mails()
        traces = self.trace_id.sudo()
        self.env["sms.sms"].sudo().browse(
            filter(None, traces.mapped("sms_id_int"))
        ).exists().unlink()
        traces.unlink()

    def _drop_mails(self):
        """Mails that must not be sent by Odoo's own queue."""
        mails = self.trace_id.sudo().mail_mail_id
        mails.filtered(lambda mail: mail.state != "sent").write({"state": "cancel"})

    # ------------------------------------------------------------------
    # Follow
    # ------------------------------------------------------------------

    def _follow_traces(self):
        messages = self._link_traces()
        messages.trace_id.sudo()._follow_messages()


class MailingTrace(models.Model):
    _inherit = "mailing.trace"

    def write(self, vals):
        result = super().write(vals)
        if FOLLOWED & vals.keys():
            self._follow_messages()
        return result

    def _follow_messages(self):
        """Messages know at once what Odoo learns of their mails: sent, opened, clicked, come back."""
        if not self:
            return
        self.flush_recordset()
        messages = self.env["trade.message"].sudo()
        failures = [(kind, *outcome) for kind, outcome in FAILURES.items()]
        self.env.cr.execute(
            SQL(
                """
                UPDATE trade_message message
                   SET state = COALESCE(news.state, message.state),
                       reason = CASE WHEN news.state IS NULL THEN message.reason ELSE news.reason END,
                       reason_detail = CASE WHEN news.state IS NULL THEN message.reason_detail
                                            ELSE news.detail END,
                       sent_at = COALESCE(message.sent_at, news.sent_datetime),
                       opened_at = COALESCE(message.opened_at, news.open_datetime),
                       clicked_at = COALESCE(message.clicked_at, news.links_click_datetime)
                  FROM (SELECT trace.id, trace.sent_datetime, trace.open_datetime,
                               trace.links_click_datetime,
                               CASE WHEN trace.trace_status IN %(sent)s THEN 'sent'
                                    WHEN trace.trace_status = 'bounce' THEN 'failed'
                                    WHEN trace.trace_status IN ('error', 'cancel')
                                    THEN COALESCE(failure.state, 'failed')
                                END AS state,
                               CASE WHEN trace.trace_status = 'bounce' THEN 'bounced'
                                    WHEN trace.trace_status IN ('error', 'cancel')
                                    THEN COALESCE(failure.reason, 'error')
                                END AS reason,
                               CASE WHEN trace.trace_status IN ('error', 'cancel')
                                     AND failure.reason IS NULL
                                    THEN trace.failure_type
                                END AS detail
                          FROM mailing_trace trace
                          LEFT JOIN unnest(%(kinds)s::text[], %(states)s::text[], %(reasons)s::text[])
                               failure (kind, state, reason) ON failure.kind = trace.failure_type
                         WHERE trace.id = ANY(%(traces)s)) news
                 WHERE message.trace_id = news.id
                """,
                sent=SENT_STATUSES,
                kinds=[kind for kind, _state, _reason in failures],
                states=[state for _kind, state, _reason in failures],
                reasons=[reason for _kind, _state, reason in failures],
                traces=self.ids,
            )
        )
        if self.env.cr.rowcount:
            messages.invalidate_model()
            self._retry_unsent()

    def _retry_unsent(self):
        """No connection to the mail server: certainly not sent, so it is tried again later."""
        unsent = self.filtered(lambda trace: trace.failure_type == "mail_smtp")
        if unsent:
            messages = self.env["trade.message"].sudo()
            messages = messages.search(
                Domain("trace_id", "in", unsent.ids)
                & Domain("state", "=", "failed")
                & Domain("attempted_at", "=", False)
            )
            messages._drop_traces()
            messages._put_back("error", RETRY_MINUTES)
