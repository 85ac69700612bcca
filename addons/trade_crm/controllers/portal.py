from odoo import http
from odoo.exceptions import AccessError, MissingError
from odoo.http import request

from odoo.addons.sale.controllers.portal import CustomerPortal


class GatePortal(CustomerPortal):
    """What a customer is told about an order that cannot be confirmed at the moment."""

    @http.route()
    def portal_quote_accept(self, order_id, access_token=None, name=None, signature=None):
        answer = super().portal_quote_accept(
            order_id, access_token=access_token, name=name, signature=signature
        )
        if "error" in answer and (text := self._get_gate_text(order_id, access_token)):
            answer["error"] = text
        return answer

    @http.route()
    def portal_quote_decline(self, order_id, access_token=None, decline_message=None, **kwargs):
        # An order that cannot be signed now can still be declined.
        request.update_context(trade_gate_declining=True)
        return super().portal_quote_decline(
            order_id, access_token=access_token, decline_message=decline_message, **kwargs
        )

    def _get_gate_text(self, order_id, access_token):
        token = access_token or request.httprequest.args.get("access_token")
        try:
            order_sudo = self._document_check_access("sale.order", order_id, access_token=token)
        except (AccessError, MissingError):
            return ""
        return order_sudo._get_gate_public_text()
