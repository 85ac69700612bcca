import csv
import importlib.util
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
from lifetimes.utils import summary_data_from_transaction_data

from odoo.tests import tagged

from . import oracle
from .common import TODAY, TradeCrmCommon


class OracleCommon(TradeCrmCommon):
    def assertOracle(self, today=None):
        """Compare the stored profiles with the second computation."""
        expected = oracle.compute_profiles(oracle.read_tables(self.env.cr), today)
        found = oracle.read_profiles(self.env.cr)
        self.assertEqual(oracle.describe_differences(expected, found), "")
        return expected

    def _rebuild_as_of(self, today):
        self.env.flush_all()
        self.env["trade.customer.profile"].with_context(trade_today=today)._rebuild_companies()

    @classmethod
    def _make_customers(cls, names):
        """One customer for each name: ``{name: id}``."""
        partners = cls.env["res.partner"].create(
            [{"name": name, "is_company": True, "customer_rank": 1} for name in names]
        )
        cls.env.flush_all()
        return dict(zip(partners.mapped("name"), partners.ids, strict=True))

    @classmethod
    def _copy_history(cls, rows):
        """Purchases by SQL: company id, partner id, date, amount, margin, quantity, lines, discounted."""
        cls.env.cr.execute_values(
            """
            INSERT INTO trade_order_history (
                company_id, partner_id, date, amount, margin, quantity, line_count, discounted_count,
                source, external_id
            ) VALUES %s
            """,
            [(*row, "copy", str(number)) for number, row in enumerate(rows)],
        )


@tagged("post_install", "-at_install")
class TestProfileCdnow(OracleCommon):
    """The CDNOW sample: 6,919 purchases of 2,357 customers from January 1997 to June 1998."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.purchases = cls._read_purchases()
        cls.partner_of = cls._make_customers(sorted({name for name, *_values in cls.purchases}))
        cls._copy_history(
            (cls.company_cn.id, cls.partner_of[name], day, amount, None, quantity, 0, 0)
            for name, day, quantity, amount in cls.purchases
        )

    @classmethod
    def _read_purchases(cls):
        folder = Path(importlib.util.find_spec("lifetimes").origin).parent
        with (folder / "datasets" / "CDNOW_sample.txt").open() as lines:
            return [
                (customer, date.fromisoformat(day), int(quantity), Decimal(amount))
                for customer, _sample, day, quantity, amount in csv.reader(
                    (" ".join(line.split()) for line in lines), delimiter=" "
                )
            ]

    def test_every_column_on_several_days(self):
        """In the middle of the log, at its end, a year later and when all is long past."""
        for today in ("1997-06-30", "1998-06-30", "1999-03-31", "2005-01-01"):
            with self.subTest(today=today):
                day = date.fromisoformat(today)
                self._rebuild_as_of(day)
                self.assertOracle(day)

    def test_totals_are_those_of_the_file(self):
        self.assertEqual(len(self.purchases), 6919)
        self._rebuild_as_of(date(1998, 7, 1))
        frame = oracle.read_profiles(self.env.cr).loc[self.company_cn.id]
        frame = frame.loc[list(self.partner_of.values())]
        self.assertEqual(len(frame), 2357)
        self.assertEqual(frame.order_count.sum(), 6919)
        self.assertEqual(frame.revenue.sum(), sum(amount for *_values, amount in self.purchases))

    def test_rhythm_is_that_of_lifetimes(self):
        """Days from first to last purchase over the number of repeated days is the mean gap."""
        self._rebuild_as_of(date(1998, 7, 1))
        found = oracle.read_profiles(self.env.cr).loc[self.company_cn.id]
        log = pd.DataFrame(self.purchases, columns=["customer", "day", "quantity", "amount"])
        log["amount"] = log.amount.astype(float)
        peer = summary_data_from_transaction_data(
            log, "customer", "day", observation_period_end="1998-06-30"
        )
        self.assertEqual(len(peer), 2357)
        repeated = peer[peer.frequency > 0]
        gaps = found.gap_mean_days.loc[[self.partner_of[name] for name in repeated.index]]
        np.testing.assert_allclose(
            gaps.astype(float).to_numpy(),
            (repeated.recency / repeated.frequency).to_numpy(),
            rtol=1e-12,
        )
        single = found.gap_mean_days.loc[
            [self.partner_of[name] for name in peer.index[peer.frequency == 0]]
        ]
        self.assertTrue(single.isna().all())

    def test_day_by_day_is_the_full_rebuild(self):
        """What the job does from one due day to the next ends where a rebuild of all ends."""
        start, end = date(1998, 5, 20), date(1998, 7, 20)
        self._rebuild_as_of(start)
        profiles = self.env["trade.customer.profile"]
        refreshed = 0
        day = start
        while day < end:
            day += timedelta(days=1)
            replay = profiles.with_context(trade_today=day)
            replay._queue_due()
            rows = self.env["trade.profile.dirty"]._take(10_000)
            refreshed += len(rows)
            replay._rebuild_pairs(
                {(partner, company): cause for _id, partner, company, cause in rows}
            )
        self.assertTrue(refreshed)
        self.assertOracle(end)

    def test_every_tier_has_customers(self):
        """With limits that suit this log, all tiers are seen, and with the right customers."""
        for name, amount in (("Core", 250.0), ("Potential", 100.0)):
            self._get_tier(name).min_revenue = amount
        seen = set()
        for today in (date(1997, 4, 15), date(1998, 3, 1)):
            self._rebuild_as_of(today)
            seen |= set(self.assertOracle(today).loc[self.company_cn.id].tier_id)
        self.assertEqual(seen, set((self.policy.tier_ids - self._get_tier("Never bought")).ids))


@tagged("post_install", "-at_install")
class TestProfileRandom(OracleCommon):
    """Random purchases that look for edges: ends of months, one day, equal amounts, no quantity."""

    def _make_random_history(self, seed, customers=60, purchases=900):
        rng = np.random.default_rng(seed)
        partners = list(self._make_customers(f"Random {n}" for n in range(customers)).values())
        days = self._get_edge_days()
        self._copy_history(
            (
                int(rng.choice([self.company_cn.id, self.company_us.id])),
                int(rng.choice(partners)),
                days[rng.integers(len(days))],
                Decimal(int(rng.integers(-500, 20_000_000))).scaleb(-2),
                Decimal(int(rng.integers(-500, 50_000))).scaleb(-2) if rng.random() < 0.7 else None,
                Decimal(int(rng.integers(0, 40_000))).scaleb(-4) if rng.random() < 0.7 else None,
                int(lines := rng.integers(0, 5)),
                int(rng.integers(0, lines + 1)),
            )
            for _number in range(purchases)
        )
        return partners

    def _get_edge_days(self):
        """Days around the ends of months, where windows and periods end, and Leap Day."""
        ends = pd.date_range("2023-12-31", "2026-03-31", freq="ME").date
        return sorted({end + timedelta(days=offset) for end in ends for offset in (-2, -1, 0, 1)})

    def test_every_column(self):
        for seed in range(4):
            with self.subTest(seed=seed):
                self._make_random_history(seed)
                for today in (date(2025, 2, 28), date(2026, 2, 28), TODAY):
                    self._rebuild_as_of(today)
                    self.assertOracle(today)
                self.env.cr.execute("DELETE FROM trade_order_history WHERE source = 'copy'")

    def test_nothing_changes_before_the_next_change(self):
        """Followed over 250 days, no row changes on a day that it did not announce."""
        self._make_random_history(7, customers=30, purchases=120)
        tables = oracle.read_tables(self.env.cr)
        today = date(2026, 1, 31)
        previous = oracle.compute_profiles(tables, today)
        changes = 0
        for _day in range(250):
            today += timedelta(days=1)
            rows = oracle.compute_profiles(tables, today)
            due = previous.next_change_on.map(lambda day: day is not None and day <= today)  # noqa: B023
            quiet = previous.index[~due.astype(bool)]
            self.assertEqual(oracle.describe_differences(previous.loc[quiet], rows.loc[quiet]), "")
            changes += int(due.sum())
            previous = rows
        self.assertGreater(changes, 50)
