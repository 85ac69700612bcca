import calendar
import random
from datetime import date, datetime

import pandas as pd
import psycopg2
import pytz

from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from .pipeline_common import PipelineCommon


class TargetCommon(PipelineCommon):
    @classmethod
    def _make_target(cls, amount=1000.0, month="2026-03-01", **values):
        return cls.env["trade.sales.target"].create(
            {"company_id": cls.company_cn.id, "month": month, "amount": amount, **values}
        )

    def _get_row(self, target, user=None):
        self.env.flush_all()
        report = self._as(user or self.user_auditor, self.env["trade.target.report"])
        report.invalidate_model()
        return report.browse(target.id)


@tagged("post_install", "-at_install")
class TestSalesTarget(TargetCommon):
    def test_any_day_of_the_month(self):
        target = self._make_target(month="2026-03-17", user_id=self.user_zhejiang.id)
        self.assertEqual(target.month, date(2026, 3, 1))
        target.month = "2026-05-31"
        self.assertEqual(target.month, date(2026, 5, 1))
        self.assertEqual(target.display_name, f"{self.user_zhejiang.name} 2026-05")

    def test_form(self):
        with Form(self._as(self.user_auditor, self.env["trade.sales.target"]).sudo()) as form:
            self.assertEqual(form.month, date(2026, 3, 1))
            form.month = "2026-04-15"
            self.assertEqual(form.month, date(2026, 4, 1))
            form.user_id = self.user_zhejiang
            form.amount = 5000.0
        self.assertEqual(form.record.company_id, self.company_cn)

    def test_refusals(self):
        self._make_target(user_id=self.user_zhejiang.id)
        targets = self.env["trade.sales.target"]
        for error, values, words in (
            (psycopg2.errors.UniqueViolation, {"user_id": self.user_zhejiang.id}, "already"),
            (psycopg2.errors.CheckViolation, {}, "salesperson or of a territory"),
            (
                psycopg2.errors.CheckViolation,
                {"user_id": self.user_beijing.id, "amount": 0},
                "more than zero",
            ),
        ):
            with mute_logger("odoo.sql_db"), self.assertRaises(error) as caught:
                self._make_target(**values)
            self.assertIn(words, targets._sql_error_to_message(caught.exception))
        # Another kind, month, territory or company is another target.
        self._make_target(user_id=self.user_zhejiang.id, kind="won")
        self._make_target(user_id=self.user_zhejiang.id, month="2026-04-01")
        self._make_target(user_id=self.user_zhejiang.id, territory_id=self.zhejiang.id)
        self._make_target(user_id=self.user_zhejiang.id, company_id=self.company_us.id)

    def test_no_target_of_a_portal_user(self):
        portal = self.env["res.users"].create(
            {
                "name": "Portal",
                "login": "target_portal",
                "group_ids": [Command.set(self.env.ref("base.group_portal").ids)],
            }
        )
        with self.assertRaisesRegex(ValidationError, "portal users cannot"):
            self._make_target(user_id=portal.id)

    def test_import(self):
        targets = self.env["trade.sales.target"].with_company(self.company_cn)
        result = targets.load(
            ["month", "user_id", "territory_id", "kind", "amount"],
            [
                ["2026-03-15", self.user_zhejiang.name, "", "Revenue of won opportunities", "100"],
                ["2026-04-01", "", self.zhejiang.name, "New leads", "20"],
            ],
        )
        self.assertFalse(result["messages"])
        found = targets.browse(result["ids"])
        self.assertEqual(found.mapped("kind"), ["won", "leads"])
        self.assertEqual(found[0].month, date(2026, 3, 1))
        self.assertEqual(found[1].territory_id, self.zhejiang)
        self.assertEqual(found.mapped("currency_id"), self.cny)

    def test_repeat(self):
        target = self._make_target(user_id=self.user_zhejiang.id, territory_id=self.zhejiang.id)
        mine = self._as(self.user_east, target)
        mine.copy({"month": "2026-05-01", "amount": 7.0})
        action = mine.action_repeat()
        wizard = mine.env["trade.sales.target.repeat"].with_context(**action["context"])
        wizard = wizard.create({"months": 4, "growth": 0.1})
        message = wizard.action_repeat()["params"]["message"]
        self.assertIn("3 targets added, 1 were there already", message)
        found = target.search([("user_id", "=", self.user_zhejiang.id)], order="month")
        self.assertEqual(
            [(str(each.month), each.amount) for each in found],
            [
                ("2026-03-01", 1000.0),
                ("2026-04-01", 1100.0),
                ("2026-05-01", 7.0),
                ("2026-06-01", 1331.0),
                ("2026-07-01", 1464.1),
            ],
        )

    # ------------------------------------------------------------------
    # Who
    # ------------------------------------------------------------------

    def test_who_reads(self):
        own = self._make_target(user_id=self.user_zhejiang.id)
        colleague = self._make_target(user_id=self.user_shanghai.id)
        north = self._make_target(user_id=self.user_beijing.id)
        branch = self._make_target(territory_id=self.east.id)
        other = self._make_target(territory_id=self.north.id)
        abroad = self._make_target(user_id=self.user_zhejiang.id, company_id=self.company_us.id)
        targets = own | colleague | north | branch | other | abroad
        self.env.flush_all()
        for user, expected in (
            (self.user_zhejiang, own),
            (self.user_east, own | colleague | branch),
            (self.user_north, north | other),
            (self.user_auditor, targets - abroad),
        ):
            self.assertEqual(self._visible(user, targets), expected, user.login)
            rows = self.env["trade.target.report"].browse(targets.ids)
            self.assertEqual(set(self._visible(user, rows).ids), set(expected.ids), user.login)
        for user in (self.user_marketer, self.user_outsider):
            with self.assertRaises(AccessError):
                self._visible(user, targets)

    def test_who_writes(self):
        own = self._make_target(user_id=self.user_zhejiang.id)
        other = self._make_target(territory_id=self.north.id)
        self._as(self.user_east, own).amount = 2.0
        values = {"amount": 5.0, "territory_id": self.shanghai.id}
        self._as(self.user_east, own).create(values)
        for user, action in (
            (self.user_zhejiang, lambda target: target.write({"amount": 1.0})),
            (self.user_zhejiang, lambda target: target.create(values)),
            (self.user_north, lambda target: target.write({"amount": 1.0})),
            (
                self.user_north,
                lambda target: target.create({**values, "month": "2026-07-01"}),
            ),
            (self.user_auditor, lambda target: target.unlink()),
        ):
            with self.assertRaises(AccessError):
                action(self._as(user, own))
        with self.assertRaises(AccessError):
            self._as(self.user_east, other).amount = 1.0

    # ------------------------------------------------------------------
    # Actual figures
    # ------------------------------------------------------------------

    def test_orders(self):
        target = self._make_target(user_id=self.user_zhejiang.id)
        branch = self._make_target(territory_id=self.east.id)
        both = self._make_target(user_id=self.user_zhejiang.id, territory_id=self.shanghai.id)
        seller = {"user_id": self.user_zhejiang.id}
        self._make_order(self.wok, 100.0, **seller)
        self._make_order(self.bund, 50.0, **seller)
        self._make_order(self.hutong, 7.0, **seller)
        self._make_order(self.bund, 30.0, user_id=self.user_shanghai.id)
        self._make_order(self.wok, 999.0, confirm=False, **seller)
        self._make_order(self.wok, 999.0, company=self.company_us, **seller)
        self._cancel(self._make_order(self.wok, 999.0, **seller))
        self.assertEqual(self._get_row(target).achieved, 157.0)
        self.assertEqual(self._get_row(branch).achieved, 180.0)
        self.assertEqual(self._get_row(both).achieved, 50.0)
        self.user_zhejiang.active = False
        self.assertEqual(self._get_row(target).achieved, 157.0)

    def test_net_of_tax_at_the_rate_of_the_order(self):
        tax = self.env["account.tax"].create(
            {"name": "13 %", "amount": 13.0, "company_id": self.company_cn.id}
        )
        target = self._make_target(user_id=self.user_zhejiang.id)
        self._make_order(
            self.wok,
            [{"price_unit": 16.0, "tax_ids": [Command.set(tax.ids)]}],
            currency=self.eur,
            user_id=self.user_zhejiang.id,
        )
        # 0.16 EUR per CNY.
        self.assertAlmostEqual(self._get_row(target).achieved, 100.0, 2)

    def test_month_follows_the_clock_of_the_company(self):
        seller = {"user_id": self.user_zhejiang.id}
        for company in (self.company_cn, self.company_us):
            for day, amount in (
                ("2026-02-28 23:59:59", 1.0),
                ("2026-03-01 00:00:00", 2.0),
                ("2026-03-31 23:59:59", 4.0),
                ("2026-04-01 00:00:00", 8.0),
            ):
                self._make_order(self.wok, amount, day=day, company=company, **seller)
            target = self._make_target(company_id=company.id, **seller)
            self.user_auditor.company_ids |= company
            self.assertEqual(self._get_row(target).achieved, 6.0, company.name)

    def test_won_opportunities(self):
        target = self._make_target(territory_id=self.east.id, kind="won")
        values = {"user_id": self.user_zhejiang.id, "partner_id": self.wok.id}
        self._at("2026-02-20")
        leads = self._make_leads(4, **values)
        self._make_leads(partner_id=self.hutong.id).action_set_won()
        leads[0].action_set_won()
        self._at("2026-03-02")
        leads[1:3].action_set_won()
        self._lose(leads[3])
        self.assertEqual(self._get_row(target).achieved, 200.0)
        leads[1].write({"stage_id": self.sample.id, "probability": 20})
        self.assertEqual(self._get_row(target).achieved, 100.0)

    def test_new_leads(self):
        target = self._make_target(10, user_id=self.user_rep_both.id, kind="leads")
        self.assertFalse(target.currency_id)
        self._at("2026-03-02")
        leads = self._make_leads(3, user_id=self.user_rep_both.id)
        self._make_leads(user_id=self.user_rep_both.id, company_id=False)
        self._make_leads(user_id=self.user_rep_both.id, company_id=self.company_us.id)
        self._lose(leads[0])
        self.assertEqual(self._get_row(target).achieved, 4)
        leads[1].action_archive()
        self.assertEqual(self._get_row(target).achieved, 3)

    def test_status(self):
        target = self._make_target(310.0, user_id=self.user_zhejiang.id)
        later = self._make_target(310.0, "2026-04-01", user_id=self.user_zhejiang.id)
        before = self._make_target(310.0, "2026-02-01", user_id=self.user_zhejiang.id)
        self._at("2026-03-10")
        self.assertEqual(self._get_row(target).expected, 100.0)
        self.assertEqual(self._get_row(target).status, "under")
        self.assertEqual((self._get_row(later).expected, self._get_row(later).status), (0.0, "on"))
        self.assertEqual(
            (self._get_row(before).expected, self._get_row(before).status), (310.0, "under")
        )
        self._make_order(self.wok, 100.0, user_id=self.user_zhejiang.id, day="2026-03-02")
        row = self._get_row(target)
        self.assertEqual((row.status, row.gap), ("on", -210.0))
        self._make_order(self.wok, 210.0, user_id=self.user_zhejiang.id, day="2026-03-02")
        self.assertEqual(self._get_row(target).status, "over")
        # Today begins at midnight in Shanghai.
        self.clock.move_to("2026-03-10 16:30:00")
        self.assertEqual(self._get_row(target).expected, 110.0)

    def test_share_of_a_group_is_that_of_the_sum(self):
        small = self._make_target(100.0, user_id=self.user_zhejiang.id)
        large = self._make_target(900.0, user_id=self.user_shanghai.id)
        self._make_order(self.wok, 100.0, user_id=self.user_zhejiang.id)
        self.env.flush_all()
        rows = self._as(self.user_auditor, self.env["trade.target.report"])
        [[share, achieved]] = rows._read_group(
            [("id", "in", (small | large).ids)], [], ["percent:avg", "achieved:sum"]
        )
        self.assertAlmostEqual(share, 0.1)
        self.assertEqual(achieved, 100.0)

    def test_banner(self):
        self._make_target(user_id=self.user_zhejiang.id)
        self._make_target(user_id=self.user_zhejiang.id, month="2026-02-01")
        self._make_target(user_id=self.user_shanghai.id)
        self._make_order(self.wok, 250.0, user_id=self.user_zhejiang.id)
        self.env.flush_all()
        [target] = self._get_funnel(self.user_zhejiang)["targets"]
        self.assertEqual((target["achieved"], target["gap"]), (250.0, -750.0))
        self.assertEqual((target["percent"], target["status"]), (0.25, "under"))
        self.assertEqual(self._get_funnel(self.user_beijing)["targets"], [])

    def test_nothing_to_repeat_is_refused(self):
        wizard = self.env["trade.sales.target.repeat"]
        target = self._make_target(user_id=self.user_zhejiang.id)
        with mute_logger("odoo.sql_db"), self.assertRaises(psycopg2.errors.CheckViolation):
            wizard.create({"target_ids": target.ids, "months": 0})


@tagged("post_install", "-at_install")
class TestTargetOracle(TargetCommon):
    """Random orders and leads; every target is added up anew with pandas."""

    def _play(self, seed):
        rng = random.Random(seed)
        users = [self.user_zhejiang, self.user_shanghai, self.user_beijing]
        partners = [self.wok, self.bund, self.hutong, self.nowhere]
        rows = []
        for _number in range(40):
            user, partner = rng.choice(users), rng.choice(partners)
            company = rng.choice([self.company_cn, self.company_cn, self.company_us])
            currency, rate = rng.choice([(None, 1), (self.eur, 0.16)])
            if company == self.company_us:
                currency, rate = None, 1
            day = f"2026-{rng.choice((2, 3)):02}-{rng.randrange(1, 29):02} {rng.choice(('00:10', '23:50'))}:00"
            confirm = rng.random() < 0.8
            amount = rng.randrange(1, 100) * 1.6
            self._make_order(
                partner,
                amount,
                day=day,
                company=company,
                currency=currency,
                confirm=confirm,
                user_id=user.id,
            )
            if confirm:
                rows.append(("orders", day, company, user, partner.territory_id, amount / rate))
        for _number in range(40):
            user, partner = rng.choice([*users, None]), rng.choice(partners)
            moment = datetime(
                2026, rng.choice((2, 3)), rng.randrange(1, 28), rng.choice((1, 15, 17))
            )
            self.clock.move_to(moment)
            lead = self._make_leads(
                partner_id=partner.id,
                user_id=user.id if user else False,
                expected_revenue=rng.randrange(100) * 1.0,
            )
            day = self._to_wall(moment)
            rows.append(("leads", day, self.company_cn, user, partner.territory_id, 1))
            if rng.random() < 0.4:
                lead.action_set_won()
                revenue = lead.expected_revenue
                rows.append(("won", day, self.company_cn, user, partner.territory_id, revenue))
        self._at("2026-03-31")
        return pd.DataFrame(rows, columns=["kind", "day", "company", "user", "territory", "amount"])

    def _to_wall(self, moment):
        zone = pytz.timezone(self.company_cn.trade_tz)
        return pytz.utc.localize(moment).astimezone(zone).strftime("%Y-%m-%d")

    def test_targets(self):
        rows = self._play(21)
        rows["month"] = rows.day.str[:7]
        branches = {
            None: None,
            self.east: {self.east, self.zhejiang, self.shanghai},
            self.shanghai: {self.shanghai},
            self.north: {self.north},
        }
        targets = self.env["trade.sales.target"]
        for kind in ("orders", "won", "leads"):
            for month in ("2026-02", "2026-03"):
                for user in (None, self.user_zhejiang, self.user_beijing):
                    for territory in branches:
                        if user or territory:
                            targets |= self._make_target(
                                500.0,
                                f"{month}-01",
                                kind=kind,
                                user_id=user.id if user else False,
                                territory_id=territory.id if territory else False,
                            )
        self.env.flush_all()
        reached = 0
        for row in self._as(self.user_auditor, self.env["trade.target.report"]).browse(targets.ids):
            month = str(row.month)[:7]
            chosen = rows[
                (rows.kind == row.kind) & (rows.month == month) & (rows.company == self.company_cn)
            ]
            if row.user_id:
                chosen = chosen[[user == row.user_id for user in chosen.user]]
            if row.territory_id:
                parts = branches[row.territory_id.with_env(self.env)]
                chosen = chosen[[territory in parts for territory in chosen.territory]]
            achieved = chosen.amount.sum() if len(chosen) else 0.0
            self.assertAlmostEqual(row.achieved, achieved, 1, row.target_id.display_name)
            self.assertAlmostEqual(row.gap, achieved - 500.0, 1)
            self.assertAlmostEqual(row.percent, achieved / 500.0, 3)
            self.assertEqual(row.expected, 500.0)
            self.assertEqual(row.status, "over" if row.achieved >= 500.0 else "under")
            self._check_records(row, achieved)
            reached += bool(achieved)
        self.assertGreater(reached, 20)

    def _check_records(self, row, achieved):
        """The list that opens holds what was added up."""
        action = row.action_view_records()
        records = self._as(self.user_auditor, self.env[action["res_model"]])
        found = records.with_context(**action["context"]).search(action["domain"])
        amounts = {
            "orders": lambda: sum(
                order.amount_untaxed / order.currency_rate for order in found.sudo()
            ),
            "won": lambda: sum(found.mapped("expected_revenue")),
            "leads": lambda: len(found),
        }
        self.assertAlmostEqual(amounts[row.kind](), achieved, 1)

    def test_expected_by_today(self):
        target = self._make_target(1.0, "2026-02-01", user_id=self.user_zhejiang.id)
        for year, month in ((2024, 2), (2026, 2), (2026, 4)):
            target.month = date(year, month, 1)
            days = calendar.monthrange(year, month)[1]
            target.amount = days
            for day in range(1, days + 1, 9):
                self._at(f"{year}-{month:02}-{day:02}")
                self.assertEqual(self._get_row(target).expected, day)
