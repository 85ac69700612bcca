from odoo import api, fields, models
from odoo.exceptions import UserError

MOMENTS = [
    ("work", "Before work on it starts"),
    ("solve", "Before it is solved"),
]


class TradeTicketType(models.Model):
    """What a ticket is about: its own fields, what has to be proved, and what the customer is told."""

    _name = "trade.ticket.type"
    _description = "Ticket Type"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    color = fields.Integer()
    ticket_properties = fields.PropertiesDefinition("Fields of its tickets")
    show_on_form = fields.Boolean(
        "On web forms", default=True, help="Customers can choose it on the web form and the portal."
    )

    proof_photo = fields.Boolean("Needs a photo")
    proof_lot = fields.Boolean("Needs a lot", help="The lot of the goods that it is about.")
    proof_order = fields.Boolean("Needs an order", help="The order or the delivery.")
    proof_moment = fields.Selection(MOMENTS, "Needed", required=True, default="work")

    tell_received = fields.Boolean("Received", default=True)
    tell_assigned = fields.Boolean("Assigned", default=True)
    tell_progress = fields.Boolean("Progress", default=True)
    tell_solved = fields.Boolean("Solved", default=True)

    is_complaint = fields.Boolean(
        "Is a complaint",
        help="While one of high priority is open, its customer is marked everywhere.",
    )
    is_suggestion = fields.Boolean(
        "Is a suggestion", help="Its tickets are sorted by what is suggested, and counted."
    )
    ask_survey = fields.Boolean(
        "Ask for feedback", default=True, help="Customers are surveyed after tickets of this type."
    )

    _name_unique = models.UniqueIndex("((name->>'en_US'))", "There is a ticket type of this name.")

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        tickets = self.env["helpdesk.ticket"].sudo().with_context(active_test=False)
        used = tickets.search([("trade_type_id", "in", self.ids)], limit=1).trade_type_id
        if used:
            raise UserError(
                self.env._(
                    "There are tickets of the type “%(name)s”. Archive the type instead.",
                    name=used.name,
                )
            )

    # ------------------------------------------------------------------
    # Set-up
    # ------------------------------------------------------------------

    @api.model
    def _set_up_properties(self):
        """Give the standard types their fields; labels of properties have one language only.

        What a manager has changed stays.
        """
        for xmlid, definition in self._get_standard_properties().items():
            kind = self.env.ref(f"trade_crm_service.{xmlid}", raise_if_not_found=False)
            if kind and not kind.ticket_properties:
                kind.ticket_properties = definition

    @api.model
    def _get_standard_properties(self):
        """``{name of the type's record: definition of its fields}``"""
        return {
            "trade_ticket_type_quality": [
                self._make_property("defect", "char", self.env._("What is wrong")),
                self._make_property("quantity", "float", self.env._("Affected quantity")),
                self._make_property("opened", "boolean", self.env._("Package was opened")),
            ],
            "trade_ticket_type_delay": [
                self._make_property("promised", "date", self.env._("Promised for")),
                self._make_property("tracking", "char", self.env._("Tracking number")),
            ],
            "trade_ticket_type_wrong": [
                self._make_property("expected", "char", self.env._("What was ordered")),
                self._make_property("received", "char", self.env._("What has come")),
                self._make_property("missing", "float", self.env._("Missing quantity")),
            ],
            "trade_ticket_type_return": [
                self._make_property("quantity", "float", self.env._("Quantity to return")),
                self._make_property("unopened", "boolean", self.env._("In original package")),
            ],
            "trade_ticket_type_invoice": [
                self._make_property("invoice", "char", self.env._("Invoice number")),
            ],
            "trade_ticket_type_price": [
                self._make_property("quoted", "float", self.env._("Price that was quoted")),
            ],
        }

    @api.model
    def _make_property(self, name, kind, label):
        return {"name": name, "type": kind, "string": label}
