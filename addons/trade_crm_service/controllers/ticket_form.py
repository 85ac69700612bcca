from werkzeug.exceptions import NotFound

from odoo import http
from odoo.http import request

from odoo.addons.trade_crm.controllers.public_form import PublicForm
from odoo.addons.trade_crm.models.trade_lead_channel_form import TRAP

from ..analytics import uploads
from ..models.helpdesk_ticket_form import LENGTHS

# More than the files that are accepted, so that a person who sends too much is told so by a sentence;
# whatever is larger is refused before it is read.
MAX_BYTES = 2 * uploads.MAX_FILES * uploads.MAX_BYTES


class TicketFormController(PublicForm, http.Controller):
    """The web forms of the teams, for customers without a login."""

    @http.route(
        "/service/<string:token>",
        type="http",
        auth="public",
        methods=["GET", "POST"],
        max_content_length=MAX_BYTES,
        sitemap=False,
    )
    def ticket_form(self, token, **params):
        return self._answer(self._get_team(token), params)

    @http.route(
        "/service/<string:token>/thanks", type="http", auth="public", methods=["GET"], sitemap=False
    )
    def ticket_thanks(self, token, **_params):
        return self._render("trade_crm_service.ticket_form_thanks", self._get_team(token))

    # ------------------------------------------------------------------
    # Receive
    # ------------------------------------------------------------------

    def _read_files(self, form_sudo):
        uploaded = request.httprequest.files.getlist("files")
        return form_sudo.env["trade.ticket.upload"]._read(uploaded)

    def _create(self, form_sudo, typed, files):
        form_sudo._create_form_ticket(typed, files)

    def _get_thanks_path(self, form_sudo):
        return f"/service/{form_sudo.trade_form_token}/thanks"

    def _get_full_note(self):
        return request.env._(
            "There are too many requests at the moment. Please try again in an hour, or call us."
        )

    # ------------------------------------------------------------------
    # Show
    # ------------------------------------------------------------------

    def _show(self, form_sudo, typed=None, errors=None, note=None, signature=None):
        return self._render(
            "trade_crm_service.ticket_form",
            form_sudo,
            typed=typed or form_sudo._read_form({}),
            errors=errors or {},
            note=note,
            signature=signature or form_sudo._sign_form(),
            trap=TRAP,
            lengths=LENGTHS,
            types=form_sudo._get_form_types(),
            accepted=uploads.get_list(),
            max_files=uploads.MAX_FILES,
            max_megabytes=uploads.MAX_MEGABYTES,
        )

    def _render(self, template, team_sudo, **values):
        return self._render_page(template, team_sudo.company_id or team_sudo.env.company, **values)

    def _get_team(self, token):
        """The team of the link, in the language of the visitor."""
        self._use_language()
        teams = request.env["helpdesk.ticket.team"]
        # No text of PostgreSQL holds a NUL.
        team_sudo = "\0" not in token and teams._find_by_form_token(token)
        if not team_sudo:
            raise NotFound()
        return team_sudo
