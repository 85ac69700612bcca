import os
import threading
from contextlib import contextmanager

from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry
from odoo.sql_db import db_connect
from odoo.tests.common import BaseCase, get_db_name
from odoo.tools import SQL

SOAK = bool(os.environ.get("TRADE_CRM_SOAK"))
# Longer than anything here takes; a test that waits for its own lock fails instead of hanging.
PATIENCE = 30
CONTEXT = {"tracking_disable": True, "mail_create_nolog": True, "mail_notrack": True}


class Worker(threading.Thread):
    """Runs ``target`` beside the test; :meth:`get_result` waits for it and passes its error on."""

    def __init__(self, target):
        super().__init__(daemon=True)
        self.target, self.result, self.error = target, None, None
        self.start()

    def run(self):
        try:
            self.result = self.target()
        except Exception as error:  # pylint: disable=broad-except
            self.error = error

    def get_result(self):
        self.join(PATIENCE)
        if self.is_alive():
            raise TimeoutError("A transaction is still waiting for another one")
        if self.error:
            raise self.error
        return self.result


class ConcurrencyCase(BaseCase):
    """What only several connections show: each transaction here is a real one and is committed.

    The customers are told apart by their name, which starts with ``prefix``.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.registry = Registry(get_db_name())
        cls.prefix = f"Concurrency {os.getpid()}"

    @classmethod
    @contextmanager
    def _open(cls):
        """An environment in a transaction of its own, committed in the end."""
        with db_connect(get_db_name()).cursor() as cr:
            cr.execute("SET lock_timeout = %s", [f"{PATIENCE}s"])
            yield api.Environment(cr, SUPERUSER_ID, CONTEXT)
            cr.execute("RESET lock_timeout")

    @contextmanager
    def _start(self):
        """An environment whose transaction sees what is committed now, and nothing later."""
        with self._open() as env:
            env.cr.execute("SELECT 1")
            yield env

    def _run(self, action):
        """Run ``action(env)`` in a transaction of its own, beside this one."""

        def target():
            with self._open() as env:
                return action(env)

        return Worker(target)

    def _wait_for_lock(self):
        """Wait until another transaction of this database waits for a lock."""
        for _number in range(PATIENCE * 50):
            with self._open() as env:
                [[waiting]] = env.execute_query(
                    SQL(
                        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                        " AND wait_event_type = 'Lock'"
                    )
                )
            if waiting:
                return
            threading.Event().wait(0.02)
        self.fail("Nobody waits for a lock")

    def _kill(self, cr):
        """End the connection of ``cr`` in the middle of its transaction."""
        pid = cr.connection.get_backend_pid()
        with self._open() as env:
            env.cr.execute("SELECT pg_terminate_backend(%s, 1000)", [pid])
