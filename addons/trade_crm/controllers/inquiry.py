from werkzeug.exceptions import NotFound

from odoo import http
from odoo.http import request

from ..models.trade_lead_channel_form import LENGTHS, TRAP
from .public_form import PublicForm

# Ten times what the longest inquiry in Chinese takes, and nothing that could tie up a worker.
MAX_BYTES = 512 * 1024


class InquiryController(PublicForm, http.Controller):
    """The public web forms of the capture channels."""

    _link_parameters = ("lang", "utm_source", "utm_medium", "utm_campaign")

    @http.route(
        "/inquiry/<string:token>",
        type="http",
        auth="public",
        methods=["GET", "POST"],
        max_content_length=MAX_BYTES,
        sitemap=False,
    )
    def inquiry(self, token, **params):
        return self._answer(self._get_channel(token), params)

    @http.route(
        "/inquiry/<string:token>/thanks", type="http", auth="public", methods=["GET"], sitemap=False
    )
    def thanks(self, token, **_params):
        return self._render("trade_crm.inquiry_thanks", self._get_channel(token))

    # ------------------------------------------------------------------
    # Receive
    # ------------------------------------------------------------------

    def _create(self, form_sudo, typed, files):
        form_sudo._create_form_lead(typed, request.httprequest.args)

    def _get_thanks_path(self, form_sudo):
        return f"/inquiry/{form_sudo.access_token}/thanks"

    def _get_full_note(self):
        return request.env._(
            "There are too many inquiries at the moment. Please try again in an hour, or call us."
        )

    # ------------------------------------------------------------------
    # Show
    # ------------------------------------------------------------------

    def _show(self, form_sudo, typed=None, errors=None, note=None, signature=None):
        return self._render(
            "trade_crm.inquiry_form",
            form_sudo,
            typed=typed or form_sudo._read_form({}),
            errors=errors or {},
            note=note,
            signature=signature or form_sudo._sign_form(),
            trap=TRAP,
            lengths=LENGTHS,
            types=form_sudo._get_asked_types(),
            consent_text=form_sudo._get_consent_text(),
        )

    def _render(self, template, channel_sudo, **values):
        company = channel_sudo.company_id or channel_sudo.env.company
        return self._render_page(template, company, channel=channel_sudo, **values)

    def _get_channel(self, token):
        """The channel of the link, in the language of the visitor."""
        self._use_language()
        channels = request.env["trade.lead.channel"]
        # No text of PostgreSQL holds a NUL.
        channel_sudo = "\0" not in token and channels._find_by_token(token)
        if not channel_sudo:
            raise NotFound()
        return channel_sudo
