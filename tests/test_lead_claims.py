"""Many claim the same few leads of the pool at once, on two servers."""

import json
import os
import random
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from own_database import SUITE, Client, OwnDatabase

from odoo.tests import tagged

ROUNDS = 20 if os.environ.get("TRADE_CRM_SOAK") else 1
REPS = 10
CLAIMS = 50
ENTRIES = 20
DAILY_CAP = 4
TOTAL_CAP = 3
PASSWORD = "claims-of-the-test"
PREPARE = f"""
env["trade.territory.fill"]._cron_fill()
env["ir.config_parameter"].set_param("crm.lead.auto.assignment", False)
env.ref("base.main_company").write({{
    "trade_claim_daily_cap": {DAILY_CAP}, "trade_claim_total_cap": {TOTAL_CAP}, "trade_reclaim_days": 0,
}})
for number in range({REPS}):
    env["res.users"].create({{
        "name": f"Rep {{number}}",
        "login": f"rep{{number}}",
        "password": {PASSWORD!r},
        "group_ids": [(6, 0, env.ref("trade_crm.group_rep").ids)],
    }})
for number in range(2):
    env["res.users"].create({{
        "name": f"Manager {{number}}",
        "login": f"manager{{number}}",
        "password": {PASSWORD!r},
        "group_ids": [(6, 0, env.ref("trade_crm.group_manager").ids)],
    }})
env.cr.commit()
"""
# A new pool for each round; what was claimed before has ended, and the day is over.
FILL = f"""
import json
env["crm.lead"].search([]).action_set_lost()
env.cr.execute("UPDATE trade_lead_log SET happened_at = happened_at - interval '2 days'")
leads = env["crm.lead"].create([{{"name": f"Entry {{n}}", "user_id": False}} for n in range({ENTRIES})])
leads._put_in_pool("recycle")
env.cr.commit()
print(json.dumps(leads.ids))
"""
# Rep 2 has lost as many leads from the pool as may be held, and two more.
LOSE = f"""
import json
rep = env["res.users"].search([("login", "=", "rep2")])
env["crm.lead"].search([]).action_set_lost()
leads = env["crm.lead"].create([{{"name": f"Lost {{n}}"}} for n in range({TOTAL_CAP} + 2)])
leads.write({{"user_id": rep.id, "trade_claimed_at": "2026-01-01"}})
leads.action_set_lost()
env.cr.commit()
print(json.dumps(leads.ids))
"""
# Rep 1 asks for leads of rep 0.
ASK = f"""
import json
owner, asker = (env["res.users"].search([("login", "=", f"rep{{n}}")]) for n in range(2))
leads = env["crm.lead"].create([{{"name": f"Wanted {{n}}", "user_id": owner.id}} for n in range({REPS})])
requests = env["trade.lead.request"].with_user(asker)
ids = [requests._ask(lead=lead, reason="They called me").id for lead in leads]
env["trade.lead.request"].browse(ids).decision = "So be it"
env.cr.commit()
print(json.dumps([ids, owner.id, asker.id]))
"""


@tagged("post_install", "-at_install")
class TestLeadClaims(OwnDatabase):
    template = SUITE

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._shell(PREPARE)
        folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.logs = [Path(folder, f"server{number}.log") for number in range(2)]
        # Each of them answers in threads of its own.
        urls = [
            cls.enterClassContext(
                cls._serve(
                    log,
                    "--workers=0",
                    "--log-level=warn",
                    "--log-handler=odoo.http:ERROR",
                    "--log-handler=odoo.sql_db:CRITICAL",
                    "--db_maxconn=32",
                )
            )
            for log in cls.logs
        ]
        cls.clients = [
            [Client(url, cls.name, f"rep{number}", PASSWORD) for url in urls]
            for number in range(REPS)
        ]
        cls.managers = [
            Client(url, cls.name, f"manager{number}", PASSWORD) for number, url in enumerate(urls)
        ]
        cls.pool = cls.enterClassContext(ThreadPoolExecutor(CLAIMS))

    @classmethod
    def _claim(cls, client, lead):
        """None when ``client`` has got it, and otherwise the sentence that refuses it."""
        return client.press("trade.lead.pool", "action_claim", lead)

    def _fill(self):
        return json.loads(self._shell(FILL).splitlines()[-1])

    def _read_claims(self, leads):
        ids = ", ".join(str(lead) for lead in leads)
        return self._read(
            "SELECT log.lead_id, log.owner_id, lead.user_id FROM trade_lead_log log"
            f" JOIN crm_lead lead ON lead.id = log.lead_id WHERE log.kind = 'claim'"
            f" AND log.lead_id IN ({ids})"
        )

    def _check_claims(self, leads):
        claims = self._read_claims(leads)
        twice = [
            lead for lead, count in Counter(lead for lead, *_rest in claims).items() if count > 1
        ]
        self.assertFalse(twice, "claimed more than once")
        self.assertFalse([row for row in claims if row[1] != row[2]], "not with who claimed it")
        held = Counter(owner for _lead, owner, _user in claims)
        self.assertLessEqual(max(held.values()), min(DAILY_CAP, TOTAL_CAP))
        return claims

    def test_claims_at_once(self):
        for number in range(ROUNDS):
            with self.subTest(round=number):
                self._run_round(random.Random(number))

    def _run_round(self, rng):
        leads = self._fill()
        wishes = [
            (rng.choice(self.clients[number % REPS]), leads[number % ENTRIES])
            for number in range(CLAIMS)
        ]
        rng.shuffle(wishes)
        refusals = list(self.pool.map(lambda wish: self._claim(*wish), wishes))
        claims = self._check_claims(leads)
        self.assertEqual(len(claims), refusals.count(None), "who was told so has it")
        self.assertTrue(claims)
        # Who lost goes on, until the pool is empty.
        for clients in self.clients:
            for lead in leads:
                self._claim(rng.choice(clients), lead)
        self.assertEqual(len(self._check_claims(leads)), ENTRIES)

    def test_tabs_of_one_person(self):
        """Eight claims of one person at once do not pass the limit either."""
        for number in range(ROUNDS):
            with self.subTest(round=number):
                leads = self._fill()
                tabs = self.clients[number % REPS]
                claims = [(tabs[place % 2], lead) for place, lead in enumerate(leads[:8])]
                refusals = list(self.pool.map(lambda wish: self._claim(*wish), claims))
                self.assertEqual(len(self._check_claims(leads)), refusals.count(None))
                for client, lead in claims:
                    self._claim(client, lead)
                self.assertEqual(len(self._check_claims(leads)), min(DAILY_CAP, TOTAL_CAP))

    def test_restored_at_once(self):
        """Who restores lost leads in many tabs holds no more than allowed, and all of that."""
        for number in range(ROUNDS):
            with self.subTest(round=number):
                leads = json.loads(self._shell(LOSE).splitlines()[-1])
                tabs = self.clients[2]
                wishes = [
                    (tabs[place % 2], "crm.lead", "action_unarchive", lead)
                    for place, lead in enumerate(leads)
                ]
                refusals = list(self.pool.map(lambda wish: Client.press(*wish), wishes))
                self.assertLessEqual(self._count_active(leads), TOTAL_CAP)
                self.assertEqual(self._count_active(leads), refusals.count(None))
                for wish in wishes:
                    Client.press(*wish)
                self.assertEqual(self._count_active(leads), TOTAL_CAP)

    def _count_active(self, leads):
        ids = ", ".join(str(lead) for lead in leads)
        [[count]] = self._read(f"SELECT count(*) FROM crm_lead WHERE active AND id IN ({ids})")
        return count

    def test_two_managers_decide_at_once(self):
        """One of them decides; the other one is told that it is done."""
        for number in range(ROUNDS):
            with self.subTest(round=number):
                requests, owner, asker = json.loads(self._shell(ASK).splitlines()[-1])
                wishes = [
                    (client, "trade.lead.request", button, request)
                    for request in requests
                    for client, button in zip(
                        self.managers, ("action_grant", "action_refuse"), strict=True
                    )
                ]
                refusals = list(self.pool.map(lambda wish: Client.press(*wish), wishes))
                self.assertEqual(refusals.count(None), len(requests))
                self.assertTrue(all("is closed" in text for text in refusals if text))
                ids = ", ".join(str(request) for request in requests)
                for state, user, decisions in self._read(
                    "SELECT request.state, lead.user_id, count(log.id)"
                    " FROM trade_lead_request request"
                    " JOIN crm_lead lead ON lead.id = request.lead_id"
                    " JOIN trade_lead_log log ON log.lead_id = lead.id"
                    f" AND log.kind IN ('grant', 'refuse') WHERE request.id IN ({ids})"
                    " GROUP BY request.id, request.state, lead.user_id"
                ):
                    self.assertEqual(decisions, 1)
                    self.assertEqual(user, asker if state == "granted" else owner)
