from odoo import SUPERUSER_ID, api


def migrate(cr, version):
    """Every company has levels of reminders; nobody is reminded until Settings say so."""
    env = api.Environment(cr, SUPERUSER_ID, {})
    env["trade.reminder.level"]._create_default(env["res.company"].search([]))
