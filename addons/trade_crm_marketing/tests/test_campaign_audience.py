from collections import Counter

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import SQL

from .campaign_common import CampaignCommon


@tagged("post_install", "-at_install")
class TestCampaignAudience(CampaignCommon):
    def _get_groups(self, members):
        """``{partner id: name of the variant or None}``"""
        return {member.partner_id.id: member.variant_id.name or None for member in members}

    def _make_experiment(self, **values):
        variants = [
            {"name": name, "weight": weight, "mailing_id": self.mailing.id}
            for name, weight in (("A", 2), ("B", 1))
        ]
        return self._make_campaign(variants=variants, **{"trade_holdout": 25, **values})

    def test_groups_have_their_share_of_every_tier(self):
        """To within one customer, whatever the seed is."""
        for seed in ("one", "two", "three"):
            campaign = self._make_experiment()
            campaign.sudo().trade_seed = seed
            members = self._start(campaign)
            self.assertEqual(members.partner_id, self.buyers)
            self.assertGreater(len(members.tier_id), 1, "the customers have different tiers")
            sizes = Counter(member.tier_id.id for member in members)
            groups = Counter((member.tier_id.id, member.variant_id.name) for member in members)
            for (tier, name), found in groups.items():
                share = {"A": 0.5, "B": 0.25, False: 0.25}[name]
                self.assertLess(abs(found - share * sizes[tier]), 1, (seed, tier, name))

    def test_same_seed_draws_the_same_groups(self):
        found = []
        for seed in ("one", "one", "two"):
            campaign = self._make_experiment()
            campaign.sudo().trade_seed = seed
            found.append(self._get_groups(self._start(campaign)))
        self.assertEqual(found[0], found[1])
        self.assertNotEqual(found[0], found[2])

    def test_everybody_has_the_same_chance_in_a_tier_of_one(self):
        """The line is cut at a random place: a customer alone in a tier is not always in the middle."""
        only = self._make_segment({"domain": "[('name', '=', 'Buyer 7')]"})
        found = set()
        for number in range(12):
            campaign = self._make_experiment(trade_segment_ids=[Command.set(only.ids)])
            campaign.sudo().trade_seed = f"seed {number}"
            campaign.sudo()._freeze_audience()
            found.update(self._get_groups(campaign.trade_member_ids).values())
        self.assertEqual(found, {"A", "B", None})

    def test_frozen_again_changes_nobody(self):
        campaign = self._make_experiment()
        before = self._get_groups(self._start(campaign))
        with self.assertRaisesRegex(UserError, "Nobody"):
            campaign.sudo()._freeze_audience()
        self.assertEqual(self._get_groups(campaign.trade_member_ids), before)

    def test_who_is_not_in_the_audience(self):
        """Archived customers, those of another company, and those in an excluded segment."""
        archived, foreign, excluded, own = self.buyers[:4]
        archived.active = False
        foreign.company_id = self.company_us
        own.company_id = self.company_cn
        unwanted = self._make_segment({"domain": f"[('id', '=', {excluded.id})]"})
        self.campaign.trade_excluded_segment_ids = unwanted
        self.assertEqual(self.campaign.trade_reach, 57)
        members = self._start(self.campaign)
        self.assertEqual(
            members.partner_id, self.buyers - archived - foreign - excluded, "all the others"
        )
        self.assertEqual(members.company_id, self.company_cn)

    def test_audience_of_who_is_limited_to_territories(self):
        """Whoever starts it, customers are those of who is responsible; and of who starts it."""
        zhejiang = self.buyers.filtered(lambda partner: partner.territory_id == self.zhejiang)
        self.assertEqual(len(zhejiang), 30)
        campaign = self._make_campaign(user=self.user_marketer_east)
        shared = self.buyers[0]
        shared.shared_territory_ids = self.zhejiang
        self._approve(campaign)
        self._as(self.chief, campaign).action_trade_start()
        members_sudo = campaign.sudo().trade_member_ids
        self.assertEqual(members_sudo.partner_id, zhejiang | shared)
        self.assertEqual(members_sudo.territory_id, self.zhejiang)

        campaign = self._approve(self._make_campaign())
        self._as(self.user_marketer_east, campaign).action_trade_start()
        self.assertEqual(campaign.sudo().trade_member_ids.partner_id, zhejiang | shared)

    def test_members_are_seen_by_territory_and_role(self):
        members = self._start(self.campaign)
        north = members.filtered(lambda member: member.territory_id == self.north)
        self.assertEqual(len(north), 30)
        self.assertEqual(self._visible(self.user_marketer_east, members), members - north)
        self.assertEqual(self._visible(self.user_north, members), north)
        self.assertEqual(self._visible(self.user_auditor, members), members)
        for user in (self.user_zhejiang, self.user_agent_east):
            with self.assertRaises(AccessError):
                self._visible(user, members)
        with self.assertRaises(AccessError):
            members[0].write({"variant_id": False})

    def test_counts_are_of_whom_one_sees(self):
        campaign = self._make_experiment()
        self._start(campaign)
        for user, expected in ((self.planner, 60), (self.user_marketer_east, 30)):
            self.env.invalidate_all()
            seen = self._as(user, campaign)
            self.assertEqual(seen.trade_member_count, expected)
            held_out = seen.trade_member_ids.filtered(lambda member: not member.variant_id)
            self.assertEqual(seen.trade_holdout_count, len(held_out))

    def test_customers_who_move_or_merge(self):
        """A member goes along to another territory; of two members who are one there is one left."""
        campaign = self._make_experiment()
        self._start(campaign)
        one, other, third = self.buyers[:3]
        change = SQL(
            "SELECT %s AS id, %s AS from_id, %s AS territory_id, NULL::int AS rule_id, 'manual' AS source",
            one.id,
            one.territory_id.id,
            self.shanghai.id,
        )
        self.env["trade.territory.move"].sudo()._move(change, ["campaigns", "messages"])
        self.env.invalidate_all()
        messages = self.env["trade.message"].search([("campaign_id", "=", campaign.id)])
        for records in (campaign.trade_member_ids, messages):
            moved = records.filtered(lambda record: record.territory_id == self.shanghai)
            self.assertEqual(moved.partner_id, one & records.partner_id)
        self._merge(other, third)
        self.env.invalidate_all()
        left = campaign.trade_member_ids.partner_id
        self.assertEqual(left, self.buyers - third)

    def test_empty_audience_is_refused(self):
        nobody = self._make_segment({"domain": "[('name', '=', 'Nobody at all')]"})
        campaign = self._approve(self._make_campaign(trade_segment_ids=[Command.set(nobody.ids)]))
        with (
            self.assertRaisesRegex(UserError, "Nobody is in the audience"),
            self.env.cr.savepoint(),
        ):
            campaign.action_trade_start()
        campaign.invalidate_recordset()
        self.assertEqual(campaign.trade_state, "approved")

    def test_freezing_takes_a_constant_number_of_queries(self):
        campaign = self._make_experiment()
        campaign.sudo()._get_audience_query()
        self.env.flush_all()
        with self.assertQueryCount(8):
            campaign.sudo()._freeze_audience()
