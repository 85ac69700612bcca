from werkzeug.exceptions import NotFound, TooManyRequests

from odoo import http
from odoo.http import request

from odoo.addons.trade_crm.controllers.public_form import PublicPage
from odoo.addons.trade_crm.models.trade_lead_channel_form import MAX_HOURS

from ..models.trade_survey_answer import COMMENT_LENGTH
from ..models.trade_survey_invitation import LEVELS, SCORES

MAX_BYTES = 64 * 1024


class FeedbackController(PublicPage, http.Controller):
    """What a person who was asked sees. The page can be opened as often as one likes, also by the
    scanners of mail servers: only its buttons answer, by a POST that is signed."""

    @http.route(
        "/feedback/<string:token>",
        type="http",
        auth="public",
        methods=["GET", "POST"],
        max_content_length=MAX_BYTES,
        sitemap=False,
    )
    def feedback(self, token, **params):
        invitation_sudo = self._get_invitation(token)
        if request.httprequest.method == "POST":
            texts = {name: text for name, text in params.items() if isinstance(text, str)}
            return self._receive(invitation_sudo, texts)
        return self._show(invitation_sudo)

    # ------------------------------------------------------------------
    # Receive
    # ------------------------------------------------------------------

    def _receive(self, invitation_sudo, params):
        signed = invitation_sudo._read_signature(params.get("signature"))
        if not signed or signed[1] > MAX_HOURS * 3600:
            note = request.env._("The page was open for too long. Please answer once more.")
            return self._show(invitation_sudo, note)
        inquiries_sudo = invitation_sudo.env["trade.lead.inquiry"]
        if not inquiries_sudo._is_allowed(invitation_sudo, request.httprequest.remote_addr):
            note = request.env._(
                "There are too many answers at the moment. Please try again in an hour."
            )
            response = self._show(invitation_sudo, note)
            response.status_code = 429
            return response
        self._take(invitation_sudo, params)
        # Reloading the page sends nothing again.
        return request.redirect(self._get_link(), code=303)

    def _take(self, invitation_sudo, params):
        if params.get("stop"):
            invitation_sudo.is_stopped = True
        elif score := invitation_sudo._read_score(params):
            invitation_sudo._take_score(score)
        elif params.get("step") == "details":
            causes = request.httprequest.form.getlist("cause")
            invitation_sudo._take_details(invitation_sudo._read_details(params, causes))

    # ------------------------------------------------------------------
    # Show
    # ------------------------------------------------------------------

    def _show(self, invitation_sudo, note=None):
        return self._render_page(
            "trade_crm_service.feedback",
            invitation_sudo.company_id,
            invitation=invitation_sudo,
            state=invitation_sudo._get_state(),
            survey=invitation_sudo.survey_id.with_context(lang=request.env.lang),
            scores=[score for score, _label in SCORES],
            levels=[level for level, _label in LEVELS],
            comment_length=COMMENT_LENGTH,
            signature=invitation_sudo._sign_form(),
            note=note,
        )

    def _get_invitation(self, token):
        """The invitation of the link, in the language of the visitor, else of the person.

        Whoever tries links is answered by a refusal after a while. Right links work also then: people
        who share an address with somebody who guesses are not to be shut out.
        """
        invitation_sudo = request.env["trade.survey.invitation"]._find_by_link(token)
        if not invitation_sudo:
            inquiries_sudo = request.env["trade.lead.inquiry"].sudo()
            if inquiries_sudo._may_guess(request.httprequest.remote_addr):
                raise NotFound()
            raise TooManyRequests()
        if lang := self._use_language(fallback=invitation_sudo.lang):
            invitation_sudo = invitation_sudo.with_context(lang=lang)
        return invitation_sudo
