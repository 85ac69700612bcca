from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import Form, HttpCase, tagged

from .lead_common import LeadCommon


@tagged("post_install", "-at_install")
class TestLeadPool(LeadCommon):
    def _claim(self, lead, user):
        return self._entry(lead, user).action_claim()

    # ------------------------------------------------------------------
    # Into the pool
    # ------------------------------------------------------------------

    def test_owner_gives_back_with_a_reason(self):
        self._release(self.lead, self.user_zhejiang, "Too far away")
        self.assertFalse(self.lead.user_id)
        self.assertEqual(self.lead.trade_pooled_at, fields.Datetime.now())
        self.assertEqual(
            self._read_log(self.lead, "kind", "user_id", "from_owner_id", "owner_id", "note"),
            [
                (
                    "release",
                    self.user_zhejiang,
                    self.user_zhejiang,
                    self.env["res.users"],
                    "Too far away",
                )
            ],
        )

    def test_only_own_open_leads_go_back(self):
        with self.assertRaisesRegex(UserError, "not your lead"):
            self._release(self.lead, self.user_zhejiang_2)
        self.lead.action_set_lost()
        with self.assertRaisesRegex(UserError, "won, lost or in the pool"):
            self._release(self.lead, self.user_zhejiang)

    def test_manager_gives_back_for_others(self):
        self._release(self.lead, self.user_east)
        self.assertTrue(self.lead.trade_pooled_at)

    def test_plans_of_who_had_it_go(self):
        self._as(self.user_zhejiang, self.lead).activity_schedule(
            "mail.mail_activity_data_call", user_id=self.user_zhejiang.id
        )
        self.lead.message_subscribe(self.user_zhejiang.partner_id.ids)
        self.lead._put_in_pool("recycle")
        self.assertFalse(self.lead.activity_ids)
        self.assertNotIn(self.user_zhejiang.partner_id, self.lead.message_partner_ids)

    def test_details_are_of_each_lead(self):
        other = self._make_lead("Other", user=self.user_zhejiang_2)
        leads = self.lead | other
        details = {lead.id: {"number": number} for number, lead in enumerate(leads)}
        leads._put_in_pool("recycle", cause="test", details=details)
        for lead in leads:
            self.assertEqual(self._read_log(lead, "details"), [(details[lead.id],)])

    # ------------------------------------------------------------------
    # Masked
    # ------------------------------------------------------------------

    def test_entry_is_masked(self):
        self.lead._put_in_pool("release")
        entry = self._entry(self.lead, self.user_zhejiang_2)
        self.assertRecordValues(
            entry,
            [
                {
                    "title": "Tea for 李**, 138****5678",
                    "customer": "杭州****",
                    "contact": "李**",
                    "phone": "+86 138 **** 5678",
                    "email": "l***@tea.example.com",
                }
            ],
        )
        told = str(entry.read())
        for secret in ("李雷", "西湖", "12345678", "1234 5678", "lilei"):
            self.assertNotIn(secret, told)

    def test_lead_of_the_pool_is_closed_to_who_sells(self):
        log = self.env["trade.lead.log"]
        self.lead._put_in_pool("release")
        for user in (self.user_zhejiang, self.user_zhejiang_2, self.user_shanghai):
            self.assertFalse(self._visible(user, self.lead))
            with self.assertRaises(AccessError):
                self._as(user, self.lead).read(["phone"])
            self.assertFalse(self._as(user, log).search([("lead_id", "=", self.lead.id)]))
        for user in (self.user_east, self.user_auditor):
            self.assertEqual(self._visible(user, self.lead), self.lead)

    def test_lead_of_the_pool_is_closed_without_territories_too(self):
        self.env["ir.config_parameter"].set_param("trade_crm.territory_scope", False)
        self.env["trade.territory"]._forget_access()
        self.lead._put_in_pool("release")
        self.assertFalse(self._visible(self.user_zhejiang, self.lead))
        self.assertFalse(
            self._as(self.user_zhejiang, self.env["trade.lead.log"]).search(
                [("lead_id", "=", self.lead.id)]
            )
        )
        self.assertTrue(self._entry(self.lead, self.user_rep).action_claim())

    def test_pool_is_of_the_territory_and_company(self):
        self.lead._put_in_pool("release")
        pool = self.env["trade.lead.pool"]
        for user, seen in (
            (self.user_zhejiang_2, True),
            (self.user_shanghai, False),
            (self.user_beijing, False),
            (self.user_east, True),
            (self.user_north, False),
            (self.user_auditor, True),
        ):
            with self.subTest(user=user.login):
                found = self._as(user, pool).search([("id", "=", self.lead.id)])
                self.assertEqual(bool(found), seen)
        self.lead.company_id = self.company_us
        self.assertFalse(self._as(self.user_zhejiang_2, pool).search([("id", "=", self.lead.id)]))

    def test_lost_and_archived_leads_are_not_in_the_pool(self):
        self.lead._put_in_pool("release")
        self.lead.active = False
        self.assertFalse(self.env["trade.lead.pool"].search([("id", "=", self.lead.id)]))
        self.lead.active = True
        self.assertTrue(self.env["trade.lead.pool"].search([("id", "=", self.lead.id)]))
        self.lead.action_set_lost()
        self.assertFalse(self.env["trade.lead.pool"].search([("id", "=", self.lead.id)]))

    # ------------------------------------------------------------------
    # Claim
    # ------------------------------------------------------------------

    def test_claim(self):
        self.lead._put_in_pool("release")
        action = self._claim(self.lead, self.user_zhejiang_2)
        self.assertEqual(action["params"]["next"]["res_id"], self.lead.id)
        self.assertIn("4 more today", action["params"]["message"])
        self.assertEqual(self.lead.user_id, self.user_zhejiang_2)
        self.assertFalse(self.lead.trade_pooled_at)
        self.assertTrue(self.lead.trade_claimed_at)
        self.assertEqual(self._as(self.user_zhejiang_2, self.lead).phone, "+86 138 1234 5678")
        self.assertEqual(
            self._read_log(self.lead)[-1],
            ("claim", self.env["res.users"], self.user_zhejiang_2),
        )

    def test_second_claim_is_told_that_it_is_late(self):
        self.lead._put_in_pool("release")
        self._claim(self.lead, self.user_zhejiang_2)
        with self.assertRaisesRegex(UserError, "somebody else took it"):
            self._claim(self.lead, self.user_east)

    def test_other_territory_cannot_claim(self):
        self.lead._put_in_pool("release")
        with self.assertRaisesRegex(UserError, "not in the pool"):
            self._claim(self.lead, self.user_beijing)
        self.assertFalse(self.lead.user_id)

    def test_who_gave_it_back_waits(self):
        self._release(self.lead, self.user_zhejiang)
        with self.assertRaisesRegex(UserError, "You had this lead before.*2026-04-07"):
            self._claim(self.lead, self.user_zhejiang)
        self.clock.tick(timedelta(days=7))
        self.env.invalidate_all()
        self._claim(self.lead, self.user_zhejiang)
        self.assertEqual(self.lead.user_id, self.user_zhejiang)

    def test_daily_cap_ends_at_midnight_of_the_company(self):
        self.company_cn.trade_claim_daily_cap = 2
        leads = [self._make_pooled(f"Inquiry {number}") for number in range(4)]
        for lead in leads[:2]:
            self._claim(lead, self.user_zhejiang)
        with self.assertRaisesRegex(UserError, "2 leads today"):
            self._claim(leads[2], self.user_zhejiang)
        # What a colleague claims is counted apart.
        self._claim(leads[2], self.user_zhejiang_2)
        self.clock.move_to("2026-03-31 15:59:00")
        with self.assertRaisesRegex(UserError, "2 leads today"):
            self._claim(leads[3], self.user_zhejiang)
        self.clock.move_to("2026-03-31 16:00:00")
        self._claim(leads[3], self.user_zhejiang)

    def test_total_cap_counts_open_claimed_leads(self):
        self.company_cn.trade_claim_total_cap = 1
        first, second = self._make_pooled("First"), self._make_pooled("Second")
        self._claim(first, self.user_zhejiang)
        with self.assertRaisesRegex(UserError, "You hold 1 leads"):
            self._claim(second, self.user_zhejiang)
        first.action_set_lost()
        self._claim(second, self.user_zhejiang)

    def test_no_caps(self):
        self.company_cn.trade_claim_total_cap = self.company_cn.trade_claim_daily_cap = 0
        action = self._claim(self._make_pooled(), self.user_zhejiang)
        self.assertNotIn("more today", action["params"]["message"])

    def test_lead_that_was_handed_on_is_not_claimed_again(self):
        self.lead._put_in_pool("recycle")
        self._claim(self.lead, self.user_zhejiang_2)
        self._as(self.user_zhejiang_2, self.lead).user_id = self.user_shanghai
        self._release(self.lead, self.user_shanghai)
        self.env.invalidate_all()
        with self.assertRaisesRegex(UserError, "You had this lead before"):
            self._claim(self.lead, self.user_zhejiang_2)

    def test_restored_and_handed_on_leads_count(self):
        self.company_cn.trade_claim_total_cap = 1
        first, second = self._make_pooled("First"), self._make_pooled("Second")
        self._claim(first, self.user_zhejiang)
        mine = self._as(self.user_zhejiang, first)
        mine.action_set_lost()
        self._claim(second, self.user_zhejiang)
        with self.assertRaisesRegex(UserError, "You hold 1 leads"):
            mine.action_unarchive()
        self._as(self.user_zhejiang, second).user_id = self.user_zhejiang_2
        self._as(self.user_zhejiang_2, second).user_id = self.user_zhejiang
        with self.assertRaisesRegex(UserError, "You hold"):
            self._claim(self._make_pooled("Third"), self.user_zhejiang)

    # ------------------------------------------------------------------
    # No way round
    # ------------------------------------------------------------------

    def test_name_of_a_linked_lead_is_masked(self):
        self.env["ir.config_parameter"].set_param("trade_crm.territory_scope", False)
        self.env["trade.territory"]._forget_access()
        event = self.env["calendar.event"].create(
            {
                "name": "Call 李雷",
                "start": "2026-04-01 01:00:00",
                "stop": "2026-04-01 02:00:00",
                "opportunity_id": self.lead.id,
                "user_id": self.user_zhejiang.id,
            }
        )
        order = self._make_order(self.wok, 10.0, confirm=False, opportunity_id=self.lead.id)
        order.user_id = self.user_zhejiang_2
        self.lead._put_in_pool("release")
        self.env.invalidate_all()
        [[_id, name]] = [
            values["opportunity_id"]
            for values in self._as(self.user_zhejiang_2, order).read(["opportunity_id"])
        ]
        self.assertEqual(name, "Tea for 李**, 138****5678")
        self.assertFalse(self._visible(self.user_zhejiang_2, event))
        self.assertTrue(self._visible(self.user_zhejiang, event))
        self.assertEqual(self._as(self.user_manager, self.lead).display_name, self.lead.name)

    def test_who_watched_a_lead_is_told_nothing_more(self):
        watcher = self.user_zhejiang_2.partner_id
        self.lead.message_subscribe((watcher | self.user_east.partner_id).ids)
        self.lead.activity_schedule("mail.mail_activity_data_call", user_id=self.user_zhejiang_2.id)
        self.lead._put_in_pool("recycle")
        self.assertEqual(
            self.lead.message_partner_ids & (watcher | self.user_east.partner_id),
            self.user_east.partner_id,
        )
        self.assertFalse(self.lead.activity_ids)

    def test_leads_without_salesperson_are_not_merged_away(self):
        waiting = self._make_lead("Waits")
        merge = self._as(self.user_zhejiang, self.env["crm.merge.opportunity"])
        with self.assertRaisesRegex(UserError, "no salesperson yet"):
            merge.create(
                {
                    "opportunity_ids": [Command.set((self.lead | waiting).ids)],
                    "user_id": self.user_zhejiang.id,
                }
            ).action_merge()
        self.assertTrue(waiting.exists())

    def test_pool_fields_are_not_written(self):
        for values in ({"trade_pooled_at": fields.Datetime.now()}, {"trade_claimed_at": False}):
            for user in (self.user_zhejiang, self.user_east):
                with self.assertRaisesRegex(AccessError, "buttons only"):
                    self._as(user, self.lead).write(values)

    def test_lead_of_a_colleague_is_not_taken(self):
        lead = self._as(self.user_zhejiang_2, self.lead)
        with self.assertRaisesRegex(UserError, "Ask for it"):
            lead.user_id = self.user_zhejiang_2
        self.company_cn.trade_lead_guard = False
        lead.user_id = self.user_zhejiang_2
        self.assertEqual(self._read_log(self.lead)[-1][0], "hand_over")

    def test_lead_without_salesperson_is_not_taken(self):
        lead = self._make_lead("Waits")
        with self.assertRaisesRegex(UserError, "no salesperson yet"):
            self._as(self.user_zhejiang, lead).user_id = self.user_zhejiang

    def test_own_lead_is_handed_over(self):
        self._as(self.user_zhejiang, self.lead).user_id = self.user_zhejiang_2
        self.assertEqual(
            self._read_log(self.lead)[-1],
            ("hand_over", self.user_zhejiang, self.user_zhejiang_2),
        )

    def test_manager_takes_a_lead_out_of_the_pool(self):
        self.lead._put_in_pool("release")
        self._as(self.user_east, self.lead).user_id = self.user_zhejiang_2
        self.assertFalse(self.lead.trade_pooled_at)
        self.assertFalse(self.lead.trade_claimed_at)

    def test_log_cannot_be_changed(self):
        self._release(self.lead, self.user_zhejiang)
        log = self.lead.trade_log_ids
        for user in (self.user_east, self.env.ref("base.user_admin")):
            for change in (
                lambda logs: logs.write({"note": "Other"}),
                lambda logs: logs.unlink(),
                lambda logs: logs.create({"kind": "claim", "happened_at": "2026-01-01"}),
            ):
                with self.assertRaises(AccessError):
                    change(self._as(user, log))


@tagged("post_install", "-at_install")
class TestLeadRequest(LeadCommon):
    def _ask(self, user, reason="They called me", **target):
        requests = self._as(user, self.env["trade.lead.request"])
        return requests._ask(reason=reason, **target)

    def test_manager_of_the_territory_is_asked(self):
        request = self._ask(self.user_zhejiang_2, lead=self.lead)
        self.assertEqual(request.sudo().activity_ids.user_id, self.user_east)
        self.assertEqual(request.sudo().owner_id, self.user_zhejiang)

    def test_who_asks_is_not_told_whose_it_is(self):
        request = self._ask(self.user_beijing, lead=self.lead, name="Tea in Hangzhou")
        told = str(request.read())
        for secret in ("西湖", "李雷", self.user_zhejiang.name, self.zhejiang.name):
            self.assertNotIn(secret, told)
        with self.assertRaises(AccessError):
            request.read(["lead_id"])
        self.assertEqual(request.name, "Tea in Hangzhou")
        unnamed = self._ask(self.user_beijing, partner=self.wok)
        self.assertEqual(unnamed.name, "A customer of a colleague")

    def test_who_asks_is_not_told_who_decides(self):
        request = self._ask(self.user_beijing, lead=self.lead, name="Tea in Hangzhou")
        manager = self.user_east
        self.assertEqual(request.sudo().activity_ids.user_id, manager)
        for name in ("activity_user_id", "activity_ids", "message_ids", "message_partner_ids"):
            with self.subTest(field=name), self.assertRaises(AccessError):
                request.read([name])
        of_request = [("res_model", "=", request._name), ("res_id", "=", request.id)]
        for model, domain in (
            ("mail.activity", of_request),
            (
                "mail.followers",
                [*of_request, ("partner_id", "!=", self.user_beijing.partner_id.id)],
            ),
            ("mail.message", [("model", "=", request._name), ("res_id", "=", request.id)]),
        ):
            with self.subTest(model=model):
                self.assertFalse(self._as(self.user_beijing, self.env[model]).search(domain))
        decided = self._as(manager, request)
        decided.decision = "They are well looked after"
        decided.action_refuse()
        self.assertEqual(request.state, "refused")
        with self.assertRaises(AccessError):
            request.read(["decided_by_id"])
        told = self._as(self.user_beijing, self.env["mail.message"]).search(
            [("model", "=", request._name), ("res_id", "=", request.id)]
        )
        self.assertEqual(len(told), 1)
        self.assertNotIn(manager.name, str(told.read()))

    def test_manager_is_told_in_own_language(self):
        self.env["res.lang"]._activate_lang("zh_CN")
        self.user_east.lang = "zh_CN"
        request = self._ask(self.user_zhejiang_2, lead=self.lead)
        self.assertNotIn("asks for", request.sudo().activity_ids.summary)

    def test_only_both_sides_see_it(self):
        request = self._ask(self.user_beijing, lead=self.lead)
        for user, seen in (
            (self.user_beijing, True),
            (self.user_east, True),
            (self.user_auditor, True),
            (self.user_north, False),
            (self.user_zhejiang, False),
            (self.user_zhejiang_2, False),
        ):
            with self.subTest(user=user.login):
                self.assertEqual(bool(self._visible(user, request)), seen)

    def test_granted(self):
        request = self._ask(self.user_zhejiang_2, lead=self.lead)
        request = self._as(self.user_east, request)
        with Form(request) as form:
            form.decision = "You know them"
        request.action_grant()
        self.assertEqual(self.lead.user_id, self.user_zhejiang_2)
        self.assertEqual((request.state, request.decided_by_id), ("granted", self.user_east))
        self.assertFalse(request.sudo().activity_ids)
        self.assertEqual(
            self._read_log(self.lead, "kind", "user_id", "from_owner_id", "owner_id", "note")[-1],
            ("grant", self.user_east, self.user_zhejiang, self.user_zhejiang_2, "You know them"),
        )

    def test_granted_to_another_territory(self):
        request = self._ask(self.user_beijing, lead=self.lead)
        self._as(self.user_east, request).action_grant()
        self.assertEqual(self.lead.territory_id, self.north)
        self.assertEqual(self._visible(self.user_beijing, self.lead), self.lead)
        self.assertFalse(self._visible(self.user_zhejiang, self.lead))

    def test_customer_is_granted(self):
        self.wok.user_id = self.user_zhejiang
        request = self._ask(self.user_beijing, partner=self.wok_contact)
        self._as(self.user_east, request).action_grant()
        self.assertEqual(self.wok.user_id, self.user_beijing)
        self.assertEqual((self.wok.territory_id, self.wok_contact.territory_id), (self.north,) * 2)

    def test_refused_with_a_reason(self):
        request = self._as(self.user_east, self._ask(self.user_zhejiang_2, lead=self.lead))
        with self.assertRaisesRegex(UserError, "say why you refuse"):
            request.action_refuse()
        request.decision = "Under negotiation"
        request.action_refuse()
        self.assertEqual(self.lead.user_id, self.user_zhejiang)
        self.assertEqual(self._read_log(self.lead, "kind", "note")[-1][0], "refuse")
        notified = self.env["mail.message"].search(
            [("partner_ids", "in", self.user_zhejiang_2.partner_id.ids)], order="id desc", limit=1
        )
        self.assertIn("Under negotiation", notified.body)

    def test_decided_once(self):
        request = self._as(self.user_east, self._ask(self.user_zhejiang_2, lead=self.lead))
        request.action_grant()
        with self.assertRaisesRegex(UserError, "is closed: Granted"):
            request.action_grant()

    def test_granted_only_where_it_was(self):
        """Nothing is given away that has moved, ended or changed hands since."""

        def lose(lead):
            lead.action_set_lost()

        for change, told in (
            (lambda lead: lead._put_in_pool("release"), "refuse the request"),
            (lose, "refuse the request"),
            (lambda lead: lead.write({"user_id": self.user_shanghai.id}), "refuse the request"),
            (
                lambda lead: lead.write({"territory_id": self.north.id, "user_id": False}),
                "another territory",
            ),
        ):
            lead = self._make_lead("Wanted", user=self.user_zhejiang)
            request = self._as(self.user_east, self._ask(self.user_zhejiang_2, lead=lead))
            change(lead)
            with self.assertRaisesRegex(UserError, told):
                request.action_grant()

    def test_somebody_decides_where_there_is_no_manager(self):
        self.nowhere.user_id = self.user_zhejiang
        self.unassigned.manager_ids = False
        self.user_manager.group_ids += self.env.ref("trade_crm.group_all_territories")
        request = self._ask(self.user_zhejiang_2, partner=self.nowhere)
        self.assertIn(self.user_manager, request.sudo().activity_ids.user_id)
        with self.assertRaisesRegex(UserError, "is no customer"):
            self._ask(self.user_zhejiang_2, partner=self.vendor)

    def test_withdrawn(self):
        request = self._ask(self.user_zhejiang_2, lead=self.lead)
        with self.assertRaises(AccessError):
            self._as(self.user_east, request).action_withdraw()
        request.action_withdraw()
        self.assertEqual(request.state, "withdrawn")
        self._ask(self.user_zhejiang_2, lead=self.lead)

    def test_refusals(self):
        with self.assertRaisesRegex(UserError, "Say why"):
            self._ask(self.user_zhejiang_2, reason=" ", lead=self.lead)
        with self.assertRaisesRegex(UserError, "yours already"):
            self._ask(self.user_zhejiang, lead=self.lead)
        self._ask(self.user_zhejiang_2, lead=self.lead)
        with self.assertRaisesRegex(UserError, "asked for this already"):
            self._ask(self.user_zhejiang_2, lead=self.lead)

    def test_who_sells_decides_nothing(self):
        request = self._ask(self.user_zhejiang_2, lead=self.lead)
        for action in ("action_grant", "action_refuse"):
            with self.assertRaises(AccessError):
                getattr(request, action)()
        with self.assertRaises(AccessError):
            request.write({"decision": "Yes"})
        with self.assertRaises(AccessError):
            self._as(self.user_east, request).write({"state": "granted"})
        with self.assertRaises(AccessError):
            self._as(self.user_east, request).write({"user_id": self.user_east.id})

    def test_manager_does_not_decide_on_an_own_request(self):
        request = self._ask(self.user_east, lead=self.lead)
        with self.assertRaisesRegex(AccessError, "another manager decides"):
            self._as(self.user_east, request).action_grant()

    def test_dialog_needs_a_lead_that_is_seen(self):
        dialog = self._as(self.user_beijing, self.env["trade.lead.ask"])
        with self.assertRaises(AccessError):
            dialog.create({"lead_id": self.lead.id, "reason": "Mine"}).action_ask()
        dialog = self._as(self.user_zhejiang_2, self.env["trade.lead.ask"])
        action = dialog.create({"lead_id": self.lead.id, "reason": "Mine"}).action_ask()
        self.assertEqual(action["res_model"], "trade.lead.request")


@tagged("post_install", "-at_install")
class TestLeadPoolUi(LeadCommon, HttpCase):
    def _start(self, path, tour, user):
        user.password = user.login
        self.start_tour(path, tour, login=user.login)

    def test_claim_and_give_back(self):
        self.lead._put_in_pool("recycle")
        self._start("/odoo/trade-lead-pool", "trade_crm_lead_pool", self.user_zhejiang_2)
        self.assertEqual(
            self._read_log(self.lead, "kind", "user_id", "note")[1:],
            [
                ("claim", self.user_zhejiang_2, False),
                ("release", self.user_zhejiang_2, "Buys from our dealer"),
            ],
        )

    def test_check_and_ask(self):
        self._start(
            "/odoo/action-trade_crm.trade_collision_ask_action",
            "trade_crm_lead_ask",
            self.user_beijing,
        )
        request = self.env["trade.lead.request"].search([("user_id", "=", self.user_beijing.id)])
        self.assertEqual((request.lead_id, request.owner_id), (self.lead, self.user_zhejiang))
        self.assertEqual((request.name, request.state), ("杭州西湖茶叶", "open"))
