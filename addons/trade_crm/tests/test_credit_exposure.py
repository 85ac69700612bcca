import os

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odoo.fields import Command
from odoo.tests import tagged

from . import oracle_credit
from .credit_common import CreditCommon

EXAMPLES = 200 if os.environ.get("TRADE_CRM_SOAK") else 6
STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "order", "order", "deliver", "deliver part", "give up", "invoice", "draft", "deposit",
                "refund", "draft refund", "pay", "cancel", "return", "lower",
            ]
        ),
        st.integers(0, 2),
        st.integers(1, 12),
    ),
    min_size=3,
    max_size=12,
)  # fmt: skip


@tagged("post_install", "-at_install")
class TestCreditExposure(CreditCommon):
    """Exposure against an independent computation."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company_cn.trade_credit_kind = "unlimited"
        cls.taxes = {}
        for company in (cls.company_cn, cls.company_us):
            cls.taxes[company] = [
                cls.env["account.tax"]
                .with_company(company)
                .create(
                    {
                        "name": f"Tax {include}",
                        "amount": 10.0,
                        "price_include_override": include,
                        "company_id": company.id,
                    }
                )
                for include in ("tax_included", "tax_excluded")
            ]
        warehouse = cls.env["stock.warehouse"].search(
            [("company_id", "=", cls.company_us.id)], limit=1
        )
        cls.env["stock.quant"]._update_available_quantity(
            cls.product_goods, warehouse.lot_stock_id, 1000
        )
        cls.accounts._lock(cls.company_us, cls.customer.ids)

    def _check(self):
        for company in (self.company_cn, self.company_us):
            self.assertAlmostEqual(
                self._get_exposure(company=company),
                oracle_credit.get_exposure(self.customer, company),
                delta=0.05,
                msg=company.name,
            )

    # ------------------------------------------------------------------
    # By hand
    # ------------------------------------------------------------------

    def test_figures(self):
        """Ordered 100, deposit of 30, all delivered, invoiced, half of it paid."""
        order = self._order_goods(10)
        self.assertEqual(self._get_exposure(), 100)
        deposit = self._make_deposit(order, 30.0)
        self.assertEqual(self._get_exposure(), 100, "a draft is not owed")
        deposit.action_post()
        standing = self._get_standing()
        self.assertEqual((standing.receivable, standing.open_orders), (30, 70))
        self._pay(30.0)
        self.assertEqual(self._get_exposure(), 70)
        self._deliver(order)
        invoice = order._create_invoices(final=True)
        self.assertEqual(self._get_exposure(), 70)
        invoice.action_post()
        standing = self._get_standing()
        self.assertEqual((standing.receivable, standing.open_orders), (40 + 30, 0))

    def test_given_up_and_cancelled(self):
        order = self._order_goods(10)
        self._deliver(order, 4)
        self.assertEqual(self._get_exposure(), 100)
        order._action_cancel()
        self.assertEqual(self._get_exposure(), 40, "what has gone is owed")
        self.assertEqual(
            self._get_exposure(), oracle_credit.get_exposure(self.customer, self.company_cn)
        )

    def test_no_order_lowers_what_is_owed_for_others(self):
        """A discount that is left of an invoiced order, and a deposit of more than is left."""
        self._order_goods(10)
        lines = [{"price_unit": 50.0}, {"price_unit": -20.0}]
        order = self._make_order(self.customer, lines)
        self.assertEqual(self._get_exposure(), 100 + 30)
        self._make_deposit(order, 30.0).action_post()
        order.order_line[0].qty_delivered = 1
        invoice = order._create_invoices()
        invoice.invoice_line_ids.filtered(lambda line: line.price_unit < 0).unlink()
        invoice.action_post()
        standing = self._get_standing()
        self.assertEqual(standing.open_orders, 100)
        report = self.env["trade.credit.report"]
        rows = report.search([("order_id", "=", order.id), ("kind", "=", "order")])
        self.assertEqual(sum(rows.mapped("exposure")), 0)

    # ------------------------------------------------------------------
    # At random
    # ------------------------------------------------------------------

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=not os.environ.get("TRADE_CRM_SOAK"),
        suppress_health_check=list(HealthCheck),
    )
    @given(steps=STEPS)
    def test_random_histories(self, steps):
        savepoint = self.env.cr.savepoint()
        self.orders = self.env["sale.order"]
        try:
            for kind, choice, number in steps:
                self._take(kind, choice, number)
            self._check()
        finally:
            self.env.flush_all()
            savepoint.rollback()
            self.env.invalidate_all(flush=False)

    def _take(self, kind, choice, number):
        if kind == "order":
            self.orders |= self._make_random_order(choice, number)
        elif kind == "pay":
            self._pay(float(number))
        elif self.orders:
            order = self.orders[number % len(self.orders)]
            getattr(self, f"_step_{kind.replace(' ', '_')}")(order, number)

    def _make_random_order(self, choice, number):
        company = self.company_us if number % 3 == 0 else self.company_cn
        currency = (self.cny, self.usd, self.eur)[choice]
        if currency != company.currency_id and currency != self.eur:
            currency = company.currency_id
        tax = self.taxes[company][number % 2]
        lines = [
            {
                "product_id": self.product_goods.id,
                "product_uom_qty": number,
                "price_unit": 10.5,
                "discount": 10.0 * choice,
                "tax_ids": [Command.set(tax.ids)],
            },
            {"price_unit": 7.77 * number, "tax_ids": [Command.set(tax.ids)]},
        ]
        if choice:  # a discount on its own line, which may be left when the rest is invoiced
            lines.append({"price_unit": -2.5 * choice, "tax_ids": [Command.set(tax.ids)]})
        partner = self.contact if number % 2 else self.customer
        return self._make_order(partner, lines, company=company, currency=currency)

    def _step_deliver(self, order, _number):
        if order.state == "sale" and self._get_open_pickings(order):
            self._deliver(order)

    def _step_deliver_part(self, order, number):
        if order.state == "sale" and self._get_open_pickings(order) and number > 1:
            self._deliver(order, 1)

    def _step_give_up(self, order, _number):
        self._get_open_pickings(order).action_cancel()

    def _get_open_pickings(self, order):
        return order.picking_ids.filtered(
            lambda picking: (
                picking.state not in ("done", "cancel") and picking.picking_type_code == "outgoing"
            )
        )

    def _step_invoice(self, order, number):
        self._step_draft(order, number).action_post()

    def _step_draft(self, order, _number):
        if order.invoice_status != "to invoice":
            return self.env["account.move"]
        invoice = order._create_invoices(final=True)
        invoice.invoice_date = "2026-03-15"
        return invoice

    def _step_deposit(self, order, number):
        if order.state == "sale" and order.amount_total > number:
            invoice = self._make_deposit(order, float(number))
            if number % 2:
                invoice.action_post()

    def _step_refund(self, order, _number, post=True):
        invoices = order.invoice_ids.filtered(
            lambda move: (
                move.state == "posted"
                and move.move_type == "out_invoice"
                and not move.reversal_move_ids
            )
        )
        if invoices:
            self._refund(invoices[0], post=post)

    def _step_draft_refund(self, order, number):
        self._step_refund(order, number, post=False)

    def _step_cancel(self, order, _number):
        if order.state == "sale":
            order._action_cancel()

    def _step_return(self, order, _number):
        done = order.picking_ids.filtered(
            lambda picking: picking.state == "done" and picking.picking_type_code == "outgoing"
        )
        if not done or order.picking_ids.filtered(lambda p: p.picking_type_code == "incoming"):
            return
        wizard = (
            self.env["stock.return.picking"]
            .with_context(active_id=done[0].id, active_model="stock.picking")
            .create({})
        )
        for line in wizard.product_return_moves:
            line.quantity = line.move_quantity
        back = self.env["stock.picking"].browse(wizard.action_create_returns()["res_id"])
        for move in back.move_ids:
            move.write({"quantity": move.product_uom_qty, "picked": True})
        back.button_validate()

    def _step_lower(self, order, _number):
        line = order.order_line.filtered(lambda line: line.product_id == self.product_service)[:1]
        if order.state == "sale" and line and not line.qty_invoiced:
            line.price_unit /= 2
