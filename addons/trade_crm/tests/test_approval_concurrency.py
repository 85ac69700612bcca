import time
from types import SimpleNamespace
from unittest.mock import patch

import psycopg2

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.service.model import retrying
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from .concurrency_common import CONTEXT, ConcurrencyCase


@tagged("post_install", "-at_install")
class TestApprovalConcurrency(ConcurrencyCase):
    """Two approvers, a seller and the same order at the same moment."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.addClassCleanup(cls._clean_up)
        with cls._open() as env:
            # What a company that tries the addon has of its own.
            cls.others = env["trade.approval.rule"].search([])
            cls.others.active = False
            cls.company_id = env.ref("base.main_company").id
            cls.user_ids = {
                name: new_test_user(
                    env,
                    login=f"{cls.prefix} approval {name}",
                    groups="trade_crm.group_manager,trade_crm.group_all_territories",
                ).id
                for name in ("rep", "ann", "bob")
            }
            product, partner = (
                env["product.product"].create(
                    {"name": f"{cls.prefix} tile", "type": "service", "list_price": 100}
                ),
                env["res.partner"].create({"name": f"{cls.prefix} customer", "is_company": True}),
            )
            cls.product_id, cls.partner_id = product.id, partner.id
            approvers = [cls.user_ids["ann"], cls.user_ids["bob"]]
            cls.rule_id = (
                env["trade.approval.rule"]
                .create(
                    {
                        "name": f"{cls.prefix} discount",
                        "discount_over": 20,
                        # Of this customer only: other tests go on beside this one.
                        "domain": f"[('partner_id', '=', {partner.id})]",
                        "step_ids": [
                            Command.create({"kind": "users", "user_ids": [Command.set(approvers)]})
                        ],
                    }
                )
                .id
            )

    @classmethod
    def _clean_up(cls):
        with cls._open() as env:
            cls.others.with_env(env).active = True
            partner = env["res.partner"].browse(cls.partner_id)
            orders = env["sale.order"].search([("partner_id", "=", partner.id)])
            orders._action_cancel()
            orders.unlink()
            env["trade.approval.rule"].browse(cls.rule_id).unlink()
            env["trade.order.type"].search([("name", "=like", f"{cls.prefix}%")]).unlink()
            env["product.product"].browse(cls.product_id).unlink()
            env.cr.execute("DELETE FROM trade_fact_dirty WHERE partner_id = %s", [partner.id])
            env.cr.execute("DELETE FROM trade_profile_dirty WHERE partner_id = %s", [partner.id])
            env["trade.customer.profile"].search([("partner_id", "=", partner.id)]).unlink()
            partner.unlink()
            users = env["res.users"].browse(cls.user_ids.values())
            partners = users.partner_id
            users.unlink()
            partners.unlink()

    def _as(self, name, env):
        context = {**CONTEXT, "allowed_company_ids": [self.company_id]}
        return env(user=self.user_ids[name], context=context)

    def _serve(self, name, env, action):
        """Run ``action`` as a request does: again when it lost a race, then commit."""
        clock = SimpleNamespace(sleep=lambda _seconds: time.sleep(0.01))
        env = self._as(name, env)
        env.transaction.default_env = env
        with patch("odoo.service.model.time", clock):
            return retrying(lambda: action(env), env)

    def _make_order(self, discount=35, asked=True):
        def make(env):
            line = {"product_id": self.product_id, "product_uom_qty": 10, "discount": discount}
            order = env["sale.order"].create(
                {"partner_id": self.partner_id, "order_line": [Command.create(line)] * 2}
            )
            return order.id, asked and order._ask_approval().id

        with self._open() as env:
            return self._serve("rep", env, make)

    def _read(self, order_id):
        with self._open() as env:
            order = env["sale.order"].browse(order_id)
            return order.state, order.trade_approval_state

    def test_two_approvers_at_once(self):
        order_id, request_id = self._make_order()
        with self._start() as env:
            self._serve_open(env, "ann", request_id)
            other = self._run(lambda env: self._approve("bob", env, request_id))
            self._wait_for_lock()
        with self.assertRaisesRegex(UserError, "closed: Approved"):
            other.get_result()
        self.assertEqual(self._read(order_id), ("draft", "approved"))
        with self._open() as env:
            steps = env["trade.approval.request"].browse(request_id).step_ids
            self.assertEqual(sorted(steps.mapped("state")), ["approved", "skipped"])

    def _serve_open(self, env, name, request_id):
        """Approve in a transaction that stays open."""
        mine = self._as(name, env)
        mine["trade.approval.request"].browse(request_id).action_approve()
        mine.flush_all()

    @mute_logger("odoo.sql_db", "odoo.service.model")
    def _approve(self, name, env, request_id):
        return self._serve(
            name, env, lambda env: env["trade.approval.request"].browse(request_id).action_approve()
        )

    def test_edit_while_it_is_approved(self):
        """Who approves at the moment of an edit has approved what was asked for, and no more."""
        order_id, request_id = self._make_order()
        with self._start() as env:
            self._serve_open(env, "ann", request_id)

            def edit(env):
                def action(env):
                    env["sale.order"].browse(order_id).order_line[0].discount = 80

                self._serve("rep", env, action)

            with mute_logger("odoo.sql_db", "odoo.service.model"):
                other = self._run(edit)
                time.sleep(0.5)
        with mute_logger("odoo.sql_db", "odoo.service.model"):
            other.get_result()
        self.assertEqual(self._read(order_id), ("draft", "void"))
        with self._open() as env, self.assertRaisesRegex(UserError, "Approval void"):
            env["sale.order"].browse(order_id).action_confirm()

    def test_edit_while_it_is_confirmed(self):
        """The total stays, so that nothing but our guard makes the second one wait."""
        order_id, request_id = self._make_order()
        with self._open() as env:
            self._approve("ann", env, request_id)
        with self._start() as env:
            order = self._as("rep", env)["sale.order"].browse(order_id)
            order.action_confirm()
            order.env.flush_all()

            def edit(env):
                def action(env):
                    one, two = env["sale.order"].browse(order_id).order_line
                    one.discount, two.discount = 10, 60

                self._serve("rep", env, action)

            other = self._run(edit)
            self._wait_for_lock()
        with (
            mute_logger("odoo.sql_db", "odoo.service.model"),
            self.assertRaisesRegex(UserError, "order is confirmed"),
        ):
            other.get_result()
        with self._open() as env:
            lines = env["sale.order"].browse(order_id).order_line
            self.assertEqual(lines.mapped("discount"), [35, 35])
        self.assertEqual(self._read(order_id), ("sale", "approved"))

    def test_asked_twice_at_once(self):
        order_id, _none = self._make_order(asked=False)
        with self._start() as env:
            mine = self._as("rep", env)
            mine["sale.order"].browse(order_id)._ask_approval()
            mine.flush_all()

            def ask(env):
                return self._serve(
                    "bob", env, lambda env: env["sale.order"].browse(order_id)._ask_approval().id
                )

            other = self._run(ask)
            self._wait_for_lock()
        with (
            mute_logger("odoo.sql_db", "odoo.service.model"),
            self.assertRaisesRegex(UserError, "Waiting for"),
        ):
            other.get_result()
        with self._open() as env:
            self.assertEqual(len(env["sale.order"].browse(order_id).trade_approval_request_ids), 1)

    def test_killed_in_the_middle(self):
        order_id, request_id = self._make_order()
        with self.assertRaises(psycopg2.Error), mute_logger("odoo.sql_db"), self._start() as env:
            self._serve_open(env, "ann", request_id)
            self._kill(env.cr)
            env.cr.execute("SELECT 1")
        self.assertEqual(self._read(order_id), ("draft", "pending"))
        with self._open() as env:
            self._approve("ann", env, request_id)
        self.assertEqual(self._read(order_id), ("draft", "approved"))

    def test_numbers_of_orders_made_at_once(self):
        for gapless in (False, True):
            with self.subTest(gapless=gapless):
                with self._open() as env:
                    order_type = env["trade.order.type"].create(
                        {
                            "name": f"{self.prefix} {gapless}",
                            "number_prefix": f"CC{'G' if gapless else 'S'}/",
                            "number_gapless": gapless,
                        }
                    )

                def make(env, order_type=order_type):
                    orders = env["sale.order"].create(
                        [
                            {
                                "partner_id": self.partner_id,
                                "trade_order_type_id": order_type.id,
                            }
                        ]
                        * 3
                    )
                    return orders.mapped("name")

                with mute_logger("odoo.sql_db", "odoo.service.model"):
                    workers = [
                        self._run(lambda env, make=make: self._serve("rep", env, make))
                        for _number in range(3)
                    ]
                    names = [name for worker in workers for name in worker.get_result()]
                self.assertEqual(len(set(names)), 9)
                self.assertTrue(all(name.startswith("CC") for name in names))
