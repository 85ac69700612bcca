from contextlib import contextmanager
from datetime import date

from psycopg2.errors import SerializationFailure

from odoo import SUPERUSER_ID, api
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.modules.registry import Registry
from odoo.tests import BaseCase, tagged
from odoo.tests.common import get_db_name
from odoo.tools import mute_logger

from .cdnow import copy_purchases
from .common import TODAY
from .test_policy_scores import ScoreCommon


class DraftCommon(ScoreCommon):
    def _make_draft(self, policy=None, **values):
        return self.env["trade.tier.policy.draft"].create(
            {"policy_id": (policy or self.policy).id, **values}
        )

    def _get_line(self, draft, name):
        return draft.line_ids.filtered(lambda line: line.name == name)

    def _get_moves(self, draft):
        """Customers per move by the preview: ``{(old tier, new one): customers}``, by name."""
        preview = draft.get_preview()
        names = {
            axis: {mark["key"]: mark["name"] for mark in preview[axis]}
            for axis in ("rows", "columns")
        }
        return {
            (names["rows"][cell["origin"]], names["columns"][cell["target"]]): cell["customers"]
            for cell in preview["cells"]
        }

    def _read_tiers(self, policy=None):
        """Tier names by partner id."""
        profiles = self.env["trade.customer.profile"].search(
            [("company_id", "=", (policy or self.policy).company_id.id)]
        )
        return {profile.partner_id.id: profile.tier_id.name or "No tier" for profile in profiles}

    def _get_definition(self):
        self.env.invalidate_all()
        return self.policy._get_definition()


@tagged("post_install", "-at_install")
class TestDraft(DraftCommon):
    def setUp(self):
        super().setUp()
        for number, amount in enumerate((50_000, 150_000, 300_000, 600_000)):
            partner = self._make_customer(f"Buyer {number}")
            self._make_history(partner, amount, "2026-01-15")
        self._rebuild_as_of(TODAY)

    def test_draft_begins_with_what_holds(self):
        draft = self._make_draft()
        self.assertEqual(draft._get_definition(), self.policy._get_definition())
        self.assertEqual(draft.changes, "")
        self.assertTrue(all(origin == target for origin, target in self._get_moves(draft)))

    def test_edit_goes_on_with_the_open_draft(self):
        first = self.policy.action_edit()["res_id"]
        self.assertEqual(self.policy.action_edit()["res_id"], first)
        self.env["trade.tier.policy.draft"].browse(first).action_cancel()
        self.assertNotEqual(self.policy.action_edit()["res_id"], first)

    def test_nothing_changes_before_apply(self):
        before, tiers = self._get_definition(), self._read_tiers()
        draft = self._make_draft(window_months=24)
        self._get_line(draft, "Core").min_revenue = 250_000
        draft.get_preview()
        self._run_job()
        self.assertEqual(self._get_definition(), before)
        self.assertEqual(self._read_tiers(), tiers)

    def test_preview_counts_customers_and_revenue(self):
        draft = self._make_draft()
        self._get_line(draft, "Core").min_revenue = 250_000
        preview = draft.get_preview()
        self.assertEqual(self._get_moves(draft)["Potential", "Core"], 1)
        self.assertEqual(preview["moved"], {"customers": 1, "revenue": 300_000})
        self.assertEqual(preview["total"], {"customers": 4, "revenue": 1_100_000})
        for measure in ("customers", "revenue"):
            parts = sum(cell[measure] for cell in preview["cells"])
            self.assertEqual(parts, preview["total"][measure])

    def test_preview_opens_its_customers(self):
        draft = self._as(self.user_manager, self._make_draft())
        self._get_line(draft, "Core").min_revenue = 250_000
        for cell in draft.get_preview()["cells"]:
            action = draft.action_view_move(cell["origin"], cell["target"], ["", ""])
            partners = self.env["res.partner"].with_context(**action["context"])
            found = self._as(self.user_manager, partners).search(action["domain"])
            self.assertEqual(len(found), cell["customers"])
        core = self._get_tier("Core").id
        action = draft.action_view_move(None, core, ["", "Core"])
        found = self._as(self.user_manager, self.env["res.partner"]).search(action["domain"])
        self.assertEqual(sorted(found.mapped("name")), ["Buyer 2", "Buyer 3"])

    def test_apply_does_what_the_preview_says(self):
        draft = self._make_draft(window_months=24)
        self._get_line(draft, "Core").min_revenue = 250_000
        self._get_line(draft, "New").unlink()
        draft.line_ids = [Command.create({"name": "Tiny", "sequence": 35, "tenure_months": 6})]
        moves = self._get_moves(draft)
        before = self._read_tiers()
        draft.action_apply()
        self._run_job()
        after = self._read_tiers()
        found = {}
        for partner, tier in before.items():
            found[tier, after[partner]] = found.get((tier, after[partner]), 0) + 1
        self.assertEqual(found, moves)
        self.assertEqual(
            self._get_moves(self._make_draft()), {(t, t): n for (_o, t), n in self._sum(moves)}
        )
        self.assertEqual((draft.state, self.policy.window_months), ("applied", 24))
        self.assertEqual(self.policy.tier_ids.mapped("name").index("Tiny"), 3)
        self.assertNotIn("New", self.policy.tier_ids.mapped("name"))

    @staticmethod
    def _sum(moves):
        """Customers per new tier."""
        totals = {}
        for (_origin, target), customers in moves.items():
            totals[None, target] = totals.get((None, target), 0) + customers
        return totals.items()

    def test_apply_keeps_tiers_and_their_names(self):
        core = self._get_tier("Core")
        self.env["res.lang"]._activate_lang("zh_CN")
        core.with_context(lang="zh_CN").name = "核心"
        draft = self._make_draft()
        line = self._get_line(draft, "Core")
        self.assertEqual(line.with_context(lang="zh_CN").name, "核心")
        line.name = "Key"
        draft.action_apply()
        self.env.invalidate_all()
        self.assertEqual((core.name, core.with_context(lang="zh_CN").name), ("Key", "核心"))

    def test_cuts_are_those_of_the_change(self):
        """One run, over the window of the change."""
        draft = self._make_draft(method="quantiles", window_months=24)
        draft.action_apply()
        self.assertEqual(self.policy.score_run_ids.mapped("window_months"), [24])
        self.assertEqual(self.policy.score_run_ids.customer_count, 4)

    def test_record_of_what_was_done(self):
        draft = self._as(self.user_manager, self._make_draft(window_months=24))
        self._get_line(draft, "Core").min_revenue = 250_000
        self._get_line(draft, "New").unlink()
        draft.action_apply()
        changes = draft.changes.split("\n")
        self.assertIn("Window: 12 → 24 months", changes)
        self.assertIn("New: removed", changes)
        self.assertTrue(any(line.startswith("Core: revenue of 12 months") for line in changes))
        self.assertEqual((draft.applied_by, draft.effective_date), (self.user_manager, TODAY))
        self.assertEqual(self.policy.effective_date, TODAY)
        message = self.policy.message_ids.filtered(lambda message: "New: removed" in message.body)
        self.assertEqual(message.author_id, self.user_manager.partner_id)
        with self.assertRaisesRegex(UserError, "record"):
            draft.unlink()
        with self.assertRaisesRegex(UserError, "already"):
            draft.window_months = 3
        with self.assertRaisesRegex(UserError, "already"):
            draft.line_ids[0].name = "Other"

    def test_applied_once(self):
        draft = self._make_draft(window_months=24)
        draft.action_apply()
        with self.assertRaisesRegex(UserError, "already"):
            draft.action_apply()

    def test_second_manager_is_told(self):
        """Two have begun at the same time; the second must not undo the first unseen."""
        mine, yours = self._make_draft(window_months=24), self._make_draft(window_months=6)
        mine.action_apply()
        self.assertTrue(yours.is_outdated)
        with self.assertRaisesRegex(UserError, f"^{self.env.user.name} changed the policy"):
            yours.action_apply()
        self.assertEqual(self.policy.window_months, 24)
        yours.action_rebase()
        yours.action_apply()
        self.assertEqual(self.policy.window_months, 6)

    def test_change_around_the_drafts_is_noticed(self):
        draft = self._make_draft(window_months=24)
        self._get_tier("Core").min_revenue = 1.0
        with self.assertRaisesRegex(UserError, "changed after"):
            draft.action_apply()

    def test_preview_that_another_has_changed(self):
        """What is applied is what the person has on the screen."""
        draft = self._make_draft(window_months=24)
        seen = draft.version
        self._get_line(draft, "Core").min_revenue = 1.0
        with self.assertRaisesRegex(UserError, "meanwhile"):
            draft.with_context(trade_draft_version=seen).action_apply()
        draft.with_context(trade_draft_version=draft.version).action_apply()
        self.assertEqual(draft.state, "applied")

    def test_from_scores_back_to_thresholds(self):
        self._use_quantiles()
        draft = self._make_draft()
        draft.action_load_segments()
        draft.action_apply()
        self.assertEqual(self.policy.tier_ids[1].name, "Champions")
        back = self._make_draft(method="thresholds")
        with self.assertRaisesRegex(ValidationError, "scores"):
            back.action_apply()
        back.line_ids.write({f"{score}_{limit}": 0 for score in "rfm" for limit in ("min", "max")})
        back.action_apply()
        self.assertEqual(self.policy.method, "thresholds")
        self.assertFalse(any(self.policy.tier_ids.mapped("uses_scores")))

    def test_draft_without_tiers(self):
        draft = self._make_draft()
        draft.line_ids.unlink()
        self.assertEqual({target for _origin, target in self._get_moves(draft)}, {"No tier"})
        with self.assertRaisesRegex(ValidationError, "at least one"):
            draft.action_apply()

    def test_company_without_customers(self):
        preview = self._make_draft(self.policy_us).get_preview()
        self.assertEqual(preview["total"], {"customers": 0, "revenue": 0.0})
        self.assertEqual(preview["cells"], [])

    def test_companies_are_apart(self):
        """Neither the preview nor the change touches the customers of the other company."""
        partner = self._make_customer("American")
        self._make_history(partner, 300_000, "2026-01-15", company=self.company_us)
        self._rebuild_as_of(TODAY)
        draft = self._make_draft(self.policy_us)
        self._get_line(draft, "Core").min_revenue = 250_000
        self.assertEqual(draft.get_preview()["total"]["customers"], 1)
        before = self._read_tiers()
        draft.action_apply()
        self._run_job()
        self.assertEqual(self._read_tiers(), before)
        self.assertEqual(self._get_profile(partner, self.company_us).tier_id.name, "Core")

    def test_archived_customer_is_counted(self):
        partner = self.env["res.partner"].search([("name", "=", "Buyer 2")])
        partner.active = False
        draft = self._make_draft()
        self._get_line(draft, "Core").min_revenue = 250_000
        self.assertEqual(draft.get_preview()["moved"]["customers"], 1)
        action = draft.action_view_move(
            self._get_tier("Potential").id, self._get_tier("Core").id, ["", ""]
        )
        found = self.env["res.partner"].with_context(**action["context"]).search(action["domain"])
        self.assertEqual(found, partner)

    def test_rights(self):
        draft = self._make_draft(window_months=24)
        for user in (self.user_rep, self.user_marketer, self.user_agent):
            with self.assertRaises(AccessError), self.cr.savepoint():
                self._as(user, draft).action_apply()
            with self.assertRaises(AccessError), self.cr.savepoint():
                self._as(user, draft).get_preview()
            with self.assertRaises(AccessError), self.cr.savepoint():
                self._as(user, self.policy).action_edit()
            self.assertEqual(self._as(user, self.policy).name, "Customer tiers")
        auditor = self._as(self.user_auditor, draft)
        self.assertEqual(auditor.get_preview()["total"]["customers"], 4)
        with self.assertRaises(AccessError):
            auditor.action_apply()
        self.assertEqual(self.policy.window_months, 12)

    def test_draft_of_another_company(self):
        draft = self._make_draft(self.policy_us)
        with self.assertRaises(AccessError):
            self._as(self.user_manager, draft).get_preview()


@tagged("post_install", "-at_install")
class TestDraftSchedule(DraftCommon):
    def _run_apply_job(self):
        with self._job_env() as env:
            env["trade.tier.policy.draft"]._cron_apply()
        self.env.invalidate_all()

    def test_takes_over_on_its_day(self):
        """The day begins in the company's time zone: 16:00 in London is midnight in Shanghai."""
        draft = self._as(
            self.user_manager, self._make_draft(window_months=24, effective_date="2026-04-10")
        )
        draft.action_schedule()
        self.clock.move_to("2026-04-09 15:30:00")
        self._run_apply_job()
        self.assertEqual((draft.state, self.policy.window_months), ("scheduled", 12))
        self.clock.move_to("2026-04-09 16:30:00")
        self._run_apply_job()
        self.assertEqual((draft.state, self.policy.window_months), ("applied", 24))
        self.assertEqual(draft.applied_by, self.user_manager)
        self.assertEqual(self.policy.effective_date, date(2026, 4, 10))

    def test_needs_a_day_to_come(self):
        for day in (False, "2026-03-31"):
            with self.subTest(day=day), self.assertRaisesRegex(UserError, "after today"):
                self._make_draft(effective_date=day).action_schedule()

    def test_taken_back(self):
        draft = self._make_draft(window_months=24, effective_date="2026-04-10")
        draft.action_schedule()
        draft.action_unschedule()
        self.clock.move_to("2026-04-10 04:00:00")
        self._run_apply_job()
        self.assertEqual((draft.state, self.policy.window_months), ("draft", 12))

    def test_policy_changed_meanwhile(self):
        """The job applies nothing that nobody has seen; who wanted it is told."""
        draft = self._as(
            self.user_manager, self._make_draft(window_months=24, effective_date="2026-04-10")
        )
        draft.action_schedule()
        self._make_draft(window_months=6).action_apply()
        self.clock.move_to("2026-04-10 04:00:00")
        self._run_apply_job()
        self.assertEqual((draft.state, self.policy.window_months), ("draft", 6))
        self.assertEqual(draft.activity_ids.user_id, self.user_manager)
        self.assertIn("changed the policy", draft.activity_ids.note)

    def test_one_that_fails_stops_no_other(self):
        bad = self._make_draft(window_months=24, effective_date="2026-04-10")
        bad.action_schedule()
        good = self._make_draft(self.policy_us, window_months=24, effective_date="2026-04-10")
        good.action_schedule()
        self._get_tier("Core").min_revenue = 1.0
        self.clock.move_to("2026-04-10 16:00:00")
        self._run_apply_job()
        self.assertEqual((bad.state, good.state), ("draft", "applied"))


@tagged("post_install", "-at_install")
class TestDraftCdnow(DraftCommon):
    def test_preview_is_the_result(self):
        """By thresholds and by quantiles, over another window, for 2,357 customers."""
        today = date(1998, 6, 30)
        copy_purchases(self.env, self.company_cn)
        self._rebuild_as_of(today)
        for values, segments in (
            ({"window_months": 9}, False),
            ({"window_months": 6, "method": "quantiles"}, True),
            ({"window_months": 18, "method": "quantiles"}, False),
        ):
            with self.subTest(**values):
                draft = self._make_draft(**values).with_context(trade_today=today)
                if segments:
                    draft.action_load_segments()
                elif draft.method == "thresholds":
                    self._get_line(draft, "Core").min_revenue = 100.0
                    self._get_line(draft, "Potential").min_revenue = 30.0
                preview, moves = draft.get_preview(), self._get_moves(draft)
                before = self._read_tiers()
                draft.action_apply()
                self._rebuild_as_of(today)
                self._commit()
                self.env["trade.profile.dirty"]._clear()
                after = self._read_tiers()
                found = {}
                for partner, tier in before.items():
                    move = (tier, after[partner])
                    found[move] = found.get(move, 0) + 1
                self.assertEqual(found, moves)
                self.assertEqual(preview["total"]["customers"], len(before))
                self.assertGreater(preview["moved"]["customers"], 20)


@tagged("post_install", "-at_install")
class TestDraftConcurrency(BaseCase):
    """Two transactions at the same time; what they commit is removed in the end."""

    def setUp(self):
        super().setUp()
        self.registry = Registry(get_db_name())
        with self._env() as env:
            env.cr.execute("SELECT COALESCE(max(id), 0) FROM trade_profile_dirty")
            [[self.last_dirty]] = env.cr.fetchall()
            self.policy_id = (
                env["trade.tier.policy"]
                .create(
                    {
                        "name": "Not in force",
                        "active": False,
                        "tier_ids": [Command.create({"name": "All"})],
                    }
                )
                .id
            )
            drafts = env["trade.tier.policy.draft"].create(
                [{"policy_id": self.policy_id, "window_months": months} for months in (6, 24)]
            )
            self.draft_ids = drafts.ids
        self.addCleanup(self._remove)

    @contextmanager
    def _env(self):
        with self.registry.cursor() as cr:
            yield api.Environment(cr, SUPERUSER_ID, {"tracking_disable": True})

    def _remove(self):
        with self._env() as env:
            env.cr.execute("DELETE FROM trade_profile_dirty WHERE id > %s", [self.last_dirty])
            drafts = env["trade.tier.policy.draft"].browse(self.draft_ids)
            policy = env["trade.tier.policy"].browse(self.policy_id)
            for records in (drafts, policy):
                env["mail.message"].search(
                    [("model", "=", records._name), ("res_id", "in", records.ids)]
                ).unlink()
            policy.unlink()
            env.cr.precommit.clear()

    def _apply_both(self, first, second):
        with self._env() as mine, self._env() as yours:
            # Both have begun, and see the policy as it is, before one of them is done.
            drafts = mine["trade.tier.policy.draft"].browse(first)
            others = yours["trade.tier.policy.draft"].browse(second)
            self.assertFalse(drafts.is_outdated or others.is_outdated)
            drafts.action_apply()
            mine.cr.commit()
            with self.assertRaises(SerializationFailure), mute_logger("odoo.sql_db"):
                others.action_apply()
            yours.cr.rollback()
            yours.transaction.reset()
            others.invalidate_recordset()
            with self.assertRaises(UserError) as again:
                others.action_apply()
            yours.cr.rollback()
        with self._env() as env:
            policy = env["trade.tier.policy"].browse(self.policy_id)
            self.assertEqual(policy.window_months, 6)
            self.assertEqual(len(policy.draft_ids.filtered("applied_on")), 1)
        return str(again.exception)

    def test_two_changes_of_a_policy(self):
        self.assertIn("changed the policy", self._apply_both(*self.draft_ids))

    def test_one_change_twice(self):
        self.assertIn("already", self._apply_both(self.draft_ids[0], self.draft_ids[0]))
