import os
from contextlib import contextmanager
from datetime import timedelta
from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg2 import IntegrityError

from odoo import fields
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from . import oracle, oracle_fact
from .common import NOW, TradeCrmCommon

SOAK = bool(os.environ.get("TRADE_CRM_SOAK"))
AMOUNTS = (0.0, 0.01, 33.33, 100.0, 1234.56, 99999.99, 500000.0)
QUANTITIES = (0.0, 1.0, 2.5, 12.0)
DISCOUNTS = (0.0, 0.0, 10.0, 33.3)
NUMBER = st.integers(0, 999)


class World:
    """Customers, orders, invoices and purchases to which random things happen.

    An action takes three numbers and picks from what there is with them, so that every list of
    steps can be played. What Odoo refuses is undone and does not count.
    """

    def __init__(self, case):
        self.case = case
        self.env = case.env
        self.partners = case.partners
        self.merged = self.env["res.partner"]
        self.orders = self.env["sale.order"]
        self.moves = self.env["account.move"]
        self.history = self.env["trade.order.history"]

    @classmethod
    def get_actions(cls):
        """Names of the actions; what others need to work on comes more often."""
        names = sorted(name for name in vars(cls) if name.startswith("do_"))
        return names + 6 * ["do_order"] + 3 * ["do_invoice", "do_refund"] + 2 * ["do_history"]

    def play(self, name, *numbers):
        """One step, which is a transaction of its own."""
        try:
            with self.env.cr.savepoint():
                getattr(self, name)(*numbers)
        except (UserError, IntegrityError):
            self.env.invalidate_all()
        self.case._commit()
        for records in ("partners", "merged", "orders", "moves", "history"):
            setattr(self, records, getattr(self, records).exists())

    # Picking

    def _pick(self, records, number):
        return records[number % len(records)] if records else records

    def _pick_company(self, number):
        return self._pick(self.case.company_cn | self.case.company_us, number)

    def _pick_day(self, number):
        """A day of the past 14 months, with many on the same days."""
        return fields.Date.today() - timedelta(days=number % 30 * 14)

    def _pick_order(self, number, *states):
        return self._pick(self.orders.filtered(lambda order: order.state in states), number)

    def _pick_move(self, number, *states, move_type=None):
        return self._pick(
            self.moves.filtered(
                lambda move: move.state in states and move_type in (None, move.move_type)
            ),
            number,
        )

    def _prepare_line(self, number):
        return {
            "price_unit": self._pick(AMOUNTS, number),
            "product_uom_qty": self._pick(QUANTITIES, number // 7) or 1.0,
            "discount": self._pick(DISCOUNTS, number // 5),
            "product_uom_id": (self.case.uom_dozen if number % 4 == 0 else self.case.uom_unit).id,
        }

    # Orders

    def do_order(self, a, b, c):
        company = self._pick_company(b)
        self.orders |= self.case._make_order(
            self._pick(self.partners, a),
            [self._prepare_line(c + number) for number in range(1 + b % 3)],
            str(self._pick_day(a + c)),
            company=company,
            currency=self.case.eur if b % 5 == 0 else None,
            confirm=c % 4 > 0,
        )

    def do_confirm(self, a, b, c):
        self._pick_order(a, "draft", "sent").action_confirm()

    def do_cancel_order(self, a, b, c):
        self._pick_order(a, "draft", "sent", "sale")._action_cancel()

    def do_reopen_order(self, a, b, c):
        self._pick_order(a, "cancel").action_draft()

    def do_delete_order(self, a, b, c):
        self._pick_order(a, "draft", "cancel").unlink()

    def do_change_date(self, a, b, c):
        day = fields.Datetime.to_datetime(self._pick_day(b)) + timedelta(hours=c % 24)
        self._pick(self.orders, a).date_order = day

    def do_change_customer(self, a, b, c):
        self._pick(self.orders, a).partner_id = self._pick(self.partners, b)

    def do_change_currency(self, a, b, c):
        order = self._pick_order(a, "draft")
        if order:
            currency = self._pick(self.case.eur | order.company_id.currency_id, b)
            order.pricelist_id = self.case._get_pricelist(order.company_id, currency)

    def do_change_line(self, a, b, c):
        line = self._pick(self.orders.order_line, a)
        name = ("price_unit", "product_uom_qty", "discount", "product_uom_id")[b % 4]
        line.write({name: self._prepare_line(c)[name]})

    def do_change_cost(self, a, b, c):
        """Margins of two lines that outweigh each other."""
        lines = self._pick(self.orders, a).order_line
        lines[:1].purchase_price += self._pick(AMOUNTS, b)
        lines[1:2].purchase_price -= self._pick(AMOUNTS, b)

    def do_empty_line(self, a, b, c):
        self._pick(self.orders.order_line, a).product_uom_qty = 0.0

    def do_add_line(self, a, b, c):
        values = self._prepare_line(b) | {"product_id": self.case.product_service.id}
        if c % 4 == 0:
            values["price_unit"] *= -1
        self._pick(self.orders, a).order_line = [Command.create(values)]

    def do_delete_line(self, a, b, c):
        self._pick(self.orders.order_line, a).unlink()

    # Invoices and refunds

    def do_invoice(self, a, b, c):
        order = self._pick_order(a, "sale")
        if order and order.invoice_status == "to invoice":
            invoice = order._create_invoices()
            invoice.invoice_date = self._pick_day(b)
            if c % 3 == 0:
                for line in invoice.invoice_line_ids:
                    line.quantity /= 2
            invoice.action_post()
            self.moves |= invoice

    def do_refund(self, a, b, c):
        invoice = self._pick_move(a, "posted", move_type="out_invoice")
        if invoice:
            refund = self.case._refund(invoice, str(self._pick_day(b)), post=False)
            if c % 3 == 0:
                for line in refund.invoice_line_ids:
                    line.quantity /= 2
            if c % 5 == 0:
                line = {"name": "Goodwill", "price_unit": self._pick(AMOUNTS, b), "tax_ids": False}
                refund.invoice_line_ids = [Command.create(line)]
            refund.action_post()
            self.moves |= refund

    def do_replace_invoice(self, a, b, c):
        invoice = self._pick_move(a, "posted", move_type="out_invoice")
        if invoice:
            replacement = self.case._replace_invoice(invoice, str(self._pick_day(b)))
            self.moves |= replacement | invoice.reversal_move_ids

    def do_free_move(self, a, b, c):
        self.moves |= self.case._make_move(
            self._pick(self.partners, a),
            self._pick(AMOUNTS, b),
            ("out_invoice", "out_refund")[c % 2],
            str(self._pick_day(b)),
            self._pick_company(c // 2),
        )

    def do_reset_move(self, a, b, c):
        self._pick_move(a, "posted").button_draft()

    def do_post_move(self, a, b, c):
        move = self._pick_move(a, "draft")
        if move:
            move.invoice_date = self._pick_day(b)
            move.action_post()

    def do_cancel_move(self, a, b, c):
        self._pick_move(a, "draft").button_cancel()

    def do_delete_move(self, a, b, c):
        self._pick_move(a, "draft", "cancel").with_context(force_delete=True).unlink()

    def do_delete_posted_move(self, a, b, c):
        self._pick_move(a, "posted").with_context(force_delete=True).unlink()

    # Partners

    def do_add_partner(self, a, b, c):
        self.partners |= self.partners.create(
            {"name": f"Partner {a}", "is_company": b % 2, "customer_rank": c % 2}
        )

    def do_change_parent(self, a, b, c):
        parent = self._pick(self.partners, b)
        partner = self._pick(self.partners, a)
        partner.parent_id = parent if c % 3 and parent != partner else False

    def do_change_kind(self, a, b, c):
        partner = self._pick(self.partners, a)
        partner.is_company = not partner.is_company

    def do_change_rank(self, a, b, c):
        self._pick(self.partners, a).customer_rank = b % 2

    def do_change_company(self, a, b, c):
        self._pick(self.partners, a).company_id = self._pick_company(b) if c % 2 else False

    def do_archive(self, a, b, c):
        partner = self._pick(self.partners, a)
        partner.active = not partner.active

    def do_merge(self, a, b, c):
        destination, source = self._pick(self.partners, a), self._pick(self.partners, b)
        if destination != source:
            self.merged |= destination
            self.case._merge(destination, source)

    def do_delete_partner(self, a, b, c):
        partner = self._pick(self.partners, a)
        used = self.orders.partner_id | self.moves.partner_id | self.history.partner_id
        if len(self.partners) > 3 and not (partner | partner.child_ids) & used:
            partner.unlink()

    # Purchases before Odoo

    def do_history(self, a, b, c):
        self.history |= self.case._make_history(
            self._pick(self.partners, a),
            self._pick(AMOUNTS, b),
            self._pick_day(c),
            self._pick_company(b // 7),
            external_id=f"{len(self.history)}-{a}-{b}-{c}",
            quantity=self._pick(QUANTITIES, c),
            margin=self._pick(AMOUNTS, c),
        )

    def do_change_history(self, a, b, c):
        values = (
            {"amount": self._pick(AMOUNTS, c)},
            {"date": self._pick_day(c)},
            {"partner_id": self._pick(self.partners, c).id},
            {"line_ids": [Command.create({"quantity": 2, "price_unit": c, "discount": c % 2})]},
            {"line_ids": [Command.clear()]},
        )[b % 5]
        self._pick(self.history, a).write(values)

    def do_delete_history(self, a, b, c):
        self._pick(self.history, a).unlink()

    # Time

    def do_let_time_pass(self, a, b, c):
        self.case.clock.tick(timedelta(days=1 + a % 100, hours=b % 24))

    def do_run_job(self, a, b, c):
        self.case._run_job()


@tagged("post_install", "-at_install")
class TestProfileIncremental(TradeCrmCommon):
    """Whatever happens, what the queue makes of it is what a rebuild of everything makes."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        shop = cls._make_customer("Corner Shop", customer_rank=1)
        market = cls._make_customer("Market Hall")
        cls.partners = (
            cls.customer
            | cls.contact
            | shop
            | market
            | cls._make_contact("Mr. Lin", shop)
            | cls.env["res.partner"].create({"name": "Walk-in"})
        )
        cls.env.flush_all()

    @contextmanager
    def _undone(self):
        """Undo what happens within."""
        savepoint = self.env.cr.savepoint()
        try:
            yield
        finally:
            savepoint.close(rollback=True)
            self.env.invalidate_all(flush=False)
            self.registry.clear_all_caches()
            self.clock.move_to(NOW)

    def _read_rows(self, table="trade_customer_profile"):
        model = self.env[table.replace("_", ".")]
        names = [
            field.name for field in model._fields.values() if field.store and field.column_type
        ]
        return oracle.read_table(self.env.cr, table, names).to_dict("records")

    def _check(self, world):
        self._run_job()
        self.assertFalse(self.env["trade.profile.dirty"].search([("partner_id", "!=", 0)]))
        refreshed = self._read_rows()
        self._check_tier_history(world.merged)
        self._check_facts()

        profiles = self.env["trade.customer.profile"]
        profiles._rebuild_companies()
        self.assertEqual(self._read_rows(), refreshed)

        expected = oracle.compute_profiles(oracle.read_tables(self.env.cr))
        found = oracle.read_profiles(self.env.cr)
        self.assertEqual(oracle.describe_differences(expected, found), "")

        self.env.cr.execute("DELETE FROM trade_customer_profile")
        profiles._rebuild_companies()
        self.assertTrue(oracle.read_profiles(self.env.cr).equals(found))

    def _check_facts(self):
        """What the job has added up is what the raw tables say, and what a rebuild finds."""
        self._run_fact_job()
        self.assertFalse(self.env["trade.fact.dirty"].search([]))
        expected = oracle_fact.compute_facts(self.env.cr)
        self.assertEqual(oracle_fact.read_facts(self.env.cr), expected)
        self.env.cr.execute("DELETE FROM trade_sales_fact")
        self.env["trade.sales.fact"]._rebuild_all()
        self.assertEqual(oracle_fact.read_facts(self.env.cr), expected)

    def _check_tier_history(self, merged):
        """Each change starts from the tier of the one before, and the last one leads to today's."""
        profiles = self.env["trade.customer.profile"].search([])
        changes = self.env["trade.tier.history"].search([], order="id")
        by_key = changes.grouped(lambda change: (change.partner_id, change.company_id))
        for profile in profiles:
            if profile.partner_id in merged:
                continue  # its history is that of two customers
            changes = by_key[profile.partner_id, profile.company_id]
            self.assertEqual(changes[-1].tier_id, profile.tier_id)
            for before, after in pairwise(changes):
                # A partner that was no customer for a while starts anew.
                self.assertIn(after.previous_tier_id.id, (before.tier_id.id, False))
                self.assertNotEqual(after.previous_tier_id, after.tier_id)

    def _play(self, steps):
        with self._undone():
            world = World(self)
            for step in steps:
                world.play(*step)
            self._check(world)

    @settings(
        max_examples=400 if SOAK else 12,
        deadline=None,
        derandomize=not SOAK,
        database=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    @given(
        st.lists(
            st.tuples(st.sampled_from(World.get_actions()), NUMBER, NUMBER, NUMBER),
            min_size=20,
            max_size=80 if SOAK else 50,
        )
    )
    @mute_logger("odoo.addons.base.partner.merge")
    def test_queue_equals_rebuild(self, steps):
        self._play(steps)
