from datetime import timedelta

from psycopg2.errors import CheckViolation

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from ..analytics.proportions import get_share_size
from ..analytics.sequence import get_final_multiplier
from ..models.utm_campaign_experiment import RULE
from .campaign_result_common import CampaignResultCommon


@tagged("post_install", "-at_install")
class TestCampaignExperiment(CampaignResultCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.marketer = cls.user_marketer
        cls.marketer.group_ids |= cls.env.ref("trade_crm.group_all_territories")
        cls.shops = cls.env["res.partner"].create(
            [{"name": f"Shop {number}", "is_company": True} for number in range(600)]
        )
        cls.campaign = cls._make_campaign(
            variants=("A", "B"),
            trade_baseline=20,
            trade_effect=5,
            trade_cost_ids=[Command.create({"name": "Ads", "actual": 1000})],
        )
        cls.variant_a, cls.variant_b = cls.campaign.trade_variant_ids
        cls._spread(a=(250, 100), b=(250, 30), held_out=(100, 10))

    @classmethod
    def _spread(cls, a, b, held_out):
        """Members (how many, how many of them bought once for 100, with a margin of 30)."""
        cls.campaign.trade_member_ids.unlink()
        rest = cls.shops
        for variant, (size, buyers) in (("A", a), ("B", b), ("held out", held_out)):
            members = cls._add_members(cls.campaign, rest[:size], variant, order_count=0)
            members[:buyers].write({"order_count": 1, "revenue": 100, "margin": 30})
            rest = rest[size:]
        cls.campaign.sudo().write(
            {"trade_member_total": a[0] + b[0] + held_out[0], "trade_holdout_total": held_out[0]}
        )
        cls.env.flush_all()
        cls.env.invalidate_all()

    # ------------------------------------------------------------------
    # Plan
    # ------------------------------------------------------------------

    def test_size(self):
        campaign = self._as(self.marketer, self.env["utm.campaign"]).create(
            {
                "title": "Plan",
                "trade_is_campaign": True,
                "trade_variant_ids": [Command.create({"name": name}) for name in "ABC"],
            }
        )
        self.assertEqual(
            (campaign.trade_metric, campaign.trade_baseline, campaign.trade_effect),
            ("ordered", 5, 1),
        )
        multiplier = get_final_multiplier(0.05 / 3)
        needed = get_share_size(0.05, 0.06, 0.8, multiplier)
        self.assertEqual(campaign.trade_size_needed, int(needed) + 1)
        self.assertEqual(campaign.trade_size_once, 8158)
        self.assertIn("Choose an audience", campaign.trade_size_advice)
        campaign.trade_effect = 20
        self.assertLess(campaign.trade_size_needed, needed)
        with self.assertRaises(CheckViolation), mute_logger("odoo.sql_db"):
            campaign.trade_effect = 0
            campaign.flush_recordset()

    def test_size_of_the_audience_at_hand(self):
        self.assertEqual(self.campaign.trade_size_available, 270)
        self.assertIn("Too few", self.campaign.trade_size_advice)
        self.campaign.sudo().trade_effect = 30
        self.assertIn("Enough", self.campaign.trade_size_advice)

    def test_plan_is_fixed_at_the_start(self):
        campaign = self._as(self.marketer, self.campaign)
        for values in ({"trade_baseline": 1}, {"trade_effect": 9}, {"trade_metric": "opened"}):
            with self.subTest(values=values), self.assertRaises(UserError):
                campaign.write(values)
        campaign.trade_winner_auto = True
        self.assertEqual(campaign.ab_testing_winner_selection, RULE)

    # ------------------------------------------------------------------
    # Verdict
    # ------------------------------------------------------------------

    def test_verdicts(self):
        for a, b, kind, sentence in (
            ((250, 100), (250, 30), "better", "Variant A is better."),
            ((250, 30), (250, 100), "better", "Variant B is better."),
            ((250, 50), (250, 45), "open", "Not enough data."),
            ((330, 60), (170, 60), "unsound", "not as they were drawn"),
        ):
            with self.subTest(a=a, b=b):
                self._spread(a, b, (100, 10))
                verdict, _ratio = self.campaign._get_verdict()
                self.assertEqual(verdict.kind, kind)
                self.assertIn(sentence, self._as(self.marketer, self.campaign).trade_experiment)
        self.assertIn("p =", self.campaign.trade_experiment)
        self._spread((250, 50), (250, 50), (100, 10))
        self.campaign.sudo().write({"trade_effect": 15, "trade_started_at": fields.Datetime.now()})
        # As long as purchases come in, both may still part.
        self.assertEqual(self.campaign._get_verdict()[0].kind, "open")
        self.campaign.sudo().trade_started_at -= timedelta(days=self.campaign.trade_window_days)
        self.env.invalidate_all()
        self.assertEqual(self.campaign._get_verdict()[0].kind, "same")
        self.assertIn("No difference that matters", self.campaign.trade_experiment)

    def test_no_winner_while_one_had_more_time(self):
        """A message that waits, or a variant that was sent days later, proves nothing."""
        messages = self.env["trade.message"].sudo()
        now = fields.Datetime.now()
        sent = messages.create(
            [
                {
                    "campaign_id": self.campaign.id,
                    "partner_id": shop.id,
                    "company_id": self.company_cn.id,
                    "variant_id": variant.id,
                    "channel": "mail",
                    "purpose": "offer",
                    "state": "sent",
                    "planned_at": now,
                    "due_at": now,
                    "sent_at": now,
                }
                for shop, variant in zip(self.shops, (self.variant_a, self.variant_b), strict=False)
            ]
        )
        self.assertEqual(self.campaign._get_verdict()[0].kind, "better")
        sent[1].sent_at -= timedelta(hours=2)
        self.assertEqual(self.campaign._get_verdict()[0].kind, "open")
        self.assertIn("more time", self.campaign._advise(self.campaign._get_verdict()[0]))
        sent[1].write({"sent_at": False, "state": "queued"})
        self.assertEqual(self.campaign._get_verdict()[0].kind, "open")

    def test_increment_against_those_held_out(self):
        groups = self.campaign._read_groups()
        increment = self.campaign._get_increment(groups)
        # 130 of 500 against 10 of 100: 16 points of 500 customers.
        self.assertAlmostEqual(increment.orders.value, 80)
        self.assertAlmostEqual(increment.revenue.value, 8000)
        self.assertAlmostEqual(increment.margin.value, 2400)
        self.assertAlmostEqual(increment.profit.value, 1400)
        self.assertAlmostEqual(increment.roi.value, 1.4)
        self.assertTrue(0 < increment.orders.low < 80 < increment.orders.high)
        self.assertIn("would not have come otherwise", self.campaign.trade_experiment)
        self._spread((250, 100), (250, 30), (0, 0))
        self.assertIn("Nobody was held out", self.campaign.trade_experiment)
        self._spread((250, 100), (250, 30), (10, 1))
        self.assertIn("Not enough data to compare", self.campaign.trade_experiment)

    def test_before_anything_happened(self):
        self.campaign.trade_member_ids.unlink()
        self.assertIn("Not enough data.", self.campaign.trade_experiment)
        self.assertIn("No order is due", self.campaign.trade_results)
        self.campaign.sudo().trade_started_at = False
        self.assertFalse(self.campaign.trade_experiment)
        self.assertFalse(self.campaign.trade_results)

    def test_other_metrics(self):
        members = self.campaign.trade_member_ids.filtered(lambda m: m.variant_id == self.variant_b)
        members[:7].clicked_at = "2026-03-05"
        members[7].coupon_used = True
        for metric, successes in (("clicked", 7), ("participated", 8), ("opened", 0)):
            self.campaign.sudo().trade_metric = metric
            arms = self.campaign._get_arms(self.campaign._read_groups())
            self.assertEqual([arm.successes for arm in arms], [0, successes])

    # ------------------------------------------------------------------
    # Winner
    # ------------------------------------------------------------------

    def _wait(self, count=40):
        """Take members out of the test, as the start does."""
        members = self.campaign.trade_member_ids.filtered(lambda m: m.variant_id == self.variant_b)
        members[-count:].write({"variant_id": False, "is_waiting": True})
        self.env.flush_all()
        self.env.invalidate_all()

    def test_who_waits_is_neither_held_out_nor_compared(self):
        self._wait()
        self.assertEqual(self.campaign.trade_waiting_count, 40)
        self.assertEqual(self.campaign.trade_holdout_count, 100)
        self.campaign.trade_member_ids.territory_id = self.zhejiang
        seen = self._as(self.user_marketer_east, self.campaign)
        self.assertEqual((seen.trade_member_count, seen.trade_holdout_count), (600, 100))
        groups = self.campaign._read_groups()
        self.assertEqual(groups[self.variant_b.id][1].orders.count, 210)
        self.assertEqual(groups[None][1].orders.count, 100)
        self.assertNotIn("waited", groups)

    def test_winner_by_hand(self):
        self._wait()
        campaign = self._as(self.marketer, self.campaign)
        action = campaign.action_trade_choose_winner()
        wizard = Form(campaign.env[action["res_model"]].with_context(**action["context"]))
        self.assertEqual(wizard.variant_id, self.variant_a)
        self.assertEqual((wizard.verdict, wizard.waiting_count), ("Variant A is better.", 40))
        wizard.save().action_choose()
        self.assertEqual(campaign.trade_winner_id, self.variant_a)
        self.assertFalse(campaign.trade_waiting_count)
        messages = self.env["trade.message"].search([("campaign_id", "=", self.campaign.id)])
        self.assertGreaterEqual(len(messages), 40)
        groups = campaign._read_groups()
        self.assertEqual(groups["waited"][1].orders.count, 40)
        self.assertEqual(groups[self.variant_a.id][1].orders.count, 250, "drawn at the start alone")
        with self.assertRaises(UserError):
            campaign._choose_winner(self.variant_b, "")

    def test_who_may_choose(self):
        with self.assertRaises(AccessError):
            self._as(self.user_rep, self.campaign).action_trade_choose_winner()
        self.campaign.sudo().trade_state = "done"
        with self.assertRaises(UserError):
            self._as(self.marketer, self.campaign)._choose_winner(self.variant_a, "")
        self.campaign.sudo().trade_state = "running"
        other = self._make_campaign("Other", variants=("A", "B"))
        with self.assertRaises(UserError):
            self._as(self.marketer, self.campaign)._choose_winner(other.trade_variant_ids[0], "")

    def test_winner_by_rule(self):
        self._wait()
        cron = self.env.ref("trade_crm_marketing.ir_cron_campaign_results")
        with self.enter_registry_test_mode():
            cron.method_direct_trigger()
            self.assertFalse(self.campaign.trade_winner_id, "a person chooses")
            self.campaign.sudo().trade_winner_auto = True
            self._spread((250, 50), (250, 45), (100, 10))
            cron.method_direct_trigger()
            self.assertFalse(self.campaign.trade_winner_id, "not enough data")
            self._spread((250, 30), (250, 100), (100, 10))
            cron.method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual(self.campaign.trade_winner_id, self.variant_b)

    def test_start_draws_who_waits_and_freezes_segments(self):
        segments = self.env["trade.segment"].create(
            [
                {
                    "name": name,
                    "company_id": self.company_cn.id,
                    "line_ids": [Command.create({"domain": f"[('name', '=like', '{pattern}')]"})],
                }
                for name, pattern in (("All", "Shop %"), ("Ones", "Shop 1%"))
            ]
        )
        campaign = self._make_campaign(
            "Draw",
            variants=("A", "B"),
            trade_segment_ids=[Command.set(segments.ids)],
            trade_holdout=10,
            trade_test_share=50,
        )
        campaign.user_id = self.marketer
        campaign._freeze_audience()
        members = campaign.trade_member_ids
        waiting = members.filtered("is_waiting")
        drawn = members.filtered("variant_id")
        self.assertEqual((len(members), len(waiting), len(drawn)), (600, 270, 270))
        self.assertFalse(waiting.variant_id)
        self.assertEqual({len(group) for group in drawn.grouped("variant_id").values()}, {135})
        ones = members.filtered(lambda m: segments[1] in m.segment_ids)
        self.assertEqual(ones.partner_id, self.shops.filtered(lambda p: p.name[5] == "1"))
        self.assertTrue(all(segments[0] in member.segment_ids for member in members))

    # ------------------------------------------------------------------
    # Odoo's own A/B test
    # ------------------------------------------------------------------

    def _make_mailings(self, *opened, size=400):
        campaign = self.env["utm.campaign"].create(
            {"title": "A/B", "trade_baseline": 20, "trade_effect": 2}
        )
        mailings = self.env["mailing.mailing"]
        for number, count in enumerate(opened):
            mailing = mailings.create(
                {
                    "subject": f"Tea {number}",
                    "campaign_id": campaign.id,
                    "ab_testing_enabled": True,
                    "ab_testing_pc": 10,
                    "mailing_model_id": self.env["ir.model"]._get_id("res.partner"),
                    "mailing_domain": "[(0, '=', 1)]",
                    "state": "done",
                }
            )
            self.env["mailing.trace"].create(
                [
                    {
                        "mass_mailing_id": mailing.id,
                        "model": "res.partner",
                        "res_id": self.shops[index].id,
                        "trace_status": "open" if index < count else "sent",
                        "sent_datetime": "2026-03-02",
                        "links_click_datetime": "2026-03-03" if index < count else False,
                    }
                    for index in range(size)
                ]
            )
            mailings |= mailing
        campaign.ab_testing_winner_selection = RULE  # the first mailing brings a default
        self.env.flush_all()
        self.env.invalidate_all()
        return mailings

    def test_mailing_is_sent_when_it_is_surely_the_best(self):
        mailings = self._make_mailings(60, 140)
        self.assertIn("is better", mailings[0].ab_testing_description)
        mailings.action_send_winner_mailing()
        winner = mailings.campaign_id.ab_testing_winner_mailing_id
        self.assertIn("Tea 1", winner.subject)
        self.assertTrue(mailings.campaign_id.ab_testing_completed)

    def test_mailing_that_is_ahead_by_chance_is_not_sent(self):
        mailings = self._make_mailings(60, 70)
        self.assertIn("Not enough data", mailings[0].ab_testing_description)
        with self.assertRaises(UserError):
            mailings.action_send_winner_mailing()
        campaign = mailings.campaign_id
        campaign.ab_testing_schedule_datetime = "2026-03-30"
        campaign._cron_process_mass_mailing_ab_testing()
        self.assertFalse(campaign.ab_testing_winner_mailing_id)
        campaign.ab_testing_winner_selection = "clicks_ratio"
        campaign._cron_process_mass_mailing_ab_testing()
        self.assertTrue(campaign.ab_testing_winner_mailing_id, "Odoo's rule stays Odoo's")
