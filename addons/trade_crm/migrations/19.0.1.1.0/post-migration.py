from odoo import SUPERUSER_ID, api


def migrate(cr, version):
    """Profiles got value, lifecycle and order ladder; companies get a measure for each status."""
    env = api.Environment(cr, SUPERUSER_ID, {})
    companies = env["res.company"].search([])
    env["trade.lifecycle.measure"]._create_default(companies)
    companies._request_trade_rebuild()
