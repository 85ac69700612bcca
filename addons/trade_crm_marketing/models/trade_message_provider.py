"""Any gateway for text messages or mini-programs that takes a signed HTTP request with JSON."""

import hashlib
import hmac
import json
import re
import secrets
from datetime import timedelta

import requests
from psycopg2 import errors

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain
from odoo.tools import SQL
from odoo.tools.urls import urljoin

from .trade_message_send import RETRY_MINUTES

# Seconds that the clocks of two servers may differ.
TOLERANCE = 300
NONCE = re.compile(r"[^.\s]{1,200}")
PLACEHOLDER = re.compile(r"{{\s*(\w+)\s*}}")
PLACEHOLDERS = ("phone", "name", "text", "reference", "company", "campaign")
LOCAL_HOSTS = ("127.0.0.1", "localhost", "[::1]")
DEFAULT_BODY = '{"to": "{{phone}}", "text": "{{text}}", "reference": "{{reference}}"}'
# The service says that it has not looked at it: it may be sent again.
TRY_LATER = {429, 503}
# So many unknown outcomes in a row say that the gateway does not work.
MOST_FAILURES = 3
# What a provider reports: columns that it sets.
REPORTS = ("delivered", "failed", "opened", "clicked")


def sign(secret, timestamp, nonce, body):
    """HMAC-SHA256 in hex over ``timestamp.nonce.body``, for requests of ours and reports of theirs.

    >>> sign("key", "1", "n", b"{}")[:16]
    '0c4eb9d92c7ba2e1'
    """
    message = f"{timestamp}.{nonce}.".encode() + body
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def fill(template, values):
    """``template``, parsed JSON, with placeholders in its texts replaced.

    >>> fill({"to": ["{{phone}}"], "n": 1}, {"phone": '"x'})
    {'to': ['"x'], 'n': 1}
    """
    if isinstance(template, dict):
        return {key: fill(value, values) for key, value in template.items()}
    if isinstance(template, list):
        return [fill(value, values) for value in template]
    if isinstance(template, str):
        return PLACEHOLDER.sub(lambda match: values.get(match[1], ""), template)
    return template


def find_placeholders(template):
    return set(PLACEHOLDER.findall(template or ""))


class TradeMessageProvider(models.Model):
    """Where messages of the channel "Message provider" go.

    A request is a POST of JSON, signed in the headers ``X-Trade-Timestamp``, ``X-Trade-Nonce`` and
    ``X-Trade-Signature``, see :func:`sign`. ``Idempotency-Key`` is the same whenever a message is sent.
    """

    _name = "trade.message.provider"
    _description = "Message Provider"
    _order = "sequence, id"

    name = fields.Char(required=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company, index=True
    )
    # Both may have keys in them as well.
    url = fields.Char(
        "Address",
        required=True,
        groups="base.group_system",
        help="Where messages are sent to by POST.",
    )
    body = fields.Text("JSON", required=True, groups="base.group_system", default=DEFAULT_BODY)
    timeout = fields.Integer("Wait at most", required=True, default=10)
    reference_key = fields.Char(
        "Key of the number", default="id", help="Where the answer has the number of the message."
    )
    # Write only: nobody reads them again.
    secret = fields.Char(groups=fields.NO_ACCESS, copy=False)
    token = fields.Char(groups=fields.NO_ACCESS, copy=False)
    new_secret = fields.Char(
        "Signing key", compute="_compute_new", inverse="_inverse_new_secret", copy=False
    )
    new_token = fields.Char(
        "Access token", compute="_compute_new", inverse="_inverse_new_token", copy=False
    )
    has_secret = fields.Boolean("Signing key is set", compute="_compute_has", compute_sudo=True)
    has_token = fields.Boolean("Access token is set", compute="_compute_has", compute_sudo=True)
    key = fields.Char(
        required=True, readonly=True, copy=False, default=lambda self: secrets.token_urlsafe(12)
    )
    report_url = fields.Char("Address for reports", compute="_compute_report_url")

    _key_unique = models.UniqueIndex("(key)")
    _check_timeout = models.Constraint(
        "CHECK (timeout BETWEEN 1 AND 60)", "Wait between 1 and 60 seconds for an answer."
    )

    # ------------------------------------------------------------------
    # Fields
    # ------------------------------------------------------------------

    def _compute_new(self):
        self.new_secret = self.new_token = False

    @api.depends("secret", "token")
    def _compute_has(self):
        for provider in self:
            provider.has_secret = bool(provider.secret)
            provider.has_token = bool(provider.token)

    @api.depends("key")
    def _compute_report_url(self):
        for provider in self:
            provider.report_url = urljoin(
                provider.get_base_url(), f"/trade/message/report/{provider.key}"
            )

    def _inverse_new_secret(self):
        for provider in self.filtered("new_secret"):
            provider.sudo().secret = provider.new_secret.strip()

    def _inverse_new_token(self):
        for provider in self.filtered("new_token"):
            provider.sudo().token = provider.new_token.strip()

    @api.constrains("url")
    def _check_url(self):
        for provider in self:
            url = requests.compat.urlparse(provider.url or "")
            local = url.scheme == "http" and url.netloc.split(":")[0] in LOCAL_HOSTS
            if not url.netloc or not (url.scheme == "https" or local):
                raise ValidationError(
                    self.env._("The address has to start with https:// and name a server.")
                )

    @api.constrains("body")
    def _check_body(self):
        for provider in self:
            try:
                json.loads(provider.body)
            except ValueError as error:
                raise ValidationError(
                    self.env._("This is not JSON: %(error)s", error=error)
                ) from error
            unknown = find_placeholders(provider.body) - set(PLACEHOLDERS)
            if unknown or "phone" not in find_placeholders(provider.body):
                raise ValidationError(
                    self.env._(
                        "Use these placeholders, and {{phone}} at least: %(names)s",
                        names=", ".join("{{%s}}" % name for name in PLACEHOLDERS),
                    )
                )

    # ------------------------------------------------------------------
    # Send
    # ------------------------------------------------------------------

    def _post(self, values, idempotency_key):
        """POST one message.

        :param values: dict of the placeholders
        :return: (outcome, detail, number at the provider); outcome is "sent", "rejected", "later" or
            "unknown"
        """
        body = json.dumps(fill(json.loads(self.body), values), ensure_ascii=False).encode()
        try:
            response = requests.post(
                self.url,
                data=body,
                headers=self._prepare_headers(body, idempotency_key),
                timeout=self.timeout,
                allow_redirects=False,
            )
        except (requests.exceptions.ConnectTimeout, requests.exceptions.SSLError) as error:
            return "later", type(error).__name__, None
        except requests.exceptions.ConnectionError as error:
            # A connection that broke may have carried it; one that was refused has not.
            refused = "NewConnectionError" in repr(error)
            return "later" if refused else "unknown", type(error).__name__, None
        except requests.exceptions.RequestException as error:
            return "unknown", type(error).__name__, None
        return self._read_answer(response)

    def _prepare_headers(self, body, idempotency_key):
        provider_sudo = self.sudo()
        timestamp = str(int(fields.Datetime.now().timestamp()))
        nonce = secrets.token_urlsafe(12)
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": idempotency_key,
            "X-Trade-Timestamp": timestamp,
            "X-Trade-Nonce": nonce,
        }
        if provider_sudo.secret:
            headers["X-Trade-Signature"] = sign(provider_sudo.secret, timestamp, nonce, body)
        if provider_sudo.token:
            headers["Authorization"] = f"Bearer {provider_sudo.token}"
        return headers

    def _read_answer(self, response):
        status = response.status_code
        detail = f"HTTP {status}"
        if status in TRY_LATER:
            return "later", detail, None
        if status >= 500:
            return "unknown", detail, None
        if not 200 <= status < 300:
            return "rejected", detail, None
        try:
            answer = response.json()
        except ValueError:
            answer = None
        number = answer.get(self.reference_key) if isinstance(answer, dict) else None
        return "sent", None, str(number)[:200] if number else None

    # ------------------------------------------------------------------
    # Reports
    # ------------------------------------------------------------------

    @api.model
    def _find_signed(self, key, headers, body):
        """The provider that has signed a report, as superuser; empty if nobody has.

        Each nonce is good once, and only for as long as the timestamp is accepted.
        """
        timestamp, nonce, signature = (
            headers.get(f"X-Trade-{name}", "") for name in ("Timestamp", "Nonce", "Signature")
        )
        provider_sudo = self.sudo().search([("key", "=", key)], limit=1)
        # As much work for a key that does not exist.
        secret = provider_sudo.secret or secrets.token_hex()
        expected = sign(secret, timestamp, nonce, body)
        if not hmac.compare_digest(expected.encode(), signature.encode()):
            return self.sudo().browse()
        now = int(fields.Datetime.now().timestamp())
        # A dot in it would make a nonce of a part of the body.
        if not NONCE.fullmatch(nonce):
            return self.sudo().browse()
        if not timestamp.isdecimal() or abs(now - int(timestamp)) > TOLERANCE:
            return self.sudo().browse()
        if not provider_sudo._use_nonce(nonce):
            return self.sudo().browse()
        return provider_sudo

    def _use_nonce(self, nonce):
        self.env.cr.execute(
            SQL(
                "INSERT INTO trade_message_nonce (provider_id, nonce, used_at) VALUES (%s, %s, %s)"
                " ON CONFLICT DO NOTHING",
                self.id,
                hashlib.sha256(nonce.encode()).hexdigest(),
                fields.Datetime.now(),
            )
        )
        return bool(self.env.cr.rowcount)

    def _take_reports(self, reports):
        """Note what became of messages.

        :param reports: list of {reference, status, detail}; what is not ours is passed over
        :return: how many were
        """
        taken = 0
        for report in reports:
            reference, status = str(report.get("reference", "")), report.get("status")
            if status not in REPORTS or not reference.isdecimal() or len(reference) > 9:
                continue
            message = self.env["trade.message"].search(
                Domain("id", "=", int(reference)) & Domain("provider_id", "=", self.id)
            )
            message._take_report(status, str(report.get("detail") or "")[:200])
            taken += len(message)
        return taken


class TradeMessageNonce(models.Model):
    """Reports that were accepted: none of them is accepted again."""

    _name = "trade.message.nonce"
    _description = "Report of a Provider"
    _log_access = False

    provider_id = fields.Many2one("trade.message.provider", required=True, ondelete="cascade")
    nonce = fields.Char(required=True)
    used_at = fields.Datetime(required=True, index=True)

    _once = models.UniqueIndex("(provider_id, nonce)")

    @api.autovacuum
    def _gc_nonces(self):
        limit = fields.Datetime.now() - timedelta(seconds=3 * TOLERANCE)
        self.env.cr.execute(SQL("DELETE FROM trade_message_nonce WHERE used_at < %s", limit))


class TradeMessage(models.Model):
    _inherit = "trade.message"

    def _deliver_provider(self):
        for company, messages in self.grouped("company_id").items():
            domain = Domain("company_id", "=", company.id)
            provider = self.env["trade.message.provider"].sudo().search(domain, limit=1)
            if not provider:
                messages._finish("failed", "no_provider")
                continue
            messages._set(provider_id=provider.id)
            messages._post_all(provider)

    def _post_all(self, provider):
        """One by one; a gateway that does not work is left alone before it loses many."""
        failures = 0
        for position, message in enumerate(self, 1):
            outcome = message._post_to(provider)
            failures = failures + 1 if outcome == "unknown" else 0
            if outcome == "later" or failures == MOST_FAILURES:
                self[position:]._put_back("error", RETRY_MINUTES)
                return

    def _post_to(self, provider):
        """Send one message.

        :return: outcome, see :meth:`TradeMessageProvider._post`, or None
        """
        values, outcome = self._prepare_provider_values(), None
        if not (self.body or "").strip():
            self._finish("skipped", "no_content")
        elif self._attempt():
            outcome, detail, number = provider._post(values, f"trade-message-{self.id}")
            self._keep_outcome(outcome, detail, number)
        self._commit()
        return outcome

    def _keep_outcome(self, outcome, detail, number):
        try:
            self._take_outcome(outcome, detail, number)
            self._commit()
        except errors.SerializationFailure:
            # A report was faster than the answer, and it knows more.
            self._rollback()

    def _prepare_provider_values(self):
        partner = self.partner_id
        link = partner._get_preference_link(self.company_id)
        speaking = self.with_context(lang=partner.lang)
        text = speaking.env._(
            "%(text)s Opt out: %(link)s", text=(self.body or "").strip(), link=link
        )
        return {
            "phone": partner.phone_sanitized or "",
            "name": partner.name or "",
            "text": text,
            "reference": str(self.id),
            "company": self.company_id.name,
            "campaign": self.campaign_id.title,
        }

    def _take_outcome(self, outcome, detail, number):
        if outcome == "sent":
            self._finish("sent")
            self._set(provider_ref=number)
        elif outcome == "later":
            self._put_back("error", RETRY_MINUTES)
        elif outcome == "rejected":
            self._finish("failed", "rejected", detail)
        else:
            self._finish("unknown", "interrupted", detail)

    def _take_report(self, status, detail):
        """What a provider reports of a message that it was given."""
        now = fields.Datetime.now()
        if not self or not self.attempted_at:
            return
        if status == "failed":
            # Reports may come out of order.
            if self.delivered_at:
                return
            self._finish("failed", "rejected", detail or None)
            return
        # It has arrived, whatever we thought.
        values = {"state": "sent", "reason": None, "reason_detail": None}
        values["sent_at"] = self.sent_at or self.attempted_at
        values["delivered_at"] = self.delivered_at or now
        if status in ("opened", "clicked"):
            values["opened_at"] = self.opened_at or now
        if status == "clicked":
            values["clicked_at"] = self.clicked_at or now
        self._set(**values)
