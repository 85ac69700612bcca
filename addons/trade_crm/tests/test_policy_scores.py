from datetime import date

import numpy as np
import pandas as pd
from dateutil.relativedelta import relativedelta
from psycopg2.errors import CheckViolation

from odoo.exceptions import AccessError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .cdnow import copy_purchases, read_purchases
from .common import TradeCrmCommon

SCORES = ["r_score", "f_score", "m_score"]


class ScoreCommon(TradeCrmCommon):
    def _rebuild_as_of(self, today):
        self.env.flush_all()
        self.env["trade.customer.profile"].with_context(trade_today=today)._rebuild_companies()

    def _score_as_of(self, today, policy=None):
        """Rebuild, compute cut points among the customers of ``today``, score everybody."""
        self._rebuild_as_of(today)
        run = (policy or self.policy).with_context(trade_today=today)._run_scores()
        self._rebuild_as_of(today)
        return run

    def _read_scores(self, company=None):
        """Scores by partner id; None where there is none."""
        self.env.cr.execute(
            "SELECT partner_id, r_score, f_score, m_score FROM trade_customer_profile WHERE company_id = %s",
            [(company or self.company_cn).id],
        )
        return {partner: scores for partner, *scores in self.env.cr.fetchall()}

    def _use_quantiles(self, window_months=12):
        self.policy.write({"method": "quantiles", "window_months": window_months})


@tagged("post_install", "-at_install")
class TestScoresCdnow(ScoreCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.partner_of = copy_purchases(cls.env, cls.company_cn)
        cls.log = pd.DataFrame(read_purchases(), columns=["customer", "day", "quantity", "amount"])

    def _compute_frame(self, today, months):
        """Recency, frequency and monetary value of each customer, with pandas."""
        log = self.log
        inside = log[[day + relativedelta(months=months) > today for day in log.day]]
        frame = pd.DataFrame({"recency": log.groupby("customer").day.max()})
        frame["frequency"] = inside.groupby("customer").size()
        frame["monetary"] = inside.groupby("customer").amount.sum()
        return frame.fillna({"frequency": 0, "monetary": 0})

    @staticmethod
    def _get_quantiles(values):
        """The smallest values below or at which lie 20, 40, 60 and 80 % of them."""
        ordered = sorted(values)
        return [ordered[int(np.ceil(share * len(ordered) / 5)) - 1] for share in range(1, 5)]

    def _assert_scores(self, today, months):
        run = self._score_as_of(today)
        frame = self._compute_frame(today, months)
        buyers = frame[frame.frequency > 0]
        cuts = {name: self._get_quantiles(buyers[name]) for name in frame}
        self.assertEqual(run.customer_count, len(buyers))
        stored = run._get_cuts()
        self.assertEqual(list(stored.recency), [day.isoformat() for day in cuts["recency"]])
        self.assertEqual(list(stored.frequency), cuts["frequency"])
        self.assertEqual(list(stored.monetary), [float(amount) for amount in cuts["monetary"]])
        scores = frame.apply(
            lambda row: [1 + sum(cut < row[name] for cut in cuts[name]) for name in frame], axis=1
        )
        found = self._read_scores()
        self.assertEqual(
            {name: found[self.partner_of[name]] for name in scores.index}, dict(scores.items())
        )
        return frame, scores

    def test_scores_are_those_of_pandas(self):
        """In the middle of the log and when only some still buy, over a short and a long window."""
        for months in (3, 12):
            self._use_quantiles(months)
            for day in (date(1998, 3, 31), date(1998, 6, 30)):
                with self.subTest(months=months, today=day):
                    self._assert_scores(day, months)

    def test_equal_customers_score_the_same(self):
        self._use_quantiles()
        frame, scores = self._assert_scores(date(1998, 6, 30), 12)
        for position, name in enumerate(frame):
            per_value = scores.map(lambda row: row[position]).groupby(frame[name]).nunique()  # noqa: B023
            self.assertEqual(per_value.max(), 1, name)
            self.assertGreater(frame[name].duplicated().sum(), 100, "The log has ties")

    def test_scores_use_all_five_steps(self):
        """Recency and revenue have enough values to fill each fifth, frequency has not."""
        self._use_quantiles()
        _frame, scores = self._assert_scores(date(1998, 6, 30), 12)
        for position in (0, 2):
            self.assertEqual({row[position] for row in scores}, {1, 2, 3, 4, 5})

    def test_recency_does_not_fade_between_runs(self):
        """A month later without a new run nobody's recency score is another one."""
        self._use_quantiles(120)
        self._score_as_of(date(1998, 6, 30))
        before = self._read_scores()
        self._rebuild_as_of(date(1998, 7, 30))
        self.assertEqual(self._read_scores(), before)

    def test_segments_hold_everybody(self):
        self._use_quantiles()
        draft = self.env["trade.tier.policy.draft"].create({"policy_id": self.policy.id})
        draft.action_load_segments()
        self._rebuild_as_of(date(1998, 6, 30))
        draft.with_context(trade_today=date(1998, 6, 30)).action_apply()
        self._rebuild_as_of(date(1998, 6, 30))
        profiles = self.env["trade.customer.profile"].search(
            [
                ("partner_id", "in", list(self.partner_of.values())),
                ("company_id", "=", self.company_cn.id),
            ]
        )
        self.assertEqual(len(profiles), 2357)
        self.assertTrue(all(profiles.mapped("tier_id")))
        champions = profiles.filtered(lambda profile: profile.tier_id.name == "Champions")
        self.assertGreater(len(champions), 50)
        for profile in champions:
            self.assertEqual(
                (profile.r_score, profile.f_score >= 4, profile.m_score >= 4), (5, True, True)
            )
        self.assertIn("Recency scores 5 and frequency scores 4 to 5", champions[0].tier_reason)
        self.assertIn(f"R 5, F {champions[0].f_score}", champions[0].tier_reason)


@tagged("post_install", "-at_install")
class TestScores(ScoreCommon):
    def _make_buyers(self, amounts, day="2026-03-01"):
        partners = [self._make_customer(f"Buyer {number}") for number in range(len(amounts))]
        for partner, amount in zip(partners, amounts, strict=True):
            self._make_history(partner, amount, day)
        return partners

    def test_no_scores_by_thresholds(self):
        [partner] = self._make_buyers([100])
        self._rebuild_as_of(date(2026, 3, 31))
        self.assertEqual(self._read_scores()[partner.id], [None, None, None])

    def test_all_customers_equal(self):
        partners = self._make_buyers([100] * 7)
        self._use_quantiles()
        self._score_as_of(date(2026, 3, 31))
        scores = self._read_scores()
        self.assertEqual({tuple(scores[partner.id]) for partner in partners}, {(1, 1, 1)})

    def test_one_customer(self):
        [partner] = self._make_buyers([100])
        self._use_quantiles()
        run = self._score_as_of(date(2026, 3, 31))
        self.assertEqual(run.customer_count, 1)
        self.assertEqual(self._read_scores()[partner.id], [1, 1, 1])

    def test_five_customers_score_one_to_five(self):
        partners = self._make_buyers([100, 200, 300, 400, 500])
        self._use_quantiles()
        self._score_as_of(date(2026, 3, 31))
        scores = self._read_scores()
        self.assertEqual([scores[partner.id][2] for partner in partners], [1, 2, 3, 4, 5])

    def test_company_without_customers(self):
        self._use_quantiles()
        run = self._score_as_of(date(2026, 3, 31))
        self.assertEqual((run.customer_count, run.cuts["recency"]), (0, []))
        self.assertIn("everybody that ever bought", run.cut_table)

    def test_year_without_orders(self):
        """Who bought once scores 1, who never bought has no score."""
        [partner] = self._make_buyers([100], "2020-01-01")
        self.customer.customer_rank = 1
        self._use_quantiles()
        self._score_as_of(date(2026, 3, 31))
        scores = self._read_scores()
        self.assertEqual(scores[partner.id], [1, 1, 1])
        self.assertEqual(scores[self.customer.id], [None, None, None])

    def test_companies_are_apart(self):
        partners = self._make_buyers([100, 200])
        self._make_history(partners[0], 300, company=self.company_us)
        self._use_quantiles()
        self._score_as_of(date(2026, 3, 31))
        self.assertEqual(self._read_scores()[partners[0].id][2], 1)
        self.assertEqual(self._read_scores(self.company_us)[partners[0].id], [None, None, None])

    def test_order_is_scored_at_once(self):
        """Between two runs a customer is scored against the cut points of the last one."""
        self._make_buyers([100, 200, 300, 400, 500])
        self._use_quantiles()
        self._score_as_of(date(2026, 3, 31))
        self._make_order(self.customer, 450.0, day="2026-03-31")
        self.assertProfile(self.customer, r_score=5, f_score=1, m_score=5)

    def test_run_by_interval(self):
        self._use_quantiles()
        self.assertEqual(self.policy.score_run_count, 1)
        with self._job_env() as env:
            for moment, runs in (("2026-04-29 04:00:00", 1), ("2026-04-30 04:00:00", 2)):
                self.clock.move_to(moment)
                env["trade.tier.policy"]._cron_run_scores()
                self.assertEqual(
                    len(env["trade.tier.policy"].browse(self.policy.id).score_run_ids), runs
                )

    def test_first_run_waits_for_customers(self):
        """Without customers there is nothing to score; the next day there are some."""
        self._use_quantiles()
        self._make_buyers([100, 200, 300, 400, 500], "2026-03-31")
        self._run_job()
        with self._job_env() as env:
            policy = env["trade.tier.policy"].browse(self.policy.id)
            self.assertEqual(policy.score_run_ids.mapped("customer_count"), [0])
            for _again in range(2):
                policy._cron_run_scores()
                self.assertEqual(policy.score_run_ids.mapped("customer_count"), [5, 0])

    def test_thresholds_know_no_scores(self):
        with self.assertRaisesRegex(ValidationError, "scores"):
            self._get_tier("Core").r_min = 4
        self._use_quantiles()
        self._get_tier("Core").r_min = 4
        with self.assertRaisesRegex(ValidationError, "scores"):
            self.policy.method = "thresholds"

    @mute_logger("odoo.sql_db")
    def test_score_limits_are_checked(self):
        self._use_quantiles()
        for values in ({"r_min": 6}, {"f_min": 4, "f_max": 3}, {"m_max": -1}):
            with (
                self.subTest(values=values),
                self.assertRaises(CheckViolation),
                self.cr.savepoint(),
            ):
                self._get_tier("Core").write(values)

    def test_only_managers_score(self):
        with self.assertRaisesRegex(AccessError, "modify"):
            self._as(self.user_rep, self.policy).action_run_scores()
        self._use_quantiles()
        self._as(self.user_manager, self.policy).action_run_scores()
        self.assertEqual(self.policy.score_run_count, 2)
        runs = self.policy.score_run_ids
        self.assertTrue(self._as(self.user_auditor, runs)[0].cut_table)
        with self.assertRaisesRegex(AccessError, "access"):
            self._as(self.user_rep, runs).read(["cuts"])
