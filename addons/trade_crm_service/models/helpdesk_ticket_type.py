from odoo import api, fields, models
from odoo.exceptions import UserError


class HelpdeskTicket(models.Model):
    """What a ticket is about, and what has to be proved."""

    _inherit = "helpdesk.ticket"

    trade_type_id = fields.Many2one(
        "trade.ticket.type", "Type", index=True, tracking=True, ondelete="restrict"
    )
    trade_properties = fields.Properties(
        "Fields of the type",
        definition="trade_type_id.ticket_properties",
        copy=True,
        groups="base.group_user",
    )
    trade_missing_proof = fields.Char(
        "Still needed", compute="_compute_trade_missing_proof", groups="base.group_user"
    )

    @api.depends(
        "trade_type_id", "trade_lot_id", "trade_order_id", "trade_picking_id", "attachment_ids",
        "stage_id",
    )  # fmt: skip
    @api.depends_context("lang")
    def _compute_trade_missing_proof(self):
        missing = self._get_missing_proof()
        for ticket in self:
            needed = [] if ticket.stage_id.closed else missing.get(ticket, [])
            ticket.trade_missing_proof = ", ".join(needed)

    def _get_missing_proof(self):
        """``{ticket: list of what its type asks for and is not there}``"""
        photos = self._get_tickets_with_photo()
        missing = {}
        for ticket in self:
            kind = ticket.trade_type_id
            asked = (
                (kind.proof_photo and ticket.id not in photos, self.env._("a photo")),
                (kind.proof_lot and not ticket.trade_lot_id, self.env._("the lot")),
                (
                    kind.proof_order and not (ticket.trade_order_id or ticket.trade_picking_id),
                    self.env._("the order or the delivery"),
                ),
            )
            if needed := [name for lacks, name in asked if lacks]:
                missing[ticket] = needed
        return missing

    def _get_tickets_with_photo(self):
        """Ids of those with a picture that a person attached."""
        asked = self.filtered(lambda ticket: ticket.trade_type_id.proof_photo)
        if not asked.ids:
            return set()
        rows = (
            self.env["ir.attachment"]
            .sudo()
            ._read_group(
                [
                    ("res_model", "=", self._name),
                    ("res_id", "in", asked.ids),
                    ("mimetype", "=like", "image/%"),
                ],
                ["res_id"],
            )
        )
        return {res_id for [res_id] in rows}

    def _check_proof_for(self, stage_id):
        """Refuse to go on to a stage without what the type of the ticket asks for.

        A customer who closes a ticket, and a ticket that is dropped, need no proof.
        """
        stage = self.env["helpdesk.ticket.stage"].browse(stage_id or 0)
        if not stage_id or self.env.user.share:
            return
        reached = {"solved": {"work", "solve"}, "work": {"work"}}.get(stage.trade_kind, set())
        if stage.unattended or not reached:
            return
        moving = self.filtered(
            lambda ticket: ticket.stage_id != stage and ticket.trade_type_id.proof_moment in reached
        )
        for ticket, needed in moving._get_missing_proof().items():
            raise UserError(
                self.env._(
                    "%(ticket)s: a ticket of the type “%(type)s” needs %(needed)s before it goes to"
                    " “%(stage)s”. Ask the customer for it, or choose another type.",
                    ticket=ticket.display_name,
                    type=ticket.trade_type_id.name,
                    needed=", ".join(needed),
                    stage=stage.name,
                )
            )
