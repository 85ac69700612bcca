from odoo import api, models
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tools import SQL

from odoo.addons.trade_crm.analytics.masking import mask_company, mask_name

SHOWN = 10


class HelpdeskTicket(models.Model):
    """Somebody calls: who is it?"""

    _inherit = "helpdesk.ticket"

    @api.model
    def find_callers(self, number):
        """Whose phone number it is.

        :return: dict of ``callers``, whom the user may see, as dicts of id, name, customer, tier,
            territory and open tickets; and of ``others``, masked names with their territory
        """
        if not self.has_access("create"):
            raise AccessError(self.env._("Service agents and salespersons answer calls here."))
        found = self._find_phone_partners(number)
        callers = found._filtered_access("read")
        if not callers:
            self._count_unknown_caller(found)
        return {
            "callers": self._describe_callers(callers[:SHOWN]),
            "others": [self._mask_caller(other) for other in (found - callers).sudo()[:SHOWN]],
        }

    @api.model
    def _count_unknown_caller(self, found):
        """Nobody finds out about customers of others by trying numbers; a miss tells something, too."""
        checks = self.env["trade.collision.check"]
        checks._check_limit()
        checks._log("dialog", {"phone"}, "taken" if found else "free")

    @api.model
    def _find_phone_partners(self, number):
        """Contacts and customers with this number, also of other territories."""
        lookups = self.env["trade.collision"]._get_lookups({"phone": number}, self.env.company)
        values = [value for _match, kind, value in lookups if kind == "phone"]
        if not values:
            return self.env["res.partner"]
        self.env["trade.collision"]._flush()
        rows = self.env.execute_query(
            SQL(
                "SELECT DISTINCT key.partner_id FROM trade_identity_key key"
                " JOIN res_partner partner ON partner.id = key.partner_id AND partner.active"
                " WHERE key.kind = 'phone' AND key.value = ANY(%s)"
                " AND (partner.company_id IS NULL OR partner.company_id = ANY(%s))",
                values,
                self.env.companies.ids,
            )
        )
        return self.env["res.partner"].browse(sorted(partner for [partner] in rows))

    @api.model
    def _describe_callers(self, partners):
        customers = partners.sudo().commercial_partner_id
        shows_tier = partners._has_field_access(partners._fields["trade_tier_id"], "read")
        rows = self._read_group(
            Domain("commercial_partner_id", "in", customers.ids)
            & Domain("stage_id.closed", "=", False),
            ["commercial_partner_id"],
            ["__count"],
        )
        counts = {customer.id: count for customer, count in rows}
        return [
            {
                "id": partner.id,
                "name": partner.name or "",
                "customer_id": customer.id,
                "customer": customer.name if customer != partner else "",
                "email": partner.email or "",
                "tier": (shows_tier and partner.trade_tier_id.name) or "",
                "territory": customer.territory_id.name or "",
                "salesperson": customer.user_id.name or "",
                "open_count": counts.get(customer.id, 0),
            }
            for partner in partners
            for customer in partner.sudo().commercial_partner_id
        ]

    @api.model
    def _mask_caller(self, partner_sudo):
        customer = partner_sudo.commercial_partner_id
        mask = mask_company if customer.is_company else mask_name
        territory = customer.territory_id
        return {
            "name": mask(customer.name),
            "territory": territory.name or "",
            "manager": self._get_managers_of(territory)[:1].name or "",
        }

    @api.model
    def action_new_call(self, partner_id, number):
        """The form of a ticket of somebody on the phone, who has been answered already.

        :param partner_id: whom :meth:`find_callers` has found, or False
        """
        partner = self.env["res.partner"].browse(partner_id or 0)
        partner.check_access("read")
        channel = self.env.ref(
            "helpdesk_mgmt.helpdesk_ticket_channel_phone", raise_if_not_found=False
        )
        context = {
            "default_partner_id": partner.id,
            "default_partner_name": partner.name,
            "default_partner_email": partner.email,
            "default_channel_id": channel and channel.id,
            "trade_on_phone": True,
        }
        if not partner:
            context["default_name"] = self.env._("Call of %(number)s", number=number)
        return self._get_new_action(context)

    def _note_call(self):
        """Who is on the phone has an answer."""
        if self.env.context.get("trade_on_phone"):
            self._note_first_answer()
