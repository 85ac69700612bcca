import time
from types import SimpleNamespace
from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.service.model import retrying
from odoo.tests import new_test_user, tagged
from odoo.tools import SQL, mute_logger

from .concurrency_common import CONTEXT, ConcurrencyCase, Worker


@tagged("post_install", "-at_install")
class TestGuardConcurrency(ConcurrencyCase):
    """Two reps, ann and bob, who enter the same customer at the same moment."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.addClassCleanup(cls._clean_up)
        with cls._open() as env:
            company = env.ref("base.main_company")
            cls.company_id, cls.was_on = company.id, company.trade_lead_guard
            company.trade_lead_guard = True
            cls.user_ids = {
                name: new_test_user(
                    env, login=f"{cls.prefix} {name}", groups="trade_crm.group_rep"
                ).id
                for name in ("ann", "bob")
            }

    @classmethod
    def _clean_up(cls):
        with cls._open() as env:
            env["res.company"].browse(cls.company_id).trade_lead_guard = cls.was_on
            env.cr.execute(
                "DELETE FROM trade_collision_check WHERE user_id = ANY(%s)",
                [list(cls.user_ids.values())],
            )
            env.cr.execute("DELETE FROM trade_identity_lock")
            env["crm.lead"].search([("name", "=like", f"{cls.prefix}%")]).unlink()
            partners = (
                env["res.partner"]
                .with_context(active_test=False)
                .search([("name", "=like", f"{cls.prefix}%")])
            )
            partners.user_ids.unlink()
            partners.exists().unlink()
            env.cr.execute(
                "DELETE FROM trade_profile_dirty WHERE partner_id = ANY(%s)", [partners.ids]
            )

    def _as(self, name, env):
        context = {**CONTEXT, "allowed_company_ids": [self.company_id]}
        return env(user=self.user_ids[name], context=context)

    def _serve(self, name, env, make):
        """Run ``make`` as a request does: again when it lost a race, then commit."""
        clock = SimpleNamespace(sleep=lambda _seconds: time.sleep(0.01))
        with patch("odoo.service.model.time", clock):
            retrying(lambda: make(self._as(name, env)), env)

    def _make_customer(self, env, name="tea", email="tea@example.com"):
        partners = env["res.partner"]
        return partners.create(
            {
                "name": f"{self.prefix} {self._testMethodName} {name}",
                "is_company": True,
                "email": f"{self._testMethodName}.{email}",
                "user_id": env.uid,
            }
        )

    def _make_lead(self, env):
        return env["crm.lead"].create(
            {
                "name": f"{self.prefix} lead",
                "email_from": f"{self._testMethodName}.tea@example.com",
            }
        )

    def _collide(self, first, second, waits):
        """Ann does ``first``, Bob begins ``second`` before that is committed."""
        with self._start() as early, self._start() as late:
            first(self._as("ann", early))
            if not waits:
                early.cr.commit()
                return self._serve("bob", late, second)
            early.cr.flush()
            worker = Worker(lambda: self._serve("bob", late, second))
            self._wait_for_lock()
            early.cr.commit()
            return worker.get_result()

    def _count(self):
        with self._open() as env:
            [[count]] = env.execute_query(
                SQL(
                    "SELECT count(*) FROM trade_identity_key WHERE kind = 'email' AND value = %s",
                    f"{self._testMethodName}.tea@example.com".lower(),
                )
            )
        return count

    @mute_logger("odoo.sql_db", "odoo.service.model")
    def test_second_one_waits_and_is_refused(self):
        with self.assertRaisesRegex(UserError, "Ask for it"):
            self._collide(self._make_customer, self._make_customer, waits=True)
        self.assertEqual(self._count(), 1)

    @mute_logger("odoo.sql_db", "odoo.service.model")
    def test_second_one_who_has_begun_before_is_refused(self):
        with self.assertRaisesRegex(UserError, "Ask for it"):
            self._collide(self._make_customer, self._make_lead, waits=False)
        self.assertEqual(self._count(), 1)

    @mute_logger("odoo.sql_db", "odoo.service.model")
    def test_first_one_gives_up(self):
        """Nobody is refused for what was never saved."""
        with self._start() as early, self._start() as late:
            self._make_customer(self._as("ann", early))
            early.cr.flush()
            worker = Worker(lambda: self._serve("bob", late, self._make_customer))
            self._wait_for_lock()
            early.cr.rollback()
            worker.get_result()
        self.assertEqual(self._count(), 1)

    def test_others_do_not_wait(self):
        with self._start() as early, self._start() as late:
            self._make_customer(self._as("ann", early))
            early.cr.flush()
            self._make_customer(self._as("bob", late), "coffee", "coffee@example.com")
        self.assertEqual(self._count(), 1)

    @mute_logger("odoo.sql_db", "odoo.service.model")
    def test_change_of_a_record_races_as_well(self):
        with self._open() as env:
            customer_id = self._make_customer(
                self._as("bob", env), "coffee", "coffee@example.com"
            ).id

        def change(env):
            partner = env["res.partner"].browse(customer_id)
            partner.email = f"{self._testMethodName}.tea@example.com"
            partner.flush_recordset()

        with self.assertRaisesRegex(UserError, "Ask for it"):
            self._collide(self._make_customer, change, waits=True)
        self.assertEqual(self._count(), 1)

    def test_fill_waits_for_a_change(self):
        """The fill must not bring back a key that a change has just removed."""
        with self._open() as env:
            customer = self._make_customer(env)
            customer_id = customer.id
            env["trade.identity.fill"]._request("res.partner")
            [row] = env["trade.identity.fill"].search([("model", "=", "res.partner")])
            row_id, max_id = row.id, row.max_id
        with self._start() as early, self._start() as late:
            early["res.partner"].browse(customer_id).email = "other@example.com"
            early.cr.flush()
            fill = late["trade.identity.fill"].browse(row_id)
            worker = Worker(lambda: fill._fill_chunk(max_id))
            self._wait_for_lock()
            early.cr.commit()
            self.assertEqual(type(worker.get_result()).__name__, "SerializationFailure")
            fill.env.cr.rollback()
        with self._open() as env:
            self.assertIsNone(env["trade.identity.fill"].browse(row_id)._fill_chunk(max_id))
        self.assertEqual(self._count(), 0)
