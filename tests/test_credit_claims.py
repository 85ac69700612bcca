"""Many orders of one customer are confirmed at once, on two servers, beside payments and credit notes."""

import json
import os
import random
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from own_database import SUITE, Client, OwnDatabase

from odoo.tests import tagged

ROUNDS = 25 if os.environ.get("TRADE_CRM_SOAK") else 1
REPS = 10
ORDERS = 40
AMOUNT = 100
ROOM = 10
CREDITS = 4  # payments and credit notes, each for one more order
PASSWORD = "credit-of-the-test"
CHART = """
company = env.ref("base.main_company")
if not company.chart_template:
    env["account.chart.template"].try_loading("generic_coa", company, install_demo=False)
    env.cr.commit()
"""
PREPARE = f"""
from odoo.fields import Command
env["trade.territory.fill"]._cron_fill()
company = env.ref("base.main_company")
company.write({{
    "trade_credit_control": True, "trade_credit_kind": "amount",
    "trade_credit_amount": {ROOM * AMOUNT},
}})
env["product.product"].create({{
    "name": "Freight of the test", "type": "service", "list_price": {AMOUNT},
    "invoice_policy": "order", "taxes_id": [Command.clear()],
}})
for number in range({REPS}):
    env["res.users"].create({{
        "name": f"Rep {{number}}", "login": f"rep{{number}}", "password": {PASSWORD!r},
        "group_ids": [Command.set(env.ref("trade_crm.group_rep").ids)],
    }})
env["res.users"].create({{
    "name": "Accountant", "login": "accountant", "password": {PASSWORD!r},
    "group_ids": [Command.set(
        (env.ref("account.group_account_manager") | env.ref("trade_crm.group_all_territories")).ids
    )],
}})
env.cr.commit()
"""
# A new customer for each round, with orders of all reps, and drafts of what gives room.
FILL = f"""
import json
from odoo.fields import Command
partner = env["res.partner"].create({{"name": "Many orders", "is_company": True}})
product = env["product.product"].search([("name", "=", "Freight of the test")])
reps = env["res.users"].search([("login", "=like", "rep%")])
orders = env["sale.order"].create([{{
    "partner_id": partner.id, "user_id": reps[number % len(reps)].id,
    "order_line": [Command.create({{"product_id": product.id, "tax_ids": [Command.clear()]}})],
}} for number in range({ORDERS})])
journal = env["account.journal"].search([("type", "=", "bank")], limit=1)
payments = env["account.payment"].create([{{
    "payment_type": "inbound", "partner_type": "customer", "partner_id": partner.id,
    "amount": {AMOUNT}, "journal_id": journal.id,
}} for number in range({CREDITS // 2})])
notes = env["account.move"].create([{{
    "move_type": "out_refund", "partner_id": partner.id, "invoice_date": "2026-01-01",
    "invoice_line_ids": [Command.create({{
        "name": "Bonus", "price_unit": {AMOUNT}, "tax_ids": [Command.clear()],
    }})],
}} for number in range({CREDITS - CREDITS // 2})])
env.cr.commit()
print(json.dumps([partner.id, orders.ids, payments.ids, notes.ids]))
"""


@tagged("post_install", "-at_install")
class TestCreditClaims(OwnDatabase):
    template = SUITE

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._shell(CHART)
        cls._shell(PREPARE)
        folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        urls = [
            cls.enterClassContext(
                cls._serve(
                    Path(folder, f"server{number}.log"),
                    "--workers=0",
                    "--log-level=warn",
                    "--log-handler=odoo.http:ERROR",
                    "--log-handler=odoo.sql_db:CRITICAL",
                    "--db_maxconn=64",
                )
            )
            for number in range(2)
        ]
        cls.clients = [
            [Client(url, cls.name, f"rep{number}", PASSWORD) for url in urls]
            for number in range(REPS)
        ]
        cls.accountants = [Client(url, cls.name, "accountant", PASSWORD) for url in urls]
        cls.pool = cls.enterClassContext(ThreadPoolExecutor(ORDERS + CREDITS))

    def _confirm(self, rng, order):
        # Ids follow each other: the position says whose the order is.
        client = rng.choice(self.clients[(order - self.first) % REPS])
        return client.press("sale.order", "action_confirm", order)

    def _count_confirmed(self, orders):
        ids = ", ".join(map(str, orders))
        rows = self._read(
            f"SELECT count(*), sum(amount_total) FROM sale_order WHERE state = 'sale' AND id IN ({ids})"
        )
        self.assertEqual(rows[0][1] or 0, rows[0][0] * AMOUNT)
        return rows[0][0]

    def _confirm_all(self, rng, orders, *beside):
        """Confirm all at once while ``beside`` happens; return refusals by order."""
        wishes = rng.sample(orders, len(orders))
        others = [self.pool.submit(action) for action in beside]
        refusals = self.pool.map(lambda order: (order, self._confirm(rng, order)), wishes)
        refusals = {order: text for order, text in refusals if text}
        for other in others:
            self.assertIsNone(other.result(), "what gives credit is never refused")
        return refusals

    def test_confirmations_at_once(self):
        for number in range(ROUNDS):
            with self.subTest(round=number):
                self._run_round(random.Random(number))

    def _run_round(self, rng):
        _partner, orders, payments, notes = json.loads(self._shell(FILL).splitlines()[-1])
        self.first = orders[0]
        started = time.monotonic()
        refusals = self._confirm_all(rng, orders)
        seconds = time.monotonic() - started
        confirmed = self._count_confirmed(orders)
        self.assertEqual(confirmed, ORDERS - len(refusals), "who was told so is confirmed")
        self.assertLessEqual(confirmed, ROOM)
        busy = sum("try again" in text for text in refusals.values())
        print(f"  {confirmed} confirmed, {busy} to try again, {seconds:.1f} s")
        # Who lost presses again, until there is no more room; nobody is stuck.
        started = time.monotonic()
        refusals = self._press_again(rng, orders, refusals, ROOM)
        print(f"  pressed again {time.monotonic() - started:.1f}")
        actions = [
            *(
                (self.accountants[n % 2], "account.payment", "action_post", p)
                for n, p in enumerate(payments)
            ),
            *(
                (self.accountants[n % 2], "account.move", "action_post", m)
                for n, m in enumerate(notes)
            ),
        ]
        left = [order for order in orders if order in refusals]
        refusals = self._confirm_all(
            rng, left, *(lambda action=action: Client.press(*action) for action in actions)
        )
        print(f"  beside payments {time.monotonic() - started:.1f} s")
        self.assertLessEqual(self._count_confirmed(orders), ROOM + CREDITS)
        self._press_again(rng, orders, refusals, ROOM + CREDITS)

    def _press_again(self, rng, orders, refusals, room):
        left = dict(refusals)
        for order in refusals:
            if text := self._confirm(rng, order):
                self.assertIn("would owe", text)
            else:
                del left[order]
        self.assertEqual(self._count_confirmed(orders), room)
        return left
