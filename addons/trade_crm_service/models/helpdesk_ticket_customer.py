from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from odoo.addons.trade_crm.models.res_partner import ROLES


class HelpdeskTicket(models.Model):
    """The customer beside the ticket: tier, value, open orders."""

    _inherit = "helpdesk.ticket"

    trade_tier_id = fields.Many2one(
        "trade.tier",
        "Tier",
        compute="_compute_trade_tier_id",
        store=True,
        index="btree_not_null",
        groups=ROLES,
        help="Of the customer. Follows a change while the ticket is open.",
    )
    trade_currency_id = fields.Many2one(related="company_id.currency_id", groups=ROLES)
    trade_revenue = fields.Monetary(
        "Revenue in window",
        compute="_compute_trade_standing",
        currency_field="trade_currency_id",
        groups=ROLES,
    )
    trade_value_band = fields.Char("Value", compute="_compute_trade_standing", groups=ROLES)
    trade_lifecycle = fields.Char("Status", compute="_compute_trade_standing", groups=ROLES)
    trade_open_order_count = fields.Integer(
        "Open orders", compute="_compute_trade_open_order_count", groups=ROLES
    )

    @api.depends("partner_id", "company_id")
    def _compute_trade_tier_id(self):
        profiles = self._get_profiles()
        for ticket in self:
            ticket.trade_tier_id = profiles.get(ticket._get_profile_key())[:1].tier_id

    @api.depends("partner_id", "company_id")
    @api.depends_context("lang")
    def _compute_trade_standing(self):
        profiles = self._get_profiles()
        for ticket in self:
            profile = profiles.get(ticket._get_profile_key())
            ticket.trade_revenue = profile.window_revenue
            ticket.trade_value_band = self._get_label(profile, "value_band")
            ticket.trade_lifecycle = self._get_label(profile, "lifecycle_status")

    def _get_profile_key(self):
        return self.partner_id.sudo().commercial_partner_id.id, self.company_id.id

    def _get_profiles(self):
        """The profiles of the customers: a dict that gives an empty one for whoever has none.

        As superuser: who may see a ticket may see how good a customer it is from.
        """
        profiles_sudo = self.env["trade.customer.profile"].sudo()
        found = profiles_sudo.search(
            Domain("partner_id", "in", self.partner_id.sudo().commercial_partner_id.ids)
            & Domain("company_id", "in", self.company_id.ids)
        )
        return _Profiles(
            profiles_sudo,
            {(profile.partner_id.id, profile.company_id.id): profile for profile in found},
        )

    @api.model
    def _get_label(self, record, name):
        selection = record._fields[name]._description_selection(self.env)
        return dict(selection).get(record[name], False)

    @api.depends("commercial_partner_id")
    def _compute_trade_open_order_count(self):
        counts = {}
        if self.env["sale.order"].has_access("read"):
            rows = self.env["sale.order"]._read_group(
                self._get_open_order_domain(), ["partner_id"], ["__count"]
            )
            for partner, count in rows:
                customer = partner.sudo().commercial_partner_id.id
                counts[customer] = counts.get(customer, 0) + count
        for ticket in self:
            ticket.trade_open_order_count = counts.get(ticket.commercial_partner_id.id, 0)

    def _get_open_order_domain(self):
        """Quotations, and orders that are not delivered or not invoiced."""
        return (
            Domain("partner_id.commercial_partner_id", "in", self.commercial_partner_id.ids)
            & Domain("state", "in", ("draft", "sent", "sale"))
            & (
                Domain("state", "!=", "sale")
                | Domain("delivery_status", "in", ("pending", "started", "partial"))
                | Domain("invoice_status", "=", "to invoice")
            )
        )

    def action_open_orders(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("sale.action_quotations")
        return action | {
            "name": self.env._("Open orders"),
            "domain": list(self._get_open_order_domain()),
            "context": {"create": False},
        }

    @api.model
    def _follow_tiers(self):
        """Give open tickets the tier that their customer has by now.

        :return: the tickets whose tier changed
        """
        self.env["trade.customer.profile"].flush_model(["tier_id"])
        self.flush_model(["trade_tier_id", "commercial_partner_id", "company_id", "stage_id"])
        rows = self.env.execute_query(
            SQL(
                """
                UPDATE helpdesk_ticket ticket
                   SET trade_tier_id = profile.tier_id
                  FROM trade_customer_profile profile
                 WHERE profile.partner_id = ticket.commercial_partner_id
                   AND profile.company_id = ticket.company_id
                   AND ticket.trade_opened_at IS NOT NULL
                   AND ticket.trade_ended_at IS NULL
                   AND ticket.trade_tier_id IS DISTINCT FROM profile.tier_id
                RETURNING ticket.id
                """
            )
        )
        tickets = self.browse([ticket for [ticket] in rows])
        tickets.invalidate_recordset(["trade_tier_id"])
        return tickets


class _Profiles(dict):
    """``{(customer id, company id): profile}``, an empty profile for whoever has none."""

    def __init__(self, empty, found):
        super().__init__(found)
        self._empty = empty

    def get(self, key):
        return super().get(key, self._empty)
