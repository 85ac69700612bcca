from odoo import api, fields, models
from odoo.exceptions import UserError


class TradeTicketMerge(models.TransientModel):
    """Make one ticket of several."""

    _name = "trade.ticket.merge"
    _description = "Merge Tickets"

    ticket_ids = fields.Many2many("helpdesk.ticket", string="Tickets", required=True)
    target_id = fields.Many2one(
        "helpdesk.ticket",
        "Merge into",
        required=True,
        domain="[('id', 'in', ticket_ids)]",
        help="Takes messages, files and followers of the others over, which are archived.",
    )

    @api.model
    def default_get(self, fields_list):
        """The oldest ticket is the one that is left."""
        defaults = super().default_get(fields_list)
        tickets = self.env["helpdesk.ticket"].browse(self.env.context.get("active_ids", []))
        if len(tickets) < 2:
            raise UserError(self.env._("Choose at least two tickets in the list."))
        return defaults | {
            "ticket_ids": [fields.Command.set(tickets.ids)],
            "target_id": tickets.sorted("id")[:1].id,
        }

    def action_merge(self):
        self.ensure_one()
        if len(self.ticket_ids) < 2:
            raise UserError(self.env._("Choose at least two tickets in the list."))
        (self.ticket_ids - self.target_id)._merge_into(self.target_id)
        return self.target_id.get_formview_action()
