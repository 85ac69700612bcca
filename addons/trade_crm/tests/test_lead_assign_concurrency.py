import time
from types import SimpleNamespace
from unittest.mock import patch

from odoo.service.model import retrying
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from .concurrency_common import SOAK, ConcurrencyCase, Worker

CAPACITY, LEADS = 6, 10


@tagged("post_install", "-at_install")
class TestLeadAssignConcurrency(ConcurrencyCase):
    """Two runs of the assignment at the same moment, of the same ten leads for six places."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.addClassCleanup(cls._clean_up)
        with cls._open() as env:
            territory = env["trade.territory"].create({"name": f"{cls.prefix} territory"})
            users = [
                new_test_user(
                    env,
                    login=f"{cls.prefix} {name}",
                    groups="trade_crm.group_rep",
                    trade_territory_ids=territory.ids,
                )
                for name in ("ann", "bob")
            ]
            team = env["crm.team"].create({"name": cls.prefix, "company_id": False})
            for user, capacity in zip(users, (4, 2), strict=True):
                env["crm.team.member"].create(
                    {"crm_team_id": team.id, "user_id": user.id, "assignment_max": capacity}
                )
            cls.team_id, cls.territory_id = team.id, territory.id

    @classmethod
    def _clean_up(cls):
        with cls._open() as env:
            env["crm.lead"].search([("name", "=like", f"{cls.prefix}%")]).unlink()
            env.cr.execute(
                "DELETE FROM trade_lead_log WHERE lead_id IS NULL AND partner_id IS NULL"
            )
            env["crm.team"].browse(cls.team_id).unlink()
            users = env["res.users"].search([("login", "=like", f"{cls.prefix}%")])
            partners = users.partner_id
            users.unlink()
            partners.unlink()
            env["trade.territory"].browse(cls.territory_id).unlink()

    def setUp(self):
        super().setUp()
        with self._open() as env:
            env["crm.lead"].search([("name", "=like", f"{self.prefix}%")]).unlink()
            self.lead_ids = (
                env["crm.lead"]
                .create(
                    [
                        {
                            "name": f"{self.prefix} {number}",
                            "user_id": False,
                            "team_id": self.team_id,
                            "territory_id": self.territory_id,
                        }
                        for number in range(LEADS)
                    ]
                )
                .ids
            )

    def _assign(self, env, lead_ids=None):
        teams = env["crm.team"].browse(self.team_id)
        return teams._assign_in_chunks(lead_ids or self.lead_ids)

    def _press_button(self, env, lead_ids=None):
        """As a request, which Odoo repeats when it lost a race."""
        clock = SimpleNamespace(sleep=lambda _seconds: time.sleep(0.01))
        tries = []

        def attempt():
            tries.append(1)
            self._assign(env, lead_ids)

        with patch("odoo.service.model.time", clock), mute_logger("odoo.service.model"):
            retrying(attempt, env)
        return len(tries)

    def _run_job(self, env):
        """As the job, which nobody repeats."""
        cron = env.ref("crm.ir_cron_crm_lead_assign")
        progress = env["ir.cron.progress"].create({"cron_id": cron.id})
        try:
            return len(
                self._assign(env(context={"cron_id": cron.id, "ir_cron_progress_id": progress.id}))
            )
        finally:
            progress.unlink()

    def _check(self):
        with self._open() as env:
            leads = env["crm.lead"].browse(self.lead_ids)
            assigned = leads.filtered("user_id")
            self.assertEqual(len(assigned), CAPACITY)
            logs = leads.trade_log_ids.filtered(lambda log: log.kind == "assign")
            self.assertEqual(sorted(logs.lead_id.ids), sorted(assigned.ids))
            self.assertEqual(len(logs), CAPACITY)
            members = env["crm.team"].browse(self.team_id).crm_team_member_ids
            self.assertEqual(
                {member.lead_month_count for member in members},
                {member.assignment_max for member in members},
            )

    def _collide(self, late):
        """``late`` has begun before another run is committed and waits for it."""
        with self._start() as first, self._start() as second:
            self._assign(first)
            first.cr.flush()
            worker = Worker(lambda: late(second))
            self._wait_for_lock()
            first.cr.commit()
            result = worker.get_result()
        self._check()
        return result

    def test_two_buttons(self):
        self.assertEqual(self._collide(self._press_button), 2)

    def test_button_and_job(self):
        """The job finds nothing left to give."""
        self.assertEqual(self._collide(self._run_job), 0)

    def test_old_snapshot(self):
        """Who began before and comes after does not wait, and must not decide by what was."""
        with self._start() as first, self._start() as second:
            self._assign(first)
            first.cr.commit()
            self.assertEqual(self._press_button(second), 2)
        self._check()

    def test_other_leads(self):
        """Leads that the first run knows nothing of do not pass the capacity either."""
        half = LEADS // 2
        for waits in (True, False):
            self.setUp()
            with self.subTest(waits=waits), self._start() as first, self._start() as second:
                self._assign(first, self.lead_ids[:half])
                if waits:
                    first.cr.flush()
                    worker = Worker(lambda: self._press_button(second, self.lead_ids[half:]))
                    self._wait_for_lock()
                    first.cr.commit()
                    tries = worker.get_result()
                else:
                    first.cr.commit()
                    tries = self._press_button(second, self.lead_ids[half:])
                self.assertEqual(tries, 2)
                second.cr.commit()
                self._check()

    def test_many_at_once(self):
        for _turn in range(10 if SOAK else 1):
            self.setUp()
            with self._start() as one, self._start() as two, self._start() as three:
                workers = [
                    Worker(lambda: self._press_button(one)),
                    Worker(lambda: self._press_button(two)),
                    Worker(lambda: self._run_job(three)),
                ]
                for worker in workers:
                    worker.get_result()
            self._check()
