from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import tagged

from .campaign_common import CampaignCommon


@tagged("post_install", "-at_install")
class TestCampaignCoupon(CampaignCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.program = cls.env["loyalty.program"].create(
            {
                "name": "Ten off",
                "program_type": "coupons",
                "trigger": "with_code",
                "applies_on": "current",
                "company_id": cls.company_cn.id,
                "reward_ids": [Command.create({"discount": 10})],
            }
        )

    def _make_offer(self, **values):
        variant = {
            "name": "A",
            "channel": "provider",
            "body": "Your code: {coupon}",
            "program_id": self.program.id,
            "coupon_value": 10,
        }
        return self._make_campaign(
            variants=[variant], **{"trade_budget": 600, "trade_coupon_budget": 600, **values}
        )

    def _count(self, members):
        return dict(members._read_group([("id", "in", members.ids)], ["coupon_state"], ["__count"]))

    def test_everybody_has_a_code_of_their_own(self):
        campaign = self._make_offer(trade_end="2026-04-30 17:00:00", trade_holdout=10)
        members = self._start(campaign)
        reached = members.filtered("variant_id")
        cards = members.coupon_id
        count = len(reached)
        self.assertEqual(self._count(reached), {"given": count})
        self.assertFalse((members - reached).coupon_id, "held out customers get none")
        self.assertEqual(len(set(cards.mapped("code"))), count)
        self.assertEqual(cards.partner_id, reached.partner_id)
        self.assertEqual(cards.program_id, self.program)
        self.assertEqual(cards.company_id, self.company_cn)
        # On the calendar of the company it is the next day by then.
        self.assertEqual({str(day) for day in cards.mapped("expiration_date")}, {"2026-05-01"})
        self.assertEqual(cards.history_ids.mapped("issued"), [1.0] * count)
        self.assertEqual(campaign.trade_coupon_count, count)
        messages = self.env["trade.message"].search([("campaign_id", "=", campaign.id)])
        self.assertEqual(messages.partner_id, reached.partner_id)
        for message in messages:
            self.assertEqual(message.body, f"Your code: {message.member_id.coupon_id.code}")

    def test_code_in_an_e_mail(self):
        """Each customer reads the own code, of the campaign that sends the mail."""
        self.buyers.email = "buyer@example.com"
        self.mailing.body_html = '<p>Code: <t t-out="object.trade_coupon_code"/></p>'
        offer = {"name": "A", "program_id": self.program.id, "coupon_value": 1}
        variants = [{**offer, "channel": "mail", "mailing_id": self.mailing.id}]
        for _turn in range(2):
            budgets = {"trade_budget": 600, "trade_coupon_budget": 600}
            campaign = self._make_campaign(variants=variants, **budgets)
            self._start(campaign)
        messages = self.env["trade.message"].search([("campaign_id", "=", campaign.id)])
        mailing = campaign.trade_variant_ids.mailing_id
        messages[:2].sudo()._prepare_mails(mailing)
        mails = self.env["mail.mail"].search([("mailing_id", "=", mailing.id)])
        bodies = " ".join(mails.mapped("body_html"))
        codes = self.program.sudo().coupon_ids.mapped("code")
        self.assertEqual(len(codes), 120)
        found = {code for code in codes if code in bodies}
        self.assertEqual(found, set(messages[:2].member_id.coupon_id.mapped("code")))

    def test_coupon_takes_ten_off_the_order(self):
        members = self._start(self._make_offer())
        order = self._make_order(members[0].partner_id, 100.0, confirm=False)
        status = order._try_apply_code(members[0].coupon_id.code)
        reward = status[members[0].coupon_id]
        order._apply_program_reward(reward, members[0].coupon_id)
        self.assertEqual(order.amount_untaxed, 90)

    def test_one_business_and_one_phone_have_one(self):
        """A branch, its head office and its sister, and whoever has one phone number."""
        head, branch, sister, one, other, third = self.buyers[:6]
        (branch | sister).parent_id = head
        (branch | sister).is_company = True
        (one | other).phone = "+86 571 8888 0001"
        # Of two groups at once, which makes them one.
        (third | sister).phone = "+86 571 8888 0002"
        self.env.flush_all()
        members = self._start(self._make_offer())
        self.assertEqual(members.partner_id, self.buyers)
        given = members.filtered("coupon_id").partner_id
        self.assertEqual(len(given & (head | branch | sister)), 1)
        self.assertEqual(len(given & (one | other)), 1)
        self.assertLessEqual(len(given & (third | sister)), 1)
        self.assertEqual(len(given), 54 + 2 + (third in given))
        self.assertNotIn("budget", self._count(members))
        self.assertEqual(self._count(members)["same"], 60 - len(given))

    def test_who_waits_for_another_group_is_not_forgotten(self):
        """The first of a head office shares a phone with an earlier customer: the second gets it."""
        early, first, second = self.buyers[:3]
        second.write({"parent_id": first.id, "is_company": True})
        (early | first).phone = "+86 571 8888 0003"
        self.env.flush_all()
        given = self._start(self._make_offer()).filtered("coupon_id").partner_id
        self.assertEqual(given & (early | first | second), early | second)

    def test_budget_is_never_exceeded(self):
        members = self._start(self._make_offer(trade_coupon_budget=255))
        self.assertEqual(self._count(members), {"given": 25, "budget": 35})
        campaign = members.campaign_id
        self.assertEqual(
            len(self.env["trade.message"].search([("campaign_id", "=", campaign.id)])), 25
        )
        with self.assertRaisesRegex(UserError, "Nobody more"):
            campaign.action_trade_hand_out()
        # A manager gives more money: the others get theirs, and nobody a second one.
        before = {member: member.coupon_id for member in members.filtered("coupon_id")}
        self._as(self.chief, campaign).trade_coupon_budget = 300
        campaign.action_trade_hand_out()
        self.assertEqual(self._count(members), {"given": 30, "budget": 30})
        self.assertEqual(campaign.trade_message_count, 30)
        for member, card in before.items():
            self.assertEqual(member.coupon_id, card)

    def test_empty_audience_gets_none(self):
        nobody = self._make_segment({"domain": "[('name', '=', 'Nobody at all')]"})
        campaign = self._approve(self._make_offer(trade_segment_ids=[Command.set(nobody.ids)]))
        with self.assertRaises(UserError), self.env.cr.savepoint():
            campaign.action_trade_start()
        campaign.sudo()._hand_out_coupons()
        self.assertFalse(self.program.coupon_ids)

    def test_marketing_manager_makes_a_program(self):
        programs = self._as(self.chief, self.env["loyalty.program"])
        reward = Command.create({"discount": 5})
        program = programs.create(
            {"name": "Five off", "program_type": "coupons", "reward_ids": [reward]}
        )
        self._as(self.planner, program).read(["name", "reward_ids", "coupon_count"])
        program.reward_ids.description = "5 % off the harvest"
        self.assertEqual(
            program.reward_ids.sudo().discount_line_product_id.name, "5 % off the harvest"
        )
        with self.assertRaises(AccessError):
            self._as(self.planner, program).name = "Six off"

    def test_coupons_need_a_value_and_a_budget(self):
        campaign = self._make_offer(trade_coupon_budget=0)
        campaign.trade_variant_ids.coupon_value = 0
        with self.assertRaises(UserError) as caught:
            campaign.action_trade_submit()
        self.assertIn("what a coupon costs", str(caught.exception))
        self.assertIn("for coupons", str(caught.exception))

    def test_messages_of_a_campaign(self):
        variants = [
            {"name": "A", "mailing_id": self.mailing.id},
            {"name": "B", "channel": "call", "body": "Ask", "send_at": "2026-04-05 01:00:00"},
        ]
        campaign = self._make_campaign(variants=variants, trade_holdout=20)
        members = self._start(campaign)
        messages = self.env["trade.message"].search([("campaign_id", "=", campaign.id)])
        self.assertEqual(messages.partner_id, members.filtered("variant_id").partner_id)
        self.assertEqual(campaign.trade_message_count, len(messages))
        for message in messages:
            self.assertEqual(message.variant_id, message.member_id.variant_id)
            self.assertEqual(message.channel, message.variant_id.channel)
            self.assertEqual(message.territory_id, message.member_id.territory_id)
        by_channel = messages.grouped("channel")
        mailing = campaign.trade_variant_ids.mailing_id
        self.assertEqual(by_channel["mail"].mailing_id, mailing)
        self.assertEqual(
            {str(due) for due in by_channel["call"].mapped("due_at")}, {"2026-04-05 01:00:00"}
        )
        self.assertEqual(campaign._enqueue_messages(), 0, "each customer once")

        def sendable():
            domain = self.env["trade.message"]._get_sendable_domain()
            return messages.filtered_domain(domain)

        self.assertEqual(sendable(), messages)
        campaign.action_trade_pause()
        self.assertFalse(sendable())
        campaign.action_trade_resume()
        self.assertEqual(sendable(), messages)
        campaign.action_trade_finish()
        self.assertFalse(sendable())
        self.assertEqual(set(messages.mapped("reason")), {"cancelled"})
