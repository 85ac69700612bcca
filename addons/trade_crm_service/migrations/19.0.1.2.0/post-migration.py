from odoo import SUPERUSER_ID, api

from odoo.addons.trade_crm_service.hooks import post_init_hook


def migrate(cr, version):
    """What a new installation gets: kinds of stages, fields of types, the mail of Done.

    Tickets of before have no deadlines: all of them would be late at once.
    """
    post_init_hook(api.Environment(cr, SUPERUSER_ID, {}))
