import json
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Command
from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools import mute_logger

from ..models.trade_message_provider import sign
from .message_common import MessageCommon

SECRET = "key-of-the-test"


class Gateway(ThreadingHTTPServer):
    """A message provider on loopback: keeps what it gets, and answers ``answer`` (status, body)."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), GatewayHandler)
        self.requests, self.answer = [], (200, b'{"id": "p-1"}')
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.shutdown()
        self.server_close()


class GatewayHandler(BaseHTTPRequestHandler):
    def do_POST(self):  # noqa: N802
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append((dict(self.headers), body))
        if self.server.answer is None:
            self.connection.close()
            return
        status, answer = self.server.answer
        self.send_response(status)
        self.send_header("Location", "http://127.0.0.1:9/elsewhere")
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *args):
        """Nothing on the screen."""


@tagged("post_install", "-at_install")
class TestMessageProvider(MessageCommon, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.gateway = Gateway()
        cls.addClassCleanup(cls.gateway.close)
        cls.provider = cls.env["trade.message.provider"].create(
            {
                "name": "Gateway",
                "company_id": cls.company_cn.id,
                "url": f"http://127.0.0.1:{cls.gateway.server_port}/send",
                "new_secret": SECRET,
                "new_token": "token-of-the-test",
                "body": '{"to": ["{{phone}}"], "content": {"text": "{{text}}"}, "ref": "{{reference}}"}',
            }
        )
        cls.text = 'Hello "Ann"\n{{name}}'

    def setUp(self):
        super().setUp()
        self.gateway.requests.clear()
        self.gateway.answer = (200, b'{"id": "p-1"}')

    def _queue_text(self, partners=None):
        return self._queue(partners or self.ann, channel="provider", body=self.text)

    # ------------------------------------------------------------------
    # Send
    # ------------------------------------------------------------------

    def test_send(self):
        message = self._queue_text()
        self._send()
        self.assertStates(message, {"Ann": ("sent", None)})
        self.assertEqual(message.provider_ref, "p-1")
        [(headers, body)] = self.gateway.requests
        sent = json.loads(body)
        self.assertEqual((sent["to"], sent["ref"]), (["+8613800000000"], str(message.id)))
        self.assertTrue(sent["content"]["text"].startswith(self.text))
        self.assertIn(self.ann._sign_preferences(self.company_cn), sent["content"]["text"])
        self.assertEqual(headers["Authorization"], "Bearer token-of-the-test")
        signature = sign(SECRET, headers["X-Trade-Timestamp"], headers["X-Trade-Nonce"], body)
        self.assertEqual(headers["X-Trade-Signature"], signature)

    def test_answers(self):
        cases = [
            ((400, b""), ("failed", "rejected")),
            ((302, b""), ("failed", "rejected")),
            ((500, b""), ("unknown", "interrupted")),
            (None, ("unknown", "interrupted")),
            ((429, b""), ("queued", "error")),
            ((503, b""), ("queued", "error")),
            ((204, b""), ("sent", None)),
            ((200, b"not json"), ("sent", None)),
            ((200, b"[]"), ("sent", None)),
        ]
        self.company_cn.write({"trade_cap_week": 0, "trade_cap_month": 0})
        for step, (answer, expected) in enumerate(cases, 1):
            with self.subTest(answer=answer):
                self.gateway.answer = answer
                message = self._queue(self.ann, channel="provider", body="x", step=step)
                self._send()
                self.assertStates(message, {"Ann": expected})
        count = len(self.gateway.requests)
        self._send()
        self.assertEqual(len(self.gateway.requests), count, "what is unknown is not sent again")

    def test_gateway_is_down(self):
        self.provider.url = "http://127.0.0.1:9/send"
        message = self._queue_text()
        self._send()
        self.assertStates(message, {"Ann": ("queued", "error")})

    def test_gateway_that_loses_messages_is_left_alone(self):
        """At most three outcomes are unknown, however many wait."""
        people = self.ann | self.env["res.partner"].create(
            [
                {"name": f"Q{number}", "phone": f"+86 139 0000 1{number:03}",
                 "country_id": self.china.id}
                for number in range(9)
            ]
        )  # fmt: skip
        self._decide(people, "provider")
        self.gateway.answer = (500, b"")
        messages = self._queue_text(people)
        with patch.object(self.registry["trade.message"]._cron_send, "__defaults__", (5,)):
            self._send()
        self.assertEqual(Counter(messages.mapped("state")), {"unknown": 3, "queued": 7})
        self.assertTrue(all(m.due_at > m.planned_at for m in messages if m.state == "queued"))
        self.gateway.answer = (200, b"{}")
        self.clock.tick(1800)
        self._send()
        self.assertEqual(Counter(messages.mapped("state")), {"unknown": 3, "sent": 7})
        self.assertEqual(len(self.gateway.requests), 10)

    def test_without(self):
        self.provider.active = False
        message = self._queue_text()
        empty = self._queue(self.ann, self.rival, channel="provider", body=" ")
        self._send()
        self.assertStates(message | empty, {"Ann": ("failed", "no_provider")})
        self.provider.active = True
        empty = self._queue(self.bob, self.rival, channel="provider", body=" ")
        self._send()
        self.assertEqual(empty[-1].reason, "no_content")

    # ------------------------------------------------------------------
    # Set-up
    # ------------------------------------------------------------------

    def test_keys_are_write_only(self):
        self.assertTrue(self.provider.has_secret and self.provider.has_token)
        admin = new_test_user(
            self.env,
            "gateway_admin",
            "base.group_system",
            company_id=self.company_cn.id,
            company_ids=[Command.set(self.company_cn.ids)],
        )
        for user in (self.user_marketer, self.user_manager, admin):
            provider = self._as(user, self.provider)
            values = provider.read()[0]
            self.assertFalse({SECRET, "token-of-the-test"} & set(map(str, values.values())))
            self.assertNotIn("secret", values)
            with self.assertRaises(AccessError):
                provider.read(["secret"])
            with self.assertRaises(AccessError):
                provider.search([("secret", "=like", "k%")])
        with self.assertRaises(AccessError):
            self._as(self.user_marketer, self.provider).read(["url"])
        with self.assertRaises(AccessError):
            self._as(self.user_manager, self.provider).name = "x"

    def test_bad_entries(self):
        for values, words in (
            ({"url": "http://example.com"}, "https://"),
            ({"url": "ftp://127.0.0.1"}, "https://"),
            ({"url": "http://127.0.0.1.example.com/"}, "https://"),
            ({"body": "{"}, "not JSON"),
            ({"body": '{"to": "{{fone}}"}'}, "{{phone}}"),
        ):
            with self.subTest(values=values), self.assertRaisesRegex(ValidationError, words):
                self.provider.write(values)

    # ------------------------------------------------------------------
    # Reports
    # ------------------------------------------------------------------

    def _report(self, reports, key=None, secret=SECRET, nonce="n1", seconds=0, **headers):
        body = json.dumps(reports).encode() if not isinstance(reports, bytes) else reports
        timestamp = str(int(fields.Datetime.now().timestamp()) + seconds)
        headers = {
            "Content-Type": "application/json",
            "X-Trade-Timestamp": timestamp,
            "X-Trade-Nonce": nonce,
            "X-Trade-Signature": sign(secret, timestamp, nonce, body),
            **headers,
        }
        path = f"/trade/message/report/{key or self.provider.key}"
        with mute_logger("odoo.http"):
            response = self.url_open(path, data=body, headers=headers)
        self.env.invalidate_all()
        return response

    def test_reports(self):
        message = self._queue_text()
        self._send()
        report = {"reference": str(message.id), "status": "delivered"}
        self.assertEqual(self._report(report).json(), {"taken": 1})
        self.assertTrue(message.delivered_at)
        self.assertFalse(message.opened_at)
        self._report([report | {"status": "clicked"}], nonce="n2")
        self.assertTrue(message.opened_at and message.clicked_at)
        # Reports come out of order.
        failed = {"status": "failed", "detail": "no such number"}
        self._report(report | failed, nonce="n3")
        self.assertStates(message, {"Ann": ("sent", None)})
        other = self._queue_text(self.bob) - message
        self._send()
        self._report({"reference": other.id} | failed, nonce="n5")
        self.assertEqual(other.reason_text, "Refused by the provider: no such number")
        strange = [
            {}, {"reference": "x"}, {"reference": message.id, "status": "read"},
            {"reference": "9" * 30, "status": "delivered"},
        ]  # fmt: skip
        self.assertEqual(self._report(strange, nonce="n4").json(), {"taken": 0})
        for number, body in enumerate((b"{", b"1", b"[1]")):
            self.assertEqual(self._report(body, nonce=f"m{number}").status_code, 400)

    def test_settles_what_was_unknown(self):
        self.gateway.answer = (500, b"")
        message = self._queue_text()
        self._send()
        self._report({"reference": message.id, "status": "delivered"})
        self.assertStates(message, {"Ann": ("sent", None)})

    def test_forged_and_replayed(self):
        message = self._queue_text()
        self._send()
        report = {"reference": message.id, "status": "delivered"}
        other = self.provider.copy({"name": "Other", "new_secret": "another-key"})
        unsigned = self.provider.copy({"name": "Unsigned"})
        texts = set()
        for values in (
            {"secret": "wrong"},
            {"seconds": -400},
            {"seconds": 400},
            {"nonce": ""},
            {"nonce": "a.b"},
            {"X-Trade-Signature": ""},
            {"X-Trade-Signature": "é"},
            {"X-Trade-Timestamp": "soon"},
            {"key": "unknown"},
            {"key": other.key},
            {"key": unsigned.key, "secret": ""},
        ):
            with self.subTest(values=values):
                response = self._report(report, **values)
                self.assertEqual(response.status_code, 403)
                texts.add(response.text)
        self.assertEqual(len(texts), 1, "all are told the same")
        self.assertFalse(message.delivered_at)
        self.assertEqual(self._report(report).status_code, 200)
        message.delivered_at = False
        self.assertEqual(self._report(report).status_code, 403, "once")
        self.assertFalse(message.delivered_at)
        # Another provider knows nothing of this message.
        response = self._report(report, key=other.key, secret="another-key")
        self.assertEqual(response.json(), {"taken": 0})

    def test_too_large(self):
        self.assertEqual(self._report(b"[" + b" " * 70000 + b"]").status_code, 413)
