import logging
from urllib.parse import urlencode

from werkzeug.exceptions import NotFound

from odoo import http
from odoo.http import request

from odoo.addons.trade_crm.models.trade_lead_channel_form import MAX_HOURS, MIN_SECONDS, TRAP

from ..analytics import uploads
from ..models.helpdesk_ticket_form import LENGTHS

_logger = logging.getLogger(__name__)

# More than the files that are accepted, so that a person who sends too much is told so by a sentence;
# whatever is larger is refused before it is read.
MAX_BYTES = 2 * uploads.MAX_FILES * uploads.MAX_BYTES


class TicketFormController(http.Controller):
    """The web forms of the teams, for customers without a login. They need neither website nor scripts."""

    @http.route(
        "/service/<string:token>",
        type="http",
        auth="public",
        methods=["GET", "POST"],
        max_content_length=MAX_BYTES,
        sitemap=False,
    )
    def ticket_form(self, token, **params):
        team_sudo = self._get_team(token)
        if request.httprequest.method == "POST":
            texts = {name: text for name, text in params.items() if isinstance(text, str)}
            return self._receive(team_sudo, texts)
        return self._show(team_sudo)

    @http.route(
        "/service/<string:token>/thanks", type="http", auth="public", methods=["GET"], sitemap=False
    )
    def ticket_thanks(self, token, **_params):
        return self._render("trade_crm_service.ticket_form_thanks", self._get_team(token))

    # ------------------------------------------------------------------
    # Receive
    # ------------------------------------------------------------------

    def _receive(self, team_sudo, params):
        if params.get(TRAP):
            _logger.info("A ticket was filled in by a program and is ignored.")
            return self._thank(team_sudo)
        typed = team_sudo._read_form(params)
        signature = params.get("signature")
        signed = team_sudo._read_signature(signature)
        if not signed or signed[1] > MAX_HOURS * 3600:
            note = request.env._("The form was open for too long. Please send it once more.")
            # Nobody has to wait who filled in the form already.
            signature = team_sudo._sign_form(seconds_ago=MIN_SECONDS)
            return self._show(team_sudo, typed, note=note, signature=signature)
        nonce, seconds = signed
        errors = team_sudo._check_form(typed)
        uploaded = request.httprequest.files.getlist("files")
        files, wrong = team_sudo.env["trade.ticket.upload"]._read(uploaded)
        if wrong:
            errors["files"] = wrong
        if errors:
            return self._show(team_sudo, typed, errors, signature=signature)
        if seconds < MIN_SECONDS:
            note = request.env._(
                "That was very quick. Please check your entries and send them again."
            )
            return self._show(team_sudo, typed, note=note, signature=signature)
        return self._accept(team_sudo, typed, files, nonce, signature)

    def _accept(self, team_sudo, typed, files, nonce, signature):
        inquiries_sudo = team_sudo.env["trade.lead.inquiry"]
        if inquiries_sudo._was_sent(nonce):
            return self._thank(team_sudo)
        if not inquiries_sudo._is_allowed(team_sudo, request.httprequest.remote_addr):
            note = request.env._(
                "There are too many requests at the moment. Please try again in an hour, or call us."
            )
            response = self._show(team_sudo, typed, note=note, signature=signature)
            response.status_code = 429
            return response
        if inquiries_sudo._is_first(nonce):
            team_sudo._create_form_ticket(typed, files)
        return self._thank(team_sudo)

    def _thank(self, team_sudo):
        """The same answer whatever became of it; reloading it sends nothing again."""
        return request.redirect_query(
            f"/service/{team_sudo.trade_form_token}/thanks", self._get_link_parameters(), code=303
        )

    # ------------------------------------------------------------------
    # Show
    # ------------------------------------------------------------------

    def _show(self, team_sudo, typed=None, errors=None, note=None, signature=None):
        return self._render(
            "trade_crm_service.ticket_form",
            team_sudo,
            typed=typed or team_sudo._read_form({}),
            errors=errors or {},
            note=note,
            signature=signature or team_sudo._sign_form(),
            trap=TRAP,
            lengths=LENGTHS,
            types=team_sudo._get_form_types(),
            accepted=uploads.get_list(),
            max_files=uploads.MAX_FILES,
            max_megabytes=uploads.MAX_MEGABYTES,
        )

    def _render(self, template, team_sudo, **values):
        languages = request.env["res.lang"]._get_active_by("code")
        response = request.render(
            template,
            {
                "company": team_sudo.company_id or team_sudo.env.company,
                "lang_code": request.env.lang.replace("_", "-"),
                "languages": [
                    (lang.name.split("/")[-1].strip(), self._get_link(lang=code))
                    for code, lang in languages.items()
                    if code != request.env.lang
                ],
                "link": self._get_link(),
                **values,
            },
        )
        # What was typed is of nobody else, and a form is good for one ticket.
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Robots-Tag"] = "noindex"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    def _get_team(self, token):
        """The team of the link, in the language of the visitor."""
        wanted = request.httprequest.args.get("lang")
        lang = wanted and request.env["ir.http"].get_nearest_lang(wanted.replace("-", "_"))
        if lang:
            request.update_context(lang=lang)
        teams = request.env["helpdesk.ticket.team"]
        # No text of PostgreSQL holds a NUL.
        team_sudo = "\0" not in token and teams._find_by_form_token(token)
        if not team_sudo:
            raise NotFound()
        return team_sudo

    def _get_link_parameters(self, **changed):
        given = request.httprequest.args
        return ({"lang": given["lang"]} if given.get("lang") else {}) | changed

    def _get_link(self, **changed):
        """The page itself, with what its link said."""
        parameters = self._get_link_parameters(**changed)
        return request.httprequest.path + ("?" + urlencode(parameters) if parameters else "")
