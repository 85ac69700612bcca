import logging
from urllib.parse import urlencode

from werkzeug.exceptions import NotFound

from odoo import http
from odoo.http import request

from ..models.trade_lead_channel_form import LENGTHS, MAX_HOURS, MIN_SECONDS, TRAP

_logger = logging.getLogger(__name__)

# Ten times what the longest inquiry in Chinese takes, and nothing that could tie up a worker.
MAX_BYTES = 512 * 1024
# Parameters of the link that the form hands on to itself.
LINK_PARAMETERS = ("lang", "utm_source", "utm_medium", "utm_campaign")


class InquiryController(http.Controller):
    """The public web forms of the capture channels. They need neither a website nor scripts."""

    @http.route(
        "/inquiry/<string:token>",
        type="http",
        auth="public",
        methods=["GET", "POST"],
        max_content_length=MAX_BYTES,
        sitemap=False,
    )
    def inquiry(self, token, **params):
        channel_sudo = self._get_channel(token)
        if request.httprequest.method == "POST":
            # A program may send a file in place of a text.
            texts = {name: text for name, text in params.items() if isinstance(text, str)}
            return self._receive(channel_sudo, texts)
        return self._show(channel_sudo)

    @http.route(
        "/inquiry/<string:token>/thanks", type="http", auth="public", methods=["GET"], sitemap=False
    )
    def thanks(self, token, **_params):
        return self._render("trade_crm.inquiry_thanks", self._get_channel(token))

    # ------------------------------------------------------------------
    # Receive
    # ------------------------------------------------------------------

    def _receive(self, channel_sudo, params):
        if params.get(TRAP):
            _logger.info("An inquiry was filled in by a program and is ignored.")
            return self._thank(channel_sudo)
        typed = channel_sudo._read_form(params)
        signature = params.get("signature")
        signed = channel_sudo._read_signature(signature)
        if not signed or signed[1] > MAX_HOURS * 3600:
            note = request.env._("The form was open for too long. Please send it once more.")
            # Nobody has to wait who filled in the form already.
            signature = channel_sudo._sign_form(seconds_ago=MIN_SECONDS)
            return self._show(channel_sudo, typed, note=note, signature=signature)
        nonce, seconds = signed
        errors = channel_sudo._check_form(typed)
        if errors:
            return self._show(channel_sudo, typed, errors, signature=signature)
        if seconds < MIN_SECONDS:
            note = request.env._(
                "That was very quick. Please check your entries and send them again."
            )
            return self._show(channel_sudo, typed, note=note, signature=signature)
        return self._accept(channel_sudo, typed, nonce, signature)

    def _accept(self, channel_sudo, typed, nonce, signature):
        inquiries_sudo = channel_sudo.env["trade.lead.inquiry"]
        if inquiries_sudo._was_sent(nonce):
            return self._thank(channel_sudo)
        if not inquiries_sudo._is_allowed(channel_sudo, request.httprequest.remote_addr):
            note = request.env._(
                "There are too many inquiries at the moment. Please try again in an hour, or call us."
            )
            response = self._show(channel_sudo, typed, note=note, signature=signature)
            response.status_code = 429
            return response
        if inquiries_sudo._is_first(nonce):
            channel_sudo._create_form_lead(typed, request.httprequest.args)
        return self._thank(channel_sudo)

    def _thank(self, channel_sudo):
        """The same answer whatever became of the inquiry; reloading it sends nothing again."""
        return request.redirect_query(
            f"/inquiry/{channel_sudo.access_token}/thanks", self._get_link_parameters(), code=303
        )

    # ------------------------------------------------------------------
    # Show
    # ------------------------------------------------------------------

    def _show(self, channel_sudo, typed=None, errors=None, note=None, signature=None):
        return self._render(
            "trade_crm.inquiry_form",
            channel_sudo,
            typed=typed or channel_sudo._read_form({}),
            errors=errors or {},
            note=note,
            signature=signature or channel_sudo._sign_form(),
            trap=TRAP,
            lengths=LENGTHS,
            types=channel_sudo._get_asked_types(),
            consent_text=channel_sudo._get_consent_text(),
        )

    def _render(self, template, channel_sudo, **values):
        languages = request.env["res.lang"]._get_active_by("code")
        response = request.render(
            template,
            {
                "channel": channel_sudo,
                "company": channel_sudo.company_id or channel_sudo.env.company,
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
        # What was typed is of nobody else, and a form is good for one inquiry.
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Robots-Tag"] = "noindex"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    def _get_channel(self, token):
        """The channel of the link, in the language of the visitor."""
        wanted = request.httprequest.args.get("lang")
        lang = wanted and request.env["ir.http"].get_nearest_lang(wanted.replace("-", "_"))
        if lang:
            request.update_context(lang=lang)
        channels = request.env["trade.lead.channel"]
        # No text of PostgreSQL holds a NUL.
        channel_sudo = "\0" not in token and channels._find_by_token(token)
        if not channel_sudo:
            raise NotFound()
        return channel_sudo

    def _get_link_parameters(self, **changed):
        given = request.httprequest.args
        return {name: given[name] for name in LINK_PARAMETERS if given.get(name)} | changed

    def _get_link(self, **changed):
        """The page itself, with what its link said."""
        parameters = self._get_link_parameters(**changed)
        return request.httprequest.path + ("?" + urlencode(parameters) if parameters else "")
