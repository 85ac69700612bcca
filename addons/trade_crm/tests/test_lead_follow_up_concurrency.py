import threading
from datetime import timedelta

import psycopg2

from odoo import fields
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from .concurrency_common import PATIENCE, ConcurrencyCase, Worker

LEADS = 24


@tagged("post_install", "-at_install")
class TestLeadFollowUpConcurrency(ConcurrencyCase):
    """Several runs of the job at once, one that is killed, and a contact in the middle."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.addClassCleanup(cls._clean_up)
        with cls._open() as env:
            company = env.ref("base.main_company")
            cls.company_id, cls.was_on = company.id, company.trade_lead_follow_up
            company.trade_lead_follow_up = True
            stage = env["crm.stage"].create({"name": f"{cls.prefix} stage"})
            user = new_test_user(env, login=f"{cls.prefix} rep", groups="trade_crm.group_rep")
            cls.stage_id, cls.user_id = stage.id, user.id

    @classmethod
    def _clean_up(cls):
        with cls._open() as env:
            mine = [("name", "=like", f"{cls.prefix}%")]
            leads = env["crm.lead"].with_context(active_test=False).search(mine)
            env.cr.execute("DELETE FROM trade_lead_log WHERE lead_id = ANY(%s)", [leads.ids])
            leads.unlink()
            user = env["res.users"].browse(cls.user_id)
            partners = user.partner_id
            user.unlink()
            partners.unlink()
            env["crm.stage"].browse(cls.stage_id).unlink()
            env["res.company"].browse(cls.company_id).trade_lead_follow_up = cls.was_on

    def setUp(self):
        super().setUp()
        with self._open() as env:
            leads = env["crm.lead"].create(
                [
                    {
                        "name": f"{self.prefix} lead {number}",
                        "type": "opportunity",
                        "stage_id": self.stage_id,
                        "user_id": self.user_id,
                        "company_id": self.company_id,
                        "team_id": False,
                    }
                    for number in range(LEADS)
                ]
            )
            self.lead_ids = leads.ids
        self.now = fields.Datetime.now() + timedelta(days=8, minutes=1)

    def _run_job(self, env):
        env["crm.lead"]._cron_follow_up(now=self.now, chunk_size=4)

    def _read_kinds(self):
        """``{lead id: kinds in the order in which they happened}``"""
        with self._open() as env:
            leads = env["crm.lead"].browse(self.lead_ids)
            for lead in leads:
                self.assertLessEqual(
                    len(lead.activity_search(["trade_crm.mail_activity_type_lead_follow_up"])), 1
                )
            return {lead.id: lead.trade_log_ids.sorted("id").mapped("kind") for lead in leads}

    def _assertOnce(self):
        expected = {lead_id: ["overdue", "escalate", "warn"] for lead_id in self.lead_ids}
        self.assertEqual(self._read_kinds(), expected)

    @mute_logger("odoo.sql_db")
    def test_four_runs_at_once(self):
        barrier = threading.Barrier(4)

        def run():
            with self._open() as env:
                barrier.wait(PATIENCE)
                self._run_job(env)

        for worker in [Worker(run) for _number in range(4)]:
            worker.get_result()
        with self._open() as env:
            self._run_job(env)
        self._assertOnce()

    @mute_logger("odoo.sql_db")
    def test_killed_in_the_middle(self):
        with self.assertRaises(psycopg2.Error), self._start() as env:
            leads = env["crm.lead"]
            taken, error = leads._follow_up_chunk("overdue", self.now, 4, set())
            self.assertEqual((len(taken), error), (4, None))
            env.cr.commit()
            leads._follow_up_chunk("overdue", self.now, 4, set())
            self._kill(env.cr)
            env.cr.commit()
        kinds = self._read_kinds()
        self.assertEqual(sum(len(events) for events in kinds.values()), 4)
        with self._open() as env:
            self._run_job(env)
        self._assertOnce()

    @mute_logger("odoo.sql_db")
    def test_contact_while_the_job_runs(self):
        """The lead that somebody is just writing to is left to the next run."""
        with self._start() as writer:
            lead = writer["crm.lead"].browse(self.lead_ids[0])
            lead._note_contact(fields.Datetime.now() + timedelta(seconds=5))
            lead.flush_recordset()
            lead.write({"trade_last_contact_at": self.now})
            lead.flush_recordset()
            job = self._run(self._run_job)
            job.get_result()
        kinds = self._read_kinds()
        self.assertEqual(kinds.pop(self.lead_ids[0]), [])
        self.assertEqual(set(map(tuple, kinds.values())), {("overdue", "escalate", "warn")})
        with self._open() as env:
            self._run_job(env)
        self.assertEqual(self._read_kinds()[self.lead_ids[0]], [])
