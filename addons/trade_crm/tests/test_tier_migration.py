import random
from collections import Counter
from datetime import date, datetime, timedelta

import pandas as pd

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .common import TODAY, TradeCrmCommon


class MigrationCommon(TradeCrmCommon):
    def _rebuild_as_of(self, today):
        self.env.flush_all()
        self.env["trade.customer.profile"].with_context(trade_today=today)._rebuild_companies()

    def _get_migration(self, date_from, date_to, user=None):
        history = self._as(user or self.user_manager, self.env["trade.tier.history"])
        return history.get_migration(date_from, date_to)

    def _get_moves(self, matrix, measure="customers"):
        """``{(old tier, new one): number}``, by name."""
        names = {
            axis: {mark["key"]: mark["name"] for mark in matrix[axis]}
            for axis in ("rows", "columns")
        }
        return {
            (names["rows"][cell["origin"]], names["columns"][cell["target"]]): cell[measure]
            for cell in matrix["cells"]
        }

    def _open(self, matrix, origin, target):
        history = self._as(self.user_manager, self.env["trade.tier.history"])
        action = history.action_view_migration(
            matrix["date_from"], matrix["date_to"], origin, target, ["", ""]
        )
        partners = self._as(self.user_manager, self.env["res.partner"])
        return partners.with_context(**action["context"]).search(action["domain"])


@tagged("post_install", "-at_install")
class TestTierMigration(MigrationCommon):
    def setUp(self):
        super().setUp()
        self.partners = [self._make_customer(f"Buyer {number}") for number in range(3)]
        for partner, amount, day in zip(
            self.partners,
            (600_000, 150_000, 150_000),
            ("2025-12-01", "2025-05-01", "2026-02-01"),
            strict=True,
        ):
            self._make_history(partner, amount, day)
        for day in (date(2025, 12, 31), TODAY):
            self._rebuild_as_of(day)

    def test_moves(self):
        """The third had bought nothing by the first day, but its purchases are known of today."""
        matrix = self._get_migration("2025-12-31", "2026-03-31")
        self.assertEqual(
            self._get_moves(matrix),
            {("Core", "Core"): 1, ("Dormant", "Dormant"): 1, ("Potential", "Potential"): 1},
        )

    def test_parts_sum_to_totals(self):
        self._make_history(self.partners[1], 500_000, "2026-03-20")
        self._rebuild_as_of(TODAY + timedelta(days=1))
        matrix = self._get_migration("2026-03-31", "2026-04-01")
        self.assertEqual(self._get_moves(matrix)["Dormant", "Core"], 1)
        self.assertEqual(matrix["moved"], {"customers": 1, "revenue": 650_000.0})
        self.assertEqual(matrix["total"], {"customers": 3, "revenue": 1_400_000.0})
        for measure in ("customers", "revenue"):
            self.assertEqual(
                sum(self._get_moves(matrix, measure).values()), matrix["total"][measure], measure
            )

    def test_cells_open_their_customers(self):
        matrix = self._get_migration("2025-12-31", "2026-03-31")
        for cell in matrix["cells"]:
            found = self._open(matrix, cell["origin"], cell["target"])
            self.assertEqual(len(found), cell["customers"])
        self.assertEqual(self._open(matrix, self._get_tier("Core").id, None), self.partners[0])
        everybody = self.env["res.partner"].union(*self.partners)
        self.assertEqual(self._open(matrix, None, None), everybody)

    def test_before_anything_was_recorded(self):
        matrix = self._get_migration("2020-01-01", "2026-03-31")
        self.assertEqual({origin for origin, _target in self._get_moves(matrix)}, {"No tier"})
        self.assertEqual(matrix["first_date"], "2025-12-31")
        self.assertEqual(len(self._open(matrix, 0, None)), 3)

    def test_days_end_in_the_time_zone_of_the_company(self):
        """A change at 23:00 in Shanghai, which is 15:00 in London, is of that day; one an hour
        after midnight is of the next."""
        tiers = [self._get_tier("Core"), self._get_tier("Lost")]
        for tier, moment in zip(tiers, ("2026-04-05 15:00:00", "2026-04-05 17:00:00"), strict=True):
            self.env["trade.tier.history"].sudo().create(
                {
                    "partner_id": self.partners[2].id,
                    "company_id": self.company_cn.id,
                    "changed_at": moment,
                    "tier_id": tier.id,
                    "cause": "time",
                }
            )
        matrix = self._get_migration("2026-04-05", "2026-04-06")
        self.assertEqual(self._get_moves(matrix)["Core", "Lost"], 1)

    def test_removed_tier_is_named(self):
        self._get_tier("Dormant").unlink()
        matrix = self._get_migration("2026-03-31", "2026-03-31")
        self.assertEqual(self._get_moves(matrix)["Dormant", "Dormant"], 1)

    def test_company_without_customers(self):
        history = self._as(self.user_rep_us, self.env["trade.tier.history"])
        matrix = history.get_migration()
        self.assertEqual((matrix["cells"], matrix["first_date"]), ([], False))
        self.assertEqual(matrix["total"], {"customers": 0, "revenue": 0.0})
        self.assertEqual((matrix["date_from"], matrix["date_to"]), ("2025-12-31", "2026-03-31"))

    def test_archived_customer_is_counted_and_opened(self):
        self.partners[0].active = False
        matrix = self._get_migration("2025-12-31", "2026-03-31")
        self.assertEqual(self._get_moves(matrix)["Core", "Core"], 1)
        core = self._get_tier("Core").id
        self.assertEqual(self._open(matrix, core, core), self.partners[0])

    def test_days_in_the_wrong_order(self):
        with self.assertRaisesRegex(UserError, "exchange"):
            self._get_migration("2026-03-31", "2025-12-31")

    def test_rights(self):
        for user in (self.user_rep, self.user_auditor):
            matrix = self._get_migration("2025-12-31", "2026-03-31", user)
            self.assertEqual(matrix["total"]["customers"], 3)
        with self.assertRaises(AccessError):
            self._get_migration("2025-12-31", "2026-03-31", self.user_outsider)


@tagged("post_install", "-at_install")
class TestTierMigrationOracle(MigrationCommon):
    def test_random_histories(self):
        """As pandas finds it, for pairs of days before, within and after the changes."""
        chance = random.Random(9)
        tiers = [*self.policy.tier_ids.ids, None]
        partners = self.env["res.partner"].create(
            [
                {"name": f"Customer {number}", "customer_rank": 1, "is_company": True}
                for number in range(60)
            ]
        )
        self._rebuild_as_of(TODAY)
        self.env["trade.tier.history"].sudo().search([]).unlink()
        start = datetime(2026, 1, 1)
        rows = [
            {
                "partner_id": chance.choice(partners.ids),
                "company_id": self.company_cn.id,
                "changed_at": start + timedelta(minutes=chance.randrange(90 * 24 * 60)),
                "tier_id": chance.choice(tiers),
                "cause": "time",
            }
            for _number in range(400)
        ]
        self.env["trade.tier.history"].sudo().create(rows)
        frame = pd.DataFrame(rows).sort_values("changed_at", kind="stable")
        local = frame.changed_at.dt.tz_localize("UTC").dt.tz_convert("Asia/Shanghai")
        frame["day"] = local.dt.strftime("%Y-%m-%d")
        for days in (
            ("2025-12-01", "2026-02-01"),
            ("2026-01-20", "2026-03-05"),
            ("2026-03-01", "2026-12-31"),
        ):
            with self.subTest(days=days):
                ends = [
                    frame[frame.day <= day].groupby("partner_id").tier_id.last(skipna=False)
                    for day in days
                ]
                expected = Counter(
                    tuple(
                        int(tier) if tier == tier else 0
                        for tier in (end.get(i, float("nan")) for end in ends)
                    )
                    for i in partners.ids
                )
                found = {
                    (cell["origin"], cell["target"]): cell["customers"]
                    for cell in self._get_migration(*days)["cells"]
                }
                self.assertEqual(found, expected)
