from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ..analytics.masking import mask_company, mask_email, mask_name, mask_phone, mask_text

# Set by Odoo alone: what is in the pool, and from when on a lead is protected.
POOL_FIELDS = {"trade_pooled_at", "trade_claimed_at", "trade_last_contact_at", "date_open"}
OPEN = Domain("won_status", "=", "pending") & Domain("active", "=", True)


class CrmLead(models.Model):
    """Leads go into the public pool and out of it.

    A lead in the pool has no salesperson. Who sells does not read it, but its masked entry,
    ``trade.lead.pool``, until they claim it; managers do, see :meth:`_get_territory_domain` and the
    record rules in ``security/trade_lead_rules.xml``.
    """

    _inherit = "crm.lead"

    trade_pooled_at = fields.Datetime(
        "In the pool since", readonly=True, copy=False, index="btree_not_null"
    )
    trade_claimed_at = fields.Datetime(
        "Claimed", readonly=True, copy=False, help="When the salesperson took it from the pool."
    )
    trade_is_mine = fields.Boolean(compute="_compute_trade_is_mine")

    _trade_claimed_idx = models.Index("(user_id) WHERE trade_claimed_at IS NOT NULL")

    @api.depends("user_id")
    @api.depends_context("uid")
    def _compute_trade_is_mine(self):
        for lead in self:
            lead.trade_is_mine = lead.user_id == self.env.user

    # ------------------------------------------------------------------
    # Who may what
    # ------------------------------------------------------------------

    @api.model
    def _get_territory_domain(self, territory_ids, operation):
        """Also of what belongs to a lead: nobody who sells reads it while the lead is in the pool."""
        domain = super()._get_territory_domain(territory_ids, operation)
        if self.env.user.has_group("sales_team.group_sale_manager"):
            return domain
        return domain & Domain("trade_pooled_at", "=", False)

    def write(self, vals):
        if not self.env.su and not POOL_FIELDS.isdisjoint(vals):
            raise AccessError(
                self.env._(
                    "Leads go to the pool by its buttons only, and Odoo dates their contacts: do not type it in."
                )
            )
        if "user_id" not in vals:
            restored = self._find_restored(vals)
            result = super().write(vals)
            restored._check_restored()
            return result
        owner = self.env["res.users"].browse(vals["user_id"])
        changed = self.filtered(lambda lead: lead.user_id != owner)
        if not self.env.su:
            changed._check_new_owner()
        before = {lead: lead.user_id for lead in changed}
        result = super().write(vals)
        if owner:
            # Whoever gets a lead by hand has not claimed it.
            left = self.sudo().filtered(lambda lead: lead.trade_pooled_at)
            left.trade_pooled_at = False
        if changed and not self.env.su:
            if self._is_above_guard():
                changed.sudo().trade_claimed_at = False
            self._log_owner_changes(before)
        return result

    def _find_restored(self, vals):
        """Leads from the pool that their salesperson is about to have again."""
        if self.env.su or not vals.get("active"):
            return self.browse()
        return self.filtered(
            lambda lead: not lead.active and lead.trade_claimed_at and lead.trade_is_mine
        )

    def _check_restored(self):
        """Who restores leads holds more of them: within the limit, like a claim."""
        if self:
            self.env["trade.lead.pool"]._lock_account()
        for company, leads in self.grouped(lambda lead: lead._get_guard_company()).items():
            self.env["trade.lead.pool"]._check_held(company.sudo(), len(leads))

    @api.model_create_multi
    def create(self, vals_list):
        if not self.env.su:
            vals_list = [
                {name: value for name, value in vals.items() if name not in POOL_FIELDS}
                for vals in vals_list
            ]
        return super().create(vals_list)

    def _merge_opportunity(self, *args, **kwargs):
        # Odoo deletes what is merged into another lead, whoever had it.
        if not self.env.su:
            self._check_new_owner()
            self._check_take_over({"user_id": self.env.uid})
        return super()._merge_opportunity(*args, **kwargs)

    @api.depends("trade_pooled_at")
    @api.depends_context("uid")
    def _compute_display_name(self):
        """Odoo shows the name of a linked record to everybody: masked while it is in the pool."""
        result = super()._compute_display_name()
        pooled = self.filtered(lambda lead: lead.sudo().trade_pooled_at)
        if pooled and not self._reads_pool():
            for lead in pooled:
                lead.display_name = lead.sudo()._get_masked_values()["title"]
        return result

    @api.model
    def _reads_pool(self):
        groups = ("sales_team.group_sale_manager", "trade_crm.group_auditor")
        return any(self.env.user.has_group(group) for group in groups)

    def _get_masked_values(self):
        """What the entry of the lead in the pool shows of whom it is about."""
        self.ensure_one()
        contact, customer = mask_name(self.contact_name), mask_company(self.partner_name)
        names = {self.contact_name: contact, self.partner_name: customer}
        if self.partner_id.name:
            names[self.partner_id.name] = mask_company(self.partner_id.name)
        return {
            "contact": contact,
            "customer": customer,
            "phone": mask_phone(self.phone),
            "email": mask_email(self.email_from),
            "title": mask_text(self.name, {name: masked for name, masked in names.items() if name}),
        }

    def _check_new_owner(self):
        """Leads without a salesperson are assigned, claimed or given away, but not just taken.

        What a colleague has is looked after by ``trade.identity.mixin._check_take_over``.

        :raise UserError: when the company guards its leads and one of them is such a lead
        """
        if self._is_above_guard():
            return
        for lead in self._filter_guarded():
            if not lead.user_id:
                raise UserError(
                    self.env._(
                        "“%s” has no salesperson yet. Leads are assigned by Odoo, claimed from the "
                        "pool, or given to you by a manager.",
                        lead.display_name,
                    )
                )

    @api.model
    def _log_owner_changes(self, before):
        log = self.env["trade.lead.log"]
        for owner, leads in self.browse(lead.id for lead in before).grouped(before.get).items():
            log._log(leads, "hand_over", from_owner_id=owner.id)

    # ------------------------------------------------------------------
    # Into the pool
    # ------------------------------------------------------------------

    def action_open_release(self):
        """Ask why the leads go to the pool."""
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Give back to the pool"),
            "res_model": "trade.lead.release",
            "view_mode": "form",
            "target": "new",
            "context": {"default_lead_ids": self.ids},
        }

    def _put_in_pool(self, kind, cause=None, details=None, note=None):
        """Take the open ones of ``self`` from their salespeople; those in the pool stay there.

        What they and their colleagues planned is dropped, and they are told nothing more of them.

        :param kind: "release" or "recycle", see ``trade.lead.log``
        :param cause: see ``trade.lead.log._log``
        :return: the leads that went to the pool
        """
        leads = self.sudo().filtered_domain(OPEN & Domain("trade_pooled_at", "=", False))
        before = {lead: lead.user_id for lead in leads}
        leads._dismiss_watchers()
        leads.write(
            {"user_id": False, "trade_pooled_at": fields.Datetime.now(), "trade_claimed_at": False}
        )
        log = self.env["trade.lead.log"]
        for owner, group in leads.grouped(before.get).items():
            log._log(
                group,
                kind,
                cause,
                details,
                note,
                by_user=kind == "release",
                from_owner_id=owner.id,
            )
        return leads.with_env(self.env)

    def _dismiss_watchers(self):
        """Who does not read the pool follows its leads no longer, and has nothing to do there."""
        users = (self.activity_ids.user_id | self.message_partner_ids.user_ids).filtered(
            lambda user: not user.share and not self.with_user(user)._reads_pool()
        )
        self.activity_ids.filtered(lambda activity: activity.user_id in users).unlink()
        self.message_unsubscribe(users.partner_id.ids)

    # ------------------------------------------------------------------
    # Out of the pool
    # ------------------------------------------------------------------

    def action_claim(self):
        """Take the lead from the pool."""
        return self.env["trade.lead.pool"].browse(self.ids).action_claim()

    def _hand_to(self, user, kind, cause=None, details=None, note=None, by_user=True):
        """Make ``user`` the salesperson of these leads, wherever they are, and note why.

        The caller has decided that this is right; nothing is checked.

        :param kind: "assign", "claim" or "grant", see ``trade.lead.log``
        """
        leads = self.sudo().with_context(mail_auto_subscribe_no_notify=True)
        before = {lead: lead.user_id for lead in leads}
        leads.write(
            {
                "user_id": user.id,
                "trade_pooled_at": False,
                "trade_claimed_at": fields.Datetime.now() if kind == "claim" else False,
            }
        )
        log = self.env["trade.lead.log"]
        for owner, group in leads.grouped(before.get).items():
            log._log(group, kind, cause, details, note, by_user, from_owner_id=owner.id)


class TradeLeadClaimAccount(models.Model):
    """One row per salesperson, which is locked while they claim: two tabs cannot pass a limit."""

    _name = "trade.lead.claim.account"
    _description = "Account of Claims"
    _log_access = False
    _rec_name = "user_id"

    user_id = fields.Many2one("res.users", required=True, ondelete="cascade")
    claimed_at = fields.Datetime()

    _user_unique = models.UniqueIndex("(user_id)", "A salesperson has one account of claims.")

    @api.model
    def _lock(self, user):
        """Have this transaction be the only one in which ``user`` claims.

        :return: whether it is; not while another one is under way. One that was through after
            this transaction began makes it start again, and it then sees what the other did.
        """
        self.env.cr.execute(
            SQL(
                "INSERT INTO trade_lead_claim_account (user_id) VALUES (%s) ON CONFLICT DO NOTHING",
                user.id,
            )
        )
        locked = self.env.execute_query(
            SQL(
                "SELECT id FROM trade_lead_claim_account WHERE user_id = %s FOR UPDATE SKIP LOCKED",
                user.id,
            )
        )
        self.env.cr.execute(
            SQL(
                "UPDATE trade_lead_claim_account SET claimed_at = %s WHERE id = ANY(%s)",
                fields.Datetime.now(),
                [row for [row] in locked],
            )
        )
        return bool(locked)
