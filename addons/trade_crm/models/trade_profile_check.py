import logging

from odoo import api, fields, models
from odoo.tools import SQL

from .trade_profile_dirty import RETRIED_ERRORS
from .trade_queue_mixin import MAX_TRIES

_logger = logging.getLogger(__name__)

# Every customer is checked once in this many daily runs.
PARTS = 7


class TradeProfileCheck(models.Model):
    """One run of the rolling check: stored profiles against a fresh computation.

    A difference means that a change was not captured. It is repaired, and reported, because it
    should not have happened.
    """

    _name = "trade.profile.check"
    _description = "Customer Profile Check"
    _order = "checked_at desc, id desc"
    _log_access = False

    company_id = fields.Many2one("res.company", required=True, index=True, ondelete="cascade")
    checked_at = fields.Datetime(required=True)
    profile_count = fields.Integer("Profiles checked")
    drift_count = fields.Integer("Profiles repaired")
    partner_ids_text = fields.Text("Customers repaired", help="Database ids of up to 100 customers")

    @api.model
    def _cron_check(self):
        """Check one part of the customers of every company, and give failed ones another chance."""
        profiles = self.env["trade.customer.profile"]
        self.env["trade.profile.dirty"]._retry_failed()
        profiles._cron_refresh()
        part = fields.Date.context_today(self).toordinal() % PARTS
        for policy in profiles._get_policies():
            self._try_check_company(self.env["res.company"].browse(policy.company_id), part)

    @api.model
    def _try_check_company(self, company, part):
        """Check ``part`` in a transaction of its own, once more if another one's commit spoils it.

        A part that a full rebuild leaves no time for is checked a week later.
        """
        for _number in range(MAX_TRIES):
            try:
                with self.env.cr.savepoint(flush=False):
                    if self.env["trade.customer.profile"]._lock_shared():
                        self._check_company(company, part)
            except RETRIED_ERRORS:
                continue
            else:
                break
            finally:
                self.env["ir.cron"]._commit_progress()

    @api.model
    def _check_company(self, company, part, parts=PARTS):
        """Compare the customers of ``part`` with a fresh computation and repair what differs.

        Customers that wait in the queue are left out: they are known to be out of date.

        :return: the check, a record of this model
        """
        partner_ids = self._get_partner_ids(company, part, parts)
        before = self._read_profiles(company, partner_ids)
        self.env["trade.customer.profile"]._rebuild_pairs(
            {(partner, company.id): "rebuild" for partner in partner_ids}, only_changed=True
        )
        after = self._read_profiles(company, partner_ids)
        drifted = sorted(
            partner
            for partner in before.keys() | after.keys()
            if before.get(partner) != after.get(partner)
        )
        if drifted:
            _logger.error(
                "%s customer profiles of company %s differed from their sources, first ones: %s",
                len(drifted),
                company.id,
                drifted[:10],
            )
        return self.create(
            {
                "company_id": company.id,
                "checked_at": fields.Datetime.now(),
                "profile_count": len(after),
                "drift_count": len(drifted),
                "partner_ids_text": ", ".join(map(str, drifted[:100])),
            }
        )

    @api.model
    def _get_partner_ids(self, company, part, parts):
        """Who may be a customer or has a profile, but for who is known to be out of date."""
        profiles = self.env["trade.customer.profile"]
        rows = self.env.execute_query(
            SQL(
                """
                SELECT id FROM res_partner
                 WHERE id %% %(parts)s = %(part)s
                   AND (
                        commercial_partner_id = id OR EXISTS (
                            SELECT FROM trade_customer_profile profile
                             WHERE profile.partner_id = res_partner.id
                               AND profile.company_id = %(company)s
                        )
                   )
                   AND id NOT IN (
                        SELECT unnest(ARRAY[p.id, COALESCE(p.commercial_partner_id, p.id)])
                          FROM trade_profile_dirty d JOIN res_partner p ON p.id = d.partner_id
                   )
                   AND id NOT IN (
                        SELECT partner_id FROM trade_customer_profile
                         WHERE company_id = %(company)s AND next_change_on <= %(today)s
                   )
                   AND NOT EXISTS (
                        SELECT FROM trade_profile_dirty
                         WHERE partner_id IS NULL AND company_id = %(company)s
                   )
                """,
                parts=parts,
                part=part,
                company=company.id,
                today=profiles._get_today(company.trade_tz),
            )
        )
        return [partner for [partner] in rows]

    @api.model
    def _read_profiles(self, company, partner_ids):
        names = self.env["trade.customer.profile"]._get_value_columns()
        columns = SQL(", ").join(SQL.identifier(name) for name in names)
        rows = self.env.execute_query(
            SQL(
                "SELECT partner_id, %s FROM trade_customer_profile"
                " WHERE company_id = %s AND partner_id = ANY(%s)",
                columns,
                company.id,
                partner_ids,
            )
        )
        return {partner: values for partner, *values in rows}
