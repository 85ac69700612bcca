import random
import threading
from contextlib import contextmanager
from unittest.mock import patch

import psycopg2

from odoo import fields
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import SQL, mute_logger

from ..models.trade_customer_profile import REBUILD_LOCK
from .concurrency_common import SOAK, ConcurrencyCase, Worker

SILENT = ("odoo.sql_db", "odoo.addons.trade_crm.models.trade_customer_profile")


class Victims:
    """Connections that may be killed just now; one that has gone back to the pool must not be."""

    def __init__(self):
        self.pids = set()
        self.killed = 0
        self.mutex = threading.Lock()

    @contextmanager
    def exposed(self, cr):
        pid = cr.connection.get_backend_pid()
        self.pids.add(pid)
        try:
            yield
        finally:
            with self.mutex:
                self.pids.discard(pid)

    def kill_one(self, cr, dice):
        with self.mutex:
            if self.pids:
                pid = dice.choice(sorted(self.pids))
                cr.execute("SELECT pg_terminate_backend(%s, 1000)", [pid])
                self.killed += 1


@tagged("post_install", "-at_install")
class TestProfileConcurrency(ConcurrencyCase):
    """Orders, queue and rebuilds at the same moment; in the end every profile is right."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.addClassCleanup(cls._clean_up)
        with cls._open() as env:
            cls.company_id = env.ref("base.main_company").id
            cls.product_id = (
                env["product.product"]
                .create(
                    {
                        "name": cls.prefix,
                        "type": "service",
                        "list_price": 100.0,
                        "taxes_id": [Command.clear()],
                    }
                )
                .id
            )
            assert env["trade.tier.policy"].search([("company_id", "=", cls.company_id)])

    @classmethod
    def _clean_up(cls):
        with cls._open() as env:
            partners = env["res.partner"].search([("name", "like", cls.prefix)])
            orders = env["sale.order"].search([("partner_id", "in", partners.ids)])
            orders.filtered("locked").action_unlock()
            orders._action_cancel()
            orders.unlink()
            env["trade.order.history"].search([("partner_id", "in", partners.ids)]).unlink()
            partner_ids = partners.ids
            partners.unlink()
            products = env["product.product"].search([("name", "=", cls.prefix)])
            products.product_tmpl_id.unlink()
            env.flush_all()
            env.cr.flush()
            env.cr.execute(
                "DELETE FROM trade_profile_dirty WHERE partner_id = ANY(%s)", [partner_ids]
            )

    def setUp(self):
        super().setUp()
        self.partner_ids = self._make_partners(3)
        self.partner_id = self.partner_ids[0]

    def _is_waiting(self):
        with self._open() as env:
            return bool(
                env["trade.profile.dirty"].search_count(
                    [("partner_id", "in", self.partner_ids), ("error", "=", False)]
                )
            )

    # ------------------------------------------------------------------
    # Records
    # ------------------------------------------------------------------

    def _make_partners(self, count):
        with self._open() as env:
            partners = env["res.partner"].create(
                [
                    {"name": f"{self.prefix} {number}", "is_company": True, "customer_rank": 1}
                    for number in range(count)
                ]
            )
            ids = partners.ids
        self._refresh()
        return ids

    def _make_order(self, env, partner_id, price=100.0):
        return env["sale.order"].create(
            {
                "partner_id": partner_id,
                "company_id": self.company_id,
                "order_line": [
                    Command.create(
                        {
                            "product_id": self.product_id,
                            "product_uom_qty": 1.0,
                            "price_unit": price,
                            "tax_ids": [Command.clear()],
                        }
                    )
                ],
            }
        )

    def _make_quotation(self, partner_id=None, price=100.0):
        with self._open() as env:
            order_id = self._make_order(env, partner_id or self.partner_id, price).id
        self._refresh()
        return order_id

    def _confirm(self, env, order_id):
        env["sale.order"].browse(order_id).action_confirm()

    def _make_history(self, env, partner_id, amount=100.0):
        rows = env["trade.order.history"]
        rows.create(
            {
                "partner_id": partner_id,
                "company_id": self.company_id,
                "date": fields.Date.today(),
                "amount": amount,
                "source": "concurrency",
                "external_id": f"{partner_id}-{random.getrandbits(60)}",
            }
        )

    def _refresh(self):
        with self._open() as env:
            env["trade.customer.profile"]._process_queue()

    def _rebuild_all(self, env):
        env["trade.customer.profile"]._rebuild_all()

    def _read(self, *partner_ids):
        """Number of orders and revenue in the profiles of ``partner_ids``."""
        with self._open() as env:
            rows = env.execute_query(
                SQL(
                    "SELECT partner_id, order_count, revenue::float8 FROM trade_customer_profile"
                    " WHERE company_id = %s AND partner_id = ANY(%s)",
                    self.company_id,
                    list(partner_ids or self.partner_ids),
                )
            )
        found = {partner: (count, revenue) for partner, count, revenue in rows}
        self.assertEqual(len(found), len(rows), "A customer has two profiles in a company")
        return found

    def assertProfile(self, order_count, revenue, partner_id=None):
        partner_id = partner_id or self.partner_id
        self.assertEqual(self._read(partner_id), {partner_id: (order_count, revenue)})

    def assertEverythingRight(self):
        """Every profile here says what a computation from nothing says."""
        with self._open() as env:
            rows = env.execute_query(
                SQL(
                    """
                    SELECT partner_id, sum(orders)::int, sum(amount)::float8 FROM (
                        SELECT partner_id, 1 AS orders, amount_untaxed AS amount
                          FROM sale_order WHERE state = 'sale'
                         UNION ALL
                        SELECT partner_id, 1, amount FROM trade_order_history
                         UNION ALL
                        SELECT id, 0, 0 FROM res_partner
                    ) document WHERE partner_id = ANY(%s) GROUP BY partner_id
                    """,
                    self.partner_ids,
                )
            )
        self.assertEqual(self._read(), {partner: (n, amount) for partner, n, amount in rows})

    # ------------------------------------------------------------------
    # A commit that comes late
    # ------------------------------------------------------------------

    def test_change_that_commits_after_a_nightly_run_is_not_lost(self):
        """The run begins and ends while the change is written but not committed."""
        with self._start() as late:
            self._make_history(late, self.partner_id)
            late.cr.flush()
            with self._open() as nightly:
                nightly["trade.customer.profile"]._cron_refresh()
            self.assertProfile(0, 0.0)
            late.cr.commit()
        self.assertTrue(self._is_waiting())
        self._refresh()
        self.assertProfile(1, 100.0)
        self.assertFalse(self._is_waiting())

    def test_change_that_commits_during_a_nightly_run_is_not_lost(self):
        """The run looked at the data before the commit: it must not forget what came then."""
        with self._start() as nightly:
            with self._open() as late:
                self._make_history(late, self.partner_id)
            nightly["trade.customer.profile"]._queue([self.partner_id], None, "time")
            nightly.cr.flush()
            nightly["trade.profile.dirty"]._take(1000)
            nightly["trade.customer.profile"]._rebuild_pairs({(self.partner_id, None): "time"})
        self.assertProfile(0, 0.0)
        self.assertTrue(self._is_waiting())
        self._refresh()
        self.assertProfile(1, 100.0)

    def test_change_that_commits_during_a_full_rebuild_is_not_lost(self):
        original = self._get_profiles()._create_new_table

        def create_slowly(profiles, *args, **kwargs):
            result = original(profiles, *args, **kwargs)
            with self._open() as late:
                self._make_history(late, self.partner_id)
            return result

        with self._patched("_create_new_table", create_slowly), self._open() as env:
            self._rebuild_all(env)
        self.assertProfile(0, 0.0)
        self.assertTrue(self._is_waiting())
        self._refresh()
        self.assertProfile(1, 100.0)

    def test_order_confirmed_long_ago_and_committed_late(self):
        """An at-once refresh holds its row; the nightly run waits for it and tries again."""
        order_id = self._make_quotation()
        with self._open() as env:
            env["trade.profile.dirty"]._append({(self.partner_id, None): "time"})
        with self._start() as late:
            self._confirm(late, order_id)
            late.cr.flush()
            nightly = self._run(lambda env: env["trade.customer.profile"]._process_queue())
            self._wait_for_lock()
            late.cr.commit()
        self.assertGreaterEqual(nightly.get_result(), 1)
        self.assertProfile(1, 100.0)
        self.assertFalse(self._is_waiting())

    # ------------------------------------------------------------------
    # Two at once
    # ------------------------------------------------------------------

    def _get_profiles(self):
        return self.registry["trade.customer.profile"]

    @contextmanager
    def _patched(self, name, function):
        with patch.object(self._get_profiles(), name, function):
            yield

    def test_two_users_confirm_orders_of_one_customer(self):
        """The second one does not see the order of the first and gives way to the queue."""
        orders = [self._make_quotation(price=price) for price in (100.0, 30.0)]
        with self._start() as second:
            with self._open() as first:
                self._confirm(first, orders[0])
            self.assertProfile(1, 100.0)
            self._confirm(second, orders[1])
        self.assertProfile(1, 100.0)
        self.assertTrue(self._is_waiting())
        self._refresh()
        self.assertProfile(2, 130.0)

    def test_two_users_confirm_first_orders_of_a_customer(self):
        """Neither sees the profile that the other one makes."""
        with self._open() as env:
            self.partner_id = (
                env["res.partner"].create({"name": f"{self.prefix} nobody", "is_company": True}).id
            )
        self.partner_ids.append(self.partner_id)
        self.assertEqual(self._read(self.partner_id), {})
        with self._start() as second, self._start() as first:
            for env, price in ((first, 100.0), (second, 30.0)):
                self._confirm(env, self._make_order(env, self.partner_id, price).id)
            first.cr.commit()
            second.cr.commit()
        self._refresh()
        self.assertProfile(2, 130.0)

    def test_two_users_confirm_and_one_waits_for_the_other(self):
        orders = [self._make_quotation(price=price) for price in (100.0, 30.0)]
        with self._start() as first:
            self._confirm(first, orders[0])
            first.cr.flush()
            second = self._run(lambda env: self._confirm(env, orders[1]))
            self._wait_for_lock()
            first.cr.commit()
        second.get_result()
        self._refresh()
        self.assertProfile(2, 130.0)

    def test_two_users_confirm_orders_of_the_same_customers_crosswise(self):
        """Each holds a profile that the other one wants: the queue resolves it, not an error."""
        other_id = self.partner_ids[1]
        orders = [
            self._make_quotation(partner)
            for partner in (self.partner_id, other_id, other_id, self.partner_id)
        ]
        with self._start() as first, self._start() as second:
            for env, order_id in ((first, orders[0]), (second, orders[2])):
                self._confirm(env, order_id)
                env.cr.flush()

            def confirm_and_commit(env, order_id):
                self._confirm(env, order_id)
                env.cr.commit()

            waiting = Worker(lambda: confirm_and_commit(first, orders[1]))
            self._wait_for_lock()
            confirm_and_commit(second, orders[3])
            waiting.get_result()
        self._refresh()
        self.assertProfile(2, 200.0)
        self.assertProfile(2, 200.0, other_id)

    def test_refresh_without_effect_still_counts_against_one_that_sees_less(self):
        """One order is cancelled and another made: the row is the same, but not what it is of.

        Whoever cannot see both must not write its own result after that.
        """
        with self._open() as env:
            old = self._make_order(env, self.partner_id)
            old.action_confirm()
            old_id = old.id
        new_id, other_id = self._make_quotation(), self._make_quotation(price=30.0)
        self.assertProfile(1, 100.0)
        with self._start() as late:
            with self._open() as env, self._patched("_refresh_at_once", lambda *_args: False):
                env["sale.order"].browse(old_id)._action_cancel()
                self._confirm(env, new_id)
            self._refresh()
            self.assertProfile(1, 100.0)
            self._confirm(late, other_id)
            with self.assertRaises(psycopg2.errors.SerializationFailure), late.cr.savepoint():
                late["trade.customer.profile"]._rebuild_pairs({(self.partner_id, None): "order"})
        self._refresh()
        self.assertProfile(2, 130.0)

    # Sales

    def _add_up(self):
        with self._open() as env:
            env["trade.sales.fact"]._process_queue()

    def _read_sales(self, partner_id):
        """Orders and revenue in the sales of a customer."""
        with self._open() as env:
            [row] = env.execute_query(
                SQL(
                    "SELECT COALESCE(sum(order_count), 0), COALESCE(sum(revenue), 0)::float8"
                    " FROM trade_sales_fact WHERE company_id = %s AND partner_id = %s",
                    self.company_id,
                    partner_id,
                )
            )
        return row

    def test_sale_that_commits_late_is_added_up(self):
        """A run that began before it, and ends before it commits, leaves it to the next one."""
        order_id = self._make_quotation()
        with self._start() as late:
            self._confirm(late, order_id)
            late.cr.flush()
            with self._open() as env:
                env["trade.sales.fact"]._rebuild_all()
            self._add_up()
            self.assertEqual(self._read_sales(self.partner_id), (0, 0.0))
        self._add_up()
        self.assertEqual(self._read_sales(self.partner_id), (1, 100.0))

    def test_two_runs_do_not_add_up_twice(self):
        """The second one leaves everything to the next run, also what the first one has not seen."""
        with self._open() as env:
            self._make_history(env, self.partner_id)
        self._refresh()
        with self._start() as first:
            rows, error = first["trade.sales.fact"]._process_chunk(10)
            self.assertTrue(rows)
            self.assertIsNone(error)
            with self._open() as env:
                self._make_history(env, self.partner_id, 50.0)
            self._refresh()
            with self._open() as second:
                self.assertEqual(second["trade.sales.fact"]._process_chunk(10), ([], None))
                with self.assertRaises(UserError):
                    second["trade.sales.fact"]._rebuild_all()
        self._add_up()
        self.assertEqual(self._read_sales(self.partner_id), (2, 150.0))

    def test_run_with_an_old_view_fails_instead_of_adding_twice(self):
        """It began before the other one wrote the first sales of the customer."""
        with self._open() as env:
            self._make_history(env, self.partner_id)
        self._refresh()
        with self._start() as late:
            self._add_up()
            pairs = {(self.partner_id, self.company_id)}
            with (
                self.assertRaises(psycopg2.IntegrityError),
                mute_logger(*SILENT),
                late.cr.savepoint(),
            ):
                late["trade.sales.fact"]._rebuild_pairs(pairs)
        self.assertEqual(self._read_sales(self.partner_id), (1, 100.0))

    def test_run_that_is_killed_is_done_again(self):
        with self._open() as env:
            self._make_history(env, self.partner_id)
        self._refresh()
        with (
            self.assertRaises(psycopg2.OperationalError),
            mute_logger(*SILENT),
            self._start() as victim,
        ):
            victim["trade.sales.fact"]._process_chunk(10)
            with self._open() as env:
                pid = victim.cr.connection.get_backend_pid()
                env.cr.execute("SELECT pg_terminate_backend(%s, 1000)", [pid])
            victim.cr.execute("SELECT 1")
        self.assertEqual(self._read_sales(self.partner_id), (0, 0.0))
        self._add_up()
        self.assertEqual(self._read_sales(self.partner_id), (1, 100.0))

    def test_change_of_policy_counts_against_a_decision_by_the_old_one(self):
        """The rebuild after it writes rows that it does not change as well."""
        order_id = self._make_quotation()
        with self._start() as late:
            with self._open() as env:
                company = env["res.company"].browse(self.company_id)
                env["trade.customer.profile"]._rebuild_all(company, "policy")
            self._confirm(late, order_id)
        self.assertTrue(self._is_waiting())
        self._refresh()
        self.assertProfile(1, 100.0)

    def test_job_runs_twice_at_once(self):
        """The second run neither waits for the customers of the first nor computes them again."""
        with self._open() as env:
            for partner_id in self.partner_ids[:2]:
                self._make_history(env, partner_id)
        with self._start() as first:
            taken = first["trade.profile.dirty"]._take(1)
            with self._open() as second:
                second["trade.customer.profile"]._process_queue()
            first["trade.customer.profile"]._rebuild_pairs(
                {(partner, company): cause for _id, partner, company, cause in taken}
            )
        self.assertFalse(self._is_waiting())
        self.assertEverythingRight()

    def test_run_that_finds_its_rows_taken_goes_on(self):
        """They were there when the transaction began, and are gone when it takes them."""
        with self._start() as second:
            for partner_id in self.partner_ids:
                with self._open() as env:
                    self._make_history(env, partner_id)
            second.cr.commit()
            second.cr.execute("SELECT count(*) FROM trade_profile_dirty")
            with self._open() as first:
                first["trade.customer.profile"]._process_queue()
                self._make_history(first, self.partner_id)
            second["trade.customer.profile"]._process_queue()
        self.assertFalse(self._is_waiting())
        self.assertEverythingRight()
        self.assertProfile(2, 200.0)

    def test_two_full_rebuilds_at_once(self):
        with self._open() as env:
            for partner_id in self.partner_ids:
                self._make_history(env, partner_id)
        workers = [self._run(self._rebuild_all) for _number in range(2)]
        for worker in workers:
            worker.get_result()
        self.assertEverythingRight()
        self.assertFalse(self._is_waiting())

    def test_rebuild_waits_for_the_one_that_runs(self):
        """It begins after the other one has ended, and sees what was committed meanwhile."""
        with self._start() as first:
            first.cr.execute(SQL("SELECT pg_advisory_xact_lock(%s)", REBUILD_LOCK))
            second = self._run(self._rebuild_all)
            self._wait_for_lock()
            with self._open() as env:
                self._make_history(env, self.partner_id)
        second.get_result()
        self.assertProfile(1, 100.0)
        self.assertFalse(self._is_waiting())

    def test_rebuild_after_an_order_in_the_same_transaction(self):
        """A transaction does not wait for the lock that it holds itself."""
        order_id = self._make_quotation()

        def confirm_and_rebuild(env):
            self._confirm(env, order_id)
            env.cr.flush()
            self._rebuild_all(env)

        self._run(confirm_and_rebuild).get_result()
        self.assertProfile(1, 100.0)

    def test_rebuild_gives_up_with_a_sentence(self):
        with self._start() as first:
            first.cr.execute(SQL("SELECT pg_advisory_xact_lock(%s)", REBUILD_LOCK))
            with (
                patch(
                    "odoo.addons.trade_crm.models.trade_customer_profile.REBUILD_PATIENCE", "100ms"
                ),
                self.assertRaisesRegex(UserError, "rebuilt already"),
                mute_logger("odoo.sql_db"),
                self._open() as env,
            ):
                self._rebuild_all(env)

    def test_order_confirmed_during_a_full_rebuild(self):
        """It neither waits for the rebuild nor is lost to it."""
        order_id = self._make_quotation()
        original = self._get_profiles()._create_new_table

        def create_slowly(profiles, *args, **kwargs):
            result = original(profiles, *args, **kwargs)
            self._run(lambda env: self._confirm(env, order_id)).get_result()
            return result

        with self._patched("_create_new_table", create_slowly), self._open() as env:
            self._rebuild_all(env)
        self.assertProfile(0, 0.0)
        self.assertTrue(self._is_waiting())
        self._refresh()
        self.assertProfile(1, 100.0)

    def test_job_leaves_its_rows_while_a_full_rebuild_runs(self):
        with self._open() as env:
            self._make_history(env, self.partner_id)
        with self._start() as rebuild:
            rebuild.cr.execute(SQL("SELECT pg_advisory_xact_lock(%s)", REBUILD_LOCK))
            self._refresh()
            self.assertProfile(0, 0.0)
            self.assertTrue(self._is_waiting())
        self._refresh()
        self.assertProfile(1, 100.0)

    def test_one_profile_per_customer_and_company(self):
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(psycopg2.errors.UniqueViolation),
            self._open() as env,
        ):
            env.cr.execute(
                "INSERT INTO trade_customer_profile (company_id, partner_id)"
                " SELECT company_id, partner_id FROM trade_customer_profile WHERE partner_id = %s",
                [self.partner_id],
            )

    # ------------------------------------------------------------------
    # Failure
    # ------------------------------------------------------------------

    @mute_logger("odoo.sql_db")
    def test_rebuild_killed_in_the_middle(self):
        """The old profile stays, the lock is gone, and the next run is right."""
        with self._open() as env:
            self._make_history(env, self.partner_id)
        original = self._get_profiles()._apply

        def apply_and_die(profiles, *args, **kwargs):
            original(profiles, *args, **kwargs)
            self._kill(profiles.env.cr)

        with (
            self._patched("_apply", apply_and_die),
            self.assertRaises((psycopg2.OperationalError, psycopg2.InterfaceError)),
            self._open() as env,
        ):
            self._rebuild_all(env)
        self.assertProfile(0, 0.0)
        self.assertTrue(self._is_waiting())
        with self._open() as env:
            self._rebuild_all(env)
        self.assertProfile(1, 100.0)
        self.assertFalse(self._is_waiting())

    @mute_logger(*SILENT)
    def test_chunk_killed_in_the_middle(self):
        with self._open() as env:
            self._make_history(env, self.partner_id)
        original = self._get_profiles()._apply

        def apply_and_die(profiles, *args, **kwargs):
            original(profiles, *args, **kwargs)
            self._kill(profiles.env.cr)

        with (
            self._patched("_apply", apply_and_die),
            self.assertRaises((psycopg2.OperationalError, psycopg2.InterfaceError)),
            self._open() as env,
        ):
            env["trade.customer.profile"]._process_queue()
        self.assertProfile(0, 0.0)
        self.assertTrue(self._is_waiting())
        self._refresh()
        self.assertProfile(1, 100.0)

    @contextmanager
    def _poisoned(self, partner_id, error=None):
        """Computing the profile of ``partner_id`` fails, in the database or with ``error``."""
        original = self._get_profiles()._rebuild_pairs

        def rebuild(profiles, pairs, *args, **kwargs):
            if any(partner == partner_id for partner, _company in pairs):
                if error:
                    raise error
                profiles.env.cr.execute("SELECT 1 / 0")
            return original(profiles, pairs, *args, **kwargs)

        with self._patched("_rebuild_pairs", rebuild), mute_logger(*SILENT):
            yield

    def _get_failed(self):
        with self._open() as env:
            rows = env["trade.profile.dirty"].search(
                [("partner_id", "in", self.partner_ids), ("error", "!=", False)]
            )
            return [(row.partner_id, row.error) for row in rows]

    def test_customer_that_fails_is_set_aside_with_the_reason(self):
        with self._open() as env:
            for partner_id in self.partner_ids:
                self._make_history(env, partner_id)
        failing = self.partner_ids[1]
        with self._poisoned(failing):
            self._refresh()
            self.assertProfile(1, 100.0, self.partner_ids[0])
            self.assertProfile(0, 0.0, failing)
            self.assertProfile(1, 100.0, self.partner_ids[2])
            [(partner_id, reason)] = self._get_failed()
            self.assertEqual(partner_id, failing)
            self.assertIn("division by zero", reason)
            with self._open() as env:
                self.assertFalse(env["trade.profile.dirty"]._take(1000), "It is not tried at once")
                env.cr.rollback()
        with self._open() as env:
            env["trade.profile.dirty"]._retry_failed()
        self._refresh()
        self.assertProfile(1, 100.0, failing)
        self.assertFalse(self._get_failed())

    def test_customer_that_conflicts_for_ever_does_not_hold_up_the_others(self):
        """What looks like a race and is none ends like any other failure."""
        with self._open() as env:
            for partner_id in self.partner_ids:
                self._make_history(env, partner_id)
        failing = self.partner_ids[0]
        with self._poisoned(failing, psycopg2.errors.ForeignKeyViolation("no such tier")):
            self._refresh()
        self.assertEqual(self._get_failed(), [(failing, "no such tier")])
        for partner_id in self.partner_ids[1:]:
            self.assertProfile(1, 100.0, partner_id)

    def test_full_rebuild_cures_what_was_set_aside(self):
        with self._open() as env:
            self._make_history(env, self.partner_id)
        with self._poisoned(self.partner_id):
            self._refresh()
        self.assertTrue(self._get_failed())
        with self._open() as env:
            self._rebuild_all(env)
        self.assertFalse(self._get_failed())
        self.assertProfile(1, 100.0)

    def test_queue_that_cannot_be_read_is_an_error(self):
        """Nobody is set aside for it, and the run does not go on for ever."""
        with self._open() as env:
            self._make_history(env, self.partner_id)
        queue = self.registry["trade.profile.dirty"]
        with (
            patch.object(queue, "_take", lambda *_args: 1 / 0),
            self.assertRaises(ZeroDivisionError),
            self._open() as env,
        ):
            env["trade.customer.profile"]._process_queue()
        self.assertTrue(self._is_waiting())

    def test_order_is_confirmed_even_if_its_profile_fails(self):
        order_id = self._make_quotation()
        with self._poisoned(self.partner_id), self._open() as env:
            self._confirm(env, order_id)
        with self._open() as env:
            self.assertEqual(env["sale.order"].browse(order_id).state, "sale")
        self.assertTrue(self._is_waiting())
        self._refresh()
        self.assertProfile(1, 100.0)

    def test_whole_company_waits_beside_an_order_at_once(self):
        """A transaction that changes a policy and confirms an order asks for both."""
        order_id = self._make_quotation()
        with self._open() as env:
            company = env["res.company"].browse(self.company_id)
            env["trade.customer.profile"]._queue_companies(company, "policy")
            self._confirm(env, order_id)
        with self._open() as env:
            self.assertIn(company.id, env["trade.profile.dirty"]._get_whole_companies().ids)
            env["trade.customer.profile"]._cron_refresh()
            self.assertNotIn(company.id, env["trade.profile.dirty"]._get_whole_companies().ids)
        self.assertProfile(1, 100.0)

    def test_policy_that_another_process_changed_a_moment_ago(self):
        """A rebuild reads the policy itself: its process may not have heard of the change."""
        with self._open() as env:
            policy = env["trade.tier.policy"].search([("company_id", "=", self.company_id)])
            policies = env["trade.tier.policy"]
            stale = policies._get_snapshots()
            before = policy.window_months
            self.addCleanup(self._write_window, policy.id, before)
            env.cr.execute(
                "UPDATE trade_tier_policy SET window_months = %s WHERE id = %s",
                [before + 5, policy.id],
            )
            env.invalidate_all()
            self.assertIs(policies._get_snapshots(), stale)
            [snapshot] = env["trade.customer.profile"]._get_policies(
                env["res.company"].browse(self.company_id), cached=False
            )
        self.assertEqual(snapshot.window_months, before + 5)

    def _write_window(self, policy_id, months):
        with self._open() as env:
            env.cr.execute(
                "UPDATE trade_tier_policy SET window_months = %s WHERE id = %s", [months, policy_id]
            )

    # ------------------------------------------------------------------
    # Everything at once
    # ------------------------------------------------------------------

    @mute_logger(*SILENT, "odoo.addons.trade_crm.models.trade_profile_dirty")
    def test_everything_at_once(self):
        """People, jobs, rebuilds and a killer; in the end every profile is right."""
        rounds = 40 if SOAK else 1
        killed = 0
        for number in range(rounds):
            with self.subTest(round=number):
                killed += self._play_round(random.Random(number), steps=20 if SOAK else 6)
        self.assertGreaterEqual(killed, rounds if SOAK else 0)

    def _play_round(self, dice, steps):
        """:return: number of transactions that were killed"""
        seeds = [dice.random() for _number in range(5)]
        actions = [self._act_as_seller, self._act_as_seller, self._act_as_job, self._act_as_rebuild]
        victims = Victims()
        stop = threading.Event()
        workers = [
            Worker(lambda action=action, seed=seed: action(random.Random(seed), steps, victims))
            for action, seed in zip(actions, seeds, strict=False)
        ]
        killer = Worker(lambda: self._act_as_killer(random.Random(seeds[-1]), victims, stop))
        for worker in workers:
            worker.get_result()
        stop.set()
        killer.get_result()
        self._refresh()
        self.assertEverythingRight()
        return victims.killed

    def _act(self, action, victims=None):
        """One transaction, which may be killed or lose against another one: then it is undone."""
        try:
            with self._open() as env:
                if victims is None:
                    action(env)
                else:
                    with victims.exposed(env.cr):
                        action(env)
        except (psycopg2.OperationalError, psycopg2.InterfaceError):
            return

    def _act_as_seller(self, dice, steps, victims):
        for _number in range(steps):
            partner_id = dice.choice(self.partner_ids)
            cancelled, old = dice.random() < 0.3, dice.random() < 0.3

            def sell(env, partner_id=partner_id, cancelled=cancelled, old=old):
                order = self._make_order(env, partner_id, dice.choice((10.0, 20.0, 40.0)))
                order.action_confirm()
                if cancelled:
                    order._action_cancel()
                if old:
                    self._make_history(env, partner_id)

            self._act(sell, victims if dice.random() < 0.5 else None)

    def _act_as_job(self, dice, steps, victims):
        for _number in range(steps):
            size = dice.randint(1, 5)
            self._act(
                lambda env, size=size: env["trade.customer.profile"]._process_queue(size), victims
            )

    def _act_as_rebuild(self, dice, steps, victims):
        for _number in range(steps // 2):
            self._act(self._rebuild_all, victims if dice.random() < 0.5 else None)

    def _act_as_killer(self, dice, victims, stop):
        while not stop.wait(dice.uniform(0.02, 0.2)):
            with self._open() as env:
                victims.kill_one(env.cr, dice)
