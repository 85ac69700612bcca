import random
from datetime import datetime, timedelta

import pandas as pd

from odoo import fields
from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import SQL

from .pipeline_common import PipelineCommon

GROUP_FIELDS = {
    "source": "source_id",
    "salesperson": "user_id",
    "medium": "medium_id",
    "team": "team_id",
    "territory": "territory_id",
}


@tagged("post_install", "-at_install")
class TestStageStay(PipelineCommon):
    def test_moves(self):
        self._at("2026-02-01")
        lead = self._make_leads(user_id=self.user_zhejiang.id)
        self._at("2026-02-04")
        lead.stage_id = self.offer
        self._at("2026-02-10")
        lead.stage_id = self.inquiry
        self.assertEqual(
            self._get_stays(lead),
            [
                (self.inquiry, "2026-02-01", "2026-02-04"),
                (self.offer, "2026-02-04", "2026-02-10"),
                (self.inquiry, "2026-02-10", False),
            ],
        )
        self.assertEqual(lead.trade_stay_ids.user_id, self.user_zhejiang)
        self._at("2026-02-13")
        self.env.invalidate_all()
        self.assertEqual(lead.trade_stay_ids.mapped("days"), [3.0, 6.0, 3.0])

    def test_several_leads_are_moved_at_once(self):
        leads = self._make_leads(20)
        leads.flush_recordset()
        with self.assertQueryCount(40):
            leads.write({"stage_id": self.sample.id})
            self.env.flush_all()
        self.assertEqual(len(leads.trade_stay_ids), 40)

    def test_the_same_stage_is_no_move(self):
        lead = self._make_leads()
        lead.write({"stage_id": self.inquiry.id, "probability": 30})
        self.assertEqual(len(self._get_stays(lead)), 1)

    def test_lost_then_restored_then_won(self):
        self._at("2026-02-01")
        lead = self._make_leads()
        self._at("2026-02-03")
        self._lose(lead, self.too_dear)
        self.assertEqual(
            self._get_stays(lead), [(self.inquiry, "2026-02-01", "2026-02-03")], "lost"
        )
        self.assertTrue(lead.trade_stay_ids.is_lost)
        self._at("2026-02-20")
        lead.action_restore()
        self._at("2026-02-21")
        lead.action_set_won()
        self.assertEqual(
            self._get_stays(lead),
            [
                (self.inquiry, "2026-02-01", "2026-02-03"),
                (self.inquiry, "2026-02-20", "2026-02-21"),
                (self.closed, "2026-02-21", False),
            ],
        )

    def test_lost_then_won_at_once(self):
        lead = self._make_leads()
        self._lose(lead)
        lead.action_set_won()
        self.assertEqual([stay[0] for stay in self._get_stays(lead)][-1], self.closed)

    def test_created_as_lost(self):
        lead = self._make_leads(active=False, probability=0)
        self.assertEqual(lead.won_status, "lost")
        [stay] = self._get_stays(lead)
        self.assertEqual(stay[1], stay[2])

    def test_another_team_brings_another_stage(self):
        """Odoo computes the stage; nobody has written it."""
        north, south = self.env["crm.team"].create([{"name": "North"}, {"name": "South"}])
        own = self.env["crm.stage"].create(
            {"name": "North only", "sequence": -35, "team_ids": [Command.set(north.ids)]}
        )
        lead = self._make_leads(stage_id=own.id, team_id=north.id)
        lead.team_id = south
        self.assertNotEqual(lead.stage_id, own)
        self.assertEqual([stay[0] for stay in self._get_stays(lead)], [own, lead.stage_id])

    def test_merged_leads(self):
        self._at("2026-02-01")
        head = self._make_leads(probability=50)
        self._at("2026-02-02")
        tail = self._make_leads(stage_id=self.sample.id, probability=10)
        head.stage_id = self.offer
        merged = (head | tail)._merge_opportunity(auto_unlink=True)
        self.assertEqual(merged, head)
        self.assertEqual([stay[0] for stay in self._get_stays(head)], [self.inquiry, self.offer])
        self.env.cr.execute(
            SQL("SELECT count(*) FROM trade_lead_stage_stay WHERE lead_id = %s", tail.id)
        )
        self.assertEqual(self.env.cr.fetchone()[0], 0)

    def test_deleted_stage(self):
        trial = self.env["crm.stage"].create({"name": "Trial", "sequence": -25})
        lead = self._make_leads(stage_id=trial.id)
        lead.stage_id = self.sample
        trial.unlink()
        self.assertEqual(
            [stay[0] for stay in self._get_stays(lead)], [self.env["crm.stage"], self.sample]
        )
        self.assertEqual(self._get_step(self._get_funnel(), self.sample)["reached"], 1)

    def test_nobody_writes_stays(self):
        lead = self._make_leads(user_id=self.user_zhejiang.id)
        stay = self._as(self.user_east, lead.trade_stay_ids)
        for change in (
            lambda: stay.write({"left_at": False}),
            stay.unlink,
            lambda: stay.create({"lead_id": lead.id, "number": 9}),
        ):
            with self.assertRaises(AccessError):
                change()

    def test_who_sees_the_lead_sees_its_stays(self):
        mine = self._make_leads(user_id=self.user_zhejiang.id, partner_id=self.wok.id)
        foreign = self._make_leads(user_id=self.user_beijing.id, partner_id=self.hutong.id)
        stays = mine.trade_stay_ids | foreign.trade_stay_ids
        for user in (self.user_zhejiang, self.user_beijing, self.user_east, self.user_auditor):
            leads = self._visible(user, mine | foreign)
            self.assertEqual(self._visible(user, stays), leads.trade_stay_ids, user.login)
        self.env["ir.config_parameter"].set_param("trade_crm.territory_scope", False)
        self.env["trade.territory"]._forget_access()
        self.assertEqual(self._visible(self.user_zhejiang, stays), mine.trade_stay_ids)


@tagged("post_install", "-at_install")
class TestStageStayFill(PipelineCommon):
    """Leads of before the addon: their stays are worked out from Odoo's notes."""

    def setUp(self):
        super().setUp()
        self.env = self.env(context={**self.env.context, "tracking_disable": False})

    def _forget(self, leads):
        self.env.flush_all()
        self.env.cr.execute(
            SQL("DELETE FROM trade_lead_stage_stay WHERE lead_id = ANY(%s)", leads.ids)
        )
        self.env.invalidate_all()

    def _move(self, lead, day, stage):
        """Move ``lead`` and have it noted, as at the end of a request."""
        self._at(day)
        lead.stage_id = stage
        self._commit()
        # The database dates notes by its own clock.
        self.env.cr.execute(
            SQL(
                "UPDATE mail_tracking_value SET create_date = %s WHERE mail_message_id IN"
                " (SELECT max(id) FROM mail_message WHERE model = 'crm.lead' AND res_id = %s)",
                fields.Datetime.now(),
                lead.id,
            )
        )

    def _fill(self, chunk_size=5000):
        with self._job_env() as env:
            env["trade.lead.stage.stay"]._cron_fill(chunk_size)
        self.env.invalidate_all()

    def _make_old_lead(self):
        self._at("2026-02-01")
        lead = self._make_leads().with_env(self.env)
        self._commit()
        self._move(lead, "2026-02-04", self.offer)
        self._move(lead, "2026-02-10", self.sample)
        return lead

    def test_fill_equals_what_was_written_at_once(self):
        lead = self._make_old_lead()
        expected = self._get_stays(lead)
        self.assertEqual(len(expected), 3)
        self._forget(lead)
        self._fill()
        self.assertEqual(self._get_stays(lead), expected)

    def test_fill_is_idempotent(self):
        leads = self._make_old_lead() | self._make_leads(5)
        self._forget(leads)
        for _turn in range(2):
            self._fill(chunk_size=2)
            self.assertEqual(len(leads.trade_stay_ids), 8)
        self.assertEqual(self.env["trade.lead.stage.stay"]._get_progress(), 1.0)

    def test_lost_leads_have_left(self):
        lead = self._make_old_lead()
        self._at("2026-02-15")
        self._lose(lead)
        self._forget(lead)
        self._fill()
        self.assertEqual(self._get_stays(lead)[-1], (self.sample, "2026-02-10", "2026-02-15"))
        self.assertEqual(
            lead.trade_stay_ids.sorted("number").mapped("is_lost"), [False, False, True]
        )

    def test_a_lead_that_moves_before_the_job_comes(self):
        lead = self._make_old_lead()
        self._forget(lead)
        self._at("2026-02-12")
        lead.stage_id = self.offer
        self.assertEqual(
            self._get_stays(lead),
            [
                (self.inquiry, "2026-02-01", "2026-02-04"),
                (self.offer, "2026-02-04", "2026-02-10"),
                (self.sample, "2026-02-10", "2026-02-12"),
                (self.offer, "2026-02-12", False),
            ],
        )
        self._fill()
        self.assertEqual(len(self._get_stays(lead)), 4)

    def test_a_lead_that_is_restored_before_the_job_comes(self):
        lead = self._make_old_lead()
        self._at("2026-02-15")
        self._lose(lead)
        self._forget(lead)
        self._at("2026-02-18")
        lead.action_restore()
        self.assertEqual(
            self._get_stays(lead)[-2:],
            [(self.sample, "2026-02-10", "2026-02-15"), (self.sample, "2026-02-18", False)],
        )

    def test_what_was_moved_beside_the_orm_is_put_right(self):
        lead = self._make_leads()
        lead.flush_recordset()
        self.env.cr.execute(
            SQL("UPDATE crm_lead SET stage_id = %s WHERE id = %s", self.offer.id, lead.id)
        )
        self.env.invalidate_all()
        self._fill()
        self.assertEqual([stay[0] for stay in self._get_stays(lead)], [self.inquiry, self.offer])


@tagged("post_install", "-at_install")
class TestFunnel(PipelineCommon):
    def _sell(self):
        """Six leads: one waits, one was lost, two came to Offer (one of them went back), two won."""
        self._at("2026-03-01")
        self.waiting, self.lost, self.back, self.jumped, self.won, self.late = self._make_leads(6)
        (self.waiting | self.lost | self.won).source_id = self.fair
        (self.back | self.late).source_id = self.web
        self._at("2026-03-03")
        (self.back | self.won | self.lost).stage_id = self.sample
        self._at("2026-03-05")
        (self.back | self.jumped).stage_id = self.offer
        self._at("2026-03-09")
        self.back.stage_id = self.inquiry
        self._lose(self.lost, self.too_dear)
        (self.won | self.late).action_set_won()
        self._at("2026-03-31")

    def test_steps(self):
        self._sell()
        funnel = self._get_funnel()
        steps = [self._get_step(funnel, stage) for stage in (self.inquiry, self.sample, self.offer)]
        self.assertEqual([step["reached"] for step in steps], [6, 5, 4])
        self.assertEqual([step["from_before"] for step in steps], [None, 5 / 6, 4 / 5])
        self.assertEqual([step["here"] for step in steps], [2, 0, 1])
        self.assertEqual([step["lost"] for step in steps], [0, 1, 0])
        self.assertEqual(funnel["won"], {"count": 2, "money": 200.0, "share": 2 / 6})
        # Inquiry: five leads left it; the one that came back is there. Sample: 2, 6 and 6 days.
        self.assertEqual([step["left"] for step in steps], [4, 3, 1])
        self.assertEqual([step["median_days"] for step in steps], [3.0, 6.0, 4.0])
        self.assertAlmostEqual(steps[1]["mean_days"], 14 / 3)

    def test_won_stages_are_not_stages_of_the_funnel(self):
        self._sell()
        names = [step["name"] for step in self._get_funnel()["steps"]]
        self.assertEqual(names[:3], ["Inquiry", "Sample", "Offer"])
        self.assertNotIn("Closed", names)

    def test_reopened_lead_is_not_won(self):
        self._sell()
        self.won.write({"stage_id": self.sample.id, "probability": 20})
        funnel = self._get_funnel()
        self.assertEqual(funnel["won"]["count"], 1)
        # It has been in a stage behind all of these.
        self.assertEqual(self._get_step(funnel, self.offer)["reached"], 4)

    def test_reasons(self):
        self._sell()
        self._lose(self.waiting)
        self._lose(self.jumped, self.too_dear)
        reasons = self._get_funnel()["reasons"]
        self.assertEqual(
            [(reason["name"], reason["count"], reason["money"]) for reason in reasons],
            [("Too dear", 2, 200.0), ("Not said", 1, 100.0)],
        )
        self.assertEqual([part["position"] for part in reasons[0]["stages"]], [1, 2])
        self.assertEqual(self._open("lost", None, self.too_dear.id), self.lost | self.jumped)
        self.assertEqual(self._open("lost", 2, self.too_dear.id), self.jumped)
        self.assertEqual(self._open("lost", None, False), self.waiting)

    def test_archived_without_being_lost(self):
        self._sell()
        self.waiting.action_archive()
        self.assertEqual(self.waiting.won_status, "pending")
        self.assertEqual(self._get_funnel()["total"]["count"], 5)
        self.assertNotIn(self.waiting, self._open("total"))

    def test_segments(self):
        self._sell()
        segments = {row["value"]: row for row in self._get_funnel()["segments"]}
        self.assertEqual(
            {value: row["total"]["count"] for value, row in segments.items()},
            {self.fair.id: 3, self.web.id: 2, False: 1},
        )
        self.assertEqual(segments[self.web.id]["won"]["share"], 0.5)
        funnel = self._get_funnel(group_by="source", value=self.fair.id)
        self.assertEqual(funnel["total"]["count"], 3)
        self.assertEqual(len(funnel["segments"]), 3)
        self.assertEqual(self._open("total", value=False), self.jumped)
        self.assertEqual(self._open("total", source=self.web.id), self.back | self.late)

    def test_small_segments_are_added_up(self):
        for number in range(14):
            source = self.env["utm.source"].create({"name": f"Source {number}"})
            self._make_leads(source_id=source.id)
        segments = self._get_funnel()["segments"]
        self.assertEqual(len(segments), 13)
        self.assertEqual((segments[-1]["value"], segments[-1]["total"]["count"]), (None, 2))

    def test_nothing_there(self):
        funnel = self._get_funnel()
        self.assertEqual(funnel["total"], {"count": 0, "money": 0.0, "share": None})
        self.assertEqual((funnel["segments"], funnel["reasons"]), ([], []))
        self.assertEqual({step["from_start"] for step in funnel["steps"]}, {None})

    def test_period_follows_the_clock_of_the_company(self):
        """23:30 and 00:30 around the new quarter in Shanghai, both on December 31 in UTC."""
        self.clock.move_to("2025-12-31 15:30:00")
        old = self._make_leads()
        self.clock.move_to("2025-12-31 16:30:00")
        new = self._make_leads()
        self._at("2026-03-31")
        self.assertEqual(self._open("total", period="quarter"), new)
        self.assertEqual(self._open("total", period="last_quarter"), old)
        self.assertEqual(self._get_funnel(period="last_year")["total"]["count"], 1)
        self.assertEqual(
            self._open("total", period="custom", date_from="2025-12-31", date_to="2025-12-31"), old
        )
        self.assertEqual(self._open("total", period="all"), old | new)

    def test_last_12_months(self):
        self._at("2025-03-31")
        self._make_leads()
        self._at("2025-04-01")
        recent = self._make_leads()
        self._at("2026-03-31")
        self.assertEqual(self._open("total"), recent)

    def test_other_company(self):
        own = self._make_leads()
        other = self._make_leads(company_id=self.company_us.id)
        common = self._make_leads(company_id=False)
        self.assertEqual(self._open("total"), own | common)
        self.user_auditor.company_ids += self.company_us
        funnel = self._get_funnel(company_id=self.company_us.id)
        self.assertEqual(funnel["currency_id"], self.usd.id)
        self.assertEqual(self._open("total", company_id=self.company_us.id), other | common)

    def test_stages_of_another_team(self):
        north, south = self.env["crm.team"].create([{"name": "North"}, {"name": "South"}])
        own = self.env["crm.stage"].create(
            {"name": "North only", "sequence": -35, "team_ids": [Command.set(north.ids)]}
        )
        leads = self._make_leads(2, team_id=south.id)
        self._make_leads(team_id=north.id, stage_id=own.id)
        names = [step["name"] for step in self._get_funnel(team=south.id)["steps"]]
        self.assertEqual(names[:3], ["Inquiry", "Sample", "Offer"])
        self.assertIn("North only", [step["name"] for step in self._get_funnel()["steps"]])
        # It has been in a stage of the team before, and belongs to the one before that.
        self.env.cr.execute(
            SQL("UPDATE crm_lead SET stage_id = %s WHERE id = %s", own.id, leads[0].id)
        )
        self.env.invalidate_all()
        funnel = self._get_funnel(team=south.id)
        self.assertEqual(self._get_step(funnel, self.inquiry)["here"], 2)
        self.assertEqual(self._open("here", 0, team=south.id), leads)

    def test_unknown_filters_are_told(self):
        for filters in ({"period": "decade"}, {"group_by": "password"}, {"type": "order"}):
            with self.assertRaises(ValidationError):
                self._get_funnel(**filters)
        with self.assertRaises(ValidationError):
            self._open("everything")

    def test_roles(self):
        for user in (self.user_zhejiang, self.user_east, self.user_auditor):
            self.assertTrue(self._get_funnel(user)["steps"])
        for user in (self.user_marketer, self.user_agent, self.user_outsider):
            with self.assertRaises(AccessError):
                self._get_funnel(user)

    def test_everybody_gets_the_funnel_of_their_territories(self):
        for partner, count in ((self.wok, 1), (self.bund, 2), (self.hutong, 4)):
            self._make_leads(count, partner_id=partner.id)
        counts = {
            user.login: self._get_funnel(user)["total"]["count"]
            for user in (
                self.user_zhejiang,
                self.user_shanghai,
                self.user_beijing,
                self.user_east,
                self.user_auditor,
            )
        }
        self.assertEqual(list(counts.values()), [1, 2, 4, 3, 7])
        self.assertEqual(len(self._open("total", user=self.user_east)), 3)
        self.assertEqual(len(self._open("total", territory=self.east.id)), 3)
        self.assertEqual(
            len(self._open("total", user=self.user_beijing, territory=self.east.id)), 0
        )
        rows = self._get_funnel(self.user_east, group_by="territory")["segments"]
        self.assertEqual(
            {row["value"]: row["total"]["count"] for row in rows},
            {self.zhejiang.id: 1, self.shanghai.id: 2},
        )


@tagged("post_install", "-at_install")
class TestFunnelOracle(PipelineCommon):
    """Random histories; what the funnel says is computed anew from the log of what was done."""

    LEADS = 60

    def _play(self, seed):
        """Leads at random.

        :return: list of dict per lead: its record, the stays that it made, how it ended
        """
        rng = random.Random(seed)
        stages = [self.inquiry, self.sample, self.offer]
        games = []
        for number in range(self.LEADS):
            moment = datetime(2026, 1, 1) + timedelta(hours=rng.randrange(24 * 30))
            self.clock.move_to(moment)
            stage = rng.choice([stages[0], stages[0], *stages])
            lead = self._make_leads(
                stage_id=stage.id,
                expected_revenue=rng.randrange(1000) * 10.0,
                type=rng.choice(["lead", "opportunity"]),
                source_id=rng.choice([self.fair.id, self.web.id, False]),
                user_id=rng.choice([self.user_zhejiang.id, self.user_beijing.id, False]),
                partner_id=rng.choice([self.wok, self.bund, self.hutong, self.nowhere]).id,
                company_id=rng.choice([self.company_cn.id, False]),
            )
            game = {"lead": lead, "number": number, "stays": [], "end": "open", "reason": None}
            since = moment
            for _turn in range(rng.randrange(5)):
                moment += timedelta(hours=rng.randrange(1, 200))
                self.clock.move_to(moment)
                what = rng.choice(["move", "move", "move", "lose", "win", "restore"])
                if game["end"] == "lost":
                    if what != "restore":
                        continue
                    lead.action_restore()
                    game["end"], game["reason"], since = "open", None, moment
                elif what == "lose" and game["end"] == "open":
                    reason = rng.choice([self.too_dear, self.no_need, None])
                    self._lose(lead, reason)
                    game["stays"].append((stage, since, moment))
                    game["end"], game["reason"] = "lost", reason
                elif what in ("move", "win"):
                    new = self.closed if what == "win" else rng.choice(stages)
                    if new == stage:
                        continue
                    if new == self.closed:
                        lead.action_set_won()
                    else:
                        lead.write({"stage_id": new.id, "probability": 20})
                    game["stays"].append((stage, since, moment))
                    stage, since = new, moment
                    game["end"] = "won" if new == self.closed else "open"
            game["stage"] = stage
            if game["end"] != "lost":
                game["stays"].append((stage, since, None))
            games.append(game)
        self._at("2026-03-31")
        return games

    def _tabulate(self, games):
        """Leads and stays as frames."""
        position = {self.inquiry: 0, self.sample: 1, self.offer: 2, self.closed: 3}
        leads = pd.DataFrame(
            [
                {
                    "number": game["number"],
                    "id": game["lead"].id,
                    "end": game["end"],
                    "at": position[game["stage"]],
                    "reason": game["reason"].name if game["reason"] else "Not said",
                    "deepest": max(
                        [position[stage] for stage, _since, _until in game["stays"]]
                        + [position[game["stage"]]]
                    ),
                    "money": game["lead"].expected_revenue,
                    "type": game["lead"].type,
                    **{key: game["lead"][field].id for key, field in GROUP_FIELDS.items()},
                }
                for game in games
            ]
        )
        stays = pd.DataFrame(
            [
                {
                    "number": game["number"],
                    "at": position[stage],
                    "days": (until - since).total_seconds() / 86400 if until else None,
                    "lasts": until is None,
                }
                for game in games
                for stage, since, until in game["stays"]
            ]
        )
        return leads, stays

    def _check(self, funnel, leads, stays):
        stays = stays[stays.number.isin(leads.number)]
        for at, stage in enumerate((self.inquiry, self.sample, self.offer)):
            step = self._get_step(funnel, stage)
            reached = leads[(leads.deepest >= at) | (leads.end == "won")]
            before = leads[(leads.deepest >= at - 1) | (leads.end == "won")]
            here = leads[(leads.end == "open") & (leads["at"] == at)]
            lost = leads[(leads.end == "lost") & (leads["at"] == at)]
            spent = stays[stays["at"] == at].groupby("number").agg({"days": "sum", "lasts": "any"})
            spent = spent[~spent.lasts].days
            self.assertEqual(step["reached"], len(reached))
            self.assertEqual((step["here"], step["lost"]), (len(here), len(lost)))
            self.assertAlmostEqual(step["reached_money"], reached.money.sum(), 2)
            self.assertAlmostEqual(step["lost_money"], lost.money.sum(), 2)
            self.assertEqual(step["left"], len(spent))
            if at and len(before):
                self.assertAlmostEqual(step["from_before"], len(reached) / len(before))
            if len(spent):
                self.assertAlmostEqual(step["median_days"], spent.median(), 6)
                self.assertAlmostEqual(step["mean_days"], spent.mean(), 6)
            else:
                self.assertIsNone(step["median_days"])
        for end in ("open", "lost", "won"):
            chosen = leads[leads.end == end]
            self.assertEqual(funnel[end]["count"], len(chosen), end)
            self.assertAlmostEqual(funnel[end]["money"], chosen.money.sum(), 2)
        lost = leads[leads.end == "lost"]
        self.assertEqual(
            {reason["name"]: reason["count"] for reason in funnel["reasons"]},
            lost.groupby("reason").size().to_dict(),
        )

    def _check_links(self, funnel, user, **filters):
        """Every number opens as many leads as it says."""
        total = self._open("total", user=user, **filters)
        self.assertEqual(len(total), funnel["total"]["count"])
        for step in funnel["steps"]:
            for part in ("reached", "here", "lost"):
                leads = self._open(part, step["position"], user=user, **filters)
                self.assertEqual(len(leads), step[part], f"{part} {step['name']}")
                self.assertFalse(leads - total)
        for part in ("open", "lost", "won"):
            leads = self._open(part, user=user, **filters)
            self.assertEqual(len(leads), funnel[part]["count"], part)
            self.assertAlmostEqual(sum(leads.mapped("expected_revenue")), funnel[part]["money"], 2)
        for reason in funnel["reasons"]:
            leads = self._open("lost", None, reason["value"], user=user, **filters)
            self.assertEqual(len(leads), reason["count"])
            for part in reason["stages"]:
                leads = self._open("lost", part["position"], reason["value"], user=user, **filters)
                self.assertEqual(len(leads), part["count"])

    def test_funnel(self):
        leads, stays = self._tabulate(self._play(seed=11))
        self.assertEqual(set(leads.end), {"open", "lost", "won"})
        self._check(self._get_funnel(), leads, stays)
        for key in GROUP_FIELDS:
            funnel = self._get_funnel(group_by=key)
            found = {row["value"]: row["total"]["count"] for row in funnel["segments"]}
            self.assertEqual(found, leads.groupby(key).size().to_dict(), key)
            for row in funnel["segments"][:2]:
                chosen = leads[leads[key] == row["value"]]
                filters = {"group_by": key, "value": row["value"]}
                part = self._get_funnel(**filters)
                self._check(part, chosen, stays)
                self.assertEqual(row["reached"], [step["reached"] for step in part["steps"]])
                self._check_links(part, self.user_auditor, **filters)
        for kind in ("lead", "opportunity"):
            self._check(self._get_funnel(type=kind), leads[leads.type == kind], stays)

    def test_funnel_of_a_territory(self):
        leads, stays = self._tabulate(self._play(seed=12))
        for user in (self.user_zhejiang, self.user_beijing, self.user_east):
            visible = self._visible(user, self.env["crm.lead"].browse(leads.id.tolist()))
            funnel = self._get_funnel(user)
            self.assertGreater(len(leads), len(visible))
            self._check(funnel, leads[leads.id.isin(visible.ids)], stays)
            self._check_links(funnel, user)

    def test_links(self):
        self._play(seed=13)
        self._check_links(self._get_funnel(), self.user_auditor)


@tagged("post_install", "-at_install")
class TestPlainSalesman(PipelineCommon):
    def test_form_of_who_has_no_role_of_ours(self):
        """A company gives roles one by one: who has Odoo's right only works on as before."""
        salesman = new_test_user(
            self.env,
            login="plain_salesman",
            groups="sales_team.group_sale_salesman",
            company_id=self.company_cn.id,
            company_ids=[Command.set(self.company_cn.ids)],
        )
        lead = self.env["crm.lead"].create(
            {
                "name": "Plain",
                "type": "opportunity",
                "user_id": salesman.id,
                "company_id": self.company_cn.id,
            }
        )
        with Form(self._as(salesman, lead)) as form:
            form.name = "Changed"
        self.assertEqual(lead.name, "Changed")
        partner = self.env["res.partner"].create({"name": "Plain", "user_id": salesman.id})
        with Form(self._as(salesman, partner)) as form:
            form.name = "Changed"
