from werkzeug.exceptions import NotFound, TooManyRequests

from odoo import http
from odoo.http import request

from odoo.addons.trade_crm.controllers.public_form import PublicPage
from odoo.addons.trade_crm.models.trade_lead_channel_form import MAX_HOURS

MAX_BYTES = 16 * 1024


class PreferencesController(PublicPage, http.Controller):
    """Where a customer chooses what is sent, without a login. Opening the page changes nothing, so
    scanners of mail servers may: only its buttons do, by a POST that is signed."""

    _link_parameters = ("lang", "saved")

    @http.route(
        "/preferences/<string:token>",
        type="http",
        auth="public",
        methods=["GET", "POST"],
        max_content_length=MAX_BYTES,
        sitemap=False,
    )
    def preferences(self, token, **params):
        partner_sudo = self._get_partner(token)
        if request.httprequest.method == "POST":
            return self._receive(partner_sudo, params)
        return self._show(partner_sudo)

    # ------------------------------------------------------------------
    # Receive
    # ------------------------------------------------------------------

    def _receive(self, partner_sudo, params):
        signature = params.get("signature")
        signed = isinstance(signature, str) and partner_sudo._read_signature(signature)
        if not signed or signed[1] > MAX_HOURS * 3600:
            note = request.env._("The page was open for too long. Please choose once more.")
            return self._show(partner_sudo, note)
        # Who wants nothing any more is never refused.
        inquiries_sudo = partner_sudo.env["trade.lead.inquiry"]
        if not params.get("stop") and not inquiries_sudo._may_choose(partner_sudo):
            note = request.env._("There were too many changes. Please try again in an hour.")
            response = self._show(partner_sudo, note)
            response.status_code = 429
            return response
        partner_sudo._take_preferences(self._read_choice(partner_sudo, params))
        # Reloading the page changes nothing again.
        return request.redirect(self._get_link(saved="1"), code=303)

    def _read_choice(self, partner_sudo, params):
        """``{(channel, purpose): bool}``; nothing is left with the button that says so."""
        chosen = set() if params.get("stop") else set(request.httprequest.form.getlist("choice"))
        return {
            (channel, purpose): f"{channel}-{purpose}" in chosen
            for channel, purpose in partner_sudo._get_preferences()
        }

    # ------------------------------------------------------------------
    # Show
    # ------------------------------------------------------------------

    def _show(self, partner_sudo, note=None):
        if not note and request.httprequest.args.get("saved"):
            note = request.env._("Your choice is saved.")
        fields_sudo = partner_sudo.env["trade.consent"]._fields
        env = partner_sudo.env
        return self._render_page(
            "trade_crm_marketing.preferences",
            partner_sudo.env.company,
            preferences=partner_sudo._get_preferences(),
            channels=self._get_channels(fields_sudo["channel"]._description_selection(env)),
            purposes=fields_sudo["purpose"]._description_selection(env),
            signature=partner_sudo._sign_form(),
            note=note,
        )

    def _get_channels(self, channels):
        """Channels in the words of customers, who know of no providers."""
        names = {"provider": request.env._("Chat and app messages")}
        return [(key, names.get(key, label)) for key, label in channels]

    def _get_partner(self, token):
        """The customer of the link. Whoever tries links is answered by a refusal after a while; right
        links work also then."""
        partner_sudo = request.env["res.partner"]._find_by_preference_link(token)
        if not partner_sudo:
            inquiries_sudo = request.env["trade.lead.inquiry"].sudo()
            if inquiries_sudo._may_guess_preferences(request.httprequest.remote_addr):
                raise NotFound()
            raise TooManyRequests()
        if lang := self._use_language(fallback=partner_sudo.lang):
            partner_sudo = partner_sudo.with_context(lang=lang)
        return partner_sudo
