from odoo import api, fields, models, tools
from odoo.tools import SQL

# What changes neither orders nor whose they are.
UNCHANGED = ("time", "policy", "rebuild")


class TradeCampaignDirty(models.Model):
    """Customers whose orders have to be looked at again for campaigns.

    Append-only, without foreign keys or log columns, like ``trade.profile.dirty``.
    """

    _name = "trade.campaign.dirty"
    _description = "Results of Campaigns to Refresh"
    _inherit = ["trade.territory.hidden.mixin"]
    _log_access = False
    _order = "id"

    partner_id = fields.Integer("Customer", required=True)
    company_id = fields.Integer(required=True)

    @api.model
    @tools.ormcache()
    def _get_companies(self):
        """Companies that have started a campaign: who confirms an order of another one waits for nothing."""
        rows = self.env.execute_query(
            SQL(
                "SELECT DISTINCT trade_company_id FROM utm_campaign WHERE trade_started_at IS NOT NULL"
            )
        )
        return frozenset(company for [company] in rows)

    @api.model
    def _note(self, pairs):
        """Note customers of companies that have started a campaign.

        :param pairs: dict ``{(partner id, company id or None for all): cause}``
        """
        companies = self._get_companies()
        changed = [
            (partner, company)
            for (partner, company), cause in pairs.items()
            if cause not in UNCHANGED and (company in companies if company else companies)
        ]
        if changed:
            self.env.cr.execute(
                SQL(
                    """
                    INSERT INTO trade_campaign_dirty (partner_id, company_id)
                    SELECT DISTINCT customer.commercial_partner_id, campaign.trade_company_id
                      FROM unnest(%s::int[], %s::int[]) AS pair (partner_id, company_id)
                      JOIN res_partner customer ON customer.id = pair.partner_id
                      JOIN unnest(%s::int[]) AS campaign (trade_company_id)
                        ON campaign.trade_company_id = COALESCE(
                               pair.company_id, campaign.trade_company_id
                           )
                    """,
                    [partner for partner, _company in changed],
                    [company for _partner, company in changed],
                    sorted(companies),
                )
            )

    @api.model
    def _note_members(self, campaigns):
        """Note everybody in the audience of ``campaigns``."""
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO trade_campaign_dirty (partner_id, company_id)
                SELECT DISTINCT customer.commercial_partner_id, member.company_id
                  FROM trade_campaign_member member
                  JOIN res_partner customer ON customer.id = member.partner_id
                 WHERE member.campaign_id = ANY(%s)
                """,
                campaigns.ids,
            )
        )

    @api.model
    def _take(self, limit):
        """Remove up to ``limit`` rows that nobody else is working on.

        :return: list of (id, partner id, company id)
        """
        return self.env.execute_query(
            SQL(
                "DELETE FROM trade_campaign_dirty WHERE id IN ("
                " SELECT id FROM trade_campaign_dirty ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED)"
                " RETURNING id, partner_id, company_id",
                limit,
            )
        )

    @api.model
    def _forget(self, rows):
        """Remove ``rows`` (see :meth:`_take`)."""
        self.env.cr.execute(
            SQL(
                "DELETE FROM trade_campaign_dirty WHERE id = ANY(%s)",
                [row_id for row_id, *_values in rows],
            )
        )

    @api.model
    def _count_waiting(self):
        [[count]] = self.env.execute_query(SQL("SELECT count(*) FROM trade_campaign_dirty"))
        return count


class TradeCustomerProfile(models.Model):
    _inherit = "trade.customer.profile"

    @api.model
    def _rebuild_pairs(self, pairs, only_changed=False):
        result = super()._rebuild_pairs(pairs, only_changed)
        self.env["trade.campaign.dirty"]._note(pairs)
        return result


class UtmCampaign(models.Model):
    _inherit = "utm.campaign"

    @api.model_create_multi
    def create(self, vals_list):
        campaigns = super().create(vals_list)
        if any(vals.get("trade_started_at") for vals in vals_list):
            self._forget_companies()
        return campaigns

    def write(self, vals):
        result = super().write(vals)
        if "trade_started_at" in vals:
            self._forget_companies()
        return result

    def _forget_companies(self):
        self.flush_model(["trade_company_id", "trade_started_at"])
        self.env.registry.clear_cache()
