from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.tools.sql import column_exists, create_column

from ..analytics.identity import name_lookups
from .trade_collision import Probe

COMPARED = {"name", "is_company", "company_type", "phone", "email", "vat", "country_id"}


class ResPartner(models.Model):
    _inherit = "res.partner"

    _guard_whole_fields = {
        "company_id", "parent_id", "is_company", "company_type", "supplier_rank", "customer_rank",
    }  # fmt: skip
    _guard_taking_fields = {
        "user_id", "active", "company_id", "parent_id", "supplier_rank", "customer_rank",
    }  # fmt: skip

    trade_owned_since = fields.Datetime("With the salesperson since", readonly=True, copy=False)
    trade_protected_until = fields.Date("Protected until", compute="_compute_trade_protected_until")
    trade_collision_warning = fields.Char(compute="_compute_trade_collision_warning")

    def _auto_init(self):
        # One empty column instead of a look at every partner.
        if not column_exists(self.env.cr, "res_partner", "trade_owned_since"):
            create_column(self.env.cr, "res_partner", "trade_owned_since", "timestamp")
        return super()._auto_init()

    @api.depends("user_id", "commercial_partner_id")
    @api.depends_context("company")
    def _compute_trade_protected_until(self):
        dates = self._get_protected_until()
        for partner in self:
            partner.trade_protected_until = dates.get(partner.id)

    @api.depends("name", "is_company", "parent_id", "phone", "email", "vat", "country_id")
    @api.depends_context("uid", "company", "lang")
    def _compute_trade_collision_warning(self):
        for partner in self:
            partner.trade_collision_warning = partner._get_collision_warning()

    def _get_typed_values(self):
        known = not self.is_company and self.parent_id
        return {
            "name": False if known else self.name,
            "is_company": self.is_company,
            "phone": self.phone,
            "email": self.email,
            "vat": False if known else self.vat,
            "country": self.country_id.code,
        }

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        if not self.env.su:
            vals_list = [
                {name: value for name, value in vals.items() if name != "trade_owned_since"}
                for vals in vals_list
            ]
        partners = super().create(vals_list)
        partners._init_identity_keys()
        # Odoo's own flows make contacts of whom they meet, without anybody to tell.
        if not self.env.su:
            partners._guard()
        return partners

    def write(self, vals):
        if "trade_owned_since" in vals and not self.env.su:
            raise AccessError(
                self.env._("Odoo dates when a customer went to its salesperson: do not type it in.")
            )
        self._check_take_over(vals)
        if "user_id" in vals:
            self._date_new_owner(vals["user_id"])
        whole = self._is_compared_whole(vals)
        if self.env.su or not (whole or vals.keys() & COMPARED):
            return super().write(vals)
        before = None if whole else self._filter_guarded()._get_guard_lookups()
        result = super().write(vals)
        # Also those that have become customers by it.
        self._guard(before)
        return result

    def _date_new_owner(self, user_id):
        """Protection begins anew for a new salesperson, and not for who has the customer already."""
        changed = self.filtered(lambda partner: partner.user_id.id != (user_id or False))
        if changed:
            changed.sudo().write({"trade_owned_since": fields.Datetime.now()})

    # ------------------------------------------------------------------
    # Guard
    # ------------------------------------------------------------------

    def _get_guard_lookups(self):
        lookups = super()._get_guard_lookups()
        for partner in self:
            if not partner.is_company and not partner.parent_id:
                names = name_lookups(partner.name, is_company=False)
                lookups[partner.id] |= {(kind, kind, value) for kind, value in names}
        return lookups

    def _get_guard_probe(self, lookups):
        customer_sudo = self.sudo().commercial_partner_id
        return Probe(lookups, (self.env.uid, customer_sudo.user_id.id), customer_sudo.id)

    def _get_guard_pair(self):
        return self.sudo().commercial_partner_id._origin.id or None, None

    def _filter_guarded(self):
        """Colleagues, our companies and vendors are nobody's customers."""
        guarded = super()._filter_guarded()
        customers_sudo = guarded.sudo().commercial_partner_id
        companies = self.env["res.company"].sudo()
        ours = companies.search([("partner_id", "in", customers_sudo.ids)]).partner_id
        return guarded.filtered(
            lambda partner: (
                partner.partner_share
                and not (partner.supplier_rank > 0 and partner.customer_rank == 0)
                and partner.sudo().commercial_partner_id not in ours
            )
        )
