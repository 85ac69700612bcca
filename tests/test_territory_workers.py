"""Who is limited to which territories changes at once, in every worker process of a server."""

import itertools
import json
import re
import tempfile
import time
import xmlrpc.client
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from own_database import COMPLAINT, SUITE, Client, OwnDatabase, open_session

from odoo.tests import tagged

WORKERS = 2
# Requests that follow a change, at least.
REQUESTS = 30
PARALLEL = 6
PATIENCE = 60
PASSWORD = "territory-of-the-test"
# One customer with a quotation in each territory::
#
#     East         rep is a member of Zhejiang
#     +- Zhejiang
#     North
PREPARE = f"""
from datetime import timedelta
import json
env["trade.territory.fill"]._cron_fill()
env.ref("base.user_admin").password = {PASSWORD!r}
ids = {{"admin": env.ref("base.user_admin").login}}
for name, role in (("rep", "rep"), ("boss", "manager")):
    user = env["res.users"].create({{
        "name": name,
        "login": name,
        "password": {PASSWORD!r},
        "group_ids": [(6, 0, env.ref(f"trade_crm.group_{{role}}").ids)],
    }})
    ids[name] = user.id
keys = env["res.users.apikeys"].with_user(ids["rep"])
ids["key"] = keys._generate("rpc", "Test", env.cr.now() + timedelta(days=1))
for name, parent in (("East", None), ("Zhejiang", "East"), ("North", None)):
    territory = env["trade.territory"].create({{"name": name, "parent_id": ids.get(parent)}})
    ids[name] = territory.id
    customer = env["res.partner"].create(
        {{"name": name, "is_company": True, "ref": "workers", "territory_id": territory.id}}
    )
    # Of no salesperson: without the limit, who sells sees its own orders and these.
    env["sale.order"].create(
        {{"partner_id": customer.id, "client_order_ref": "workers", "user_id": False}}
    )
    ids[f"customer {{name}}"] = customer.id
env["ir.config_parameter"].set_param("trade_crm.territory_scope", "True")
env.cr.commit()
print(json.dumps(ids))
"""
# What a worker logs of a request, with the cursor that it had: ro, rw, or ro->rw.
SERVED = re.compile(
    r'^\S+ \S+ (?P<pid>\d+) .* "POST (?P<path>[^\s#]+)\S* HTTP/\S+" (?P<status>\d+) .* (?P<cursor>\S+)$',
    re.MULTILINE,
)


@tagged("post_install", "-at_install")
class TestTerritoryWorkers(OwnDatabase):
    """A server with two workers, each with caches of its own; a rep asks both of them."""

    template = SUITE

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ids = json.loads(cls._shell(PREPARE).splitlines()[-1])
        folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.log = Path(folder, "server.log")
        cls.addClassCleanup(cls._check_log)
        cls.url = cls.enterClassContext(
            cls._serve(
                cls.log,
                f"--workers={WORKERS}",
                "--log-level=warn",
                "--log-handler=werkzeug:INFO",
                "--log-handler=odoo.addons.rpc.controllers.xmlrpc:ERROR",  # XML-RPC is old
                # What only reads does so in a transaction that cannot write.
                "--dev=replica",
            )
        )
        cls.admin = Client(cls.url, cls.name, cls.ids["admin"], PASSWORD)
        cls.rep = Client(cls.url, cls.name, "rep", PASSWORD)
        cls.bearer = open_session()
        cls.bearer.headers["Authorization"] = f"Bearer {cls.ids['key']}"
        cls.pool = cls.enterClassContext(ThreadPoolExecutor(PARALLEL))
        # Path in the log: who asks there for the names of the customers that are seen.
        cls.ways = {
            "/web/dataset/call_kw/res.partner.search_read": cls._search_by_session,
            "/web/dataset/call_kw/res.partner.has_access": cls._check_one_by_one,
            "/web/dataset/call_kw/sale.order.search_read": cls._search_orders,
            "/json/2/res.partner/search_read": cls._search_by_json2,
            "/xmlrpc/2/object": cls._search_by_xmlrpc,
        }

    @classmethod
    def _check_log(cls):
        complaints = [
            line for line in cls.log.read_text("utf-8").splitlines() if COMPLAINT.search(line)
        ]
        assert not complaints, complaints

    def setUp(self):
        super().setUp()
        self._write("res.users", "rep", trade_territory_ids=[self._set("Zhejiang")])

    # ------------------------------------------------------------------
    # The representative
    # ------------------------------------------------------------------

    @classmethod
    def _search_by_session(cls):
        rows = cls.rep.call("res.partner", "search_read", [("ref", "=", "workers")], ["name"])
        return {row["name"] for row in rows}

    @classmethod
    def _search_orders(cls):
        rows = cls.rep.call(
            "sale.order", "search_read", [("client_order_ref", "=", "workers")], ["partner_id"]
        )
        return {row["partner_id"][1] for row in rows}

    @classmethod
    def _check_one_by_one(cls):
        names = ("East", "Zhejiang", "North")
        return {
            name
            for name in names
            if cls.rep.call("res.partner", "has_access", [cls.ids[f"customer {name}"]], "read")
        }

    @classmethod
    def _search_by_json2(cls):
        response = cls.bearer.post(
            f"{cls.url}/json/2/res.partner/search_read",
            json={"domain": [["ref", "=", "workers"]], "fields": ["name"]},
        )
        response.raise_for_status()
        return {row["name"] for row in response.json()}

    @classmethod
    def _search_by_xmlrpc(cls):
        with xmlrpc.client.ServerProxy(f"{cls.url}/xmlrpc/2/object") as server:
            rows = server.execute_kw(
                *(cls.name, cls.rep.uid, cls.ids["key"]),
                *("res.partner", "search_read", [[["ref", "=", "workers"]]], {"fields": ["name"]}),
            )
        return {row["name"] for row in rows}

    # ------------------------------------------------------------------
    # Every worker
    # ------------------------------------------------------------------

    def _ask_everybody(self):
        """Ask at the same time in every way, until every worker has answered in every way.

        :return: ``Counter`` of (way, names of the customers seen)
        """
        start, answers = self.log.stat().st_size, Counter()
        until = time.monotonic() + PATIENCE
        while answers.total() < REQUESTS or not self._have_all_answered(start):
            self.assertLess(time.monotonic(), until, "A worker has no part in it")
            ways = itertools.islice(itertools.cycle(self.ways.items()), REQUESTS)
            asked = [(path, self.pool.submit(ask)) for path, ask in ways]
            answers.update((path, frozenset(answer.result())) for path, answer in asked)
        return answers

    def _have_all_answered(self, start):
        answered = {(pid, path) for pid, path, _status, _cursor in self._read_log(start)}
        workers = {pid for pid, _path in answered}
        self.assertLessEqual(len(workers), WORKERS, "A worker was replaced")
        return len(workers) == WORKERS and answered >= set(itertools.product(workers, self.ways))

    def _read_log(self, start=0):
        with open(self.log, encoding="utf-8") as log:
            log.seek(start)
            return SERVED.findall(log.read())

    def assertSeen(self, *names):
        """Every answer from now on names these customers, whichever worker gives it."""
        answers = self._ask_everybody()
        wrong = {
            (path, ", ".join(sorted(seen))): times
            for (path, seen), times in answers.items()
            if seen != set(names)
        }
        self.assertFalse(wrong, f"of {answers.total()} requests; expected {names}")

    # ------------------------------------------------------------------
    # The administrator
    # ------------------------------------------------------------------

    def _set(self, *names):
        return (6, 0, [self.ids[name] for name in names])

    def _write(self, model, name, **values):
        """One request; when it returns, the answer has come."""
        self.admin.call(model, "write", [self.ids[name]], values)

    def _undo(self, *args, **kwargs):
        self.addCleanup(self._write, *args, **kwargs)

    def _switch(self, on):
        settings = self.admin.call("res.config.settings", "create", {"trade_territory_scope": on})
        self.admin.call("res.config.settings", "execute", [settings])

    # ------------------------------------------------------------------
    # Tests
    # ------------------------------------------------------------------

    def test_member_comes_and_goes(self):
        self.assertSeen("Zhejiang")
        self._write("trade.territory", "North", member_ids=[(4, self.ids["rep"])])
        self.assertSeen("Zhejiang", "North")
        self._write("trade.territory", "Zhejiang", member_ids=[(3, self.ids["rep"])])
        self.assertSeen("North")
        self._write("trade.territory", "North", member_ids=[(5,)])
        self.assertSeen()

    def test_member_is_named_on_the_form_of_the_user(self):
        self.assertSeen("Zhejiang")
        self._write("res.users", "rep", trade_territory_ids=[self._set("East", "North")])
        self.assertSeen("East", "North")

    def test_manager_is_named_and_dismissed(self):
        self._undo("trade.territory", "East", manager_ids=[(5,)])
        self.assertSeen("Zhejiang")
        self._write("trade.territory", "East", manager_ids=[self._set("boss", "rep")])
        self.assertSeen("East", "Zhejiang")
        self._write("trade.territory", "East", manager_ids=[self._set("boss")])
        self.assertSeen("Zhejiang")

    def test_part_moves_below_another_territory(self):
        self._undo("res.users", "rep", trade_managed_territory_ids=[(5,)])
        self._undo("trade.territory", "Zhejiang", parent_id=self.ids["East"])
        self._write("res.users", "rep", trade_territory_ids=[(5,)])
        self._write("res.users", "rep", trade_managed_territory_ids=[self._set("East")])
        self.assertSeen("East", "Zhejiang")
        self._write("trade.territory", "Zhejiang", parent_id=self.ids["North"])
        self.assertSeen("East")
        self._write("trade.territory", "Zhejiang", parent_id=self.ids["East"])
        self.assertSeen("East", "Zhejiang")

    def test_limit_is_switched_off_and_on(self):
        self.addCleanup(self._switch, True)
        self.assertSeen("Zhejiang")
        self._switch(False)
        self.assertSeen("East", "Zhejiang", "North")
        self._switch(True)
        self.assertSeen("Zhejiang")

    def test_group_with_all_territories_comes_and_goes(self):
        group = self.admin.call(
            "ir.model.data", "check_object_reference", "trade_crm", "group_all_territories"
        )[1]
        self.assertSeen("Zhejiang")
        self._write("res.users", "rep", group_ids=[(4, group)])
        self.assertSeen("East", "Zhejiang", "North")
        self._write("res.users", "rep", group_ids=[(3, group)])
        self.assertSeen("Zhejiang")

    def test_customer_moves_without_its_quotation(self):
        """Nothing is kept of a single customer; the quotation stays where it is."""
        self._undo("res.partner", "customer North", territory_id=self.ids["North"])
        self.assertSeen("Zhejiang")
        self._write("res.partner", "customer North", territory_id=self.ids["Zhejiang"])
        for (path, seen), times in self._ask_everybody().items():
            orders = path.endswith("sale.order.search_read")
            self.assertEqual(seen, {"Zhejiang"} | (set() if orders else {"North"}), (path, times))

    def test_reading_needs_no_transaction_that_writes(self):
        start = self.log.stat().st_size
        self.assertSeen("Zhejiang")
        cursors = {(path, cursor) for _pid, path, _status, cursor in self._read_log(start)}
        reading = {path for path in self.ways if path.endswith("search_read")}
        self.assertLessEqual(set(itertools.product(reading, ["ro"])), cursors)
        self.assertNotIn("ro->rw", {cursor for _path, cursor in cursors})
