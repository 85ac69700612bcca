"""Pages for people without a login. They need neither a website nor scripts."""

import logging
from urllib.parse import urlencode

from odoo.http import request

from ..models.trade_lead_channel_form import MAX_HOURS, MIN_SECONDS, TRAP

_logger = logging.getLogger(__name__)


class PublicPage:
    """A page in the visitor's language, which nobody else gets to see. Goes beside ``Controller``."""

    # Parameters of the link that the page hands on to itself.
    _link_parameters = ("lang",)

    def _render_page(self, template, company, **values):
        languages = request.env["res.lang"]._get_active_by("code")
        response = request.render(
            template,
            {
                "company": company,
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
        # What was typed is of nobody else, and a form is good for one answer.
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Robots-Tag"] = "noindex"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    def _use_language(self, fallback=None):
        """Show the page in the language of the link, or else in ``fallback``, if it is there.

        :return: code of the language, or None
        """
        wanted = request.httprequest.args.get("lang") or fallback
        lang = wanted and request.env["ir.http"].get_nearest_lang(wanted.replace("-", "_"))
        if lang:
            request.update_context(lang=lang)
        return lang or None

    def _get_link_parameters(self, **changed):
        given = request.httprequest.args
        return {name: given[name] for name in self._link_parameters if given.get(name)} | changed

    def _get_link(self, **changed):
        """The page itself, with what its link said."""
        parameters = self._get_link_parameters(**changed)
        return request.httprequest.path + ("?" + urlencode(parameters) if parameters else "")


class PublicForm(PublicPage):
    """A form of a ``trade.public.form``, as superuser below: signed, counted, and accepted once.

    What inherits it writes :meth:`_show`, :meth:`_create`, :meth:`_get_thanks_path`,
    :meth:`_get_full_note`, and :meth:`_read_files` where files come along.
    """

    def _show(self, form_sudo, typed=None, errors=None, note=None, signature=None):
        raise NotImplementedError

    def _create(self, form_sudo, typed, files):
        """Make what was asked for with the form."""
        raise NotImplementedError

    def _get_thanks_path(self, form_sudo):
        raise NotImplementedError

    def _get_full_note(self):
        """What is said when too many have come within an hour."""
        raise NotImplementedError

    def _read_files(self, form_sudo):
        """``(files, what is wrong with them)``"""
        return [], None

    def _answer(self, form_sudo, params):
        if request.httprequest.method != "POST":
            return self._show(form_sudo)
        # A program may send a file in place of a text.
        texts = {name: text for name, text in params.items() if isinstance(text, str)}
        return self._receive(form_sudo, texts)

    def _receive(self, form_sudo, params):
        if params.get(TRAP):
            _logger.info("A form was filled in by a program and is ignored.")
            return self._thank(form_sudo)
        typed = form_sudo._read_form(params)
        signature = params.get("signature")
        signed = form_sudo._read_signature(signature)
        if not signed or signed[1] > MAX_HOURS * 3600:
            note = request.env._("The form was open for too long. Please send it once more.")
            # Nobody has to wait who filled in the form already.
            signature = form_sudo._sign_form(seconds_ago=MIN_SECONDS)
            return self._show(form_sudo, typed, note=note, signature=signature)
        nonce, seconds = signed
        errors = form_sudo._check_form(typed)
        files, wrong = self._read_files(form_sudo)
        if wrong:
            errors["files"] = wrong
        if errors:
            return self._show(form_sudo, typed, errors, signature=signature)
        if seconds < MIN_SECONDS:
            note = request.env._(
                "That was very quick. Please check your entries and send them again."
            )
            return self._show(form_sudo, typed, note=note, signature=signature)
        return self._accept(form_sudo, typed, files, nonce, signature)

    def _accept(self, form_sudo, typed, files, nonce, signature):
        inquiries_sudo = form_sudo.env["trade.lead.inquiry"]
        if inquiries_sudo._was_sent(nonce):
            return self._thank(form_sudo)
        if not inquiries_sudo._is_allowed(form_sudo, request.httprequest.remote_addr):
            note = self._get_full_note()
            response = self._show(form_sudo, typed, note=note, signature=signature)
            response.status_code = 429
            return response
        if inquiries_sudo._is_first(nonce):
            self._create(form_sudo, typed, files)
        return self._thank(form_sudo)

    def _thank(self, form_sudo):
        """The same answer whatever became of it; reloading it sends nothing again."""
        path = self._get_thanks_path(form_sudo)
        return request.redirect_query(path, self._get_link_parameters(), code=303)
