import random
from datetime import date

import pandas as pd

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import tagged

from .campaign_result_common import CampaignResultCommon


@tagged("post_install", "-at_install")
class TestCampaignResults(CampaignResultCommon):
    """Three campaigns with random results, added up by the screens and by pandas."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.marketer = cls.user_marketer
        cls.marketer.group_ids |= cls.env.ref("trade_crm.group_all_territories")
        cls.chief = cls.marketer.copy({"login": "chief", "email": "chief@example.com"})
        cls.chief.group_ids |= cls.env.ref("trade_crm_marketing.group_marketing_manager")
        draw = random.Random(7)
        cls.segments = cls.env["trade.segment"].create(
            [{"name": name, "company_id": cls.company_cn.id} for name in ("Shops", "Cooks")]
        )
        partners = cls.env["res.partner"].create(
            [{"name": f"Shop {number}", "is_company": True} for number in range(60)]
        )
        tiers = [*cls.policy.tier_ids[:2], cls.env["trade.tier"]]
        territories = [cls.zhejiang, cls.north]
        cls.campaigns = cls.env["utm.campaign"]
        for number in range(3):
            campaign = cls._make_campaign(
                f"Tea {number}",
                variants=("A", "B"),
                trade_segment_ids=[Command.set(cls.segments.ids)],
                trade_goal_kind="revenue",
                trade_goal_value=2000,
                trade_cost_ids=[
                    Command.create({"name": "Ads", "actual": 300.0 * number, "date": "2026-03-05"})
                ],
            )
            cls.campaigns |= campaign
            for partner in partners:
                variant = draw.choice(["A", "B", "held out"])
                sent = variant != "held out" and draw.random() < 0.8
                due = draw.choice([0, 0, 1, 2]) if sent else 0
                orders = due + draw.choice([0, 1])
                clicked = sent and draw.random() < 0.3
                cls._add_members(
                    campaign,
                    partner,
                    variant,
                    tier_id=draw.choice(tiers).id,
                    territory_id=draw.choice(territories).id,
                    segment_ids=[Command.set(draw.sample(cls.segments.ids, draw.randint(0, 2)))],
                    sent_at="2026-03-02" if sent else False,
                    opened_at="2026-03-03" if clicked or (sent and draw.random() < 0.5) else False,
                    clicked_at="2026-03-03" if clicked else False,
                    coupon_used=bool(due and draw.random() < 0.2),
                    order_count=orders,
                    revenue=orders * 70.5,
                    margin=orders * 20.25,
                    due_count=due,
                    due_revenue=due * 70.5,
                    due_margin=due * 20.25,
                )
        cls.env.flush_all()
        cls.frame = cls._read_frame()

    @classmethod
    def _read_frame(cls):
        names = [
            "campaign_id", "variant_id", "tier_id", "territory_id", "segment_ids", "sent_at",
            "opened_at", "clicked_at", "coupon_used", "order_count", "revenue", "margin",
            "due_count", "due_revenue", "due_margin",
        ]  # fmt: skip
        rows = cls.env["trade.campaign.member"].search_read(
            [("campaign_id", "in", cls.campaigns.ids)], names, load=None
        )
        return pd.DataFrame(rows)

    def _sum(self, frame):
        """What a row of the table has to be."""
        clicked = frame.clicked_at.astype(bool)
        return (
            len(frame), int(frame.variant_id.astype(bool).sum()), int(frame.sent_at.astype(bool).sum()),
            int(frame.opened_at.astype(bool).sum()), int(clicked.sum()),
            int((clicked | frame.coupon_used).sum()), int((frame.due_count > 0).sum()),
            int(frame.due_count.sum()), round(float(frame.due_revenue.sum()), 2),
            round(float(frame.due_margin.sum()), 2),
        )  # fmt: skip

    def test_tables_are_what_pandas_adds_up(self):
        campaigns = self._as(self.marketer, self.campaigns)
        exploded = self.frame.explode("segment_ids")
        exploded["segment_id"] = exploded.segment_ids.fillna(0)
        for by, frame in (("variant", self.frame), ("tier", self.frame), ("segment", exploded)):
            found = {
                (campaign, key or 0): (*figures[:8], round(figures.revenue, 2), round(figures.margin, 2))
                for (campaign, key), figures in campaigns._read_figures(by).items()
            }  # fmt: skip
            expected = {
                (campaign, int(key)): self._sum(rows)
                for (campaign, key), rows in frame.groupby(["campaign_id", f"{by}_id"])
            }
            self.assertEqual(found, expected, by)
        for campaign in campaigns:
            total = self._sum(self.frame[self.frame.campaign_id == campaign.id])
            self.assertEqual(
                (campaign.trade_reached_count, campaign.trade_participant_count,
                 campaign.trade_buyer_count, campaign.trade_order_count),
                (total[2], total[5], total[6], total[7]),
            )  # fmt: skip
            self.assertAlmostEqual(campaign.trade_revenue, total[8])
            self.assertAlmostEqual(campaign.trade_goal_share, total[8] / 2000)
        self.assertFalse(campaigns[0].trade_has_roi)
        self.assertAlmostEqual(campaigns[1].trade_roi, (campaigns[1].trade_margin - 300) / 300)
        # Who sees a quarter of those who were contacted sees a quarter of the cost.
        campaigns[1].sudo().write({"trade_member_total": 50, "trade_holdout_total": 10})
        self.assertAlmostEqual(campaigns[1]._share_cost(10), 75)
        html = campaigns[1].trade_results
        for text in ("Held out", "Shops", "In none of them", self.policy.tier_ids[0].name):
            self.assertIn(text, html)

    def test_order_of_somebody_outside_counts_for_the_campaign(self):
        order = self._make_order(self.hutong, day="2026-03-20", campaign_id=self.campaigns[0].id)
        before = self.campaigns[0].trade_revenue
        self._refresh()
        self.assertTrue(self._get_due(order))
        # The job has looked at the customer of the order alone.
        self.assertAlmostEqual(self.campaigns[0].trade_revenue, before + 100)
        self.assertIn("Outside the audience", self.campaigns[0].trade_results)

    def test_results_are_of_the_own_territory(self):
        campaign = self._as(self.user_marketer_east, self.campaigns[1])
        own = self.frame[
            (self.frame.campaign_id == campaign.id) & (self.frame.territory_id == self.zhejiang.id)
        ]
        self.assertTrue(0 < len(own) < 60)
        self.assertEqual(campaign.trade_buyer_count, self._sum(own)[6])
        report = self._as(self.user_marketer_east, self.env["trade.campaign.report"])
        [[count]] = report._read_group([("campaign_id", "=", campaign.id)], [], ["audience:sum"])
        self.assertEqual(count, len(own))

    def test_queries_do_not_grow_with_campaigns(self):
        counts = []
        self._as(self.marketer, self.campaigns).mapped("trade_revenue")
        for campaigns in (self.campaigns[:1], self.campaigns):
            campaigns = self._as(self.marketer, campaigns)
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            campaigns.mapped("trade_revenue")
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(counts[0], counts[1])

    def test_refresh_by_hand(self):
        campaign = self._as(self.marketer, self.campaigns[0])
        member = campaign.trade_member_ids.filtered("variant_id")[:1]
        self._send(member.sudo(), "2026-03-04")
        self._make_order(member.partner_id.sudo(), 55, "2026-03-05")
        self.assertFalse(campaign.action_trade_refresh_results())
        self.assertEqual((member.due_count, member.due_revenue), (1, 55))
        results = self.env["trade.campaign.order"]
        self.patch(type(results), "_lock", lambda _results: False)
        with self.assertRaises(UserError):
            campaign.action_trade_refresh_results()
        seen = self._as(self.user_rep, self.campaigns[0])
        self.assertFalse(seen.trade_reached_count)
        self.assertFalse(seen.trade_results)
        self.assertFalse(seen.trade_experiment)
        for name in ("trade_margin", "trade_roi", "trade_goal_share"):
            with self.assertRaises(AccessError):
                seen.read([name])
        with self.assertRaises(AccessError):
            seen.action_trade_refresh_results()

    # ------------------------------------------------------------------
    # Reports
    # ------------------------------------------------------------------

    def test_campaigns_compared(self):
        report = self._as(self.chief, self.env["trade.campaign.report"])
        rows = report._read_group(
            [("campaign_id", "in", self.campaigns.ids)],
            ["campaign_id", "tier_id"],
            ["contacted:sum", "buyers:sum", "conversion:avg", "cost:sum", "margin:sum", "roi:avg",
             "incremental_margin:sum", "incremental_roi:avg"],
        )  # fmt: skip
        for campaign, tier, *figures in rows:
            own = self.frame[self.frame.campaign_id == campaign.id]
            stratum = own[own.tier_id == tier.id]
            contacted, held_out = stratum[stratum.variant_id > 0], stratum[stratum.variant_id == 0]
            cost = sum(campaign.trade_cost_ids.mapped("actual"))
            cost *= len(contacted) / (own.variant_id > 0).sum()
            margin = stratum.due_margin.sum()
            gain = (contacted.margin.mean() - held_out.margin.mean()) * len(contacted)
            expected = [
                len(contacted), (stratum.due_count > 0).sum(),
                (stratum.due_count > 0).sum() / len(contacted), cost, margin,
                (margin - cost) / cost if cost else None, gain,
                (gain - cost) / cost if cost else None,
            ]  # fmt: skip
            for found, wanted in zip(figures, expected, strict=True):
                if wanted is None:
                    self.assertFalse(found)
                else:
                    self.assertAlmostEqual(float(found), float(wanted), 6)
        [[all_margin, all_gain]] = report._read_group(
            [("campaign_id", "in", self.campaigns.ids)],
            [],
            ["margin:sum", "incremental_margin:sum"],
        )
        self.assertAlmostEqual(all_margin, sum(row[6] for row in rows))
        self.assertAlmostEqual(all_gain, sum(row[8] for row in rows), 6)

    def test_margin_is_for_those_who_may_see_it(self):
        report = self._as(self.marketer, self.env["trade.campaign.report"])
        self.assertTrue(report._read_group([], [], ["revenue:sum", "cost:sum"]))
        for aggregate in ("margin:sum", "roi:avg", "incremental_roi:avg"):
            with self.assertRaises(AccessError):
                report._read_group([], [], [aggregate])
        with self.assertRaises(AccessError):
            self._as(self.user_rep, self.env["trade.campaign.report"])._read_group(
                [], [], ["__count"]
            )

    def test_cost_share_of_a_month(self):
        self._make_order(self.wok, 5000, "2026-03-10")
        self._make_order(self.hutong, 1000, "2026-03-11")
        profiles, facts = self.env["trade.customer.profile"], self.env["trade.sales.fact"]
        self.env.flush_all()
        self.env.cr.precommit.run()
        while profiles._process_chunk(1000)[0]:
            pass
        while facts._process_chunk(1000)[0]:
            pass
        march = [("company_id", "=", self.company_cn.id), ("month", "=", date(2026, 3, 1))]
        aggregates = ["cost:sum", "revenue:sum", "share:avg"]
        report = self._as(self.marketer, self.env["trade.marketing.cost.report"])
        self.assertEqual(report._read_group(march, [], aggregates), [(900, 6000, 0.15)])
        # Costs follow the customers of their campaign.
        [[cost, revenue, share]] = self._as(self.user_marketer_east, report)._read_group(
            march, [], aggregates
        )
        expected = 0
        for campaign in self.campaigns:
            own = self.frame[(self.frame.campaign_id == campaign.id) & (self.frame.variant_id > 0)]
            expected += campaign.trade_actual_cost * (own.territory_id == self.zhejiang.id).mean()
        self.assertAlmostEqual(cost, expected)
        self.assertEqual(revenue, 5000)
        self.assertAlmostEqual(share, expected / 5000)
