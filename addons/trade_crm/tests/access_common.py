from contextlib import contextmanager
from datetime import datetime
from unittest.mock import patch

from odoo.service.model import execute_cr
from odoo.service.server import thread_local
from odoo.tests.test_cursor import TestCursor

from .common import TradeCrmCommon


class AccessCommon(TradeCrmCommon):
    """Calls as a client makes them, and the access log that they leave."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.group_export = cls.env.ref("trade_crm.group_export")
        cls.group_allow_export = cls.env.ref("base.group_allow_export")
        cls._switch_control(False)

    @classmethod
    def _switch_control(cls, on):
        cls.env["ir.config_parameter"].set_param("trade_crm.export_control", on and "True")

    @classmethod
    @contextmanager
    def _commits(cls):
        """Test cursors forget what is to be done after the commit; within this they do it."""
        commit = TestCursor.commit

        def commit_and_run(cursor):
            hooks = list(cursor.postcommit._funcs)
            commit(cursor)
            for hook in hooks:
                hook()

        with patch.object(TestCursor, "commit", commit_and_run):
            yield

    def _call(self, user, model, method, *args, readonly=False, **kwargs):
        """Call ``method`` as the external API does, in a transaction of its own."""
        kwargs["context"] = {
            "allowed_company_ids": user.company_ids.ids,
            **kwargs.get("context", {}),
        }
        with (
            self._commits(),
            patch.object(thread_local, "rpc_model_method", ""),
            self.enter_registry_test_mode(),
            self.registry.cursor(readonly=readonly) as cr,
        ):
            return execute_cr(cr, user.id, model, method, args, kwargs)

    def _make_key(self, user):
        """Key of the external API."""
        # The database decides whether it has expired, and time goes on there.
        expiration = datetime(2100, 1, 1)
        keys = self._as(user, self.env["res.users.apikeys"]).sudo()
        return keys._generate("rpc", "test", expiration)

    def _get_log(self, user=None, **values):
        """Rows of the log, as nobody would be kept from reading them."""
        domain = [(name, "=", value) for name, value in values.items()]
        if user:
            domain.append(("user_id", "=", user.id))
        return self.env["trade.access.log"].search(domain, order="id")

    def _get_exports(self, user):
        return self._get_log(user, kind="export", parent_id=False)

    def assertNoAccess(self, user):
        self.assertFalse(self._get_log(user))
