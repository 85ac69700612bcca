from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from .audience_common import AudienceCommon

OFTEN = {"domain": "[('trade_order_count', '>=', 3)]"}
LOGGER = "odoo.addons.trade_crm.models.trade_tag_rule"


@tagged("post_install", "-at_install")
class TestTagRule(AudienceCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tag = cls.env["res.partner.category"].create({"name": "Buys often", "color": 3})
        cls.rule = cls._make_rule(OFTEN)
        counts = {}
        for partner, *_purchase in cls.purchases:
            counts[partner] = counts.get(partner, 0) + 1
        cls.often = cls.buyers.filtered(lambda partner: counts.get(partner, 0) >= 3)

    @classmethod
    def _make_rule(cls, *lines, **values):
        return cls.env["trade.tag.rule"].create(
            {
                "category_id": cls.tag.id,
                "company_id": cls.company_cn.id,
                "user_id": cls.user_manager.id,
                "line_ids": [Command.create(line) for line in lines],
                **values,
            }
        )

    def _tagged(self, tag=None):
        self.env.invalidate_all()
        return self.buyers.filtered(lambda partner: (tag or self.tag) in partner.category_id)

    def _run(self):
        with self.enter_registry_test_mode():
            self.env.ref("trade_crm.ir_cron_apply_tag_rules").method_direct_trigger()
        self.env.invalidate_all()

    # ------------------------------------------------------------------
    # Come and go
    # ------------------------------------------------------------------

    def test_nothing_before_it_is_switched_on(self):
        self._run()
        self.assertFalse(self._tagged())
        self.assertTrue(0 < len(self.often) < 50)
        fitting = set(self._as(self.user_auditor, self.env["res.partner"]).search(
            self.rule.action_view_fitting()["domain"]
        ).ids)  # fmt: skip
        self.assertEqual(fitting & set(self.buyers.ids), set(self.often.ids))
        self.assertEqual(self.rule.coming_count, self.rule.fitting_count)
        self.assertEqual(self.rule.going_count, 0)

    def test_come_and_go(self):
        self._as(self.user_manager, self.rule).action_switch_on()
        self.assertEqual(self._tagged(), self.often)
        since = self.rule.member_ids[:1].since
        self.clock.move_to("2026-04-02 04:00:00")
        self.rule.line_ids.domain = "[('trade_order_count', '>=', 5)]"
        self.rule.invalidate_recordset()
        more = self.often.filtered(lambda partner: partner.trade_order_count >= 5)
        self.assertEqual(self.rule.going_count, len(self.rule.member_ids) - self.rule.fitting_count)
        self._run()
        self.assertEqual(self._tagged(), more)
        self.assertEqual(set(self.rule.member_ids.mapped("since")), {since})
        self._as(self.user_manager, self.rule).action_switch_off()
        self.assertFalse(self._tagged())
        self.assertFalse(self.rule.member_ids)

    def test_second_run_changes_nothing(self):
        self.rule.action_switch_on()
        before = self.rule.member_ids.read(["partner_id", "since", "details"])
        version = self.often.mapped("write_date")
        self._run()
        self.assertEqual(self.rule.member_ids.read(["partner_id", "since", "details"]), before)
        self.assertEqual(self.often.mapped("write_date"), version)

    def test_reason_is_in_the_words_of_the_reader(self):
        self.rule.action_switch_on()
        member = self.rule.member_ids.filtered(lambda row: row.partner_id == self.often[0])
        count = self.often[0].trade_order_count
        self.assertEqual(member.reason, f"Total orders {count} (at least 3)")
        reader = self.user_zhejiang if self.often[0].state_id else self.user_beijing
        self.assertEqual(self._as(reader, member).reason, member.reason)

    # ------------------------------------------------------------------
    # People
    # ------------------------------------------------------------------

    def test_tags_of_people_stay(self):
        never = self.buyers[55]
        by_hand = self.often[0] | never
        by_hand.category_id = self.tag
        self.rule.action_switch_on()
        self.assertTrue(self.rule.member_ids.filtered("by_hand").partner_id == self.often[0])
        self.assertEqual(self._tagged(), self.often | never)
        self.rule.action_switch_off()
        self.assertEqual(self._tagged(), by_hand)

    def test_what_a_person_took_is_not_given_again(self):
        self.rule.action_switch_on()
        partner = self.often[0]
        person = self.user_east if partner.state_id else self.user_north
        self._as(person, partner).category_id = [Command.unlink(self.tag.id)]
        self._run()
        self.assertNotIn(partner, self._tagged())
        member = self.rule.member_ids.filtered(lambda row: row.partner_id == partner)
        self.assertTrue(member.is_kept_off)
        self.rule.line_ids.domain = "[('trade_order_count', '>=', 100)]"
        self._run()
        self.rule.line_ids.domain = OFTEN["domain"]
        self._run()
        self.assertIn(partner, self._tagged())

    # ------------------------------------------------------------------
    # Several
    # ------------------------------------------------------------------

    def test_two_rules_of_one_tag(self):
        """A customer who leaves one rule and fits the other keeps the tag throughout the run."""
        other = self._make_rule({"domain": f"[('id', 'in', {self.buyers[50:].ids})]"}, sequence=1)
        (self.rule | other).write({"is_on": True})
        self._run()
        self.assertEqual(self._tagged(), self.often | self.buyers[50:])
        partner = self.often[0]
        self.rule.line_ids.domain = "[('trade_order_count', '>=', 100)]"
        other.line_ids.domain = f"[('id', 'in', {partner.ids})]"
        flips = []
        take = type(self.rule)._take_tag

        def note(rule, partner_ids):
            flips.extend(partner_ids)
            before = set(self._tagged().ids)
            take(rule, partner_ids)
            self.assertEqual(partner.id in before, partner in self._tagged())

        with patch.object(type(self.rule), "_take_tag", note):
            self._run()
        self.assertIn(partner.id, flips)
        self.assertEqual(self._tagged(), partner)

    def _read_version(self, partner):
        """Where the tag of a customer is stored: another place when it was taken and given again."""
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT ctid FROM res_partner_res_partner_category_rel"
            " WHERE partner_id = %s AND category_id = %s",
            [partner.id, self.tag.id],
        )
        return self.env.cr.fetchall()

    def test_the_order_of_rules_does_not_matter(self):
        """Neither the rule that is left nor the one that fits takes the tag in passing."""
        partner = self.often[0]
        nobody, only = "[('trade_order_count', '>=', 100)]", f"[('id', 'in', {partner.ids})]"
        other = self._make_rule({"domain": nobody}, sequence=99)
        (self.rule | other).write({"is_on": True})
        self._run()
        version = self._read_version(partner)
        self.assertTrue(version)
        self.rule.line_ids.domain, other.line_ids.domain = nobody, only
        self._run()
        self.assertEqual(other.member_ids.partner_id, partner)
        self.assertEqual(self._read_version(partner), version)
        self.rule.line_ids.domain, other.line_ids.domain = only, nobody
        self._run()
        self.assertEqual(self._read_version(partner), version)
        self.rule.line_ids.domain = nobody
        self._run()
        self.assertFalse(self._tagged())

    def test_tag_that_a_person_gives_back_is_theirs(self):
        self.rule.action_switch_on()
        partner = self.often[0]
        partner.category_id = [Command.unlink(self.tag.id)]
        partner.category_id = [Command.link(self.tag.id)]
        self.rule.line_ids.domain = "[('trade_order_count', '>=', 100)]"
        self._run()
        self.assertEqual(self._tagged(), partner)

    def test_kept_off_holds_for_every_rule_of_the_tag(self):
        self.rule.action_switch_on()
        partner = self.often[0]
        partner.category_id = [Command.unlink(self.tag.id)]
        self.clock.move_to("2026-04-02 04:00:00")
        other = self._make_rule({"domain": f"[('id', 'in', {partner.ids})]"}, is_on=True)
        self._run()
        self.assertEqual(other.member_ids.partner_id, partner)
        self.assertNotIn(partner, self._tagged())

    @mute_logger(LOGGER)
    def test_a_rule_that_fails_leaves_the_others_running(self):
        broken = self._make_rule({"kind": "bought", "period": "ever"}, sequence=1)
        (self.rule | broken).write({"is_on": True})
        fields = type(self.env["trade.audience.line"])
        with patch.object(fields, "_get_bought_domain", side_effect=ValueError("Nine lives")):
            self._run()
            self._run()
        self.assertEqual(self._tagged(), self.often)
        self.assertEqual(broken.error, "Nine lives")
        self.assertEqual(len(broken.activity_ids), 1)
        self.assertEqual(broken.activity_ids.user_id, self.user_manager)
        self._run()
        self.assertFalse(broken.error or broken.activity_ids)

    def test_rule_of_every_company(self):
        self._make_history(self.buyers[59], 10.0, company=self.company_us)
        self._make_history(self.buyers[59], 10.0, company=self.company_us)
        self._make_history(self.buyers[59], 10.0, company=self.company_us)
        self._run_job()
        self.rule.company_id = False
        self.rule.action_switch_on()
        self.assertEqual(self._tagged(), self.often | self.buyers[59])
        member = self.rule.member_ids.filtered(lambda row: row.partner_id == self.buyers[59])
        self.assertEqual(member.company_id, self.company_us)

    # ------------------------------------------------------------------
    # What may happen to records
    # ------------------------------------------------------------------

    def test_archived_customers_stay_what_they_were(self):
        self.rule.action_switch_on()
        partner = self.often[0]
        partner.active = False
        self._run()
        self.assertIn(self.tag, partner.category_id)
        self.assertIn(partner, self.rule.member_ids.with_context(active_test=False).partner_id)

    def test_merged_customers(self):
        self.rule.action_switch_on()
        first, second = self.often[:2]
        self._merge(first, second)
        self._run()
        self.assertEqual(len(self.rule.member_ids.filtered(lambda row: row.partner_id == first)), 1)
        self.assertIn(self.tag, first.category_id)

    def test_archived_and_deleted_rules_take_their_tags_along(self):
        self.rule.action_switch_on()
        self.rule.active = False
        self.assertFalse(self._tagged())
        self.rule.write({"active": True})
        self.rule.action_switch_on()
        self.assertTrue(self._tagged())
        self.rule.unlink()
        self.assertFalse(self._tagged())

    def test_refusals(self):
        empty = self._make_rule()
        with self.assertRaisesRegex(UserError, "no condition yet"):
            empty.action_switch_on()
        with self.assertRaisesRegex(UserError, "Switch the rule on"):
            self.rule.action_apply()
        for user in (self.user_rep, self.user_marketer, self.user_auditor):
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                self._as(user, self.rule).action_switch_on()

    def test_members_of_the_own_territory(self):
        self.rule.action_switch_on()
        rows = self._as(self.user_zhejiang, self.env["trade.tag.member"]).search(
            [("rule_id", "=", self.rule.id)]
        )
        self.assertEqual(rows.partner_id, self.often.filtered("state_id"))
        self.assertEqual(self._as(self.user_east, self.rule).member_count, len(rows))

    def test_default_rules_can_be_switched_on(self):
        rules = self.env["trade.tag.rule"].search(
            [("id", "not in", self.rule.ids), ("company_id", "=", False)]
        )
        self.assertGreaterEqual(len(rules), 8)
        rules.action_switch_on()
        self.assertFalse(rules.filtered("error"))
        rules.member_ids.mapped("reason")
