from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd

from odoo.tests import tagged

from . import oracle_value
from .value_common import ValueCommon


class ValueOracleCommon(ValueCommon):
    def _read_purchases(self):
        """``{partner id: [(day, orders, revenue)]}`` of the Chinese company."""
        self.env.cr.execute(
            "SELECT partner_id, date, amount::text FROM trade_order_history WHERE company_id = %s",
            [self.company_cn.id],
        )
        purchases = defaultdict(list)
        for partner, day, amount in self.env.cr.fetchall():
            purchases[partner].append((day, 1, Decimal(amount)))
        return purchases

    def _read_columns(self, partners):
        """Stored value columns and next change: ``{partner id: dict}``."""
        names = [*oracle_value.COLUMNS, "next_change_on"]
        money = {"window_average_order_value", "recent_revenue", "previous_revenue"}
        columns = ", ".join(f"{name}::text" if name in money else name for name in names)
        self.env.cr.execute(
            f"SELECT partner_id, {columns} FROM trade_customer_profile"  # noqa: S608 - own names
            " WHERE company_id = %s AND partner_id = ANY(%s)",
            [self.company_cn.id, list(partners)],
        )
        rows = {}
        for partner, *values in self.env.cr.fetchall():
            row = rows[partner] = dict(zip(names, values, strict=True))
            for name in money:
                row[name] = None if row[name] is None else Decimal(row[name])
        return rows

    def _get_next_change(self, days, purchases, today):
        """The first of ``days`` and of those that the window and the tiers say."""
        moved = [
            oracle_value.add_months(day, self.policy.window_months) for day, *_rest in purchases
        ]
        bought = sorted(day for day, *_rest in purchases)
        if bought:
            for tier in self.policy.tier_ids:
                if tier.inactive_months:
                    moved.append(oracle_value.add_months(bought[-1], tier.inactive_months))
                if tier.tenure_months:
                    moved.append(oracle_value.add_months(bought[0], tier.tenure_months))
        return min((day for day in [*days, *moved] if day > today), default=None)

    def _compute(self, partners, purchases, today):
        rows = {}
        for partner in partners:
            own = purchases.get(partner, [])
            row, days = oracle_value.compute_row(own, self.policy, today)
            rows[partner] = {**row, "next_change_on": self._get_next_change(days, own, today)}
        return rows

    def assertOracle(self, partners, today):
        expected = self._compute(partners, self._read_purchases(), today)
        found = self._read_columns(partners)
        self.assertEqual(found.keys(), expected.keys())
        differences = [
            f"{partner}: {name} is {found[partner][name]!r}, should be {value!r}"
            for partner, row in expected.items()
            for name, value in row.items()
            if found[partner][name] != value
        ]
        self.assertEqual(differences[:5], [])
        return expected


@tagged("post_install", "-at_install")
class TestValueCdnow(ValueOracleCommon):
    """6,919 purchases of 2,357 customers from January 1997 to June 1998, with limits that suit."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.purchases, cls.partner_of = cls._load_cdnow()
        cls.policy.write(
            {
                "matrix_order_value": 35.0,
                "matrix_order_count": 3,
                "band_high_revenue": 200.0,
                "band_middle_revenue": 60.0,
                "bulk_order_value": 100.0,
                "potential_gap_days": 90,
            }
        )
        cls.env.flush_all()

    def test_every_column_on_several_days(self):
        seen = defaultdict(set)
        for today in (
            "1997-04-30",
            "1997-06-30",
            "1998-02-28",
            "1998-06-30",
            "1999-03-31",
            "2005-01-01",
        ):
            with self.subTest(today=today):
                day = date.fromisoformat(today)
                self._rebuild_as_of(day)
                for row in self.assertOracle(self.partner_of.values(), day).values():
                    for name in (
                        "matrix_quadrant",
                        "matrix_segment",
                        "value_band",
                        "lifecycle_status",
                    ):
                        seen[name].add(row[name])
                    seen["purchase_pattern"].add(row["purchase_pattern"])
                    seen["potential_high_value"].add(row["potential_high_value"])
        # All kinds of customers were among them, so that each rule has been compared.
        fields = self.env["trade.customer.profile"]._fields
        for name in ("matrix_quadrant", "matrix_segment", "value_band", "lifecycle_status"):
            missing = set(dict(fields[name].selection)) - seen[name]
            self.assertFalse(missing - {"prospect"}, name)
        self.assertEqual(seen["potential_high_value"], {True, False})
        self.assertTrue(
            {"bulk_once", "bulk_repeated", "continuous", "occasional"} <= seen["purchase_pattern"]
        )

    def test_matrix_is_that_of_pandas(self):
        """Quadrants, revenue and shares, from the log by pandas alone."""
        today = date(1998, 1, 31)
        self._rebuild_as_of(today)
        log = pd.DataFrame(self.purchases, columns=["customer", "day", "quantity", "amount"])
        log["amount"] = log.amount.astype(float)
        window = log[pd.to_datetime(log.day) > pd.Timestamp(1997, 1, 31)]
        customers = window.groupby("customer").amount.agg(["sum", "count"])
        customers = customers.reindex(log.customer.unique(), fill_value=0)
        large = customers["sum"] / customers["count"].clip(lower=1) >= 35.0
        often = customers["count"] >= 3
        expected = {
            "best": customers[large & often],
            "spender": customers[large & ~often],
            "frequent": customers[~large & often],
            "uncertain": customers[~large & ~often],
        }
        matrix = self._as("trade.customer.profile", self.user_rep).get_value_matrix()
        found = {quadrant["key"]: quadrant for quadrant in matrix["quadrants"]}
        self.assertEqual(found.keys(), expected.keys())
        for key, frame in expected.items():
            self.assertTrue(len(frame), key)
            self.assertEqual(found[key]["customers"], len(frame), key)
            self.assertEqual(found[key]["orders"], frame["count"].sum(), key)
            self.assertAlmostEqual(found[key]["revenue"], frame["sum"].sum(), 2)
            self.assertAlmostEqual(found[key]["customer_share"], len(frame) / len(customers))
            self.assertAlmostEqual(
                found[key]["revenue_share"], frame["sum"].sum() / customers["sum"].sum()
            )
        self.assertEqual(matrix["total"]["customers"], 2357)

    def test_ladder_is_that_of_pandas(self):
        today = date(1998, 7, 1)
        self._rebuild_as_of(today)
        ladder = self._as("trade.customer.profile", self.user_rep).get_order_ladder()
        log = pd.DataFrame(self.purchases, columns=["customer", "day", "quantity", "amount"])
        log["day"] = pd.to_datetime(log.day)
        log = log.sort_values(["customer", "day"], kind="stable")
        log["step"] = log.groupby("customer").cumcount() + 1
        log["days"] = log.groupby("customer").day.diff().dt.days
        reached = log.groupby("step").customer.count()
        days = log.groupby("step").days.agg(["mean", "median"])
        last = log.groupby("customer").agg(day=("day", "max"), orders=("step", "max"))
        is_gone = last.day + pd.DateOffset(months=6) <= pd.Timestamp(today)
        gone = last[is_gone].groupby("orders").day.count()
        at_risk = 1 - gone.reindex(reached.index, fill_value=0) / reached
        expected = at_risk.cumprod().shift(fill_value=1.0)
        for rung in ladder["steps"]:
            step = rung["step"]
            with self.subTest(step=step):
                self.assertEqual(rung["reached"], reached[step])
                self.assertAlmostEqual(rung["share"], reached[step] / 2357)
                self.assertAlmostEqual(rung["expected"], expected[step])
                if step < 12:
                    self.assertEqual(rung["gone"], gone.get(step, 0))
                    self.assertEqual(rung["moved"], reached[step + 1])
                if step > 1:
                    self.assertAlmostEqual(rung["mean_days"], days["mean"][step])
                    self.assertEqual(rung["median_days"], days["median"][step])
        self.assertEqual(ladder["customers"], 2357)

    def test_nothing_changes_before_the_next_change(self):
        """Followed over 150 days, no row changes on a day that it did not announce."""
        partners = list(self.partner_of.values())[:150]
        purchases = self._read_purchases()
        today, changes = date(1998, 1, 1), 0
        previous = self._compute(partners, purchases, today)
        for _day in range(150):
            today += timedelta(days=1)
            rows = self._compute(partners, purchases, today)
            for partner, row in rows.items():
                if row != previous[partner]:
                    changes += 1
                    self.assertLessEqual(previous[partner]["next_change_on"], today, partner)
            previous = rows
        self.assertGreater(changes, 150)


@tagged("post_install", "-at_install")
class TestValueRandom(ValueOracleCommon):
    """Purchases around the ends of months, several on one day, refunds, negative amounts."""

    def test_every_column(self):
        ends = pd.date_range("2022-12-31", "2026-03-31", freq="ME").date
        days = sorted({end + timedelta(days=offset) for end in ends for offset in (-2, -1, 0, 1)})
        partners = list(self._make_customers(f"Random {n}" for n in range(80)).values())
        rng = np.random.default_rng(11)
        self._copy_purchases(
            (
                int(rng.choice(partners[:70])),
                days[rng.integers(len(days))],
                Decimal(int(rng.integers(-50_000, 9_000_000))).scaleb(-2),
            )
            for _number in range(700)
        )
        self.policy.write({"trend_rate": 0.1, "slip_factor": 1.3})
        for today in (date(2025, 2, 28), date(2025, 6, 30), date(2026, 2, 28), date(2026, 3, 31)):
            with self.subTest(today=today):
                self._rebuild_as_of(today)
                self.assertOracle(partners, today)
