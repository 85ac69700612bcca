from odoo import http
from odoo.exceptions import AccessError, MissingError
from odoo.http import request

from odoo.addons.helpdesk_mgmt.controllers.main import HelpdeskTicketController
from odoo.addons.helpdesk_mgmt.controllers.myaccount import CustomerPortalHelpdesk

from ..analytics import uploads

# See ticket_form.py.
MAX_BYTES = 2 * uploads.MAX_FILES * uploads.MAX_BYTES


class TicketPortal(CustomerPortalHelpdesk):
    """The timeline of a ticket."""

    def _ticket_get_page_view_values(self, ticket, access_token, **kwargs):
        values = super()._ticket_get_page_view_values(ticket, access_token, **kwargs)
        return values | {"steps": ticket._get_portal_steps()}


class TicketController(HelpdeskTicketController):
    """The form of the portal, with types and with limits for files."""

    @http.route(max_content_length=MAX_BYTES)
    def submit_ticket(self, **kw):
        files, wrong = request.env["trade.ticket.upload"]._read(
            request.httprequest.files.getlist("attachment")
        )
        if not wrong and not (kw.get("subject") or "").strip():
            wrong = request.env._("Please say in a few words what it is about.")
        if wrong:
            values = self._get_create_new_ticket_values(**kw)
            return request.render(
                "helpdesk_mgmt.portal_create_ticket", values | {"wrong": wrong, "typed": kw}
            )
        values = self._prepare_submit_ticket_vals(**kw)
        ticket_sudo = request.env["helpdesk.ticket"].sudo().create(values)
        ticket_sudo.message_subscribe(partner_ids=request.env.user.partner_id.ids)
        request.env["trade.ticket.upload"]._attach(ticket_sudo, files)
        return request.redirect(f"/my/ticket/{ticket_sudo.id}")

    @http.route()
    def support_ticket_close(self, **kw):
        """helpdesk_mgmt lets everybody with a login close the tickets of everybody."""
        try:
            ticket = request.env["helpdesk.ticket"].browse(int(kw.get("ticket_id") or 0)).exists()
            ticket.ensure_one().check_access("read")
        except (AccessError, MissingError, ValueError):
            return request.redirect("/my")
        return super().support_ticket_close(**kw)

    def _get_create_new_ticket_values(self, **kw):
        types = request.env["trade.ticket.type"].sudo().search([("show_on_form", "=", True)])
        return super()._get_create_new_ticket_values(**kw) | {
            "types": types,
            "typed": kw,
            "wrong": None,
            "accepted": uploads.get_list(),
            "max_files": uploads.MAX_FILES,
            "max_megabytes": uploads.MAX_MEGABYTES,
        }

    def _prepare_submit_ticket_vals(self, **kw):
        values = super()._prepare_submit_ticket_vals(**kw)
        types = request.env["trade.ticket.type"].sudo().search([("show_on_form", "=", True)])
        kind = types.filtered(lambda one: str(one.id) == kw.get("type"))
        return values | {"trade_type_id": kind.id, "name": (kw.get("subject") or "").strip()}
