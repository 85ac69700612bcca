from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import html2plaintext

from ..analytics.similar import compare, get_pairs

# The newest solved tickets that are looked at, and how many of them are offered.
LOOKED_AT, OFFERED = 300, 5
# What it counts that the product and the type are the same, beside a text that is the same word for
# word, which counts 1; below the last one, a ticket is not alike.
SAME_PRODUCT, SAME_TYPE, LEAST = 0.5, 0.25, 0.4
TEXT_LENGTH = 500


class TradeTicketSolutionKind(models.Model):
    _name = "trade.ticket.solution.kind"
    _description = "Kind of Solution"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)


class HelpdeskTicket(models.Model):
    """How a ticket was solved, and how ones like it were.

    Offered to agents only, as far as they may see the tickets, and without the customer. Nothing of it
    reaches the customer unless an agent writes it.
    """

    _inherit = "helpdesk.ticket"

    trade_solution_kind_id = fields.Many2one(
        "trade.ticket.solution.kind",
        "Kind of solution",
        copy=False,
        ondelete="restrict",
        groups="base.group_user",
    )
    trade_solution = fields.Text(
        "Solution",
        copy=False,
        groups="base.group_user",
        help="Offered to colleagues on similar tickets. Leave names and addresses out.",
    )
    trade_similar_ids = fields.Many2many(
        "helpdesk.ticket",
        string="Similar tickets",
        compute="_compute_trade_similar_ids",
        groups="base.group_user",
    )

    # Recent solutions of a product or of a type.
    _trade_solution_idx = models.Index("(id DESC) WHERE trade_solution IS NOT NULL")

    @api.depends("trade_product_id", "trade_type_id", "name")
    @api.depends_context("uid")
    def _compute_trade_similar_ids(self):
        for ticket in self:
            ticket.trade_similar_ids = ticket._find_similar()

    def _find_similar(self):
        """The most similar ones with a solution, of those that the user may see."""
        product, kind = self.trade_product_id, self.trade_type_id
        shared = Domain.OR(
            [Domain(name, "=", record.id) for name, record in
             (("trade_product_id", product), ("trade_type_id", kind)) if record]
        )  # fmt: skip
        candidates = self.search_fetch(
            shared & Domain("trade_solution", "!=", False) & Domain("id", "!=", self._origin.id),
            ["name", "description", "trade_product_id", "trade_type_id", "trade_solution"],
            order="id desc",
            limit=LOOKED_AT,
        )
        own = get_pairs(self._get_similar_text())
        scores = {}
        for other in candidates:
            score = compare(own, get_pairs(other._get_similar_text()))
            score += SAME_PRODUCT if product and other.trade_product_id == product else 0
            score += SAME_TYPE if kind and other.trade_type_id == kind else 0
            scores[other] = score
        best = sorted(scores, key=lambda other: (-scores[other], -other.id))
        return self.browse([other.id for other in best if scores[other] >= LEAST][:OFFERED])

    def _get_similar_text(self):
        return f"{self.name or ''} {html2plaintext(self.description or '')[:TEXT_LENGTH]}"

    def action_take_solution(self):
        """Copy the solution of this ticket to the one that it was offered on."""
        self.ensure_one()
        ticket = self.browse(self.env.context.get("trade_ticket_id") or 0).exists()
        if ticket:
            ticket.write(
                {
                    "trade_solution": self.trade_solution,
                    "trade_solution_kind_id": self.trade_solution_kind_id.id,
                }
            )
        return True
