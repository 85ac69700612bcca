from datetime import datetime, timedelta

import pytz

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from .crm_lead_pool import OPEN


class TradeLeadPool(models.Model):
    """The leads that nobody has, as who may claim them sees them: who they are is masked.

    An entry has the id of its lead.
    """

    _name = "trade.lead.pool"
    _inherit = ["trade.territory.report.mixin"]
    _description = "Pool of Leads"
    _auto = False
    _order = "priority desc, pooled_at desc, id desc"
    _rec_name = "title"

    _depends = {
        "crm.lead": [
            "active",
            "campaign_id",
            "city",
            "company_id",
            "country_id",
            "expected_revenue",
            "medium_id",
            "priority",
            "source_id",
            "state_id",
            "territory_id",
            "trade_customer_type_id",
            "trade_pooled_at",
            "won_status",
        ]
    }

    # Nobody has a lead of the pool; who had it before sees no more than others.
    _territory_user_fields = ()

    pooled_at = fields.Datetime("In the pool since", readonly=True)
    title = fields.Char("Inquiry", compute="_compute_masked")
    customer = fields.Char(compute="_compute_masked")
    contact = fields.Char(compute="_compute_masked")
    phone = fields.Char(compute="_compute_masked")
    email = fields.Char("E-mail", compute="_compute_masked")
    city = fields.Char(readonly=True)
    state_id = fields.Many2one("res.country.state", readonly=True)
    country_id = fields.Many2one("res.country", readonly=True)
    trade_customer_type_id = fields.Many2one("trade.customer.type", "Customer type", readonly=True)
    source_id = fields.Many2one("utm.source", readonly=True)
    medium_id = fields.Many2one("utm.medium", readonly=True)
    campaign_id = fields.Many2one("utm.campaign", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    priority = fields.Selection(selection="_get_priorities", readonly=True)
    expected_revenue = fields.Float(readonly=True)
    reason = fields.Char("Why here", compute="_compute_reason")
    claimable_on = fields.Datetime(
        "Not before", compute="_compute_claimable_on", help="You had it: others come first."
    )

    @api.model
    def _get_priorities(self):
        return self.env["crm.lead"]._fields["priority"]._description_selection(self.env)

    @property
    def _table_query(self):
        return SQL("SELECT %s FROM crm_lead WHERE %s", self._select(), self._where())

    @api.model
    def _select(self):
        """Columns of an entry; who adds a field adds it here."""
        return SQL(
            "id, trade_pooled_at AS pooled_at, territory_id, city, state_id, country_id,"
            " trade_customer_type_id, source_id, medium_id, campaign_id, company_id, priority,"
            " expected_revenue"
        )

    @api.model
    def _where(self):
        return SQL("trade_pooled_at IS NOT NULL AND active AND won_status = 'pending'")

    def _compute_masked(self):
        for entry, lead in zip(self, self._get_leads_sudo(), strict=True):
            entry.update(lead._get_masked_values())

    def _get_leads_sudo(self):
        """The leads of these entries, which the user has found."""
        return self.env["crm.lead"].sudo().browse(self.ids)

    @api.depends_context("lang")
    def _compute_reason(self):
        logs = self.env["trade.lead.log"].sudo()
        latest = {
            lead: logs.browse(log)
            for lead, log in logs._read_group(
                [("lead_id", "in", self.ids), ("kind", "in", ("release", "recycle"))],
                ["lead_id"],
                ["id:max"],
            )
        }
        kinds = dict(logs._fields["kind"]._description_selection(self.env))
        for entry, lead in zip(self, self._get_leads_sudo(), strict=True):
            log = latest.get(lead)
            # A person's own words may name the customer.
            told = log and log.cause and log._get_reason(log.cause, log.details or {})
            entry.reason = told or (log and kinds[log.kind])

    @api.depends_context("uid")
    def _compute_claimable_on(self):
        had = self._get_own_losses()
        for entry in self:
            days = (entry.company_id or self.env.company).sudo().trade_reclaim_days
            lost = had.get(entry.id)
            until = lost and lost + timedelta(days=days)
            entry.claimable_on = until if until and until > fields.Datetime.now() else False

    def _get_own_losses(self):
        """``{id: when it last went to the pool}`` of those that the user has had, by whatever way."""
        logs = self.env["trade.lead.log"].sudo()
        had = logs.search_fetch(
            [
                ("lead_id", "in", self.ids),
                "|",
                ("owner_id", "=", self.env.uid),
                ("from_owner_id", "=", self.env.uid),
            ],
            ["lead_id"],
        ).lead_id
        groups = logs._read_group(
            [("lead_id", "in", had.ids), ("kind", "in", ("release", "recycle"))],
            ["lead_id"],
            ["happened_at:max"],
        )
        return {lead.id: happened_at for lead, happened_at in groups}

    # ------------------------------------------------------------------
    # Claim
    # ------------------------------------------------------------------

    def action_claim(self):
        """Take the entry: its lead becomes the user's, who is led to it.

        :raise UserError: when somebody else was faster, or a limit of the user is reached
        """
        self.ensure_one()
        entry = self.search([("id", "=", self.id)])
        if not entry:
            raise UserError(
                self.env._(
                    "This entry is not in the pool any more: somebody else took it. Choose another one."
                )
            )
        self._lock_account()
        if not entry._lock_entry():
            raise UserError(
                self.env._(
                    "Somebody else is claiming this entry at this moment. Choose another one."
                )
            )
        left = entry._check_claim()
        lead = entry._get_leads_sudo()
        lead._hand_to(self.env.user, "claim")
        return entry._get_claimed_action(left)

    @api.model
    def _lock_account(self):
        """Have this be the only transaction in which the user comes to hold more leads.

        :raise UserError: when another one is under way
        """
        if not self.env["trade.lead.claim.account"].sudo()._lock(self.env.user):
            raise UserError(
                self.env._(
                    "You are claiming another entry at this moment. Try again when that is through."
                )
            )

    def _lock_entry(self):
        """Whether this transaction alone works on the lead; see ``trade.lead.claim.account``."""
        return self.env.execute_query(
            SQL("SELECT id FROM crm_lead WHERE id = %s FOR UPDATE SKIP LOCKED", self.id)
        )

    def _check_claim(self):
        """What the user may still claim today after this entry; None without a limit.

        :raise UserError: when the user may not claim it
        """
        company = (self.company_id or self.env.company).sudo()
        if self.claimable_on:
            raise UserError(
                self.env._(
                    "You had this lead before. You can claim it again from %s on, if nobody else has.",
                    fields.Datetime.context_timestamp(self, self.claimable_on).strftime(
                        "%Y-%m-%d %H:%M"
                    ),
                )
            )
        self._check_held(company)
        if not company.trade_claim_daily_cap:
            return None
        left = company.trade_claim_daily_cap - self._count_claims_today(company)
        if left <= 0:
            raise UserError(
                self.env._(
                    "You have claimed %s leads today, which is the limit. Go on tomorrow.",
                    company.trade_claim_daily_cap,
                )
            )
        return left - 1

    @api.model
    def _check_held(self, company, more=0):
        """Refuse what goes beyond the leads from the pool that the user may hold.

        :param company: whose limit applies
        :param more: how many of those that the user holds already are new
        :raise UserError: when there is no room
        """
        held, cap = self._count_held() - more, company.trade_claim_total_cap
        if cap and held >= cap:
            raise UserError(
                self.env._(
                    "You hold %(held)s leads from the pool, and %(cap)s is the limit. Win, lose or give "
                    "back one of them first.",
                    held=held,
                    cap=cap,
                )
            )

    @api.model
    def _count_held(self):
        leads = self.env["crm.lead"].sudo()
        return leads.search_count(
            OPEN & Domain("user_id", "=", self.env.uid) & Domain("trade_claimed_at", "!=", False)
        )

    @api.model
    def _count_claims_today(self, company):
        zone = pytz.timezone(company.trade_tz)
        today = datetime.now(pytz.utc).astimezone(zone).replace(tzinfo=None)
        midnight = zone.localize(today.replace(hour=0, minute=0, second=0, microsecond=0))
        begin = midnight.astimezone(pytz.utc).replace(tzinfo=None)
        logs = self.env["trade.lead.log"].sudo()
        return logs.search_count(
            [("owner_id", "=", self.env.uid), ("kind", "=", "claim"), ("happened_at", ">=", begin)]
        )

    def _get_claimed_action(self, left):
        """Say what the user may still claim and open the lead."""
        message = (
            self.env._("The lead is yours. Contact the customer now.")
            if left is None
            else self.env._("The lead is yours. You can claim %s more today.", left)
        )
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": message,
                "next": {
                    "type": "ir.actions.act_window",
                    "res_model": "crm.lead",
                    "res_id": self.id,
                    "views": [(False, "form")],
                },
            },
        }
