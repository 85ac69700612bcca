from odoo import models


class HelpdeskTicket(models.Model):
    _name = "helpdesk.ticket"
    _inherit = ["helpdesk.ticket", "trade.territory.mixin"]

    # A ticket of nobody we know: everybody who answers tickets may find out who wrote it.
    _territory_optional = True
