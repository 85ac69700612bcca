import random
import threading
import time
from contextlib import contextmanager
from types import SimpleNamespace
from unittest.mock import patch

import psycopg2

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.service.model import retrying
from odoo.tests import new_test_user, tagged
from odoo.tools import SQL, mute_logger

from .concurrency_common import CONTEXT, SOAK, ConcurrencyCase, Worker

SILENT = ("odoo.sql_db", "odoo.service.model")
PARAMETER = "trade_crm.territory_scope"


@tagged("post_install", "-at_install")
class TestTerritoryConcurrency(ConcurrencyCase):
    """People and jobs that place the same customers at the same moment.

    ::

        territory  rule       people
        ---------  ---------  -------------------------------
        east       city east  rep ann
        west       city west  rep bob
        far                   managers mia and max, of all three

        manager lea has no limit and sees customers that have no territory yet

        customer   in east by the rule, with two contacts and a quotation
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.addClassCleanup(cls._clean_up)
        with cls._open() as env:
            cls.company_id = env.ref("base.main_company").id
            cls.was_on = env["ir.config_parameter"].get_param(PARAMETER)
            cls.fills = {row.model: (row.last_id, row.max_id) for row in cls._get_fills(env)}
            env["trade.territory.fill"]._request_all()
            env["trade.territory.fill"]._cron_fill()
            cls.territory_ids = {
                name: cls._make_territory(env, name) for name in ("east", "west", "far")
            }
            cls.user_ids = {
                "ann": cls._make_user(env, "ann", "rep", trade_territory_ids="east"),
                "bob": cls._make_user(env, "bob", "rep", trade_territory_ids="west"),
            }
            for name in ("mia", "max"):
                cls.user_ids[name] = cls._make_user(
                    env, name, "manager", trade_managed_territory_ids=("east", "west", "far")
                )
            cls.user_ids["lea"] = cls._make_user(env, "lea", "manager")
            env["res.users"].browse(cls.user_ids["lea"]).group_ids += env.ref(
                "trade_crm.group_all_territories"
            )
            env["ir.config_parameter"].set_param(PARAMETER, "True")

    @classmethod
    def _make_territory(cls, env, name):
        rules = [] if name == "far" else [Command.create({"city": f"{cls.prefix} {name}"})]
        values = {"name": f"{cls.prefix} {name}", "rule_ids": rules}
        return env["trade.territory"].create(values).id

    @classmethod
    def _make_user(cls, env, name, role, **territories):
        return new_test_user(
            env,
            login=f"{cls.prefix} {name}",
            groups=f"trade_crm.group_{role}",
            **{
                field: [Command.set([cls.territory_ids[name] for name in names])]
                for field, names in territories.items()
                for names in [[names] if isinstance(names, str) else names]
            },
        ).id

    @classmethod
    def _get_fills(cls, env):
        return env["trade.territory.fill"].search([])

    @classmethod
    def _clean_up(cls):
        with cls._open() as env:
            env["ir.config_parameter"].set_param(PARAMETER, cls.was_on)
            for row in cls._get_fills(env):
                if row.model in cls.fills:
                    row.last_id, row.max_id = cls.fills[row.model]
            mine = [("name", "=like", f"{cls.prefix}%")]
            partners = env["res.partner"].with_context(active_test=False).search(mine)
            for model in ("sale.order", "crm.lead"):
                env[model].search([("partner_id", "in", partners.ids)]).unlink()
            users = partners.user_ids
            users.unlink()
            partners.exists().unlink()
            env.cr.execute(
                "DELETE FROM trade_profile_dirty WHERE partner_id = ANY(%s)", [partners.ids]
            )
            env["trade.territory"].search(mine).unlink()

    def setUp(self):
        super().setUp()
        with self._open() as env:
            self._make_records(env)

    def _make_records(self, env):
        customer = env["res.partner"].create(
            {
                "name": f"{self.prefix} customer",
                "is_company": True,
                "city": f"{self.prefix} east",
                "child_ids": [
                    Command.create({"name": f"{self.prefix} contact {number}"})
                    for number in range(2)
                ],
            }
        )
        self.customer_id, self.contact_ids = customer.id, customer.child_ids.ids
        self.order_id = env["sale.order"].create({"partner_id": self.contact_ids[0]}).id
        self.assertEqual(customer.territory_id.id, self.territory_ids["east"])

    # ------------------------------------------------------------------
    # Two at once
    # ------------------------------------------------------------------

    def _as(self, name, env):
        return env(
            user=self.user_ids[name], context={**CONTEXT, "allowed_company_ids": [self.company_id]}
        )

    @contextmanager
    def _no_long_waits(self):
        """Odoo waits a second or more before another try; it may be short here."""
        clock = SimpleNamespace(sleep=lambda _seconds: time.sleep(0.01))
        with patch("odoo.service.model.time", clock):
            yield

    def _serve(self, env, action):
        """Run ``action(env)`` as a request does: once more when it lost a race, then commit.

        :return: how often it was tried
        """
        tries = []

        def attempt():
            tries.append(len(tries))
            action(env)

        with self._no_long_waits():
            retrying(attempt, env)
        return len(tries)

    def _collide(self, first, second, *, waits):
        """``second`` begins before ``first`` is committed.

        :param waits: it runs into what ``first`` has written and not committed yet; else it
            starts to write when ``first`` has been committed
        :return: how often ``second`` was tried
        """
        with self._start() as early, self._start() as late:
            first(early)
            if not waits:
                early.cr.commit()
                return self._serve(late, second)
            early.cr.flush()
            worker = Worker(lambda: self._serve(late, second))
            self._wait_for_lock()
            early.cr.commit()
            return worker.get_result()

    @contextmanager
    def _patched(self, model, name, function):
        """``function(original, records, …)`` in place of a method."""
        original = getattr(self.registry[model], name)

        def replacement(records, *args, **kwargs):
            return function(original, records, *args, **kwargs)

        with patch.object(self.registry[model], name, replacement):
            yield

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def _move(self, name, territory, customer_id=None):
        """By the dialog, as manager ``name``."""

        def action(env):
            wizards = self._as(name, env)["trade.territory.assign"].with_context(
                active_model="res.partner", active_ids=[customer_id or self.customer_id]
            )
            wizards.create({"territory_id": self.territory_ids[territory]}).action_move()

        return action

    def _write(self, name, territory, customer_id=None):
        """On the form of the customer, as manager ``name``."""

        def action(env):
            customer = self._as(name, env)["res.partner"].browse(customer_id or self.customer_id)
            customer.territory_id = self.territory_ids[territory]

        return action

    def _add_contact(self, env, name="ann", customer_id=None):
        return self._as(name, env)["res.partner"].create(
            {"name": f"{self.prefix} new contact", "parent_id": customer_id or self.customer_id}
        )

    def _add_quotation(self, env, name="ann"):
        orders = self._as(name, env)["sale.order"]
        return orders.create({"partner_id": self.customer_id})

    # ------------------------------------------------------------------
    # What is right
    # ------------------------------------------------------------------

    def _read(self, query, *args):
        with self._open() as env:
            return env.execute_query(SQL(query, *args))

    def _get_name(self, territory_id):
        names = {id_: name for name, id_ in self.territory_ids.items()}
        return names.get(territory_id, territory_id)

    def _get_log(self, customer_id=None):
        rows = self._read(
            "SELECT from_territory_id, territory_id FROM trade_territory_move"
            " WHERE partner_id = %s ORDER BY id",
            customer_id or self.customer_id,
        )
        return [tuple(map(self._get_name, row)) for row in rows]

    def _get_source(self):
        [[source]] = self._read(
            "SELECT territory_source FROM res_partner WHERE id = %s", self.customer_id
        )
        return source

    def assertPlaced(self, territory, log=(), quotation=None):
        """The customer is there with every contact, and this is how it came there.

        :param quotation: where its quotation is, if elsewhere
        """
        rows = self._read(
            "SELECT territory_id FROM res_partner WHERE commercial_partner_id = %s",
            self.customer_id,
        )
        self.assertEqual({self._get_name(row[0]) for row in rows}, {territory})
        self.assertEqual(self._get_log(), list(log))
        [[place]] = self._read("SELECT territory_id FROM sale_order WHERE id = %s", self.order_id)
        self.assertEqual(self._get_name(place), quotation or territory)

    # ------------------------------------------------------------------
    # Two managers
    # ------------------------------------------------------------------

    @mute_logger(*SILENT)
    def test_two_managers_move_a_customer(self):
        """The second one is tried again and has the last word; the log tells of both."""
        for waits in (False, True):
            with self.subTest(waits=waits):
                tries = self._collide(
                    self._move("mia", "west"), self._move("max", "far"), waits=waits
                )
                self.assertEqual(tries, 2)
                self.assertPlaced("far", [("east", "west"), ("west", "far")])
            self.setUp()

    @mute_logger(*SILENT)
    def test_two_managers_one_by_the_dialog_and_one_on_the_form(self):
        for waits in (False, True):
            for first, second, quotation in (
                (self._write, self._move, "east"),
                (self._move, self._write, "west"),
            ):
                with self.subTest(waits=waits, first=first.__name__):
                    tries = self._collide(first("mia", "west"), second("max", "far"), waits=waits)
                    self.assertEqual(tries, 2)
                    # Writing on the form takes nothing along.
                    self.assertPlaced(
                        "far", [("east", "west"), ("west", "far")], quotation=quotation
                    )
                self.setUp()

    @mute_logger(*SILENT)
    def test_second_move_fails_where_nobody_tries_again(self):
        with (
            self.assertRaises(psycopg2.errors.SerializationFailure),
            self._start() as late,
        ):
            with self._open() as env:
                self._move("mia", "west")(env)
            self._move("max", "far")(late)
        self.assertPlaced("west", [("east", "west")])

    @mute_logger(*SILENT)
    def test_manager_keeps_a_customer_that_another_one_moves(self):
        """Nothing moves in the eyes of the second one, and still it is told to look again."""
        for waits in (False, True):
            with self.subTest(waits=waits):
                tries = self._collide(
                    self._move("mia", "west"), self._move("max", "east"), waits=waits
                )
                self.assertEqual(tries, 2)
                self.assertPlaced("east", [("east", "west"), ("west", "east")])
            self.setUp()

    @mute_logger(*SILENT)
    def test_two_managers_move_customers_crosswise(self):
        """Each holds a customer that the other one wants; PostgreSQL ends one, Odoo repeats it."""
        first_id = self.customer_id
        self.setUp()
        second_id = self.customer_id
        both_have_one = threading.Barrier(2, timeout=10)

        def move_both(name, territory, customer_ids):
            met = []

            def action(env):
                for customer_id in customer_ids:
                    self._move(name, territory, customer_id)(env)
                    env.flush_all()
                    if not met:
                        met.append(both_have_one.wait())

            with self._start() as env:
                return self._serve(env, action)

        workers = [
            Worker(lambda: move_both("mia", "west", (first_id, second_id))),
            Worker(lambda: move_both("max", "far", (second_id, first_id))),
        ]
        tries = sorted(worker.get_result() for worker in workers)
        self.assertEqual(tries[0], 1)
        self.assertGreater(tries[1], 1)
        [last] = {self._get_log(customer_id)[-1] for customer_id in (first_id, second_id)}
        self.assertIn(last, [("west", "far"), ("far", "west")])

    # ------------------------------------------------------------------
    # Rules
    # ------------------------------------------------------------------

    def _preview(self):
        """The rules would move the customer to the west; a manager looks at it."""
        with self._open() as env:
            env["res.partner"].browse(self.customer_id).city = f"{self.prefix} west"
        with self._open() as env:
            preview = self._as("max", env)["trade.territory.apply"].create({})
            self.assertTrue(preview.customer_count)
            return preview.id

    def _apply(self, preview_id):
        return lambda env: (
            self._as("max", env)["trade.territory.apply"].browse(preview_id).action_apply()
        )

    @mute_logger(*SILENT)
    def test_rules_are_applied_while_somebody_moves_one_of_the_customers(self):
        for waits in (False, True):
            for move in (self._move, self._write):
                with self.subTest(waits=waits, move=move.__name__):
                    apply = self._apply(self._preview())
                    with self.assertRaisesRegex(UserError, "since this preview was made"):
                        self._collide(move("mia", "far"), apply, waits=waits)
                    quotation = "far" if move == self._move else "east"
                    self.assertPlaced("far", [("east", "far")], quotation=quotation)
                    self.assertEqual(self._get_source(), "manual")
                self.setUp()

    @mute_logger(*SILENT)
    def test_somebody_moves_a_customer_while_the_rules_are_applied(self):
        for waits in (False, True):
            with self.subTest(waits=waits):
                apply = self._apply(self._preview())
                self.assertEqual(self._collide(apply, self._move("mia", "far"), waits=waits), 2)
                self.assertPlaced("far", [("east", "west"), ("west", "far")])
                self.assertEqual(self._get_source(), "manual")
            self.setUp()

    @mute_logger(*SILENT)
    def test_rules_are_applied_while_somebody_says_that_a_customer_stays(self):
        """Nothing moves by hand, but from that moment on the place is chosen by hand."""
        for waits in (False, True):
            with self.subTest(waits=waits):
                apply = self._apply(self._preview())
                with self.assertRaisesRegex(UserError, "since this preview was made"):
                    self._collide(self._move("mia", "east"), apply, waits=waits)
                self.assertPlaced("east")
                self.assertEqual(self._get_source(), "manual")
            self.setUp()

    # ------------------------------------------------------------------
    # Contacts
    # ------------------------------------------------------------------

    @mute_logger(*SILENT)
    def test_customer_moves_while_a_rep_adds_a_contact(self):
        """The contact is committed first, and the move does not see it."""
        for waits in (False, True):
            with self.subTest(waits=waits):
                tries = self._collide(self._add_contact, self._move("mia", "west"), waits=waits)
                self.assertEqual(tries, 2)
                self.assertPlaced("west", [("east", "west")])
            self.setUp()

    @mute_logger(*SILENT)
    def test_rep_adds_a_contact_while_the_customer_moves(self):
        """The rep is told that the customer is somebody else's now."""
        for waits in (False, True):
            with self.subTest(waits=waits):
                with self.assertRaises(AccessError):
                    self._collide(self._move("mia", "west"), self._add_contact, waits=waits)
                self.assertPlaced("west", [("east", "west")])
                rows = self._read(
                    "SELECT count(*) FROM res_partner WHERE parent_id = %s", self.customer_id
                )
                self.assertEqual(rows, [(2,)])
            self.setUp()

    @mute_logger(*SILENT)
    def test_manager_adds_a_contact_while_the_customer_moves(self):
        """Who sees the customer in both places adds the contact to where it is now."""
        for waits in (False, True):
            with self.subTest(waits=waits):
                tries = self._collide(
                    self._move("mia", "west"),
                    lambda env: self._add_contact(env, "max"),
                    waits=waits,
                )
                self.assertEqual(tries, 2)
                self.assertPlaced("west", [("east", "west")])
            self.setUp()

    @mute_logger(*SILENT)
    def test_somebody_becomes_a_contact_while_the_customer_moves(self):
        for waits in (False, True):
            for moves_first in (False, True):
                with self.subTest(waits=waits, moves_first=moves_first):
                    with self._open() as env:
                        person_id = env["res.partner"].create({"name": f"{self.prefix} person"}).id

                    def employ(env, person_id=person_id):
                        env["res.partner"].browse(person_id).parent_id = self.customer_id

                    actions = [self._move("mia", "west"), employ]
                    if not moves_first:
                        actions.reverse()
                    self.assertEqual(self._collide(*actions, waits=waits), 2)
                    self.assertPlaced("west", [("east", "west")])
                self.setUp()

    # ------------------------------------------------------------------
    # Quotations
    # ------------------------------------------------------------------

    def _get_new_quotation(self):
        with self._open() as env:
            order = env["sale.order"].search(
                [("partner_id", "=", self.customer_id), ("id", "!=", self.order_id)]
            )
            seen = [
                name
                for name in ("ann", "bob")
                if order.with_user(self.user_ids[name])
                .with_context(allowed_company_ids=[self.company_id])
                .has_access("read")
            ]
            return self._get_name(order.territory_id.id), seen

    @mute_logger(*SILENT)
    def test_rep_makes_a_quotation_while_the_customer_moves(self):
        """It stays where it was made, and with who made it, as an old document does.

        Nothing of the customer is written for a quotation, so neither waits for the other;
        a manager can move the quotation by hand.
        """
        for moves_first in (False, True):
            with self.subTest(moves_first=moves_first):
                actions = [self._move("mia", "west"), self._add_quotation]
                if not moves_first:
                    actions.reverse()
                self.assertEqual(self._collide(*actions, waits=False), 1)
                self.assertPlaced("west", [("east", "west")])
                self.assertEqual(self._get_new_quotation(), ("east", ["ann"]))
            self.setUp()

    @mute_logger(*SILENT)
    def test_rep_changes_a_quotation_while_the_customer_takes_it_along(self):
        """The rep is refused: the quotation belongs to the new territory."""
        with self._open() as env:
            env["sale.order"].browse(self.order_id).user_id = False

        def change(env):
            self._as("ann", env)["sale.order"].browse(self.order_id).client_order_ref = "changed"

        for waits in (False, True):
            with self.subTest(waits=waits):
                with self._open() as env:
                    env["sale.order"].browse(self.order_id).user_id = False
                with self.assertRaises(AccessError):
                    self._collide(self._move("mia", "west"), change, waits=waits)
                self.assertPlaced("west", [("east", "west")])
            self.setUp()

    # ------------------------------------------------------------------
    # Crash
    # ------------------------------------------------------------------

    @mute_logger(*SILENT)
    def test_move_that_dies_has_moved_nothing(self):
        """Its last step is the log: customer, contacts and documents have been written by then."""
        for die in (self._kill, lambda cr: cr.execute("SELECT 1 / 0")):
            for waits_in in ("_take_along", "_log_changes"):

                def do_and_die(original, moves, *args, die=die):
                    original(moves, *args)
                    die(moves.env.cr)
                    moves.env.cr.execute("SELECT 1")

                with (
                    self.subTest(step=waits_in),
                    self._patched("trade.territory.move", waits_in, do_and_die),
                    self.assertRaises(psycopg2.Error),
                    self._open() as env,
                ):
                    self._move("mia", "west")(env)
                self.assertPlaced("east")

    # ------------------------------------------------------------------
    # Fill
    # ------------------------------------------------------------------

    def _forget(self, *more_ids):
        """As it was before the addon was installed, for the customers here."""
        ids = [self.customer_id, *self.contact_ids, *more_ids]
        with self._open() as env:
            env.cr.execute(
                "UPDATE res_partner SET territory_id = NULL, territory_rule_id = NULL,"
                " territory_source = NULL WHERE id = ANY(%s)",
                [ids],
            )
            env.cr.execute(
                "UPDATE sale_order SET territory_id = NULL WHERE id = %s", [self.order_id]
            )
            for model, records in (("res.partner", ids), ("sale.order", [self.order_id])):
                env.cr.execute(
                    "UPDATE trade_territory_fill SET last_id = %s, max_id = %s WHERE model = %s",
                    [min(records) - 1, max(records), model],
                )

    def _fill(self, chunk_size=20000):
        with self._open() as env:
            env["trade.territory.fill"]._cron_fill(chunk_size)

    @contextmanager
    def _meanwhile(self, action):
        """``action(env)`` is committed when the job has begun with customers, and not ended."""
        done = []

        def fill(original, partners, *args):
            partners.env.cr.execute("SELECT 1")
            if not done:
                with self._open() as env:
                    action(env)
                done.append(True)
            return original(partners, *args)

        with self._patched("res.partner", "_fill_territories", fill):
            yield
        self.assertTrue(done)

    def assertFilled(self):
        """Everything here has a territory, and the job is through."""
        for table in ("res_partner", "sale_order"):
            rows = self._read(
                "SELECT id FROM %s WHERE id = ANY(%s) AND territory_id IS NULL",
                SQL.identifier(table),
                [self.customer_id, *self.contact_ids]
                if table == "res_partner"
                else [self.order_id],
            )
            self.assertFalse(rows, table)
        with self._open() as env:
            self.assertEqual(env["trade.territory.fill"]._get_progress(), 1)

    @mute_logger(*SILENT)
    def test_customer_is_moved_while_the_job_fills_in(self):
        for move in (self._move, self._write):
            with self.subTest(move=move.__name__):
                self._forget()
                with self._meanwhile(move("lea", "far")):
                    self._fill()
                self.assertFilled()
                self.assertPlaced("far")
                self.assertEqual(self._get_source(), "manual")
            self.setUp()

    @mute_logger(*SILENT)
    def test_job_waits_for_somebody_who_moves_a_customer(self):
        self._forget()
        with self._start() as env:
            self._move("lea", "far")(env)
            env.cr.flush()
            job = Worker(self._fill)
            self._wait_for_lock()
            env.cr.commit()
        job.get_result()
        self.assertFilled()
        self.assertPlaced("far")

    @mute_logger(*SILENT)
    def test_customer_is_moved_while_the_job_has_filled_in_and_not_committed(self):
        self._forget()

        def hold(original, row, *args):
            result = original(row, *args)
            if row.model == "res.partner" and not moves:
                moves.append(Worker(serve_move))
                self._wait_for_lock()
            return result

        def serve_move():
            with self._start() as env:
                return self._serve(env, self._move("lea", "far"))

        moves = []
        with self._patched("trade.territory.fill", "_fill_chunk", hold):
            self._fill()
        self.assertEqual(moves[0].get_result(), 2)
        self.assertFilled()
        # The job filled in the place that the manager found; quotations come after customers.
        self.assertPlaced("far", [("east", "far")])
        self.assertEqual(self._get_source(), "manual")

    @mute_logger(*SILENT)
    def test_contacts_and_customers_are_created_while_the_job_fills_in(self):
        created = []

        def create(env):
            created.extend(self._add_contact(env, "lea").ids)
            created.extend(
                env["res.partner"]
                .create({"name": f"{self.prefix} other", "city": f"{self.prefix} west"})
                .ids
            )

        self._forget()
        with self._meanwhile(create):
            self._fill()
        self.assertFilled()
        self.assertPlaced("east")
        rows = self._read("SELECT territory_id FROM res_partner WHERE id = ANY(%s)", created)
        self.assertEqual({self._get_name(row[0]) for row in rows}, {"east", "west"})

    @mute_logger(
        *SILENT, "odoo.addons.base.partner.merge", "odoo.addons.base.wizard.base_partner_merge"
    )
    def test_customers_are_merged_while_the_job_fills_in(self):
        """Of a customer by rule and one by hand, whichever stays, the contacts stay together."""
        for survivor in (0, 1):
            for by_hand in (False, True):
                with self.subTest(survivor=survivor, by_hand=by_hand):
                    self._merge_while_filling(survivor, by_hand)
                self.setUp()

    def _merge_while_filling(self, survivor, by_hand):
        first = self.customer_id, self.contact_ids, self.order_id
        self.setUp()
        both = first, (self.customer_id, self.contact_ids, self.order_id)
        source, target = both[1 - survivor], both[survivor]
        self.customer_id, _contacts, self.order_id = target
        self.contact_ids = source[1] + target[1]

        def merge(env):
            wizard = env["base.partner.merge.automatic.wizard"]
            partners = env["res.partner"].browse([source[0], target[0]])
            wizard._merge(partners.ids, partners[1], extra_checks=False)

        self._forget(source[0])
        with self._open() as env:
            if by_hand:
                self._write("lea", "far", target[0])(env)
            env.cr.execute("UPDATE sale_order SET territory_id = NULL WHERE id = %s", [source[2]])
        with self._meanwhile(merge):
            self._fill()
        self.assertFilled()
        self.assertPlaced("far" if by_hand else "east", quotation="far" if by_hand else None)

    @mute_logger(*SILENT)
    def test_killed_chunk_is_done_again(self):
        self._forget()

        def fill_and_die(original, row, *args):
            result = original(row, *args)
            self._kill(row.env.cr)
            return result

        with (
            self._patched("trade.territory.fill", "_fill_chunk", fill_and_die),
            self.assertRaises((psycopg2.OperationalError, psycopg2.InterfaceError)),
        ):
            self._fill()
        with self._open() as env:
            self.assertLess(env["trade.territory.fill"]._get_progress(), 1)
        self.assertEqual(self._get_source(), None)
        self._fill()
        self.assertFilled()
        self.assertPlaced("east")

    @mute_logger(*SILENT)
    def test_two_runs_of_the_job_at_once(self):
        """Both start with the same customers; the second one goes on where the first one is."""
        more_ids = []
        with self._open() as env:
            for number in range(6):
                values = {"name": f"{self.prefix} {number}", "city": f"{self.prefix} west"}
                more_ids.append(env["res.partner"].create(values).id)
        self._forget(*more_ids)
        together = threading.Barrier(2, timeout=10)
        met = threading.local()

        def fill(original, row, *args):
            if not hasattr(met, "yes"):
                met.yes = together.wait()
            return original(row, *args)

        with self._patched("trade.territory.fill", "_fill_chunk", fill):
            for worker in [Worker(lambda: self._fill(2)) for _number in range(2)]:
                worker.get_result()
        self.assertFilled()
        self.assertPlaced("east")
        rows = self._read("SELECT territory_id FROM res_partner WHERE id = ANY(%s)", more_ids)
        self.assertEqual([self._get_name(row[0]) for row in rows], ["west"] * 6)

    # ------------------------------------------------------------------
    # Everything at once
    # ------------------------------------------------------------------

    @mute_logger(*SILENT)
    def test_everything_at_once(self):
        """Managers, a rep, rules and the job; in the end every customer is in one piece."""
        for number in range(40 if SOAK else 1):
            with self.subTest(round=number):
                self._play_round(random.Random(number), steps=20 if SOAK else 5)

    def _play_round(self, dice, steps):
        customers = []
        for _number in range(3):
            self.setUp()
            customers.append((self.customer_id, self.contact_ids))
        ids = [customer for customer, _contacts in customers]
        contacts = [contact for _customer, contacts in customers for contact in contacts]
        self._forget(*ids, *contacts)
        moved = []
        actors = [
            lambda dice: self._act_as_manager(dice, "lea", ids, steps, moved),
            lambda dice: self._act_as_manager(dice, "max", ids, steps, moved),
            lambda dice: self._act_as_rep(dice, ids, steps),
            lambda dice: self._act_as_rules(dice, ids, steps),
            lambda _dice: self._fill(1),
        ]
        workers = [
            Worker(lambda actor=actor, seed=seed: actor(random.Random(seed)))
            for actor, seed in zip(actors, [dice.random() for _actor in actors], strict=True)
        ]
        for worker in workers:
            worker.get_result()
        self._fill()
        for customer_id in ids:
            self.assertInOnePiece(customer_id, by_hand=customer_id in moved)

    def assertInOnePiece(self, customer_id, by_hand):
        rows = self._read(
            "SELECT DISTINCT territory_id, territory_source FROM res_partner"
            " WHERE commercial_partner_id = %s",
            customer_id,
        )
        self.assertEqual(len(rows), 1, "A contact is elsewhere")
        [(territory_id, source)] = rows
        self.assertTrue(territory_id)
        self.assertEqual(source == "manual", by_hand)
        log = self._get_log(customer_id)
        for before, after in zip(log, log[1:], strict=False):
            self.assertEqual(before[1], after[0], log)
        if log:
            self.assertEqual(log[-1][1], self._get_name(territory_id))

    def _act(self, action):
        """One request, which is given up where people would: refused, or beaten again and again."""
        try:
            with self._start() as env:
                self._serve(env, action)
        except (UserError, psycopg2.errors.SerializationFailure, psycopg2.errors.DeadlockDetected):
            return False
        return True

    def _act_as_manager(self, dice, name, ids, steps, moved):
        for _number in range(steps):
            customer_id = dice.choice(ids)
            by = dice.choice((self._move, self._write))
            territory = dice.choice(list(self.territory_ids))
            if self._act(by(name, territory, customer_id)):
                moved.append(customer_id)

    def _act_as_rep(self, dice, ids, steps):
        for _number in range(steps):
            customer_id = dice.choice(ids)
            self._act(lambda env, id_=customer_id: self._add_contact(env, "ann", id_))

    def _act_as_rules(self, dice, ids, steps):
        for _number in range(steps):
            customer_id, city = dice.choice(ids), dice.choice(("east", "west"))

            def apply(env, customer_id=customer_id, city=city):
                env["res.partner"].browse(customer_id).city = f"{self.prefix} {city}"
                self._as("max", env)["trade.territory.apply"].create({}).action_apply()

            self._act(apply)

    # ------------------------------------------------------------------
    # Threads of one process
    # ------------------------------------------------------------------

    def test_request_that_began_before_a_change_does_not_bring_old_members_back(self):
        """It is one process with threads, and they share what is known of a user."""
        ann_id = self.user_ids["ann"]

        def see(env):
            partners = self._as("ann", env)["res.partner"]
            return bool(partners.search([("id", "=", self.customer_id)]))

        def change(ids):
            with self._open() as env:
                self._serve(env, lambda env: self._write_members(env, ids))

        self.addCleanup(change, [ann_id])
        with self._start() as slow:
            change([])
            # It is still of the time before, and nobody else may be told so.
            self.assertTrue(see(slow))
            with self._open() as env:
                self.assertFalse(see(env))
            self.assertTrue(see(slow))

    def _write_members(self, env, ids):
        territory = env["trade.territory"].browse(self.territory_ids["east"])
        territory.member_ids = [Command.set(ids)]
