"""Mailings that a person sends without a campaign leave out who objected, as they do with the blacklist."""

from odoo import api, models
from odoo.tools import SQL


class MailingMailing(models.Model):
    _inherit = "mailing.mailing"

    def _get_objectors(self, channel):
        """Rows (id, normalised address) of customers who objected to what a mailing is for.

        Whoever they objected to: a mailing belongs to no company.
        """
        if self.env.context.get("trade_held"):
            # The guard has looked at each of them.
            return []
        self.env["trade.consent"].flush_model()
        return self.env.execute_query(
            SQL(
                """
                SELECT partner.id, partner.email_normalized
                  FROM (SELECT DISTINCT ON (partner_id, company_id) partner_id, decision
                          FROM trade_consent
                         WHERE channel = %s AND purpose = %s
                         ORDER BY partner_id, company_id, decided_at DESC, id DESC) last
                  JOIN res_partner partner ON partner.id = last.partner_id
                 WHERE last.decision = 'withdrawn'
                """,
                channel,
                self.campaign_id.trade_purpose or "offer",
            )
        )


class ResPartner(models.Model):
    _inherit = "res.partner"

    @api.model
    def _mailing_get_opt_out_list(self, mailing):
        return {email for _number, email in mailing._get_objectors("mail") if email}

    @api.model
    def _mailing_get_opt_out_list_sms(self, mailing):
        return [number for number, _email in mailing._get_objectors("sms")]


class MailingList(models.Model):
    _inherit = "mailing.list"

    @api.model
    def _mailing_get_opt_out_list(self, mailing):
        objectors = {email for _number, email in mailing._get_objectors("mail") if email}
        return set(super()._mailing_get_opt_out_list(mailing)) | objectors
