from odoo import api, fields, models
from odoo.fields import Domain

from odoo.addons.trade_crm.models.res_partner import ROLES

SEVERE_PRIORITIES = ("2", "3")


class HelpdeskTicket(models.Model):
    _inherit = "helpdesk.ticket"

    @api.model
    def _get_severe_domain(self):
        """Complaints of high priority that are not solved yet."""
        return (
            Domain("trade_type_id.is_complaint", "=", True)
            & Domain("priority", "in", SEVERE_PRIORITIES)
            & Domain("stage_id.closed", "=", False)
            & Domain("company_id", "in", [*self.env.companies.ids, False])
        )


class ResPartner(models.Model):
    """Who has a severe complaint that is not solved, for all who deal with the customer.

    It can be searched, so segments and mailings can leave these customers out.
    """

    _inherit = "res.partner"

    trade_severe_complaint = fields.Boolean(
        "Unsolved severe complaint",
        compute="_compute_trade_severe_complaint",
        search="_search_trade_severe_complaint",
        groups=ROLES,
        help="A complaint of high priority is open: think twice before you sell or advertise.",
    )

    @api.depends_context("allowed_company_ids")
    def _compute_trade_severe_complaint(self):
        tickets_sudo = self.env["helpdesk.ticket"].sudo()
        domain = tickets_sudo._get_severe_domain() & Domain(
            "commercial_partner_id", "in", self.commercial_partner_id.ids
        )
        found = {
            customer.id
            for [customer] in tickets_sudo._read_group(domain, ["commercial_partner_id"])
        }
        for partner in self:
            partner.trade_severe_complaint = partner.commercial_partner_id.id in found

    def _search_trade_severe_complaint(self, operator, value):
        if operator != "in":
            return NotImplemented
        tickets_sudo = self.env["helpdesk.ticket"].sudo()
        query = tickets_sudo._search(
            tickets_sudo._get_severe_domain() & Domain("commercial_partner_id", "!=", False)
        )
        customers = query.subselect("commercial_partner_id")
        wanted = Domain("commercial_partner_id", "in", customers)
        return Domain.OR(
            wanted if one else Domain("commercial_partner_id", "not in", customers) for one in value
        )


class TradeCustomerProfile(models.Model):
    """Lost, or only waiting for an answer: the value matrix says which."""

    _inherit = "trade.customer.profile"

    @api.model
    @api.readonly
    def get_value_matrix(self):
        matrix = super().get_value_matrix()
        counts = self._read_matrix_complaints()
        for quadrant in matrix["quadrants"]:
            key = quadrant["key"]
            quadrant["complaints"] = sum(
                count for (own, _segment), count in counts.items() if own == key
            )
            for segment in quadrant["segments"]:
                segment["complaints"] = counts.get((key, segment["key"]), 0)
        return matrix

    @api.model
    def _read_matrix_complaints(self):
        """``{(quadrant, segment): customers with an unsolved severe complaint}``"""
        rows = self._read_group(
            Domain("company_id", "=", self.env.company.id)
            & Domain("matrix_quadrant", "!=", False)
            & Domain("partner_id.trade_severe_complaint", "=", True),
            ["matrix_quadrant", "matrix_segment"],
            ["__count"],
        )
        return {(quadrant, segment): count for quadrant, segment, count in rows}

    @api.model
    def action_view_matrix_complaints(self, quadrant, segment=False):
        """Open the customers of a part of the matrix who have an unsolved severe complaint."""
        action = self.action_view_matrix_partners(quadrant, segment)
        domain = Domain(action["domain"]) & Domain("trade_severe_complaint", "=", True)
        return action | {"domain": list(domain)}
