from psycopg2.errors import SerializationFailure

from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .concurrency_common import ConcurrencyCase


@tagged("post_install", "-at_install")
class TestPrivacyConcurrency(ConcurrencyCase):
    """Two officers press Erase at the same time."""

    def setUp(self):
        super().setUp()
        with self._open() as env:
            partner = env["res.partner"].create({"name": self.prefix, "email": "c@erase.test"})
            request = env["trade.privacy.request"].create(
                {"kind": "erasure", "partner_id": partner.id, "state": "verified"}
            )
            self.partner_id, self.request_id = partner.id, request.id
        self.addCleanup(self._clean)

    def _clean(self):
        with self._open() as env:
            request = env["trade.privacy.request"].browse(self.request_id)
            log = request.log_id
            request.unlink()
            log.unlink()
            env["res.partner"].browse(self.partner_id).unlink()

    def _erase(self, env):
        env["trade.privacy.request"].browse(self.request_id)._erase()

    @mute_logger("odoo.sql_db")
    def test_the_second_is_told(self):
        with self._start() as first:
            self._erase(first)
            second = self._run(self._erase)
            self._wait_for_lock()
        # Odoo retries it.
        with self.assertRaises(SerializationFailure):
            second.get_result()
        with self._open() as env, self.assertRaisesRegex(UserError, "answered already"):
            self._erase(env)
        with self._open() as env:
            request = env["trade.privacy.request"].browse(self.request_id)
            self.assertEqual(request.state, "done")
            self.assertEqual(
                env["privacy.log"].search_count([("additional_note", "=", request.name)]), 1
            )
            self.assertIn("Erased person", request.partner_id.name)
