"""Nothing of another territory comes back over the network: pages, files, JSON-2 and XML-RPC."""

import base64
import json
import xmlrpc.client
from datetime import datetime

from territory_world import FULL, SECRET, STRANGERS, TerritoryWorld, get_listed

from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

ROLES = STRANGERS if FULL else ("clerk", "portal")
SAMPLE_MODELS = ("res.partner", "sale.order", "account.move", "mail.message")
REPORTS = {
    "sale.report_saleorder": "sale.order",
    "sale.report_saleorder_pro_forma": "sale.order",
    "account.report_invoice_with_payments": "account.move",
    "account.report_payment_receipt": "account.payment",
    "stock.report_deliveryslip": "stock.picking",
}
# Addresses of a document in the portal.
PAGES = {
    "/my/orders/{}": "sale.order",
    "/my/invoices/{}": "account.move",
    "/my/ticket/{}": "helpdesk.ticket",
    "/my/picking/pdf/{}": "stock.picking",
}
LISTS = ("/my", "/my/orders", "/my/quotes", "/my/invoices", "/my/tickets")
THREADS = (
    "res.partner",
    "sale.order",
    "account.move",
    "stock.picking",
    "crm.lead",
    "helpdesk.ticket",
    "calendar.event",
)
LOGGERS = (
    "odoo.http",
    "odoo.addons.base.models.ir_rule",
    "odoo.addons.rpc.controllers.xmlrpc",
    "odoo.addons.mail.controllers.thread",
)


@tagged("post_install", "-at_install")
class TestTerritoryClients(TerritoryWorld, HttpCase):
    def setUp(self):
        super().setUp()
        self.env.flush_all()
        self.enterContext(mute_logger(*LOGGERS))

    def _get_key(self, role):
        """API key of who has this role."""
        user = self.users[role]
        keys = self.env["res.users.apikeys"].with_user(user)
        # PostgreSQL, which checks it, has another clock than the test.
        return keys.sudo()._generate(None, "matrix", datetime(2100, 1, 1))

    def _log_in(self, role):
        self.authenticate(self.users[role].login, self.users[role].login)

    def _get_first(self, model):
        return self.foreign[model][0]

    def assertSilent(self, response):
        """Neither the secret nor a file; a name may be there."""
        self.assertNotIn(SECRET, response.text)
        return response

    # ------------------------------------------------------------------
    # Clients of the interfaces
    # ------------------------------------------------------------------

    def _get_questions(self, ids):
        """(method, arguments by name, whether what comes back is nothing)"""
        among = [["id", "in", ids]]
        return (
            ("search", {"domain": among}),
            ("search_count", {"domain": among}),
            ("search_read", {"domain": among, "fields": ["display_name"]}),
            ("read", {"ids": ids, "fields": ["display_name"]}),
            (
                "formatted_read_group",
                {"domain": among, "groupby": ["id"], "aggregates": ["__count"]},
            ),
            ("web_search_read", {"domain": among, "specification": {"display_name": {}}}),
            ("name_search", {"name": "", "domain": among}),
            ("export_data", {"ids": ids, "fields_to_export": ["display_name"]}),
            ("copy", {"ids": ids[:1]}),
        )

    def _get_models(self):
        skipped = get_listed("unscoped") | get_listed("internal")
        return sorted(self.foreign.keys() - skipped.keys()) if FULL else SAMPLE_MODELS

    def _is_empty(self, result):
        if isinstance(result, dict):
            return not (result.get("length") or result.get("datas") or result.get("records"))
        return not result

    def test_json2(self):
        for role in ROLES:
            key = self._get_key(role)
            for model in self._get_models():
                for method, arguments in self._get_questions(self.foreign[model]):
                    with self.subTest(role=role, model=model, method=method):
                        response = self.url_open(
                            f"/json/2/{model}/{method}",
                            data=json.dumps(arguments),
                            headers={
                                "Authorization": f"Bearer {key}",
                                "Content-Type": "application/json",
                            },
                        )
                        if response.status_code == 200:
                            self.assertTrue(self._is_empty(response.json()), response.text)

    def test_json2_of_who_works_there(self):
        key = self._get_key("near")
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        for model in SAMPLE_MODELS:
            for method, arguments in self._get_questions(self.foreign[model])[:3]:
                with self.subTest(model=model, method=method):
                    url = f"/json/2/{model}/{method}"
                    response = self.url_open(url, data=json.dumps(arguments), headers=headers)
                    self.assertEqual(response.status_code, 200, response.text)
                    self.assertFalse(self._is_empty(response.json()))

    def _call_xmlrpc(self, role, model, method, arguments):
        """What a client of XML-RPC gets, None when it is refused."""
        user, key = self.users[role], self._keys.setdefault(role, self._get_key(role))
        arguments = dict(arguments)
        ids = [arguments.pop("ids")] if "ids" in arguments else []
        try:
            return self.xmlrpc_object.execute_kw(
                self.env.cr.dbname, user.id, key, model, method, ids, arguments
            )
        except xmlrpc.client.Fault:
            return None

    def test_xmlrpc(self):
        self._keys = {}
        for role in ROLES:
            for model in self._get_models():
                for method, arguments in self._get_questions(self.foreign[model]):
                    with self.subTest(role=role, model=model, method=method):
                        result = self._call_xmlrpc(role, model, method, arguments)
                        self.assertTrue(self._is_empty(result), result)
        for model in SAMPLE_MODELS:
            for method, arguments in self._get_questions(self.foreign[model])[:3]:
                with self.subTest(role="near", model=model, method=method):
                    self.assertTrue(self._call_xmlrpc("near", model, method, arguments))

    # ------------------------------------------------------------------
    # The web client and the portal
    # ------------------------------------------------------------------

    def _call(self, url, **params):
        """Result of a JSON route as text, empty when it is refused."""
        response = self.url_open(
            url,
            data=json.dumps({"jsonrpc": "2.0", "method": "call", "params": params}),
            headers={"Content-Type": "application/json"},
        )
        return json.dumps(response.json().get("result")) if response.status_code == 200 else ""

    def _read_thread(self, model):
        thread = {"thread_model": model, "thread_id": self._get_first(model)}
        requested = [
            "activities",
            "attachments",
            "followers",
            "scheduledMessages",
            "suggestedRecipients",
        ]
        return self._call("/mail/thread/messages", **thread) + self._call(
            "/mail/data",
            fetch_params=[["mail.thread", thread | {"request_list": requested}]],
        )

    def test_messages(self):
        for role in ROLES:
            self._log_in(role)
            for model in THREADS:
                with self.subTest(role=role, model=model):
                    self.assertNotIn(SECRET, self._read_thread(model))
            with self.subTest(role=role, list="activities"):
                result = self._call("/mail/data", fetch_params=["systray_get_activities"])
                self.assertNotIn(SECRET, result)
        self._log_in("near")
        for model in THREADS:
            with self.subTest(role="near", model=model):
                self.assertIn(SECRET, self._read_thread(model))

    def test_files(self):
        files = [f"/web/content/{attachment.id}" for attachment in self.attachments]
        picture = f"/web/image/res.partner/{self.target.id}/image_1920"
        for role in ROLES:
            self._log_in(role)
            for url in files:
                with self.subTest(role=role, url=url):
                    self.assertSilent(self.url_open(url))
            with self.subTest(role=role, url=picture):
                self.assertNotEqual(
                    self.url_open(picture).content, base64.b64decode(self.target.image_1920)
                )
        self._log_in("near")
        for url in files:
            with self.subTest(role="near", url=url):
                self.assertEqual(self.url_open(url).text, SECRET)
        self.assertEqual(self.url_open(picture).content, base64.b64decode(self.target.image_1920))

    def test_reports(self):
        for role in ROLES:
            self._log_in(role)
            for report, model in REPORTS.items():
                with self.subTest(role=role, report=report):
                    url = f"/report/html/{report}/{self._get_first(model)}"
                    response = self.assertSilent(self.url_open(url))
                    self.assertNotIn(self.target.name, response.text)
        self._log_in("near")
        for report, model in REPORTS.items():
            with self.subTest(role="near", report=report):
                url = f"/report/html/{report}/{self._get_first(model)}"
                self.assertEqual(self.url_open(url).status_code, 200)

    def test_portal(self):
        for role in ROLES:
            self._log_in(role)
            for page, model in PAGES.items():
                url = page.format(self._get_first(model))
                with self.subTest(role=role, url=url):
                    response = self.assertSilent(self.url_open(url))
                    self.assertNotIn(self.target.name, response.text)
            for url in LISTS:
                with self.subTest(role=role, url=url):
                    self.assertSilent(self.url_open(url))

    def test_portal_of_the_customer(self):
        """Territories take nothing from a customer."""
        self.authenticate(self.target_user.login, self.target_user.login)
        page = self.url_open(f"/my/orders/{self.order.id}")
        self.assertIn(SECRET, page.text)
        self.assertIn(self.order.name, self.url_open("/my/orders").text)
