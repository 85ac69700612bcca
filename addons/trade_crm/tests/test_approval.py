from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from .approval_common import ApprovalCommon


@tagged("post_install", "-at_install")
class TestApproval(ApprovalCommon):
    """Discounts over 20 % need the manager of the territory."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rule = cls.make_rule(discount_over=20)
        cls.env.flush_all()

    def assert_refused(self, action, text="Ask for approval"):
        with self.assertRaisesRegex(UserError, text), self.env.cr.savepoint():
            action()
            self._commit()
        self.env.cr.precommit.clear()

    # ------------------------------------------------------------------
    # Ask and decide
    # ------------------------------------------------------------------

    def test_small_discount_needs_nothing(self):
        order = self.make_order(20)
        self.assertFalse(order.trade_approval_needed)
        with self.assertRaisesRegex(UserError, "needs no approval"):
            order.action_ask_approval()
        order.action_confirm()
        self.assertEqual(order.state, "sale")

    def test_ask_approve_confirm(self):
        order = self.make_order(35)
        self.assertTrue(order.trade_approval_needed)
        self.assert_refused(order.action_confirm, "discount 35 % is over 20 %: press Ask for appr")
        request = self.ask(order)
        self.assertEqual(order.trade_approval_state, "pending")
        self.assertEqual(request.step_ids.approver_id, self.boss)
        self.assertEqual(request.activity_ids.user_id, self.boss)
        self.assert_refused(order.action_confirm, "Waiting for the approval of Boss")
        with self.assertRaisesRegex(UserError, "Waiting"):
            order.action_ask_approval()
        self.approve(request, self.boss)
        self.assertFalse(request.activity_ids)
        self.assertEqual(order.trade_approval_state, "approved")
        order.action_confirm()
        self.assertEqual(order.state, "sale")

    def test_customers_do_not_read_why(self):
        order = self.make_order(35)
        portal = new_test_user(self.env, "approval.portal", groups="base.group_portal")
        portal.partner_id.parent_id = order.partner_id.commercial_partner_id
        order.state = "sent"
        self.env.flush_all()
        [values] = (
            order.with_user(portal)
            .with_context(allowed_company_ids=order.company_id.ids)
            .read(["name", "trade_approval_info", "trade_approval_needed"])
        )
        self.assertEqual(values["name"], order.name)
        self.assertFalse(values["trade_approval_info"] or values["trade_approval_needed"])

    def test_asker_and_approver_are_told(self):
        request = self.ask(self.make_order(35))
        told = (
            request.message_ids.notified_partner_ids
            | self.env["mail.message"]
            .search([("model", "=", "trade.approval.request"), ("res_id", "=", request.id)])
            .partner_ids
        )
        self.assertIn(self.boss.partner_id, told)
        self.approve(request, self.boss)
        [message] = self.env["mail.message"].search(
            [
                ("model", "=", "sale.order"),
                ("res_id", "=", request.order_id.id),
                ("message_type", "=", "user_notification"),
            ],
            limit=1,
        )
        self.assertEqual(message.partner_ids, self.user_rep.partner_id)
        self.assertIn("Approved", message.subject)

    def test_refuse_with_a_reason(self):
        order = self.make_order(35)
        request = self.ask(order)
        with self.assertRaisesRegex(UserError, "Say why"):
            self.refuse(request, self.boss, note=" ")
        self.refuse(request, self.boss)
        self.assertEqual(order.trade_approval_state, "refused")
        self.assert_refused(order.action_confirm, "Refused by Boss: Too cheap")
        with self.assertRaisesRegex(UserError, "closed: Refused"):
            self.approve(request, self.boss)
        self.assertEqual(self.ask(order).state, "pending")

    def test_withdraw(self):
        request = self.ask(self.make_order(35))
        with self.assertRaises(AccessError):
            self._as(self.boss, request).action_withdraw()
        self._as(self.user_rep, request).action_withdraw()
        self.assertEqual(request.state, "withdrawn")
        self.assertEqual(request.step_ids.mapped("state"), ["skipped"])

    def test_cancel_and_copy(self):
        order = self.approved_order()
        copy = order.copy()
        self.assertFalse(copy.trade_approval_request_id or copy.trade_approval_state)
        self.assert_refused(copy.action_confirm)
        request = self.ask(copy)
        copy._action_cancel()
        self.assertEqual(request.state, "withdrawn")

    def test_both_lists(self):
        request = self.ask(self.make_order(35))
        requests = self.env["trade.approval.request"]
        for user, expected in (
            (self.boss, request),
            (self.ceo, requests),
            (self.user_rep, requests),
        ):
            with self.subTest(user=user.name):
                mine = self._as(user, requests).search([("can_decide", "=", True)])
                self.assertEqual(mine.sudo(False).ids, expected.ids)
        self.assertIn("Tile", request.content_html)
        self.assertIn("35 %", request.content_html)

    # ------------------------------------------------------------------
    # Who approves
    # ------------------------------------------------------------------

    def test_never_ones_own(self):
        order = self.make_order(35, user=self.boss, user_id=self.boss.id)
        request = self.ask(order)
        self.assertNotIn(self.boss, request.step_ids.approver_id)
        self.assertIn(self.ceo, request.step_ids.approver_id)
        with self.assertRaisesRegex(AccessError, "is your own"):
            self.approve(request, self.boss)

    def test_colleague_asks_for_the_seller(self):
        """A seller who approves does not approve his order that somebody else asked for."""
        order = self.make_order(35, user=self.ceo, user_id=self.boss.id)
        request = self.ask(order)
        self.assertNotIn(self.boss, request.step_ids.approver_id)

    def test_only_approver_asks(self):
        self.rule.step_ids.write({"kind": "users", "user_ids": [Command.set(self.boss.ids)]})
        order = self.make_order(35, user=self.boss, user_id=self.boss.id)
        with self.assertRaisesRegex(UserError, "Nobody may approve"), self.env.cr.savepoint():
            self.ask(order)
        self.rule.allow_self = True
        request = self.ask(order)
        self.approve(request, self.boss)
        order.action_confirm()
        self.assertEqual(order.state, "sale")

    def test_stranger_does_not_decide(self):
        request = self.ask(self.make_order(35))
        with self.assertRaisesRegex(AccessError, "waits for Boss"):
            self.approve(request, self.ceo)
        with self.assertRaises(AccessError):
            self.approve(request, self.user_outsider)

    def test_in_sequence(self):
        self.rule.step_ids.unlink()
        self.rule.step_ids = [
            Command.create({"kind": "territory", "sequence": 1}),
            Command.create(
                {"kind": "users", "user_ids": [Command.set(self.ceo.ids)], "sequence": 2}
            ),
        ]
        order = self.make_order(35)
        request = self.ask(order)
        self.assertEqual(request.waiting_for, "Boss")
        with self.assertRaisesRegex(AccessError, "waits for Boss"):
            self.approve(request, self.ceo)
        self.approve(request, self.boss)
        self.assertEqual(request.state, "pending")
        self.assertEqual(request.activity_ids.user_id, self.ceo)
        self.approve(request, self.ceo)
        self.assertEqual(request.state, "approved")

    def test_in_parallel_and_all(self):
        self.rule.step_ids.unlink()
        both = Command.set((self.ceo | self.cfo).ids)
        self.rule.write(
            {
                "mode": "parallel",
                "step_ids": [
                    Command.create({"kind": "territory"}),
                    Command.create({"kind": "users", "user_ids": [both], "quorum": "all"}),
                ],
            }
        )
        request = self.ask(self.make_order(35))
        for user in (self.cfo, self.boss):
            self.approve(request, user)
            self.assertEqual(request.state, "pending")
        self.approve(request, self.ceo)
        self.assertEqual(request.state, "approved")

    def test_one_of_them_is_enough(self):
        both = Command.set((self.ceo | self.cfo).ids)
        self.rule.step_ids.write({"kind": "users", "user_ids": [both]})
        request = self.ask(self.make_order(35))
        self.approve(request, self.cfo)
        self.assertEqual(request.state, "approved")
        self.assertEqual(sorted(request.step_ids.mapped("state")), ["approved", "skipped"])
        with self.assertRaisesRegex(UserError, "closed: Approved"):
            self.approve(request, self.ceo)

    def test_group(self):
        self.rule.step_ids.write(
            {"kind": "group", "group_id": self.env.ref("trade_crm.group_auditor").id}
        )
        request = self.ask(self.make_order(35))
        self.assertIn(self.user_auditor, request.step_ids.approver_id)
        self.approve(request, self.user_auditor)
        self.assertEqual(request.state, "approved")

    def test_stand_in(self):
        delegates = self._as(self.boss, self.env["trade.approval.delegate"])
        away = delegates.create(
            {"delegate_id": self.cfo.id, "date_from": "2026-03-30", "date_to": "2026-03-31"}
        )
        request = self.ask(self.make_order(35))
        self.assertEqual(request.activity_ids.user_id, self.boss | self.cfo)
        mine = self._as(self.cfo, request).search([("can_decide", "=", True)])
        self.assertEqual(mine.ids, request.ids)
        self.clock.move_to("2026-04-01 04:00:00")
        self.env.invalidate_all()
        with self.assertRaises(AccessError):
            self.approve(request, self.cfo)
        self.clock.move_to("2026-03-31 04:00:00")
        self.env.invalidate_all()
        self.approve(request, self.cfo)
        self.assertEqual(request.step_ids.decided_name, "Cfo for Boss")
        with self.assertRaises(ValidationError):
            away.delegate_id = self.boss

    def test_nobody_makes_himself_a_stand_in(self):
        delegates = self._as(self.user_rep, self.env["trade.approval.delegate"])
        with self.assertRaises(AccessError):
            delegates.create(
                {
                    "user_id": self.boss.id,
                    "delegate_id": self.user_rep.id,
                    "date_to": "2026-12-31",
                }
            )

    def test_stand_in_who_asks(self):
        """Who stands in for the approver does not approve his own."""
        self._as(self.boss, self.env["trade.approval.delegate"]).create(
            {"delegate_id": self.user_rep.id, "date_to": "2026-12-31"}
        )
        request = self.ask(self.make_order(35))
        with self.assertRaisesRegex(AccessError, "is your own"):
            self.approve(request, self.user_rep)

    def test_approver_of_another_territory(self):
        """Who is asked reads the request with its numbers, and not the order."""
        self.env["ir.config_parameter"].set_param("trade_crm.territory_scope", "1")
        stranger = self._make_user("rep", "approval_stranger")
        self.rule.step_ids.write({"kind": "users", "user_ids": [Command.set(stranger.ids)]})
        order = self.make_order(35)
        request = self.ask(order)
        self.assertFalse(self._as(stranger, order).has_access("read"))
        seen = self._as(stranger, request).read(["content_html", "amount_total", "partner_id"])
        self.assertIn("Tile", seen[0]["content_html"])
        self.approve(request, stranger)
        self.assertEqual(request.state, "approved")
        other = self._make_user("rep", "approval_other")
        self.assertFalse(self._as(other, request).has_access("read"))

    # ------------------------------------------------------------------
    # Rules
    # ------------------------------------------------------------------

    def test_new_rule_asks_anew(self):
        order = self.approved_order()
        other = self.make_rule(self.ceo, name="Any amount", amount_over=1)
        self.assert_refused(order.action_confirm, "the amount .* is over")
        request = self.ask(order)
        self.assertEqual(request._get_rule_ids(), {self.rule.id, other.id})

    def test_rule_archived_while_pending(self):
        order = self.make_order(35)
        request = self.ask(order)
        self.rule.active = False
        order.action_confirm()
        self.assertEqual((order.state, request.state), ("sale", "pending"))

    def test_rule_edited_while_pending(self):
        """Steps go on as they were asked for; the limit counts as it is when confirmed."""
        order = self.make_order(35)
        request = self.ask(order)
        self.rule.step_ids.write({"kind": "users", "user_ids": [Command.set(self.ceo.ids)]})
        self.rule.discount_over = 10
        self.approve(request, self.boss)
        order.action_confirm()
        self.assertEqual(order.state, "sale")

    def test_validity_company_and_conditions(self):
        order = self.make_order(35)
        for values in (
            {"date_to": "2026-03-30"},
            {"date_from": "2026-04-01"},
            {"company_id": self.company_us.id},
            {"domain": "[('client_order_ref', '=', 'x')]"},
            {"order_type_ids": [Command.create({"name": "Other"})]},
            {"tier_ids": [Command.set(self._get_tier("Core").ids)]},
            {"customer_type_ids": [Command.create({"name": "Other"})]},
            {"amount_over": 650},
        ):
            with self.subTest(values=values):
                rule = self.rule.copy({"date_from": False, "date_to": False, **values})
                self.rule.active = False
                self.assertFalse(order._get_needed_rules())
                self.rule.active = True
                rule.active = False

    def test_amount_margin_terms(self):
        self.rule.active = False
        term = self.env["account.payment.term"].create(
            {
                "name": "90 days",
                "line_ids": [
                    Command.create({"value": "percent", "value_amount": 100, "nb_days": 90})
                ],
            }
        )
        order = self.make_order(payment_term_id=term.id)
        rule = self.make_rule(
            amount_over=999,
            by_margin=True,
            margin_below=41,
            by_payment_days=True,
            payment_days_over=60,
            territory_ids=[Command.set(self.territory.ids)],
        )
        [reason] = order._get_needed_rules()[order].values()
        for text in ("Approval land", "is over", "after 90 days is later than 60", "margin"):
            self.assertIn(text, reason)
        self.assertNotIn("40", reason.split("margin")[1])
        rule.margin_below = 40
        self.assertFalse(order._get_needed_rules())

    def test_amount_is_compared_in_the_currency_of_the_company(self):
        self.rule.active = False
        self.make_rule(amount_over=200)
        pricelist = self._get_pricelist(self.company_cn, self.eur)
        order = self.make_order(pricelist_id=pricelist.id, quantity=1)
        order.order_line.price_unit = 30
        self.assertFalse(order._get_needed_rules())
        # 0.16 EUR for a unit: 40 EUR are 250.
        order.order_line.price_unit = 40
        self.assertTrue(order._get_needed_rules())

    def test_bad_rules(self):
        with self.assertRaisesRegex(ValidationError, "say who approves"):
            self.rule.step_ids = [Command.clear()]
        with self.assertRaisesRegex(ValidationError, "cannot be used"):
            self.rule.domain = "[('nothing', '=', 1)]"
        with self.assertRaises(AccessError):
            self._as(self.user_rep, self.rule).active = False

    def test_rule_without_approvers_lets_nothing_pass(self):
        order = self.make_order(35)
        self.rule.step_ids.unlink()
        with self.assertRaisesRegex(UserError, "Nobody may approve"):
            self.ask(order)

    def test_trail_is_printed(self):
        order = self.approved_order()
        reports = self._as(self.user_rep, self.env["ir.actions.report"])
        html, _kind = reports._render_qweb_html("trade_crm.report_approval_trail", order.ids)
        for text in (b"Boss", b"They buy again", b"35 %"):
            self.assertIn(text, html)

    # ------------------------------------------------------------------
    # Cost
    # ------------------------------------------------------------------

    def test_queries(self):
        """Rules cost a confirmation nothing until there are some, and little then."""

        def count(order):
            self._commit()
            self.env.invalidate_all()
            start = self.env.cr.sql_log_count
            order.action_confirm()
            return self.env.cr.sql_log_count - start

        orders = [self.make_order(number) for number in (10, 10, 35, 35, 35, 35)]
        self.rule.write({"discount_over": 0, "amount_over": 700})
        for order in orders[-2:]:
            order.order_line.discount = 0
            self.approve(self.ask(order), self.boss)
        self.rule.active = False
        count(orders[0])
        without = count(orders[1])
        self.rule.active = True
        count(orders[2])
        looked_at = count(orders[3])
        count(orders[4])
        approved = count(orders[5])
        # The taxes of the lines, and with an approval the request.
        self.assertLessEqual(looked_at - without, 2)
        self.assertLessEqual(approved - without, 4)
