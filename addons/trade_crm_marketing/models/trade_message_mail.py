"""E-mail goes through Odoo's mailing, so that opens, clicks and opt-outs are tracked."""

from markupsafe import Markup

from odoo import models, modules
from odoo.fields import Domain
from odoo.tools import SQL
from odoo.tools.mail import append_content_to_html, html2plaintext

from odoo.addons.base.models.ir_mail_server import MailDeliveryException
from odoo.addons.trade_crm.models.trade_profile_dirty import RETRIED_ERRORS

TRIES = 5


class TradeMessage(models.Model):
    _inherit = "trade.message"

    def _deliver_mail(self):
        for mailing, messages in self.grouped("mailing_id").items():
            if not mailing or mailing.mailing_model_real != "res.partner":
                messages._finish("skipped", "no_content")
                continue
            mails = messages._make_mails(mailing)
            sending = mails.with_context(trade_messages=tuple(messages.ids))
            sending.send(auto_commit=not modules.module.current_test)

    def _make_mails(self, mailing):
        """Mails of these messages, committed and held back.

        Another worker may write to the same mailing: until then nothing is lost by trying again.
        """
        for _turn in range(TRIES - 1):
            try:
                return self._try_mails(mailing)
            except RETRIED_ERRORS:
                self._rollback()
        return self._try_mails(mailing)

    def _try_mails(self, mailing):
        self._prepare_mails(mailing)
        mails = self._link_traces().trace_id.sudo().mail_mail_id
        self._commit()
        return mails

    def _prepare_mails(self, mailing):
        """Have Odoo make the mails and traces, and hold them back."""
        mailing = mailing.sudo().with_context(
            trade_held=True, trade_addresses=tuple(self.partner_id.mapped("email_normalized"))
        )
        mailing.with_company(self[:1].company_id)._action_send_mail(res_ids=self.partner_id.ids)


class MailingMailing(models.Model):
    _inherit = "mailing.mailing"

    def write(self, vals):
        """Each chunk says again that the mailing is done: workers would wait for each other."""
        if self.env.context.get("trade_held") and vals.get("state") == "done":
            undone = self.filtered(lambda mailing: mailing.state != "done")
            return not undone or super(MailingMailing, undone).write(vals)
        return super().write(vals)

    def _get_seen_list(self):
        """Asked for each chunk: only the addresses in it are looked for."""
        addresses = self.env.context.get("trade_addresses")
        if addresses is None:
            return super()._get_seen_list()
        rows = self.env.execute_query(
            SQL(
                "SELECT email FROM mailing_trace"
                " WHERE email = ANY(%s) AND mass_mailing_id = %s AND model = 'res.partner'",
                list(filter(None, addresses)),
                self.id,
            )
        )
        return {email for [email] in rows}


class MailMail(models.Model):
    _inherit = "mail.mail"

    def _prepare_outgoing_list(self, *args, **kwargs):
        """What Odoo asks for right before a mail leaves: mark it, and show how to get no more."""
        if "trade_messages" not in self.env.context:
            return super()._prepare_outgoing_list(*args, **kwargs)
        message = self._get_trade_message()
        # Built first: a mistake in it is no attempt.
        emails = super()._prepare_outgoing_list(*args, **kwargs)
        if not message._attempt():
            raise MailDeliveryException(self.env._("Another worker sends this mail."))
        footer = message._get_opt_out_footer()
        for email in emails:
            email["body"] = append_content_to_html(email["body"], footer, plaintext=False)
            email["body_alternative"] = html2plaintext(email["body"])
        return emails

    def _get_trade_message(self):
        messages = self.env["trade.message"]
        message = messages.search(Domain("trace_id", "in", self.mailing_trace_ids.ids))
        return message & messages.browse(self.env.context["trade_messages"])


class TradeMessageFooter(models.Model):
    _inherit = "trade.message"

    def _get_opt_out_footer(self):
        """HTML that says how to get less, or nothing, in the customer's language."""
        partner = self.partner_id
        message = self.with_context(lang=partner.lang)
        text = message.env._("Choose what we send you, or nothing at all")
        return Markup(
            '<p style="font-size:12px;color:#666;text-align:center">%s · <a href="%s">%s</a></p>'
        ) % (self.company_id.name, partner._get_preference_link(self.company_id), text)
