from datetime import timedelta
from unittest.mock import patch

from psycopg2.errors import CheckViolation, UniqueViolation

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from .campaign_common import CampaignCommon


@tagged("post_install", "-at_install")
class TestCampaign(CampaignCommon):
    # ------------------------------------------------------------------
    # Plan
    # ------------------------------------------------------------------

    def test_marketer_plans_on_the_screen(self):
        campaigns = self._as(self.planner, self.env["utm.campaign"])
        view = "trade_crm_marketing.trade_campaign_view_form"
        with Form(campaigns.with_context(default_trade_is_campaign=True), view) as form:
            form.title = "Harvest"
            form.trade_segment_ids = self.everybody
            form.trade_budget = 500
        campaign = form.record
        self.assertEqual(campaign.trade_company_id, self.company_cn)
        self.assertEqual(campaign.trade_holdout, 10)
        self.assertEqual(campaign.trade_variant_ids.mapped("name"), ["A"])
        self.assertEqual(campaign.trade_reach, 60)
        copy = campaign.copy()
        self.assertEqual(copy.title, "Harvest (copy)")
        self.assertEqual(len(copy.trade_variant_ids), 1)
        self.assertNotEqual(copy.trade_seed, campaign.trade_seed)

    def test_values_that_make_no_sense(self):
        day = fields.Datetime.now()
        other = self._make_segment(
            {"domain": "[('name', '=', 'x')]"}, company_id=self.company_us.id
        )
        for error, values in (
            (ValidationError, {"trade_start": day, "trade_end": day - timedelta(days=1)}),
            (ValidationError, {"trade_segment_ids": [Command.link(other.id)]}),
            (ValidationError, {"user_id": self.user_rep_us.id}),
            (CheckViolation, {"trade_holdout": 60}),
            (CheckViolation, {"trade_budget": -1}),
            (CheckViolation, {"trade_window_days": -3}),
            (UniqueViolation, {"trade_variant_ids": [Command.create({"name": "A"})]}),
        ):
            with (
                self.subTest(values=values),
                mute_logger("odoo.sql_db"),
                self.assertRaises(error),
            ):
                self.campaign.sudo().write(values)
                self.env.flush_all()

    def test_what_is_missing_is_said_at_once(self):
        campaign = self._make_campaign(
            variants=[{"name": "A"}, {"name": "B", "channel": "call"}],
            trade_segment_ids=False,
            trade_end=fields.Datetime.now() - timedelta(days=1),
            trade_budget=10,
            trade_cost_ids=[Command.create({"name": "Leaflets", "planned": 25})],
        )
        with self.assertRaises(UserError) as caught:
            campaign.action_trade_submit()
        for part in ("segment", "Variant A", "Variant B", "planned end", "15.00"):
            self.assertIn(part, str(caught.exception))
        self.assertEqual(campaign.trade_state, "draft")

    def test_others_do_not_change_campaigns(self):
        for user in (self.user_zhejiang, self.user_agent_east, self.user_outsider):
            campaign = self._as(user, self.campaign)
            self.assertEqual(campaign.title, "Spring tea")
            for values in ({"title": "Mine"}, {"trade_priority": 1}):
                with self.assertRaises(AccessError):
                    campaign.write(values)
            with self.assertRaises(AccessError):
                campaign.action_trade_cancel()
            with self.assertRaises(AccessError):
                campaign.read(["trade_budget"])
            with self.assertRaises(AccessError):
                self._make_campaign(user=user)
        bare = self._as(self.user_zhejiang, self.env["utm.campaign"]).create({"title": "A link"})
        bare.title = "Another"
        with self.assertRaises(AccessError):
            bare.trade_is_campaign = True

    def test_form_of_every_role_that_has_the_menu(self):
        self._start(self.campaign)
        seen = {self.planner: 60, self.chief: 60, self.user_north: 30, self.user_auditor: 60}
        for user, count in seen.items():
            self.env.invalidate_all()
            campaign = self._as(user, self.campaign)
            form = Form(campaign, "trade_crm_marketing.trade_campaign_view_form")
            self.assertEqual((form.title, form.trade_state), ("Spring tea", "running"))
            for action in (campaign.action_trade_view_members, campaign.action_trade_view_messages):
                found = campaign.env[action()["res_model"]].search(action()["domain"])
                self.assertEqual(len(found), count)

    def test_other_company_does_not_see_it(self):
        foreign = self._as(self.user_rep_us, self.env["utm.campaign"])
        self.assertNotIn(self.campaign, foreign.search([("trade_is_campaign", "=", True)]))

    # ------------------------------------------------------------------
    # Life
    # ------------------------------------------------------------------

    def test_life_of_a_campaign(self):
        campaign = self.campaign
        campaign.action_trade_submit()
        self.assertEqual(campaign.trade_state, "approval")
        self._as(self.chief, campaign).action_trade_approve()
        self.assertEqual(campaign.trade_approved_by_id, self.chief)
        campaign.action_trade_start()
        self.assertEqual((campaign.trade_state, campaign.trade_member_count), ("running", 60))
        self.assertEqual(campaign.trade_start, fields.Datetime.now())
        campaign.action_trade_pause()
        self.assertEqual(campaign.trade_state, "paused")
        campaign.action_trade_resume()
        campaign.action_trade_finish()
        self.assertEqual((campaign.trade_state, bool(campaign.trade_ended_at)), ("done", True))
        for action in ("submit", "approve", "start", "pause", "resume", "finish", "cancel"):
            with self.assertRaises(UserError), self.env.cr.savepoint():
                getattr(self._as(self.chief, campaign), f"action_trade_{action}")()
        with self.assertRaisesRegex(UserError, "archive it"):
            campaign.unlink()

    def test_status_is_changed_by_buttons_only(self):
        for values in ({"trade_state": "running"}, {"trade_is_campaign": False}):
            with self.assertRaisesRegex(UserError, "buttons"):
                self.campaign.write(values)

    def test_no_way_round_the_approval(self):
        campaigns = self._as(self.planner, self.env["utm.campaign"])
        values = {"title": "X", "trade_is_campaign": True}
        for context, extra in (
            ({}, {"trade_state": "approved"}),
            ({"default_trade_state": "running"}, {}),
            ({}, {"trade_approved_by_id": self.chief.id}),
            ({"default_trade_submitted_by_id": self.second.id}, {}),
        ):
            with self.assertRaisesRegex(UserError, "begins as a draft"):
                campaigns.with_context(**context).create({**values, **extra})
        chosen = campaigns.create({**values, "trade_seed": "mine"})
        self.assertNotEqual(chosen.trade_seed, "mine")
        approved = self._approve(self.campaign)
        with self.assertRaisesRegex(UserError, "not a draft"):
            chosen.trade_variant_ids.create({"campaign_id": chosen.id, "name": "Z"}).write(
                {"campaign_id": approved.id}
            )

    def test_another_manager_approves(self):
        own = self._make_campaign(user=self.chief)
        own.action_trade_submit()
        with self.assertRaisesRegex(AccessError, "another manager"):
            own.action_trade_approve()
        with self.assertRaisesRegex(AccessError, "manager"):
            self._as(self.planner, own).action_trade_approve()
        self._as(self.second, own).action_trade_approve()
        self.assertEqual(own.trade_state, "approved")

    def test_giving_back_needs_a_word(self):
        self.campaign.action_trade_submit()
        chief = self._as(self.chief, self.campaign)
        with self.assertRaisesRegex(UserError, "say what has to change"):
            chief.action_trade_refuse()
        chief.trade_decision = "Too dear"
        chief.action_trade_refuse()
        self.assertEqual(self.campaign.trade_state, "draft")
        self.assertIn("Too dear", self.campaign.message_ids[0].body)

    def test_approval_by_settings(self):
        self.company_cn.trade_campaign_limit = 100
        self.company_cn.trade_campaign_approver_id = self.chief
        self.campaign.trade_budget = 100
        self.campaign.action_trade_submit()
        self.assertEqual(self.campaign.trade_state, "approved")
        dear = self._make_campaign(trade_budget=101)
        dear.action_trade_submit()
        self.assertEqual(dear.trade_state, "approval")
        self.assertEqual(dear.sudo().activity_ids.user_id, self.chief)
        self._as(self.second, dear).action_trade_approve()
        self.assertFalse(dear.sudo().activity_ids)

    def test_what_was_approved_stays(self):
        campaign = self._approve(self.campaign)
        variant = campaign.trade_variant_ids
        for change in (
            lambda: campaign.write({"trade_holdout": 5}),
            lambda: campaign.write({"trade_segment_ids": [Command.clear()]}),
            lambda: campaign.write({"trade_budget": 1000}),
            lambda: variant.write({"body": "Else"}),
            lambda: variant.unlink(),
            lambda: variant.copy({"campaign_id": campaign.id, "name": "B"}),
            # Whose territories the audience is of.
            lambda: campaign.write({"user_id": self.second.id}),
        ):
            with self.assertRaisesRegex(UserError, "not a draft"), self.env.cr.savepoint():
                change()
        campaign.trade_priority = 3
        self._as(self.chief, campaign).trade_budget = 1000
        campaign.action_trade_draft()
        campaign.trade_holdout = 5
        self.assertFalse(campaign.trade_approved_by_id)

    def test_audience_was_approved_as_well(self):
        """Its conditions, in whatever segment they are; a name or an order of the list says nothing."""
        part = self._make_segment({"domain": "[('name', '=', 'Buyer 1')]"})
        whole = self._make_segment({"kind": "segment", "other_segment_id": part.id})
        campaign = self._approve(self._make_campaign(trade_segment_ids=[Command.set(whole.ids)]))
        part.name = "Other name"
        part.line_ids.sequence = 3
        campaign._check_ready()
        part.line_ids.domain = "[('name', '=like', 'Buyer %')]"
        refused = self.assertRaisesRegex(UserError, "changed after the approval")
        with refused, self.env.cr.savepoint():
            campaign.action_trade_start()
        campaign.invalidate_recordset()
        campaign.action_trade_draft()
        self._approve(campaign).action_trade_start()
        self.assertEqual(campaign.trade_state, "running")

    def test_content_goes_to_the_audience_only(self):
        """Whatever method or context a marketer calls."""
        mailing = self._approve(self.campaign).trade_variant_ids.mailing_id
        mailing = self._as(self.planner, mailing).with_context(trade_held=True)
        for send in (
            lambda: mailing.write({"state": "in_queue"}),
            mailing.action_launch,
            mailing.action_send_mail,
        ):
            with self.assertRaisesRegex(UserError, "to its audience"), self.env.cr.savepoint():
                send()
        self.assertFalse(mailing.mailing_trace_ids)

    def test_content_was_approved_as_well(self):
        campaign = self._approve(self.campaign)
        mailing = campaign.trade_variant_ids.mailing_id
        with self.assertRaisesRegex(UserError, "approved as it is"):
            mailing.subject = "Something else"
        with self.assertRaisesRegex(UserError, "to its audience"):
            mailing.action_put_in_queue()
        again = self._make_campaign(title="Again")
        again.trade_variant_ids.mailing_id = mailing
        with self.assertRaisesRegex(UserError, "belongs to “Spring tea”"):
            again.action_trade_submit()
        campaign.action_trade_start()
        self.assertEqual(mailing.campaign_id, campaign)
        copy = campaign.copy()
        copied = copy.trade_variant_ids.mailing_id
        self.assertEqual(
            (copied.subject, copied.campaign_id), ("Spring tea", copied.campaign_id.browse())
        )
        self.assertNotEqual(copied, mailing)
        campaign.action_trade_finish()
        mailing.subject = "Over"

    def test_costs_stay_in_the_budget_that_was_approved(self):
        campaign = self._make_campaign(trade_budget=100)
        cost = campaign.trade_cost_ids.create(
            {"campaign_id": campaign.id, "name": "Leaflets", "planned": 80}
        )
        self._approve(campaign)
        for change in (
            lambda: cost.write({"planned": 101}),
            lambda: cost.copy({"planned": 21}),
            lambda: self._as(self.chief, campaign).write({"trade_budget": 50}),
        ):
            with self.assertRaisesRegex(UserError, "larger budget"), self.env.cr.savepoint():
                change()
        campaign.invalidate_recordset()
        cost.invalidate_recordset()
        cost.actual = 130
        self.assertEqual((campaign.trade_actual_cost, campaign.trade_budget_left), (130, -30))
        with self.assertRaises(AccessError):
            self._as(self.user_zhejiang, cost).read(["actual"])

    # ------------------------------------------------------------------
    # Job
    # ------------------------------------------------------------------

    def test_job_starts_and_ends(self):
        now = fields.Datetime.now()
        due = self._approve(self._make_campaign(trade_start=now - timedelta(hours=1)))
        later = self._approve(self._make_campaign(trade_start=now + timedelta(hours=1)))
        nobody = self._make_segment({"domain": "[('name', '=', 'Nobody at all')]"})
        empty = self._approve(
            self._make_campaign(trade_start=now, trade_segment_ids=[Command.set(nobody.ids)])
        )
        over = self._make_campaign(trade_end=now + timedelta(minutes=5))
        self._start(over)
        self.clock.tick(timedelta(minutes=10))
        self.env.flush_all()
        with self.enter_registry_test_mode():
            self.env.ref("trade_crm_marketing.ir_cron_campaigns").method_direct_trigger()
        self.env.invalidate_all()
        states = (due | later | empty | over).mapped("trade_state")
        self.assertEqual(states, ["running", "approved", "approved", "done"])
        self.assertFalse(empty.trade_start)
        self.assertIn("Nobody is in the audience", empty.sudo().activity_ids.note)

    def test_broken_campaign_holds_nobody_up(self):
        """A field that a condition asks for may be gone with its addon."""
        broken, other = self._approve(self.campaign), self._approve(self._make_campaign())
        (broken | other).sudo().trade_start = "2026-03-30 01:00:00"
        real = type(broken)._freeze_audience

        def freeze(campaign):
            if campaign == broken:
                raise ValueError("no such field")
            return real(campaign)

        with (
            patch.object(type(broken), "_freeze_audience", freeze),
            mute_logger("odoo.addons.trade_crm_marketing.models.utm_campaign_state"),
            self._job_env() as env,
        ):
            env["utm.campaign"]._cron_campaigns()
        self.env.invalidate_all()
        self.assertEqual((broken.trade_state, other.trade_state), ("approved", "running"))
        self.assertIn("could not start", broken.sudo().activity_ids.summary)

    def test_large_audience_is_started_by_the_job(self):
        campaign = self._approve(self.campaign)
        with patch("odoo.addons.trade_crm_marketing.models.utm_campaign_state.START_AT_ONCE", 10):
            action = campaign.action_trade_start()
        self.assertEqual(action["tag"], "display_notification")
        self.assertEqual(campaign.trade_state, "approved")
        with self._job_env() as env:
            env["utm.campaign"]._cron_campaigns()
        self.env.invalidate_all()
        self.assertEqual(campaign.trade_state, "running")

    def test_archived_segment(self):
        self._approve(self.campaign)
        self.everybody.active = False
        with self.assertRaisesRegex(UserError, "archived"), self.env.cr.savepoint():
            self.campaign.action_trade_start()

    def test_segment_of_a_campaign_is_not_deleted(self):
        unwanted = self._make_segment({"domain": "[('name', '=', 'Buyer 3')]"})
        self.campaign.trade_excluded_segment_ids = unwanted
        with self.assertRaisesRegex(UserError, "Spring tea"):
            unwanted.unlink()
        self.campaign.action_trade_cancel()
        unwanted.invalidate_recordset()
        unwanted.unlink()

    def test_list_takes_a_constant_number_of_queries(self):
        self._make_campaign(title="Two")
        campaigns = self._as(self.user_marketer_east, self.env["utm.campaign"])
        spec = dict.fromkeys(
            ("title", "trade_state", "trade_member_count", "trade_budget", "trade_actual_cost"), {}
        )

        def count():
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            campaigns.web_search_read([("trade_is_campaign", "=", True)], spec)
            return self.env.cr.sql_log_count - before

        count()
        few = count()
        for number in range(5):
            self._make_campaign(title=f"More {number}")
        self.assertEqual(count(), few)

    def test_program_has_to_fit(self):
        promotion, foreign = self.env["loyalty.program"].create(
            [
                {"name": "P", "program_type": "promotion", "reward_ids": [Command.create({})]},
                {
                    "name": "C",
                    "program_type": "coupons",
                    "company_id": self.company_us.id,
                    "reward_ids": [Command.create({})],
                },
            ]
        )
        for program in (promotion, foreign):
            with self.assertRaises(ValidationError), self.env.cr.savepoint():
                self.campaign.trade_variant_ids.sudo().program_id = program
