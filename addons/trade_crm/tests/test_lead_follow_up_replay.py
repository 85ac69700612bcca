import random
from datetime import timedelta

from odoo import fields
from odoo.tests import tagged

from .oracle_follow_up import Lead, Rules
from .test_lead_follow_up import FollowUpCommon

DAYS = 30
LEADS = 30
START = fields.Datetime.to_datetime("2026-03-31 04:00:00")


@tagged("post_install", "-at_install")
class TestLeadFollowUpReplay(FollowUpCommon):
    """Move the clock over a month and compare what happened with ``oracle_follow_up``.

    Every lead has two stages of its own, with days drawn at random; contacts, notes, changes of
    stage and of salesperson come at random hours.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lead.active = False

    def _draw_stage(self, draw, company):
        rules = Rules(
            follow_up=draw.choice([0, 1, 2, 3, 5]),
            escalation=draw.choice([0, 1, 2, 4]),
            recycle=draw.choice([0, 1, 3, 5, 8]),
            warning=company.trade_recycle_warning_days,
            on=company.trade_lead_follow_up,
        )
        stage = self._make_stage("Drawn", rules.follow_up, rules.escalation, rules.recycle)
        return stage, rules

    def _draw_world(self, draw):
        """``{lead: (oracle, [(stage, rules), …])}``"""
        self.company_us.write(
            {"trade_lead_follow_up": draw.random() < 0.7, "trade_recycle_warning_days": 4}
        )
        world = {}
        for number in range(LEADS):
            company = self.company_us if number % 4 == 0 else self.company_cn
            users = (
                [self.user_rep_us, self.user_rep_both]
                if company == self.company_us
                else [self.user_zhejiang, self.user_shanghai]
            )
            stages = [self._draw_stage(draw, company) for _number in range(2)]
            lead = self._make_lead(
                f"Drawn {number}",
                company_id=company.id,
                stage_id=stages[0][0].id,
                user_id=users[0].id,
                partner_id=False,
            )
            self.assertEqual(lead.company_id, company)
            world[lead] = (Lead(START, stages[0][1]), stages, users)
        return world

    def _act(self, draw, lead, told):
        """One thing that happens to a lead, in Odoo and in the oracle."""
        oracle, stages, users = told
        act = draw.choice(["contact", "note", "call", "stage", "user"])
        if act == "note":
            lead.message_post(body="Note", message_type="comment", subtype_xmlid="mail.mt_note")
            return
        if oracle.pooled:
            return
        rules = None
        if act == "contact":
            lead.message_post(
                body="Hello",
                message_type="comment",
                subtype_xmlid="mail.mt_comment",
                author_id=lead.user_id.partner_id.id,
            )
        elif act == "call":
            lead.activity_schedule("mail.mail_activity_data_call").with_user(
                lead.user_id
            ).sudo().action_feedback()
        elif act == "stage":
            stage, rules = next(pair for pair in stages if pair[0] != lead.stage_id)
            lead.stage_id = stage
        else:
            lead.user_id = next(user for user in users if user != lead.user_id)
        oracle.restart(fields.Datetime.now(), rules)

    def _replay(self, seed, run_hours):
        """Live through the month; the job runs at ``run_hours`` after the start, twice each."""
        draw = random.Random(seed)
        self._move_to(0)
        world = self._draw_world(draw)
        acts = [
            (draw.randrange(1, DAYS * 24), lead)
            for lead in world
            for _number in range(draw.choice([0, 1, 2, 4]))
        ]
        moments = [(hour, 0, lead.id, lead) for hour, lead in acts]
        moments += [(hour, 1, 0, None) for hour in run_hours]
        for hour, _rank, _id, lead in sorted(moments, key=lambda moment: moment[:3]):
            if lead:
                self._move_to(hour / 24)
                self._act(draw, lead, world[lead])
                continue
            self._run(hour / 24)
            self._run(hour / 24)
            for oracle, _stages, _users in world.values():
                oracle.run(self.now)
        found = {
            lead.name: [(log.kind, log.happened_at) for log in lead.trade_log_ids.sorted("id")]
            for lead in world
        }
        expected = {lead.name: told[0].events for lead, told in world.items()}
        self.assertEqual(found, expected)
        self._check_activities(world)
        return found

    def _check_activities(self, world):
        """At most one open activity per lead for the salesperson, none without a reason."""
        for lead, (oracle, _stages, _users) in world.items():
            reminders = lead.activity_search(["trade_crm.mail_activity_type_lead_follow_up"])
            due = bool({"overdue", "warn"} & oracle.done.keys()) and not oracle.pooled
            self.assertEqual(len(reminders), int(due), lead.name)

    def test_day_by_day(self):
        found = self._replay(seed=5, run_hours=range(0, DAYS * 24, 24))
        kinds = {kind for events in found.values() for kind, _moment in events}
        self.assertEqual(kinds, {"overdue", "escalate", "warn", "recycle"})

    def test_with_gaps(self):
        for seed in (7, 8):
            hours, hour = [], 0
            draw = random.Random(seed)
            while hour < DAYS * 24:
                hours.append(hour)
                hour += draw.choice([1, 7, 24, 60, 24 * 9])
            with self.subTest(seed=seed):
                self._replay(seed, hours)
                self.env["crm.lead"].search([("name", "=like", "Drawn %")]).unlink()

    def test_nobody_is_recycled_without_notice(self):
        found = self._replay(seed=11, run_hours=[24 * day for day in (1, 9, 21, 22, 25, 29)])
        recycled = 0
        for events in found.values():
            warned = None
            for kind, moment in events:
                if kind == "warn":
                    warned = moment
                elif kind == "recycle":
                    recycled += 1
                    self.assertGreaterEqual(moment - warned, timedelta(days=2))
        self.assertTrue(recycled)
