from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import is_html_empty

STATES = [
    ("collected", "Collected"),
    ("planned", "Planned"),
    ("done", "Done"),
    ("declined", "Declined"),
]


class TradeSuggestion(models.Model):
    """What several customers suggest: counted, decided and answered once for all of them."""

    _name = "trade.suggestion"
    _description = "Suggestion"
    _order = "state, name, id"

    name = fields.Char(required=True)
    active = fields.Boolean(default=True)
    state = fields.Selection(STATES, required=True, default="collected", index=True)
    user_id = fields.Many2one(
        "res.users", "Responsible", default=lambda self: self.env.user, ondelete="set null"
    )
    company_id = fields.Many2one("res.company", default=lambda self: self.env.company)
    answer = fields.Html(help="Sent to everybody who suggested it, each in the own ticket.")
    ticket_count = fields.Integer("Tickets", compute="_compute_counts")
    customer_count = fields.Integer("Customers", compute="_compute_counts")
    open_count = fields.Integer("Not answered", compute="_compute_counts")

    @api.depends_context("uid")
    def _compute_counts(self):
        tickets = self.env["helpdesk.ticket"]
        domain = [("trade_suggestion_id", "in", self.ids)]
        rows = tickets._read_group(
            domain, ["trade_suggestion_id"], ["__count", "commercial_partner_id:count_distinct"]
        )
        counts = {suggestion: numbers for suggestion, *numbers in rows}
        waiting = dict(
            tickets._read_group(
                [*domain, ("stage_id.closed", "=", False)], ["trade_suggestion_id"], ["__count"]
            )
        )
        for suggestion in self:
            origin = suggestion._origin
            suggestion.ticket_count, suggestion.customer_count = counts.get(origin, (0, 0))
            suggestion.open_count = waiting.get(origin, 0)

    def action_open_tickets(self):
        self.ensure_one()
        domain = [("trade_suggestion_id", "=", self.id)]
        return self.env["helpdesk.ticket"]._get_list_action(self.name, domain)

    def action_answer(self):
        """Send the answer to those whom nobody has answered, and solve their tickets."""
        self.ensure_one()
        if self.state == "collected" or is_html_empty(self.answer):
            raise UserError(
                self.env._("Decide what becomes of it, and write the answer, before it is sent.")
            )
        tickets = self.env["helpdesk.ticket"].search(
            [("trade_suggestion_id", "=", self.id), ("stage_id.closed", "=", False)]
        )
        if not tickets:
            raise UserError(self.env._("Everybody who suggested it is answered."))
        tickets._answer_all(self.answer, tickets)
        for team, own in tickets.grouped("team_id").items():
            stages = team._get_applicable_stages()
            solved = stages.filtered(lambda stage: stage.closed and stage.trade_kind == "solved")
            if solved:
                own.stage_id = solved[0]


class HelpdeskTicket(models.Model):
    _inherit = "helpdesk.ticket"

    trade_is_suggestion = fields.Boolean(
        related="trade_type_id.is_suggestion", groups="base.group_user"
    )
    trade_suggestion_id = fields.Many2one(
        "trade.suggestion",
        "Suggests",
        copy=False,
        index="btree_not_null",
        ondelete="restrict",
        tracking=True,
        groups="base.group_user",
    )


class TradeSurveyInvitation(models.Model):
    _inherit = "trade.survey.invitation"

    def action_suggest(self):
        """A ticket of what somebody suggested in an answer."""
        self.ensure_one()
        kind = self.env["trade.ticket.type"].search([("is_suggestion", "=", True)], limit=1)
        return self.env["helpdesk.ticket"]._get_new_action(
            {
                "default_name": (self.comment or "").split("\n")[0][:80],
                "default_description": self.comment,
                "default_partner_id": self.partner_id.id,
                "default_partner_name": self.partner_name,
                "default_partner_email": self.email,
                "default_company_id": self.company_id.id,
                "default_trade_type_id": kind.id,
            }
        )
