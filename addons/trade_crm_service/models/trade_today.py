from odoo import api, models
from odoo.fields import Domain
from odoo.tools import SQL

from .helpdesk_ticket_sla_watch import NOTICES


class TradeToday(models.AbstractModel):
    """Deadlines of tickets that are near or missed."""

    _inherit = "trade.today"

    @api.model
    def _get_kinds(self):
        return {"ticket": (self.env._("SLA at risk"), "fa-life-ring"), **super()._get_kinds()}

    @api.model
    def _get_sources(self, user, today):
        return [*super()._get_sources(user, today), self._get_ticket_source(user)]

    @api.model
    def _get_own_activity_types(self):
        types = [f"trade_crm_service.{xmlid}" for _kind, xmlid in NOTICES.values()]
        return [*super()._get_own_activity_types(), *types]

    @api.model
    def _get_led_users(self):
        """Also who answers tickets in a team that the user leads."""
        teams_sudo = self.env["helpdesk.ticket.team"].sudo()
        led_sudo = teams_sudo.search(
            [
                ("user_id", "=", self.env.uid),
                ("company_id", "in", [self.env.company.id, False]),
            ]
        ).user_ids
        return super()._get_led_users() | led_sudo.filtered("active").with_env(self.env)

    @api.model
    def _get_ticket_source(self, user):
        """Of the owner; the leader of the team and the manager of the territory have what is near or
        missed in theirs."""
        territories = self.env["trade.territory"].sudo().search([("manager_ids", "in", user.ids)])
        concerned = (
            Domain("user_id", "=", user.id)
            | Domain("team_id.user_id", "=", user.id)
            | Domain("territory_id", "child_of", territories.ids)
        )
        domain = (
            Domain("trade_sla_state", "in", ["risk", "late"])
            & Domain("company_id", "in", [self.env.company.id, False])
            & concerned
        )
        return self._select(
            "ticket",
            "helpdesk.ticket",
            domain,
            partner_id=SQL("record.partner_id"),
            money=self._get_ticket_money(),
            # The day it is where the company is.
            due=SQL(
                "(record.trade_sla_deadline AT TIME ZONE 'UTC' AT TIME ZONE %s)::date",
                self.env.company.sudo().trade_tz or "UTC",
            ),
            cause=SQL("record.trade_sla_state || ' ' || record.trade_sla_deadline::text"),
            details=SQL("jsonb_build_object('state', record.trade_sla_state)"),
        )

    @api.model
    def _get_ticket_money(self):
        """What is at stake: the order that the ticket is about, else what the customer usually buys."""
        self.env["sale.order"].flush_model(["amount_untaxed", "currency_rate"])
        self.env["trade.customer.profile"].flush_model(["average_order_value"])
        return SQL(
            "COALESCE("
            "(SELECT sale.amount_untaxed / COALESCE(NULLIF(sale.currency_rate, 0), 1)"
            " FROM sale_order sale WHERE sale.id = record.trade_order_id),"
            " (SELECT profile.average_order_value FROM trade_customer_profile profile"
            " WHERE profile.partner_id = record.commercial_partner_id"
            " AND profile.company_id = record.company_id))::numeric"
        )

    @api.model
    def _explain_ticket(self, ticket, values):
        owner = ticket.user_id.sudo().name or self.env._("nobody")
        if values["state"] == "late":
            reason = self.env._(
                "Was to be answered or solved by %(due)s; owner: %(owner)s",
                due=self._day(values["due"]),
                owner=owner,
            )
        else:
            reason = self.env._(
                "To be answered or solved by %(due)s; owner: %(owner)s",
                due=self._day(values["due"]),
                owner=owner,
            )
        return {
            "title": f"{ticket.number} {ticket.name}",
            "reason": reason,
            "res_model": "helpdesk.ticket",
            "open_id": ticket.id,
        }
