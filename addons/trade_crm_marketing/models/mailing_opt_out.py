"""Mailings that a person sends without a campaign leave out who objected, as they do with the blacklist."""

from odoo import api, models
from odoo.tools import SQL

from .trade_message import COLUMNS, KINDS


class MailingMailing(models.Model):
    _inherit = "mailing.mailing"

    def _get_objectors(self, channel):
        """Addresses of customers who objected to what a mailing is for, whichever record has them.

        Whoever they objected to: a mailing belongs to no company.
        """
        if self.env.context.get("trade_held"):
            # The guard has looked at each of them.
            return set()
        self.env["trade.consent"].flush_model()
        self.env["res.partner"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT DISTINCT partner.%s
                  FROM (SELECT DISTINCT ON (partner_id, company_id) partner_id, decision
                          FROM trade_consent
                         WHERE channel = %s AND purpose = %s
                         ORDER BY partner_id, company_id, decided_at DESC, id DESC) last
                  JOIN res_partner partner ON partner.id = last.partner_id
                 WHERE last.decision = 'withdrawn'
                """,
                SQL.identifier(COLUMNS[KINDS[channel]]),
                channel,
                self.campaign_id.trade_purpose or "offer",
            )
        )
        return {address for [address] in rows if address}


class ResPartner(models.Model):
    _inherit = "res.partner"

    @api.model
    def _mailing_get_opt_out_list(self, mailing):
        return mailing._get_objectors("mail")

    @api.model
    def _mailing_get_opt_out_list_sms(self, mailing):
        rows = self.env.execute_query(
            SQL(
                "SELECT id FROM res_partner WHERE phone_sanitized = ANY(%s)",
                list(mailing._get_objectors("sms")),
            )
        )
        return [number for [number] in rows]


class MailingList(models.Model):
    _inherit = "mailing.list"

    @api.model
    def _mailing_get_opt_out_list(self, mailing):
        objectors = mailing._get_objectors("mail")
        return set(super()._mailing_get_opt_out_list(mailing)) | objectors
