from odoo.http import request
from odoo.service.server import thread_local

from odoo.addons.web.controllers import json


class WebJsonController(json.WebJsonController):
    def _get_action(self, subpath):
        """The pages of /json/1 hand out what a screen shows: for Odoo, too, that is an export."""
        action, context, eval_context, record_id = super()._get_action(subpath)
        model = request.env[action.res_model]
        if model._get_export_partner_field():
            model._check_customer_export()
        # As the other ways to call a model do, see get_client_call().
        thread_local.rpc_model_method = f"{action.res_model}.json"
        return action, context, eval_context, record_id
