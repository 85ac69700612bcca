import ipaddress
import sys
import time
from contextlib import suppress
from datetime import timedelta

from psycopg2 import errors

from odoo import api, fields, models
from odoo.tools import SQL
from odoo.tools.misc import hmac

# Everybody in the hall of an exhibition has the same address.
SENDER_HOURLY_LIMIT = 60
# Longer than a form may stay open.
KEEP_DAYS = 2
GC_LIMIT = 100_000
TRIES = 10
RETRY_SECONDS = 0.01


class TradeLeadInquiry(models.Model):
    """How often something was sent by the web forms: one row per form shown, and per hour and sender.

    Senders are kept as a keyed hash of their address and for two days only.
    """

    _name = "trade.lead.inquiry"
    _description = "Sent Inquiries"
    _log_access = False
    _rec_name = "key"

    key = fields.Char(required=True, readonly=True)
    count = fields.Integer(required=True, readonly=True)
    happened_at = fields.Datetime("Date", required=True, readonly=True, index=True)

    _key_uniq = models.UniqueIndex("(key)")

    @api.model
    def _was_sent(self, nonce):
        """Whether something was made of the form that ``nonce`` was shown in."""
        return bool(self.search_count([("key", "=", f"form {nonce}")], limit=1))

    @api.model
    def _is_first(self, nonce):
        """Note that something is made of the form; whether nothing was before.

        Of two requests at a time, the second waits for the first and is then tried again by Odoo.
        """
        query = SQL(
            "INSERT INTO trade_lead_inquiry (key, count, happened_at) VALUES (%s, 1, %s)"
            " ON CONFLICT (key) DO NOTHING RETURNING id",
            f"form {nonce}",
            fields.Datetime.now(),
        )
        self.env.cr.execute(query, log_exceptions=False)
        return bool(self.env.cr.rowcount)

    @api.model
    def _is_allowed(self, form, address):
        """Count one inquiry; whether the form and the sender stay within their limits.

        :param form: a record of a model that inherits ``trade.public.form``
        """
        hour = fields.Datetime.now().strftime("%Y-%m-%d %H")
        sender = hmac(self.env(su=True), "trade_lead_inquiry", self._get_network(address))
        sent = self._count(f"sender {hour} {sender[:32]}")
        if sent > SENDER_HOURLY_LIMIT:
            return False
        limit = form._get_form_limit()
        return not limit or self._count(f"{form._form_key} {hour} {form.id}") <= limit

    @api.model
    def _get_network(self, address):
        """Who has one IPv6 address has billions of them."""
        try:
            parsed = ipaddress.ip_address(address or "")
        except ValueError:
            return ""
        if parsed.version == 6:
            return str(ipaddress.ip_network((parsed, 64), strict=False))
        return str(parsed)

    @api.model
    def _count(self, key):
        """Add one to ``key`` in a transaction of its own: requests do not wait for each other's leads.

        What was counted stays, whatever becomes of the request.
        """
        query = SQL(
            "INSERT INTO trade_lead_inquiry (key, count, happened_at) VALUES (%s, 1, %s)"
            " ON CONFLICT (key) DO UPDATE SET count = trade_lead_inquiry.count + 1"
            " RETURNING count",
            key,
            fields.Datetime.now(),
        )
        for _turn in range(TRIES):
            with suppress(errors.SerializationFailure), self.env.registry.cursor() as cr:
                cr.execute(query, log_exceptions=False)
                return cr.fetchone()[0]
            time.sleep(RETRY_SECONDS)
        # So many at a time are a flood.
        return sys.maxsize

    @api.autovacuum
    def _gc_inquiries(self):
        self.env.cr.execute(
            SQL(
                "DELETE FROM trade_lead_inquiry WHERE id IN (SELECT id FROM trade_lead_inquiry"
                " WHERE happened_at < %s ORDER BY happened_at LIMIT %s)",
                fields.Datetime.now() - timedelta(days=KEEP_DAYS),
                GC_LIMIT,
            )
        )
        deleted = self.env.cr.rowcount
        return deleted, int(deleted == GC_LIMIT)
