from datetime import timedelta

import psycopg2

from odoo.tests import tagged
from odoo.tools import SQL, mute_logger

from ..models.trade_profile_check import PARTS
from .common import TODAY, TradeCrmCommon

LOGGER = "odoo.addons.trade_crm.models.trade_profile_check"


@tagged("post_install", "-at_install")
class TestProfileCheck(TradeCrmCommon):
    """The rolling check finds what no hook could see: changes by SQL, behind the ORM."""

    def setUp(self):
        super().setUp()
        self.other = self._make_customer("Silver Spoon")
        for partner in (self.customer, self.other):
            self._make_order(partner, 100.0, day="2026-03-01")
        self._commit()
        # That of the new companies, of which every customer waits.
        self.env["trade.profile.dirty"]._clear()
        self.env["trade.customer.profile"]._rebuild_companies()

    def _check(self, company=None):
        """Check all customers of ``company`` at once."""
        with self._job_env() as env:
            checks = env["trade.profile.check"]
            check_id = checks._check_company((company or self.company_cn).with_env(env), 0, 1).id
        return self.env["trade.profile.check"].browse(check_id)

    def _check_all_parts(self):
        """The nightly job of one week."""
        before = self.env["trade.profile.check"].search([])
        for number in range(PARTS):
            self.clock.move_to(f"{TODAY + timedelta(days=number)} 04:00:00")
            with self._job_env() as env:
                env["trade.profile.check"]._cron_check()
        return self.env["trade.profile.check"].search([]) - before

    def _change(self, query, *args):
        self.env.cr.execute(SQL(query, *args))
        self.env.invalidate_all()

    def _get_versions(self):
        """What changes with every write of a profile or of the history of tiers, even a void one."""
        self.env.cr.execute("SELECT id, ctid::text, xmin::text FROM trade_customer_profile")
        rows = self.env.cr.fetchall()
        self.env.cr.execute("SELECT count(*) FROM trade_tier_history")
        return sorted(rows), self.env.cr.fetchone()

    def assertDrift(self, check, *partners):
        self.assertEqual(check.drift_count, len(partners))
        expected = ", ".join(map(str, sorted(partner.id for partner in partners)))
        self.assertEqual(check.partner_ids_text, expected)

    def test_nothing_to_find(self):
        before = self._get_versions()
        with self.assertNoLogs(LOGGER, "ERROR"):
            check = self._check()
        self.assertEqual(check.drift_count, 0)
        self.assertFalse(check.partner_ids_text)
        self.assertGreaterEqual(check.profile_count, 2)
        self.assertEqual(check.company_id, self.company_cn)
        self.assertEqual(self._get_versions(), before)

    def test_changed_profile_is_found_and_repaired(self):
        self._change(
            "UPDATE trade_customer_profile SET revenue = revenue + 0.01"
            " WHERE partner_id = %s AND company_id = %s",
            self.customer.id,
            self.company_cn.id,
        )
        with self.assertLogs(LOGGER, "ERROR") as logs:
            check = self._check()
        self.assertIn(str(self.customer.id), logs.output[0])
        self.assertDrift(check, self.customer)
        self.assertEqual(self._get_profile(self.customer).revenue, 100.0)
        self.assertDrift(self._check())

    def test_each_column_is_compared(self):
        names = self.env["trade.customer.profile"]._get_value_columns()
        values = {
            "integer": SQL("41"),
            "monetary": SQL("41"),
            "float": SQL("0.41"),
            "date": SQL("DATE '2030-01-01'"),
            "many2one": SQL("NULL"),
            "json": SQL("'[41]'"),
        }
        # Of the others any value but the one that is right.
        others = {
            name: SQL("%s", value)
            for name, value in {
                "matrix_quadrant": "best",
                "matrix_segment": "gone",
                "value_band": "high",
                "lifecycle_status": "won_back",
                "purchase_pattern": "never",
                "potential_high_value": True,
            }.items()
        }
        for name in names:
            with self.subTest(column=name), mute_logger(LOGGER):
                before = self._get_profile(self.customer)[name]
                self.env.cr.execute(
                    SQL(
                        "UPDATE trade_customer_profile SET %s = %s"
                        " WHERE partner_id = %s AND company_id = %s",
                        SQL.identifier(name),
                        others.get(name)
                        or values[self.env["trade.customer.profile"]._fields[name].type],
                        self.customer.id,
                        self.company_cn.id,
                    )
                )
                self.env.invalidate_all()
                self.assertDrift(self._check(), self.customer)
                self.assertEqual(self._get_profile(self.customer)[name], before)

    @mute_logger(LOGGER)
    def test_changed_source_is_found_and_repaired(self):
        order = self.env["sale.order"].search([("partner_id", "=", self.other.id)])
        self._change("UPDATE sale_order SET amount_untaxed = 600000 WHERE id = %s", order.id)
        self.assertDrift(self._check(), self.other)
        profile = self._get_profile(self.other)
        self.assertEqual(profile.revenue, 600000.0)
        self.assertEqual(profile.tier_id.name, "Core")
        change = profile.tier_history_ids.sorted("id")[-1]
        self.assertEqual((change.tier_id.name, change.cause), ("Core", "rebuild"))

    @mute_logger(LOGGER)
    def test_lost_profile_and_one_that_should_not_be(self):
        """Also of a partner who is no customer: a contact, and one of another company."""
        self._change("DELETE FROM trade_customer_profile WHERE partner_id = %s", self.customer.id)
        stranger = self._make_customer("Stranger", company_id=self.company_us.id)
        self._commit()
        for partner in (self.contact, stranger):
            self._change(
                "INSERT INTO trade_customer_profile (partner_id, company_id, order_count)"
                " VALUES (%s, %s, 7)",
                partner.id,
                self.company_cn.id,
            )
        self.assertDrift(self._check(), self.customer, self.contact, stranger)
        self.assertEqual(self._get_profile(self.customer).order_count, 1)
        self.assertFalse(self._get_profile(self.contact))
        self.assertFalse(self._get_profile(stranger))

    @mute_logger(LOGGER)
    def test_other_company_is_left_alone(self):
        self._make_order(self.customer, 7.0, company=self.company_us)
        self._run_job()
        self._change("UPDATE trade_customer_profile SET revenue = 1 WHERE order_count = 1")
        self.assertDrift(self._check(self.company_us), self.customer)
        self.assertEqual(self._get_profile(self.customer, self.company_us).revenue, 7.0)
        self.assertEqual(self._get_profile(self.customer).revenue, 1.0)

    def test_who_waits_is_no_drift(self):
        """A profile that is known to be out of date is left to the queue."""
        self._make_history(self.customer, 50.0)
        self._commit()
        with self.assertNoLogs(LOGGER, "ERROR"):
            self.assertDrift(self._check())
        self.assertEqual(self._get_profile(self.customer).revenue, 100.0)

    def test_contact_waits_for_the_company(self):
        self._make_history(self.contact, 50.0)
        self._commit()
        self.assertDrift(self._check())

    def test_whole_company_waits(self):
        self._get_tier("New").tenure_months = 0
        self._commit()
        check = self._check()
        self.assertDrift(check)
        self.assertEqual(check.profile_count, 0)

    def test_midnight_between_refresh_and_check_is_no_drift(self):
        """What time has changed since is due, not wrong."""
        self.clock.move_to("2026-12-31 04:00:00")
        self.assertDrift(self._check())
        self.assertEqual(self._get_profile(self.customer).tier_id.name, "New")

    @mute_logger(LOGGER)
    def test_one_week_checks_every_customer_once(self):
        partners = self.customer | self.other
        for number in range(PARTS):
            partners |= self._make_customer(f"Customer {number}", customer_rank=1)
        self._run_job()
        self._change(
            "UPDATE trade_customer_profile SET gap_mean_days = 99 WHERE company_id = %s",
            self.company_cn.id,
        )
        checks = self._check_all_parts().filtered(lambda check: check.company_id == self.company_cn)
        self.assertEqual(len(checks), PARTS)
        found = [
            int(text) for check in checks for text in check.partner_ids_text.split(", ") if text
        ]
        self.assertEqual(len(found), len(set(found)), "A customer was repaired twice")
        self.assertLessEqual(set(partners.ids), set(found))
        for partner in partners:
            self.assertNotEqual(self._get_profile(partner).gap_mean_days, 99)

    def test_night_gives_failed_customers_another_chance(self):
        self._make_history(self.customer, 50.0)
        self._commit()
        self._change(
            "UPDATE trade_profile_dirty SET error = 'division by zero' WHERE partner_id = %s",
            self.customer.id,
        )
        self.assertProfile(self.customer, revenue=100.0)
        with self._job_env() as env:
            env["trade.profile.check"]._cron_check()
        self.assertEqual(self._get_profile(self.customer).revenue, 150.0)
        self.assertFalse(
            self.env["trade.profile.dirty"].search([("partner_id", "=", self.customer.id)])
        )

    def test_check_that_loses_a_race_tries_again(self):
        tries = []
        original = type(self.env["trade.profile.check"])._check_company

        def lose_once(checks, company, part, *args):
            tries.append(company.id)
            if tries.count(company.id) == 1:
                raise psycopg2.errors.SerializationFailure("could not serialize access")
            return original(checks, company, part, *args)

        self.patch(type(self.env["trade.profile.check"]), "_check_company", lose_once)
        with self._job_env() as env:
            env["trade.profile.check"]._try_check_company(self.company_cn.with_env(env), 0)
        self.assertEqual(len(tries), 2)
        check = self.env["trade.profile.check"].search(
            [("company_id", "=", self.company_cn.id)], limit=1
        )
        self.assertTrue(check)
