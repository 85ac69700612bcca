from odoo import api, fields, models

from .trade_collision import STATUSES, Probe

COMPARED = {"partner_name", "phone", "email_from", "trade_vat", "country_id"}


class CrmLead(models.Model):
    _inherit = "crm.lead"

    trade_protected_until = fields.Date("Protected until", compute="_compute_trade_protected_until")
    trade_collision_status = fields.Selection(
        [status for status in STATUSES if status[0] != "free"],
        "Double",
        readonly=True,
        copy=False,
        help="What it met when it came in.",
    )
    trade_collision_details = fields.Json(readonly=True, copy=False)
    trade_collision_note = fields.Char("Double of", compute="_compute_trade_collision_note")
    trade_collision_warning = fields.Char(compute="_compute_trade_collision_warning")

    @api.depends("user_id", "date_open", "active")
    @api.depends_context("company")
    def _compute_trade_protected_until(self):
        dates = self._get_protected_until()
        for lead in self:
            lead.trade_protected_until = dates.get(lead.id)

    @api.depends("trade_collision_details")
    @api.depends_context("lang")
    def _compute_trade_collision_note(self):
        collisions = self.env["trade.collision"]
        for lead in self:
            details = lead.trade_collision_details
            lead.trade_collision_note = collisions._tell(details) if details else False

    @api.depends("partner_id", "partner_name", "phone", "email_from", "trade_vat", "country_id")
    @api.depends_context("uid", "company", "lang")
    def _compute_trade_collision_warning(self):
        for lead in self:
            lead.trade_collision_warning = lead._get_collision_warning()

    def _get_typed_values(self):
        return {
            "name": self.partner_name,
            "phone": self.phone,
            "email": self.email_from,
            "vat": self.trade_vat,
            "country": self.country_id.code,
        }

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        leads = super().create(vals_list)
        leads._init_identity_keys()
        found = leads._guard()
        if found:
            leads._mark_collisions(found)
        return leads

    def write(self, vals):
        self._check_take_over(vals)
        if self.env.su:
            return super().write(vals)
        whole = self._is_compared_whole(vals)
        compares = whole or vals.keys() & COMPARED
        ended = self.filtered(lambda lead: lead.won_status != "pending")
        before = self._filter_guarded()._get_guard_lookups() if compares and not whole else None
        result = super().write(vals)
        if compares:
            self._guard(before)
        elif ended:
            # Whoever opens a lead again has it from then on.
            ended.filtered(lambda lead: lead.won_status == "pending")._guard()
        return result

    # ------------------------------------------------------------------
    # Guard
    # ------------------------------------------------------------------

    def _get_guard_link(self):
        return self.sudo().partner_id.commercial_partner_id.id

    def _get_guard_probe(self, lookups):
        # Its own customer is found by the link alone, and so only where the link is what is new.
        return Probe(
            lookups,
            (self.env.uid, self.sudo().user_id.id),
            self._get_guard_link() or 0,
            self.id,
        )

    def _get_guard_pair(self):
        return None, self._origin.id or None

    # ------------------------------------------------------------------
    # What comes in by itself
    # ------------------------------------------------------------------

    def _mark_collisions(self, found):
        """Note what new leads met; Odoo gives those that it took in to whom they belong.

        :param found: ``{lead: list of Hit}``
        """
        collisions = self.env["trade.collision"]
        for lead, hits in found.items():
            hit = hits[0]
            lead_sudo = lead.sudo()
            lead_sudo.write(
                {
                    "trade_collision_status": hit.status,
                    "trade_collision_details": collisions._get_details(hit),
                }
            )
            if self.env.su and hit.status == "taken" and lead_sudo.user_id.id != hit.owner_id:
                lead_sudo._give_to_owner(hit)

    def _give_to_owner(self, hit):
        was = self.user_id
        self.user_id = hit.owner_id
        self.env["trade.lead.log"]._log(
            self,
            "assign",
            cause="collision",
            details=self.env["trade.collision"]._get_details(hit),
            by_user=False,
            from_owner_id=was.id,
        )


class TradeLeadLog(models.Model):
    _inherit = "trade.lead.log"

    @api.model
    def _get_reason(self, cause, details):
        if cause == "collision":
            return self.env["trade.collision"]._tell(details)
        return super()._get_reason(cause, details)
