from datetime import timedelta

import pandas as pd

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, tagged

from .audience_common import AudienceCommon
from .common import TODAY

BIG = {"kind": "bought", "measure": "revenue", "minimum": 150, "period": "ever"}


@tagged("post_install", "-at_install")
class TestSegment(AudienceCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.frame = pd.DataFrame(
            [
                (partner.id, day, product.name, quantity, amount)
                for partner, day, product, quantity, amount in cls.purchases
            ],
            columns=["partner", "day", "product", "quantity", "revenue"],
        )

    def _expect(self, frame, **limits):
        """Who bought enough in ``frame``, worked out by pandas."""
        groups = frame.groupby("partner").agg(
            revenue=("revenue", "sum"), quantity=("quantity", "sum"), days=("day", "nunique")
        )
        for name, limit in limits.items():
            groups = groups[groups[name] >= limit]
        return set(groups.index)

    # ------------------------------------------------------------------
    # Members
    # ------------------------------------------------------------------

    def test_purchases(self):
        frame, everybody = self.frame, set(self.buyers.ids)
        recent = frame[frame.day >= TODAY - timedelta(days=30)]
        tea = frame[frame["product"] == "Tea"]
        between = tea[
            (tea.day >= TODAY - timedelta(days=90)) & (tea.day <= TODAY - timedelta(days=30))
        ]
        of_tea = {"product_ids": [Command.set(self.tea.ids)]}
        of_drinks = {"categ_ids": [Command.set(self.drinks.ids)]}
        cases = [
            ({"period": "ever"}, self._expect(frame)),
            ({"days": 30}, self._expect(recent)),
            ({"period": "ever", **of_tea}, self._expect(tea)),
            ({"period": "ever", **of_drinks}, self._expect(tea)),
            ({"period": "ever", "measure": "revenue", "minimum": 150}, self._expect(frame, revenue=150)),
            ({"period": "ever", **of_tea, "measure": "quantity", "minimum": 9}, self._expect(tea, quantity=9)),
            ({"period": "ever", "measure": "days", "minimum": 3}, self._expect(frame, days=3)),
            (
                {
                    "period": "between",
                    "date_from": TODAY - timedelta(days=90),
                    "date_to": TODAY - timedelta(days=30),
                    **of_drinks,
                },
                self._expect(between),
            ),
        ]  # fmt: skip
        for values, expected in cases:
            with self.subTest(values=values):
                self.assertTrue(0 < len(expected) < 60)
                bought = self._make_segment({"kind": "bought", **values})
                self.assertEqual(self._members(bought), expected)
                did_not = self._make_segment({"kind": "not_bought", **values})
                self.assertEqual(self._members(did_not), everybody - expected)

    def test_combinations(self):
        recent = self._expect(self.frame[self.frame.day >= TODAY - timedelta(days=30)])
        big = self._expect(self.frame, revenue=150)
        west = set(self.buyers.filtered("state_id").ids)
        domain = {"domain": f"[('state_id', '=', {self.state_zhejiang.id})]"}
        last = {"kind": "bought", "days": 30}
        all_of = self._make_segment(domain, BIG, {**last, "mode": "exclude"})
        self.assertEqual(self._members(all_of), (west & big) - recent)
        any_of = self._make_segment(domain, BIG, {**last, "mode": "exclude"}, match="any")
        self.assertEqual(self._members(any_of), (west | big) - recent)
        only_excluded = self._make_segment({**BIG, "mode": "exclude"})
        self.assertEqual(self._members(only_excluded), set(self.buyers.ids) - big)
        nested = self._make_segment(
            {"kind": "segment", "other_segment_id": all_of.id}, {**domain, "mode": "include"}
        )
        self.assertEqual(self._members(nested), (west & big) - recent)
        self.assertTrue(self._members(all_of))

    def test_profile_and_tags(self):
        tag = self.env["res.partner.category"].create({"name": "Fair"})
        self.buyers[:10].category_id = tag
        segment = self._make_segment(
            {"domain": f"[('category_id', 'in', [{tag.id}]), ('trade_order_count', '>=', 2)]"}
        )
        orders = self.frame.groupby("partner").size()
        expected = {partner.id for partner in self.buyers[:10] if orders.get(partner.id, 0) >= 2}
        self.assertTrue(expected)
        self.assertEqual(self._members(segment), expected)

    def test_empty_segment_is_nobody(self):
        self.assertEqual(self._make_segment().member_count, 0)
        with self.assertRaisesRegex(UserError, "Nobody"):
            self._make_segment()._freeze()

    def test_no_contacts_vendors_or_archived(self):
        segment = self._make_segment({"domain": "[('name', 'ilike', 'a')]"})
        members = self.env["res.partner"].browse(segment._get_members_query())
        self.assertFalse(members.filtered(lambda partner: partner.commercial_partner_id != partner))
        self.assertNotIn(self.vendor, members)
        self.buyers[1].active = False
        bought = self._make_segment({"kind": "bought", "period": "ever"})
        self.assertNotIn(self.buyers[1].id, self._members(bought))

    def test_figures_are_of_its_company(self):
        self._make_history(self.buyers[59], 999.0, company=self.company_us, line_ids=[])
        self._run_fact_job()
        segment = self._make_segment({"kind": "bought", "period": "ever"})
        self.assertNotIn(self.buyers[59].id, self._members(segment))
        american = segment.copy({"company_id": self.company_us.id})
        self.assertEqual(self._members(american), {self.buyers[59].id})

    # ------------------------------------------------------------------
    # Who sees what
    # ------------------------------------------------------------------

    def test_members_of_the_own_territory(self):
        segment = self._make_segment({"kind": "bought", "period": "ever"})
        everybody = self._members(segment)
        west = set(self.buyers.filtered("state_id").ids)
        for user, expected in (
            (self.user_zhejiang, everybody & west),
            (self.user_east, everybody & west),
            (self.user_beijing, everybody - west),
            (self.user_auditor, everybody),
        ):
            with self.subTest(user=user.login):
                self.assertEqual(self._members(segment, user), expected)
                partners = self._as(user, self.env["res.partner"])
                found = partners.search([("trade_segment_ids", "in", segment.ids)])
                self.assertEqual(set(found.ids) & set(self.buyers.ids), expected)
                snapshot = self._as(user, segment)._freeze()
                self.assertEqual(snapshot.member_count, snapshot.member_total)
        frozen = segment._freeze()
        seen = self._as(self.user_zhejiang, frozen)
        self.assertEqual(seen.member_count, len(everybody & west))
        self.assertEqual(seen.member_total, len(everybody))

    def test_private_segments(self):
        private = self._make_segment(BIG, user_id=self.user_zhejiang.id, is_shared=False)
        for user in (self.user_east, self.user_beijing, self.user_manager):
            with self.subTest(user=user.login):
                self.assertFalse(
                    self._as(user, self.env["trade.segment"]).search([("id", "=", private.id)])
                )
                partners = self._as(user, self.env["res.partner"])
                self.assertFalse(partners.search([("trade_segment_ids", "in", private.ids)]))
        own = self._as(self.user_zhejiang, private)
        own.write({"name": "Mine", "line_ids": [Command.create({"kind": "bought", "days": 30})]})
        shared = self._make_segment(BIG)
        with self.assertRaises(AccessError):
            self._as(self.user_zhejiang, shared).name = "Mine now"
        with self.assertRaises(AccessError):
            self._as(self.user_zhejiang, shared.line_ids).unlink()
        self._as(self.user_manager, shared).name = "Better name"

    def test_words_tell_no_names_of_other_territories(self):
        """A number in a condition is no way to read the name behind it."""
        domain = f"[('parent_id', '=', {self.hutong.id})]"
        own = self._make_segment({"domain": domain}, user_id=self.user_zhejiang.id)
        self.assertIn(self.hutong.name, self._as(self.user_north, own).summary)
        self.env.invalidate_all()
        self.assertNotIn(self.hutong.name, self._as(self.user_zhejiang, own).summary)
        self.assertNotIn(self.hutong.name, self._as(self.user_zhejiang, own.line_ids).summary)

    def test_margin_is_for_who_reads_it(self):
        segment = self._make_segment({"domain": "[('trade_margin', '>=', 1)]"})
        self._make_order(self.buyers[1], 500.0)
        self._run_job()
        self.assertTrue(self._members(segment, self.user_east))
        self.assertFalse(self._members(segment, self.user_zhejiang))

    # ------------------------------------------------------------------
    # Use
    # ------------------------------------------------------------------

    def test_filter(self):
        segment = self._make_segment(BIG, name="Big buyers")
        members = self._members(segment)
        contact = self._make_contact("Ms. Wu", self.env["res.partner"].browse(min(members)))
        partners = self.env["res.partner"]
        mine = [("id", "in", self.buyers.ids)]
        found = partners.search([*mine, ("trade_segment_ids", "in", segment.ids)])
        self.assertEqual(set(found.ids), members)
        self.assertIn(contact, partners.search([("trade_segment_ids", "in", segment.ids)]))
        others = partners.search([*mine, ("trade_segment_ids", "not in", segment.ids)])
        self.assertEqual(set(others.ids), set(self.buyers.ids) - members)
        self.assertEqual(partners.search([*mine, ("trade_segment_ids", "ilike", "Big buy")]), found)
        orders = self.env["trade.sales.fact"].search_count(
            [
                ("partner_id.trade_segment_ids", "in", segment.ids),
                ("partner_id", "in", self.buyers.ids),
            ]
        )
        self.assertTrue(orders)
        self.assertIn(segment, partners.browse(min(members)).trade_segment_ids)
        action = segment.action_view_members()
        self.assertEqual(set(partners.search(action["domain"]).ids) & set(self.buyers.ids), members)

    def test_snapshot_does_not_change(self):
        segment = self._make_segment(BIG)
        snapshot = segment._freeze()
        members = self._members(segment)
        segment.line_ids.minimum = 100000
        partners = self.env["res.partner"]
        kept = partners.search(snapshot.action_view_members()["domain"])
        self.assertEqual(set(kept.ids) & set(self.buyers.ids), members)
        self.assertIn("150", snapshot.conditions)
        segment.unlink()
        self.assertTrue(snapshot.exists())
        with self.assertRaises(AccessError):
            self._as(self.user_rep, snapshot).name = "Other"

    def test_overlap(self):
        big, tea = (
            self._make_segment(BIG, name="Big"),
            self._make_segment(
                {"kind": "bought", "period": "ever", "product_ids": [Command.set(self.tea.ids)]},
                name="Tea",
            ),
        )
        sets = [set(big._get_members_query()), set(tea._get_members_query())]
        overlap = self.env["trade.segment"].get_overlap((big | tea).ids)
        self.assertEqual([segment["name"] for segment in overlap["segments"]], ["Big", "Tea"])
        self.assertEqual(overlap["counts"], [[len(one & other) for other in sets] for one in sets])
        self.assertTrue(0 < overlap["counts"][0][1] < overlap["counts"][0][0] + 1)
        with self.assertRaisesRegex(UserError, "2 to 8"):
            big.action_compare()

    def test_bad_conditions(self):
        segment = self._make_segment(BIG)
        for values, text in (
            ({"domain": "[('nothing', '=', 1)]"}, "cannot be read"),
            ({"domain": "[("}, "cannot be read"),
            ({"domain": "[]"}, "no filter yet"),
            ({"kind": "bought", "days": 0}, "1 or more"),
            ({"kind": "bought", "period": "between"}, "at least one"),
            ({"kind": "bought", "measure": "revenue"}, "greater than 0"),
            ({"kind": "segment"}, "Choose the segment"),
            ({"kind": "segment", "other_segment_id": segment.id}, "part of its own"),
            (
                {"kind": "bought", "period": "between", "date_from": "2026-02-01", "date_to": "2026-01-01"},
                "before that",
            ),
        ):  # fmt: skip
            with self.subTest(values=values), self.assertRaisesRegex(ValidationError, text):
                segment.write({"line_ids": [Command.create(values)]})

    def test_circle_over_others(self):
        first = self._make_segment(BIG, name="First")
        second = self._make_segment(
            {"kind": "segment", "other_segment_id": first.id}, name="Second"
        )
        with self.assertRaisesRegex(ValidationError, "part of its own"):
            first.write(
                {"line_ids": [Command.create({"kind": "segment", "other_segment_id": second.id})]}
            )
        with self.assertRaisesRegex(UserError, "condition of Second"):
            first.unlink()

    def test_form(self):
        form = Form(self._as(self.user_zhejiang, self.env["trade.segment"]))
        form.name = "From the screen"
        with form.line_ids.new() as line:
            line.kind = "bought"
            line.days = 60
        segment = form.save()
        self.assertEqual(segment.company_id, self.company_cn)
        self.assertIn("60", segment.summary)
        self.assertEqual(segment.member_count, segment._count_members())

    def test_words(self):
        tea = {"product_ids": [Command.set(self.tea.ids)], "kind": "not_bought"}
        segment = self._make_segment(
            {"domain": "[('trade_order_count', '>=', 3)]"}, tea, {**BIG, "mode": "exclude"}
        )
        for part in (
            "Total orders at least 3",
            "did not buy Tea in the last 90 days",
            "but not: bought anything",
        ):
            self.assertIn(part, segment.summary)

    def test_queries(self):
        segment = self._make_segment({"domain": "[('trade_order_count', '>=', 2)]"}, BIG)
        reader = self._as(self.user_zhejiang, segment)
        reader._count_members()
        self.env.flush_all()
        # The territories of the user, and the count.
        with self.assertQueryCount(2):
            reader._count_members()
