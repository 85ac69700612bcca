import json

from werkzeug.exceptions import Forbidden

from odoo import http
from odoo.http import request

MAX_BYTES = 64 * 1024


class ProviderController(http.Controller):
    """Reports of message providers. Whatever is wrong with one, the answer is the same."""

    @http.route(
        "/trade/message/report/<string:key>",
        type="http",
        auth="public",
        methods=["POST"],
        csrf=False,
        save_session=False,
        sitemap=False,
        max_content_length=MAX_BYTES,
    )
    def report(self, key, **_params):
        body = request.httprequest.get_data()
        headers = request.httprequest.headers
        provider_sudo = request.env["trade.message.provider"]._find_signed(key, headers, body)
        if not provider_sudo:
            raise Forbidden()
        reports = self._read_reports(body)
        if reports is None:
            return request.make_json_response({"error": "format"}, status=400)
        return request.make_json_response({"taken": provider_sudo._take_reports(reports)})

    def _read_reports(self, body):
        """One report or a list of them, or None for what is neither."""
        try:
            reports = json.loads(body)
        except ValueError:
            return None
        if isinstance(reports, dict):
            reports = [reports]
        if not isinstance(reports, list) or not all(isinstance(one, dict) for one in reports):
            return None
        return reports
