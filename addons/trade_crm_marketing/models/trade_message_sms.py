"""Text messages go through Odoo's mailing and its queue of text messages."""

from odoo import models
from odoo.fields import Domain


class TradeMessage(models.Model):
    _inherit = "trade.message"

    def _deliver_sms(self):
        """Into Odoo's queue, in one transaction: handed over is what has left it."""
        for mailing, messages in self.grouped("mailing_id").items():
            if mailing.mailing_type != "sms" or mailing.mailing_model_real != "res.partner":
                messages._finish("skipped", "no_content")
                continue
            numbers = tuple(messages.partner_id.mapped("phone_sanitized"))
            mailing = mailing.sudo().with_context(trade_held=True, trade_numbers=numbers)
            mailing.with_company(messages[:1].company_id).action_send_sms(
                res_ids=messages.partner_id.ids
            )
            messages._link_traces()

    def _recall_sms(self):
        """Ask again what is asked before a message is claimed: texts may wait in Odoo's queue for long.

        :return: those that may leave still; of the others the texts are gone
        """
        running = self.filtered_domain(self._get_sendable_domain())
        allowed = self.browse()
        for (company, channel, purpose), group in self._group_for_guard(running).items():
            # They count as contacts themselves.
            allowed |= group._check_allowed(company, channel, purpose, capped=False)
        recalled = self - allowed
        recalled._drop_traces()
        (self - running)._put_back()
        return allowed

    def _get_waiting_sms(self):
        """Messages that are in Odoo's queue of text messages."""
        handed = self.filtered(lambda message: message.channel == "sms" and message.trace_id)
        numbers = list(filter(None, handed.trace_id.sudo().mapped("sms_id_int")))
        waiting = self.env["sms.sms"].sudo().search(
            Domain("id", "in", numbers) & Domain("state", "=", "outgoing")
        )  # fmt: skip
        waiting = set(waiting.ids)
        return handed.filtered(lambda message: message.trace_id.sudo().sms_id_int in waiting)


class MailingMailing(models.Model):
    _inherit = "mailing.mailing"

    def _get_seen_list_sms(self):
        """Asked for each chunk: only the numbers in it are looked for."""
        numbers = self.env.context.get("trade_numbers")
        if numbers is None:
            return super()._get_seen_list_sms()
        traces = self.env["mailing.trace"].search_fetch(
            Domain("mass_mailing_id", "=", self.id) & Domain("sms_number", "in", list(numbers)),
            ["res_id", "sms_number"],
        )
        return traces.mapped("res_id"), traces.mapped("sms_number")

    def _send_sms_get_composer_values(self, res_ids):
        values = super()._send_sms_get_composer_values(res_ids)
        if self.env.context.get("trade_held"):
            # Nobody gets one without a way out, and all go through the queue.
            values |= {"mass_sms_allow_unsubscribe": True, "mass_force_send": False}
        return values


class SmsSms(models.Model):
    _inherit = "sms.sms"

    def _send_with_api(self, *args, **kwargs):
        """Before ours leave the guard is asked again, and they are marked: Odoo would send them again after
        a crash. A number that is marked as failed is in no queue; Odoo sets what became of it.
        """
        messages = self._get_trade_messages()
        left = self._attempt_messages(messages) if messages else self
        result = super(SmsSms, left)._send_with_api(*args, **kwargs) if left else None
        messages.filtered("attempted_at")._settle_claimed()
        return result

    def _get_trade_messages(self):
        messages = self.env["trade.message"].sudo()
        mailed = self.filtered("mailing_id")
        if not mailed:
            return messages
        traces = self.env["mailing.trace"].sudo()._search(Domain("sms_id_int", "in", mailed.ids))
        return messages.search(Domain("trace_id", "in", traces))

    def _attempt_messages(self, messages):
        """Mark ``messages`` as handed over; return the texts that may leave now."""
        waiting = messages.filtered(lambda m: m.state == "sending" and not m.attempted_at)
        allowed = waiting._recall_sms()
        left = self.exists()
        left.write({"state": "error", "failure_type": "unknown"})
        left.flush_recordset()
        lost = set((messages - allowed._attempt()).trace_id.mapped("sms_id_int"))
        return left.filtered(lambda sms: sms.id not in lost)
