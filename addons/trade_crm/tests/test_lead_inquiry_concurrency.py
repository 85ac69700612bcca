from concurrent.futures import ThreadPoolExecutor

from odoo.service.model import retrying
from odoo.tests import tagged
from odoo.tools import mute_logger

from .concurrency_common import ConcurrencyCase


@tagged("post_install", "-at_install")
class TestLeadInquiryConcurrency(ConcurrencyCase):
    """The web form is sent twice at the same moment, and by many at the same moment."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.addClassCleanup(cls._clean_up)

    @classmethod
    def _clean_up(cls):
        with cls._open() as env:
            env.cr.execute("DELETE FROM trade_lead_inquiry WHERE key LIKE %s", [f"%{cls.prefix}%"])

    def _is_first(self, env):
        return env["trade.lead.inquiry"]._is_first(self.prefix)

    @mute_logger("odoo.sql_db", "odoo.service.model")
    def test_second_of_a_form_waits_and_is_told(self):
        with self._start() as env:
            self.assertTrue(self._is_first(env))
            second = self._run(lambda other: retrying(lambda: self._is_first(other), other))
            self._wait_for_lock()
        self.assertFalse(second.get_result())

    @mute_logger("odoo.sql_db")
    def test_nobody_is_forgotten_in_the_count(self):
        key, threads, turns = f"{self.prefix} hall", 8, 15

        def send(_thread):
            with self._open() as env:
                return [env["trade.lead.inquiry"]._count(key) for _turn in range(turns)]

        with ThreadPoolExecutor(threads) as pool:
            counts = [count for sent in pool.map(send, range(threads)) for count in sent]
        self.assertEqual(sorted(counts), list(range(1, threads * turns + 1)))
