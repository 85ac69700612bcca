"""Models of a client, which one test loads. Never import this elsewhere."""

from odoo import fields, models


class ClientVisit(models.Model):
    _name = "client.visit"
    _description = "Visit of a client's own addon"
    _inherit = ["trade.territory.mixin"]

    name = fields.Char()
    partner_id = fields.Many2one("res.partner")
    user_id = fields.Many2one("res.users")


class ClientVisitLine(models.Model):
    _name = "client.visit.line"
    _description = "Line of a visit"
    _inherit = ["trade.territory.path.mixin"]
    _territory_path = "visit_id"

    visit_id = fields.Many2one("client.visit", required=True)
    note = fields.Char()
