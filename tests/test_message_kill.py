"""Workers that send mail are killed, at any moment: nobody gets a mail twice, and nothing is lost silently."""

import os
import random
import signal
import subprocess
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from own_database import COMPLAINT, SUITE, OwnDatabase

from odoo.tests import tagged

from odoo.addons.trade_crm.tests.smtp_server import SmtpServer

ROUNDS = 20 if os.environ.get("TRADE_CRM_SOAK") else 1
CUSTOMERS = 40
KILLS = 2
WORKERS = 2
CHUNK = 7
PATIENCE = 120
PREPARE = """
env["trade.territory.fill"]._cron_fill()
company = env.ref("base.main_company")
company.write({"trade_quiet_from": 0, "trade_quiet_to": 0, "trade_cap_week": 1, "trade_wait_days": 2})
env["ir.mail_server"].search([]).active = False
env["ir.mail_server"].create({"name": "Loopback", "smtp_host": "127.0.0.1", "smtp_port": %(port)s})
# What waits in Odoo's queue from before would only be in the way.
env["mail.mail"].search([]).unlink()
env["trade.consent.rule"]._ensure(company)
env["trade.consent.rule"].search([]).mode = "opt_out"
env.cr.commit()
"""
# Two campaigns want to write to the same customers, of whom each may get one mail.
FILL = """
from odoo.tools import SQL
from odoo import fields
company = env.ref("base.main_company")
partners = env["res.partner"].create([
    {"name": f"Loop {n}", "email": f"r%(round)s-{n}@loop.test"} for n in range(%(customers)s)
])
for number in range(2):
    campaign = env["utm.campaign"].create({"title": f"Kill %(round)s {number}"})
    mailing = env["mailing.mailing"].create({
        "subject": "News", "campaign_id": campaign.id, "email_from": "news@loop.test",
        "mailing_model_id": env["ir.model"]._get_id("res.partner"), "body_html": "<p>News</p>",
    })
    env["trade.message"]._enqueue(SQL(
        "SELECT %%s AS campaign_id, id AS partner_id, territory_id, %%s AS company_id, 1 AS step,"
        " 'mail' AS channel, 'offer' AS purpose, %%s AS mailing_id, NULL AS body, %%s AS due_at"
        " FROM res_partner WHERE id = ANY(%%s)",
        campaign.id, company.id, mailing.id, fields.Datetime.now(), partners.ids,
    ))
env.cr.commit()
"""
# Odoo's own queue of mails is at work as well, and sends none of ours.
WORK = f"""
env["mail.mail"].process_email_queue()
env["trade.message"]._cron_send({CHUNK})
env["mail.mail"].process_email_queue()
env.cr.commit()
"""


@tagged("post_install", "-at_install")
class TestMessageKill(OwnDatabase):
    template = SUITE

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = SmtpServer()
        cls.addClassCleanup(cls.server.close)
        cls.folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls._shell(PREPARE % {"port": cls.server.port})

    def setUp(self):
        super().setUp()
        self.workers, self.lock = [], threading.Lock()
        self.addCleanup(self._kill_workers)

    def _kill_workers(self):
        for worker in self.workers:
            worker.kill()
            worker.wait()

    def _start_worker(self):
        log = open(self.folder / f"{time.monotonic_ns()}.log", "w+", encoding="utf-8")  # noqa: SIM115
        self.addCleanup(log.close)
        worker = subprocess.Popen(
            self._command("--no-http", "--log-level=warn", command="shell"),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            text=True,
        )
        worker.log = log
        worker.stdin.write(WORK)
        worker.stdin.close()
        self.workers.append(worker)

    def test_killed(self):
        for number in range(ROUNDS):
            with self.subTest(round=number):
                self._run_round(number, random.Random(number))

    def _run_round(self, number, rng):
        self._shell(FILL % {"round": number, "customers": CUSTOMERS})
        self.server.received.clear()
        self.workers.clear()
        moments = set(rng.sample(range(1, CUSTOMERS - 5), KILLS))
        self.killed = 0

        def kill_sometimes(_recipient):
            """The mail has arrived, but whoever sent it does not live to hear that."""
            with self.lock:
                count = len(self.server.received)
                if count in moments:
                    moments.discard(count)
                    self._kill_some(rng, everybody=not self.killed)
            return "250 OK"

        self.server.after_data = kill_sometimes
        for _number in range(WORKERS):
            self._start_worker()
        self._wait_for_workers()
        # Whatever is left is done by one that is not disturbed.
        self.server.after_data = lambda recipient: "250 OK"
        self._start_worker()
        self._wait_for_workers()
        self._check_round(number)

    def _kill_some(self, rng, everybody):
        """Kill all workers, who sent this mail among them, or any of them."""
        alive = [worker for worker in self.workers if worker.poll() is None]
        for worker in alive if everybody else rng.sample(alive, 1):
            worker.send_signal(signal.SIGKILL)
            worker.wait()
            self.killed += 1
            self._start_worker()

    def _wait_for_workers(self):
        until = time.monotonic() + PATIENCE
        while any(worker.poll() is None for worker in list(self.workers)):
            self.assertLess(time.monotonic(), until, "a worker does not come to an end")
            time.sleep(0.05)
        for worker in self.workers:
            if worker.returncode != -signal.SIGKILL:
                worker.log.seek(0)
                text = worker.log.read()
                self.assertFalse(worker.returncode or COMPLAINT.search(text), text)

    def _check_round(self, number):
        received = Counter(
            recipient
            for recipient, _data in self.server.received
            if recipient.startswith(f"r{number}-")
        )
        rows = self._read(
            "SELECT partner.email, message.state, message.reason FROM trade_message message"
            " JOIN utm_campaign campaign ON campaign.id = message.campaign_id"
            " JOIN res_partner partner ON partner.id = message.partner_id"
            f" WHERE campaign.title->>'en_US' LIKE 'Kill {number} %'"
        )
        states = Counter((state, reason) for _email, state, reason in rows)
        print(f"  {self.killed} killed, {dict(states)}")
        self.assertEqual(len(rows), 2 * CUSTOMERS)
        self.assertGreaterEqual(self.killed, KILLS)
        self.assertFalse({state for _e, state, _r in rows} & {"queued", "sending", "failed"})
        self.assertEqual(max(received.values()), 1, "nobody gets two mails")
        sent = {email for email, state, _r in rows if state == "sent"}
        unknown = {email for email, state, _r in rows if state == "unknown"}
        self.assertLessEqual(sent, received.keys(), "what is called sent has arrived")
        self.assertLessEqual(
            received.keys(), sent | unknown, "what has arrived is not called unsent"
        )
        # One mail at most was under way when a worker was killed, and one was for sure.
        self.assertIn(states["unknown", "interrupted"], range(1, self.killed + 1))
        # Room for one: no customer has two that count, and nobody was forgotten.
        live = Counter(email for email, state, _r in rows if state in ("sent", "unknown"))
        self.assertEqual(set(live.values()), {1})
        self.assertEqual(len(live), CUSTOMERS)
