import random
from collections import Counter

from odoo.exceptions import AccessError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .campaign_result_common import CampaignResultCommon
from .oracle_campaign import recompute


@tagged("post_install", "-at_install")
class TestCampaignAttribution(CampaignResultCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.campaign = cls._make_campaign()
        cls.member = cls._add_members(cls.campaign, cls.wok)
        cls.message = cls._send(cls.member)
        cls.other = cls._make_campaign("Summer tea", start="2026-03-04")
        cls.other_member = cls._add_members(cls.other, cls.wok)
        cls.other_message = cls._send(cls.other_member, "2026-03-05")

    def _check(self, order, campaign, method):
        self._refresh()
        due = self._get_due(order)
        self.assertEqual((due.campaign_id, due.method or None), (campaign, method))
        return due

    # ------------------------------------------------------------------
    # Which campaign
    # ------------------------------------------------------------------

    def test_last_message_within_the_days_of_effect(self):
        none = self.env["utm.campaign"]
        for day, campaign, method in (
            ("2026-03-02 11:59:59", none, None),
            ("2026-03-03", self.campaign, "window"),
            ("2026-03-05 11:59:59", self.campaign, "window"),
            ("2026-03-05 12:00:00", self.other, "window"),
            ("2026-03-15 12:00:00", self.other, "window"),
            ("2026-03-15 12:00:01", none, None),
        ):
            with self.subTest(day=day):
                self._check(self._make_order(self.wok, day=day), campaign, method)

    def test_last_click_beats_the_last_message(self):
        self._click(self.other_message, "2026-03-06", "2026-03-08")
        self._click(self.message, "2026-03-07")
        for day, campaign, method in (
            ("2026-03-07 11:00:00", self.other, "click"),
            ("2026-03-07 13:00:00", self.campaign, "click"),
            ("2026-03-09", self.other, "click"),
            ("2026-03-17", self.other, "click"),
            ("2026-03-19", self.env["utm.campaign"], None),
        ):
            with self.subTest(day=day):
                self._check(self._make_order(self.wok, day=day), campaign, method)

    def test_click_that_a_provider_tells_of(self):
        self.message.clicked_at = self._to_utc("2026-03-06", self.company_cn)
        due = self._check(self._make_order(self.wok, day="2026-03-07"), self.campaign, "click")
        self.assertEqual(due.touched_at, self.message.clicked_at)
        self.assertEqual(self.member.opened_at, self.message.clicked_at, "who clicks has opened")

    def test_coupon_beats_all(self):
        coupon = self._hand_out(self.member, self._make_program())
        self._click(self.other_message, "2026-03-06")
        order = self._make_order(self.wok, day="2026-03-28", confirm=False)
        self._redeem(order, coupon)
        order.action_confirm()
        due = self._check(order, self.campaign, "coupon")
        self.assertEqual(due.coupon_id, coupon)
        self.assertAlmostEqual(due.revenue, 90.0)
        self.assertTrue(self.member.coupon_used)

    def test_coupon_that_somebody_else_uses(self):
        coupon = self._hand_out(self.member, self._make_program())
        order = self._make_order(self.hutong, day="2026-03-20", confirm=False)
        self._redeem(order, coupon)
        order.action_confirm()
        due = self._check(order, self.campaign, "coupon")
        self.assertEqual((due.member_id, due.partner_id), (self.member, self.hutong))
        self.assertEqual((self.member.due_count, self.member.order_count), (1, 0))
        # It is taken off when the order is.
        self._cancel(order)
        self._check(order, self.env["utm.campaign"], None)
        self.assertEqual((self.member.due_count, self.member.coupon_used), (0, False))

    def test_link_counts_for_who_is_not_in_the_audience(self):
        order = self._make_order(self.hutong, day="2026-03-20", campaign_id=self.campaign.id)
        due = self._check(order, self.campaign, "link")
        self.assertFalse(due.member_id)
        self.assertIn("link", due.reason)

    def test_held_out_is_due_to_nothing_but_is_counted(self):
        held_out = self._add_members(self.campaign, self.bund, "held out")
        order = self._make_order(self.bund, day="2026-03-03", campaign_id=self.campaign.id)
        self._check(order, self.env["utm.campaign"], None)
        self.assertEqual((held_out.order_count, held_out.revenue, held_out.due_count), (1, 100, 0))

    def test_branch_and_contact_are_the_customer(self):
        for partner in (self.wok_contact, self._make_contact("Kitchen", self.wok)):
            order = self._make_order(partner, day="2026-03-03")
            self.assertEqual(self._check(order, self.campaign, "window").partner_id, self.wok)
        self.assertEqual(self.member.order_count, 2)

    def test_other_company_has_its_own(self):
        order = self._make_order(self.wok, day="2026-03-03", company=self.company_us)
        self._check(order, self.env["utm.campaign"], None)
        self.assertFalse(self.member.order_count)

    # ------------------------------------------------------------------
    # How much
    # ------------------------------------------------------------------

    def test_company_currency_less_refunds(self):
        order = self._make_order(
            self.wok, [{"price_unit": 40}, {"price_unit": 60}], "2026-03-03", currency=self.eur
        )
        due = self._check(order, self.campaign, "window")
        self.assertAlmostEqual(due.revenue, 100 / 0.16)
        self.assertAlmostEqual(self.member.margin, order.margin / 0.16, 2)
        refund = self._refund(self._make_invoice(order))
        self.assertEqual(refund.state, "posted")
        due = self._check(order, self.campaign, "window")
        self.assertAlmostEqual(due.revenue, 0.0)
        self.assertAlmostEqual(self.member.due_revenue, 0.0)
        self.assertAlmostEqual(self.member.margin, 0.0)

    def test_what_changes_later(self):
        order = self._make_order(self.wok, day="2026-03-03")
        self._check(order, self.campaign, "window")
        order.order_line.price_unit = 70
        self.assertAlmostEqual(self._check(order, self.campaign, "window").revenue, 70)
        order._action_cancel()
        self._check(order, self.env["utm.campaign"], None)
        self.assertEqual((self.member.due_count, self.member.due_revenue), (0, 0))

    def test_days_of_effect_end_after_the_campaign(self):
        self.campaign.sudo().trade_ended_at = self._to_utc("2026-03-10", self.company_cn)
        self._make_order(self.wok, day="2026-03-20 11:00:00")
        self._make_order(self.wok, day="2026-03-20 13:00:00")
        self._refresh()
        self.assertEqual(self.member.order_count, 1)
        self.assertEqual(self.other_member.order_count, 2)

    def test_two_members_of_a_customer_count_an_order_once(self):
        second = self._add_members(self.campaign, self.wok_contact)
        self._make_order(self.wok_contact, day="2026-03-25")
        self._make_order(self.wok, day="2026-03-26")
        self._make_order(self._make_contact("Kitchen", self.wok), day="2026-03-27")
        self._refresh()
        self.assertEqual((self.member.order_count, second.order_count), (2, 1))

    # ------------------------------------------------------------------
    # Job and screens
    # ------------------------------------------------------------------

    def test_it_is_what_pandas_finds(self):
        """A random history, and again after everybody was looked at once more."""
        draw = random.Random(42)
        program = self._make_program()
        partners = self.customers | self.wok_contact | self.hutong_contact
        campaigns = self.campaign | self.other
        for number in range(3):
            campaign = self._make_campaign(
                f"Tea {number}", f"2026-03-{5 * number + 1:02}", ("A", "B"),
                trade_window_days=draw.choice([3, 8, 20]),
            )  # fmt: skip
            campaigns |= campaign
            for partner in partners.filtered(lambda _partner: draw.random() < 0.8):
                member = self._add_members(campaign, partner, draw.choice(["A", "B", "held out"]))
                if not member.variant_id:
                    continue
                if draw.random() < 0.4:
                    self._hand_out(member, program)
                if draw.random() < 0.8:
                    sent = (
                        f"2026-03-{draw.randint(5 * number + 1, 28):02} 1{draw.randint(0, 9)}:30:00"
                    )
                    message = self._send(member, sent)
                    for _click in range(draw.choice([0, 0, 1, 2])):
                        self._click(message, f"2026-03-{draw.randint(6, 30):02} 08:15:00")
        own = [("campaign_id", "in", campaigns.ids)]
        coupons = list(self.env["trade.campaign.member"].search(own).coupon_id)
        pricelists = [self._get_pricelist(self.company_cn, cur) for cur in (self.cny, self.eur)]
        for number in range(40):
            order = self._make_order(
                draw.choice(partners),
                draw.randint(10, 500),
                f"2026-03-{draw.randint(1, 30):02} {draw.randint(9, 22):02}:45:00",
                pricelist_id=draw.choice(pricelists).id,
                confirm=False,
                campaign_id=draw.choice([False, False, False, campaigns[number % 5].id]),
            )
            date_order = order.date_order
            if coupons and order.currency_id == self.cny and draw.random() < 0.3:
                self._redeem(order, coupons.pop())
            if draw.random() < 0.9:
                order.action_confirm()
                order.date_order = date_order
                if draw.random() < 0.3:
                    self._refund(self._make_invoice(order, day="2026-03-30"), "2026-03-30")
        self._refresh()
        for _turn in range(2):
            due, results = recompute(self.env, campaigns)
            rows = self.env["trade.campaign.order"].search(own)
            methods = Counter(rows.mapped("method"))
            self.assertEqual(len(methods), 4, methods)
            found = {
                row.order_id.id: (row.campaign_id.id, row.member_id.id, row.method, row.revenue)
                for row in rows
                if row.member_id
            }
            self.assertEqual(found, {k: (*v[:3], round(v[3], 2)) for k, v in due.items()})
            members = self.env["trade.campaign.member"].search(own)
            self.assertEqual(
                {
                    m.id: (m.order_count, m.revenue, m.margin, m.due_count, round(m.due_revenue, 2),
                           bool(m.sent_at), bool(m.opened_at), bool(m.clicked_at))
                    for m in members
                },
                results,
            )  # fmt: skip
            self.env["trade.campaign.dirty"]._note_members(campaigns)
            self._refresh()

    def test_number_of_queries_does_not_grow(self):
        results = self.env["trade.campaign.order"]
        self._make_order(self.wok, day="2026-03-03")
        counts = []
        for partners in (self.wok, self.customers):
            pairs = {(partner.id, self.company_cn.id) for partner in partners}
            self.env.flush_all()
            before = self.env.cr.sql_log_count
            results._attribute(pairs)
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(counts[0], counts[1])

    @mute_logger("odoo.addons.trade_crm_marketing.models.trade_campaign_attribution")
    def test_customer_at_fault_holds_nobody_up(self):
        results = type(self.env["trade.campaign.order"])
        original = results._attribute

        def fail(model, pairs):
            if any(partner == self.bund.id for partner, _company in pairs):
                raise ValueError("at fault")
            return original(model, pairs)

        self.patch(results, "_attribute", fail)
        self._add_members(self.campaign, self.bund)
        self._make_order(self.bund, day="2026-03-03")
        order = self._make_order(self.wok, day="2026-03-03")
        self.env.flush_all()
        self.env.cr.precommit.run()
        cron = self.env.ref("trade_crm_marketing.ir_cron_campaign_results")
        with self.enter_registry_test_mode():
            cron.method_direct_trigger()
        self.assertTrue(self._get_due(order))
        self.assertFalse(self.env["trade.campaign.dirty"]._count_waiting())

    def test_order_shows_why(self):
        order = self._make_order(self.wok, day="2026-03-03")
        self._refresh()
        seen = self._as(self.user_zhejiang, order)
        self.assertEqual(seen.trade_campaign_id, self.campaign)
        self.assertIn("Spring tea", seen.trade_campaign_reason)
        self.assertFalse(self._as(self.user_outsider, order.sudo(False)).trade_campaign_id)
        due = self._get_due(order)
        self.assertTrue(self._visible(self.user_zhejiang, due))
        self.assertFalse(self._visible(self.user_beijing, due))
        with self.assertRaises(AccessError):
            self._as(self.user_zhejiang, due).read(["margin"])
        with self.assertRaises(AccessError):
            self._as(self.user_zhejiang, due).read(["member_id"])
