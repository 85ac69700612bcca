from odoo import api, fields, models


class HelpdeskTicket(models.Model):
    """Who gets a ticket."""

    _inherit = "helpdesk.ticket"

    trade_route_reason = fields.Char(
        "Why this owner", compute="_compute_trade_route_reason", groups="base.group_user"
    )

    @api.depends("user_id")
    @api.depends_context("lang")
    def _compute_trade_route_reason(self):
        # The newest row of each ticket, by one query.
        logs = self.env["trade.ticket.log"].sudo()
        rows = logs._read_group(
            [("ticket_id", "in", self.ids), ("kind", "in", ("route", "hand_over"))],
            ["ticket_id"],
            ["id:max"],
        )
        newest = {ticket.id: logs.browse(log) for ticket, log in rows}
        for ticket in self:
            log = newest.get(ticket.id, logs)
            ticket.trade_route_reason = log.kind == "route" and log.reason

    @api.model
    def default_get(self, fields_list):
        """Where tickets are routed, nobody gets one by opening it; and never a program or a rep."""
        defaults = super().default_get(fields_list)
        user = self.env["res.users"].browse(defaults.get("user_id"))
        if user and (not self._works_on_tickets(user) or self._is_routed()):
            del defaults["user_id"]
        return defaults

    @api.model
    def _works_on_tickets(self, user):
        return user.active and user.has_group("helpdesk_mgmt.group_helpdesk_user_own")

    @api.model
    def _is_routed(self):
        """Whether tickets of this company go by rules."""
        routes = self.env["trade.ticket.route"].sudo()
        return bool(routes.search([("company_id", "in", (False, self.env.company.id))], limit=1))

    def _route_unowned(self):
        """Give each open ticket without an owner one; called as superuser."""
        unowned = self.filtered(lambda ticket: not ticket.user_id and not ticket.stage_id.closed)
        if not unowned:
            return
        decisions = self.env["trade.ticket.route"]._decide(unowned)
        silent = unowned.with_context(trade_unfollowed=True)
        groups = {}
        for ticket, decision in decisions.items():
            if decision.user_id:
                groups.setdefault(decision[:2], self.browse())
                groups[decision[:2]] |= ticket
        for (team_id, user_id), tickets in groups.items():
            values = {"user_id": user_id}
            if team_id:
                values["team_id"] = team_id
            (silent & tickets).write(values)
        self._log_routes(decisions)

    def _log_routes(self, decisions):
        routed = self.env["trade.ticket.route"].sudo().search([], limit=1)
        # Where nothing is set up for routing, there is nothing to explain.
        told = [ticket for ticket, decision in decisions.items() if decision.user_id or routed]
        self.env["trade.ticket.log"]._log(
            self.browse([ticket.id for ticket in told]),
            "route",
            by_user=False,
            per_ticket={
                ticket.id: {
                    "cause": decisions[ticket].cause,
                    "details": decisions[ticket].details,
                    "owner_id": decisions[ticket].user_id,
                }
                for ticket in told
            },
        )

    def _follow_owner(self, changed, before):
        """A ticket that loses its owner gets another one; a handover is noted."""
        self.filtered(lambda ticket: changed[ticket] & {"user_id", "team_id"})._route_unowned()
        handed = self.filtered(
            lambda ticket: "user_id" in changed[ticket] and before[ticket.id]["user_id"]
        )
        self.env["trade.ticket.log"]._log(
            handed.filtered("user_id"),
            "hand_over",
            per_ticket={
                ticket.id: {"from_owner_id": before[ticket.id]["user_id"].id} for ticket in handed
            },
        )
