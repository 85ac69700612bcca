from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.fields import Command

from .common import TradeCrmCommon


class CreditCommon(TradeCrmCommon):
    """Company China checks credit: customers may owe 1,000.00 unless a test says otherwise.

    ::

        product_service  10.00, invoiced when ordered, no tax
        product_goods    10.00, stored, invoiced when delivered, no tax; 1,000 in stock
        term_prepaid     paid in advance
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company_cn.write(
            {
                "trade_credit_control": True,
                "trade_credit_kind": "amount",
                "trade_credit_amount": 1000.0,
            }
        )
        cls.product_goods = cls.env["product.product"].create(
            {
                "name": "Rice",
                "type": "consu",
                "is_storable": True,
                "invoice_policy": "delivery",
                "list_price": 10.0,
                "taxes_id": [Command.clear()],
            }
        )
        cls.warehouse = cls.env["stock.warehouse"].search(
            [("company_id", "=", cls.company_cn.id)], limit=1
        )
        cls.env["stock.quant"]._update_available_quantity(
            cls.product_goods, cls.warehouse.lot_stock_id, 1000
        )
        cls.term_prepaid = cls.env["account.payment.term"].create(
            {"name": "In advance", "trade_prepaid": True}
        )
        cls.bank = cls.env["account.journal"].search(
            [("type", "=", "bank"), ("company_id", "=", cls.company_cn.id)], limit=1
        )
        cls.accounts = cls.env["trade.credit.account"]
        cls.provider = cls.env["payment.provider"].create(
            {"name": "Pay", "company_id": cls.company_cn.id, "state": "test"}
        )
        cls.method = cls.env["payment.method"].with_context(active_test=False).search([], limit=1)

        def create_payment(tx, **values):
            tx.payment_id = cls._pay(tx.amount, tx.partner_id)
            return tx.payment_id

        # The provider of the test has no account of its own.
        cls.startClassPatcher(
            patch.object(type(cls.env["payment.transaction"]), "_create_payment", create_payment)
        )

    @classmethod
    def _quote(cls, amount=100.0, partner=None, **values):
        """Quotation of one service of ``amount``."""
        return cls._make_order(partner or cls.customer, amount, confirm=False, **values)

    @classmethod
    def _make_account(cls, partner=None, **values):
        return cls.accounts.create(
            {
                "partner_id": (partner or cls.customer).id,
                "company_id": cls.company_cn.id,
                **values,
            }
        )

    @classmethod
    def _set_limit(cls, amount, partner=None):
        account = cls.accounts.search(
            [
                ("partner_id", "=", (partner or cls.customer).id),
                ("company_id", "=", cls.company_cn.id),
            ]
        ) or cls._make_account(partner)
        account.write({"limit_kind": "amount" if amount else "none", "limit_amount": amount})
        return account

    def _get_standing(self, partner=None, company=None):
        partner = partner or self.customer
        standings = self.accounts._read_standings(company or self.company_cn, {partner.id})
        return standings[partner.id]

    def _get_exposure(self, partner=None, company=None):
        return self._get_standing(partner, company).exposure

    @classmethod
    def _pay(cls, amount, partner=None, day="2026-03-20"):
        """A payment that is posted and matched with nothing."""
        payment = (
            cls.env["account.payment"]
            .with_company(cls.company_cn)
            .create(
                {
                    "payment_type": "inbound",
                    "partner_type": "customer",
                    "partner_id": (partner or cls.customer).id,
                    "amount": amount,
                    "date": day,
                    "journal_id": cls.bank.id,
                    "company_id": cls.company_cn.id,
                }
            )
        )
        payment.action_post()
        return payment

    @classmethod
    def _make_tx(cls, order, amount=None, state="done"):
        return cls.env["payment.transaction"].create(
            {
                "provider_id": cls.provider.id,
                "payment_method_id": cls.method.id,
                "partner_id": order.partner_id.id,
                "reference": f"tx-{order.id}-{cls.env['payment.transaction'].search_count([])}",
                "amount": amount or order.amount_total,
                "currency_id": order.currency_id.id,
                "state": state,
                "sale_order_ids": [Command.set(order.ids)],
            }
        )

    def _make_deposit(self, order, amount):
        wizard = (
            self.env["sale.advance.payment.inv"]
            .with_context(active_ids=order.ids, active_model="sale.order")
            .create(
                {
                    "advance_payment_method": "fixed",
                    "fixed_amount": amount,
                    "sale_order_ids": [Command.set(order.ids)],
                }
            )
        )
        return wizard._create_invoices(order)

    def _end_request(self):
        """What a request does at its end."""
        self.env.cr.flush()

    def assertRefused(self, text, action):
        with self.assertRaisesRegex(UserError, text), self.env.cr.savepoint():
            action()
            self._end_request()
        self.env.cr.precommit.clear()
        self.env.invalidate_all(flush=False)

    def assertConfirms(self, order):
        order.action_confirm()
        self._end_request()
        self.assertEqual(order.state, "sale")

    def _deliver(self, order, quantity=None):
        picking = order.picking_ids.filtered(
            lambda picking: picking.state not in ("done", "cancel")
        )
        picking.action_assign()
        for move in picking.move_ids:
            move.quantity = move.product_uom_qty if quantity is None else quantity
            move.picked = True
        picking.with_context(skip_backorder=True).button_validate()
        return picking

    @classmethod
    def _order_goods(cls, quantity=10, partner=None, confirm=True, **values):
        line = {
            "product_id": cls.product_goods.id,
            "product_uom_qty": quantity,
            "price_unit": 10.0,
        }
        return cls._make_order(partner or cls.customer, [line], confirm=confirm, **values)
