from collections import defaultdict
from typing import NamedTuple

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import SQL

# What a decision about an order rests on. Amounts stand for its lines: they are computed and
# reach the database below write(), whatever changed them.
ORDER_FIELDS = {
    "amount_total",
    "amount_untaxed",
    "company_id",
    "currency_id",
    "partner_id",
    "partner_invoice_id",
    "payment_term_id",
}
# Lines may change and leave the total as it was: one raised, another lowered.
LINE_FIELDS = {
    "discount",
    "order_id",
    "price_unit",
    "product_id",
    "product_uom_id",
    "product_uom_qty",
    "tax_ids",
}
# What is computed is not for anybody to write, though the ORM would let them: decisions rest on it.
COMPUTED_FIELDS = {
    "sale.order": {
        "amount_tax",
        "amount_total",
        "amount_untaxed",
        "currency_rate",
        "delivery_status",
        "invoice_status",
    },
    "sale.order.line": {
        "invoice_status",
        "price_subtotal",
        "price_tax",
        "price_total",
        "qty_invoiced",
        "qty_to_invoice",
        "state",
    },
}
WAITING = "trade_crm.gate"
BASIS = "trade_crm.gate.basis"


class Refusal(NamedTuple):
    """Why an order may not be confirmed, or changed after it was.

    :param kind: who refuses, ``"credit"`` or ``"approval"``
    :param text: for the staff: what is wrong and what helps
    :param public_text: for the customer, who learns neither limits nor rules
    :param payable: whether a payment of the customer helps
    """

    kind: str
    text: str
    public_text: str
    payable: bool = False


def without_computed(records, vals_list):
    """Leave out of values, and of defaults in the context, what only Odoo itself computes.

    :return: ``(records, vals_list)``, as they are for the superuser
    """
    if records.env.su:
        return records, vals_list
    computed = COMPUTED_FIELDS[records._name]
    if any(not computed.isdisjoint(vals) for vals in vals_list):
        vals_list = [
            {name: value for name, value in vals.items() if name not in computed}
            for vals in vals_list
        ]
    defaults = {
        f"default_{name}"
        for names in COMPUTED_FIELDS.values()
        for name in names
        # Creating a confirmed order is asked about as one.
        if name != "state"
    }
    if not defaults.isdisjoint(records.env.context):
        context = {key: v for key, v in records.env.context.items() if key not in defaults}
        # pylint: disable-next=context-overridden
        records = records.with_context(context)
    return records, vals_list


class SaleOrder(models.Model):
    """One gate for every way in which an order becomes confirmed, and changes afterwards.

    It stands in create and write, below each button, portal, payment, import and wizard, and it only
    refuses: nothing is asked for or released here, because a refusal rolls back.
    """

    _inherit = "sale.order"

    def _get_gate_refusals(self, before):
        """Who refuses these orders as they are now.

        To be extended. Runs for whoever confirms: a seller, the public user of the portal, a payment.

        :param before: amounts that orders confirmed earlier had, in their currency and before what
            changed in this transaction: ``{order id: amount_total}``; 0 when another customer
            pays now, in another currency or by other terms. Orders that are not in it are about
            to be confirmed, or have just been.
        :return: ``{order: [Refusal]}``, orders that nobody refuses left out
        """
        return {}

    def _lock_for_gate(self):
        """Have who decides at the same time about what these orders share wait, or start again.

        To be extended by an UPDATE of the shared row. Called before ``_get_gate_refusals`` by what
        confirms, and not by what only asks.
        """

    def _check_gate(self, before=None):
        """:raise UserError: with every reason of every order that is refused"""
        self._lock_for_gate()
        refusals = self._get_gate_refusals(before or {})
        if not refusals:
            return
        single = len(self) == 1
        # Customers confirm as well, by signing and paying.
        text = "public_text" if self.env.user.share else "text"
        lines = [
            getattr(refusal, text)
            if single
            else self.env._(
                "%(order)s: %(reason)s", order=order.name, reason=getattr(refusal, text)
            )
            for order, reasons in refusals.items()
            for refusal in reasons
        ]
        raise UserError("\n".join(lines))

    @api.model_create_multi
    def create(self, vals_list):
        orders, vals_list = without_computed(self, vals_list)
        orders = super(SaleOrder, orders).create(vals_list)
        if confirmed := orders.filtered(lambda order: order.state == "sale"):
            confirmed._check_gate()
        return orders

    def write(self, vals):
        [vals] = without_computed(self, [vals])[1]
        confirmed = self.browse()
        if vals.get("state") == "sale":
            confirmed = self.filtered(lambda order: order.state != "sale")
        result = super().write(vals)
        if confirmed:
            confirmed._check_gate()
        return result

    def _write_multi(self, vals_list):
        changed = [
            order_id
            for order_id, vals in zip(self._ids, vals_list, strict=True)
            if not ORDER_FIELDS.isdisjoint(vals)
        ]
        before = self._get_confirmed_amounts(changed)
        result = super()._write_multi(vals_list)
        self.browse(before)._check_gate_later(before)
        return result

    @api.model
    def _get_confirmed_amounts(self, order_ids):
        """Amounts in the database of those that are confirmed there: ``{order id: amount}``."""
        if not order_ids:
            return {}
        # Straight from the table, because the cache has the new values already.
        query = SQL(
            "SELECT id, amount_total, partner_invoice_id, currency_id, payment_term_id, company_id"
            " FROM sale_order WHERE id IN %s AND state = 'sale'",
            tuple(order_ids),
        )
        self.env.cr.execute(query)
        return self._remember_basis(self.env.cr.fetchall())

    @api.model
    def _remember_basis(self, rows):
        """Keep who was to pay how until the transaction ends: ``{order id: amount}`` of ``rows``."""
        known = self.env.cr.precommit.data.setdefault(BASIS, {})
        amounts = {}
        for order_id, amount, *basis in rows:
            # There is none yet while an order is created.
            amounts[order_id] = amount or 0.0
            known.setdefault(order_id, tuple(basis))
        return amounts

    def _has_basis(self, basis):
        """Whether the same customer pays the same company, in the same currency and by the same terms.

        :param basis: ids of invoice address, currency, payment terms and company
        """
        self.ensure_one()
        payer, *rest = basis
        customer = self.partner_invoice_id.browse(payer).commercial_partner_id
        return customer == self.partner_invoice_id.commercial_partner_id and rest == [
            self.currency_id.id,
            self.payment_term_id.id or None,
            self.company_id.id,
        ]

    def _check_gate_later(self, before):
        """Check confirmed orders when the transaction ends, with all of their lines changed.

        In the middle of a change a line may be there twice, or not yet. The first amounts count:
        those with which the orders were let through.
        """
        if not before:
            return
        waiting = self.env.cr.precommit.data.setdefault(WAITING, {})
        if not waiting:
            self.env.cr.precommit.add(self.browse()._check_changed_orders)
        for order_id, amount in before.items():
            waiting.setdefault(order_id, (amount, self.env.uid))

    @api.model
    def _check_changed_orders(self):
        waiting = self.env.cr.precommit.data.pop(WAITING, {})
        bases = self.env.cr.precommit.data.pop(BASIS, {})
        by_user = defaultdict(dict)
        for order_id, (amount, user_id) in waiting.items():
            by_user[user_id][order_id] = amount
        for user_id, before in by_user.items():
            # Whoever changed it may not be allowed to read what it is compared with.
            orders = self.with_user(user_id).sudo().browse(before).exists()
            confirmed = orders.filtered(lambda order: order.state == "sale")
            confirmed._check_gate(
                {
                    order.id: before[order.id] if order._has_basis(bases[order.id]) else 0.0
                    for order in confirmed
                }
            )


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"

    @api.model_create_multi
    def create(self, vals_list):
        before = self.env["sale.order"]._get_confirmed_amounts(
            {vals["order_id"] for vals in vals_list if vals.get("order_id")}
        )
        lines, vals_list = without_computed(self, vals_list)
        lines = super(SaleOrderLine, lines).create(vals_list)
        lines.order_id._check_gate_later(before)
        return lines

    def write(self, vals):
        [vals] = without_computed(self, [vals])[1]
        return super().write(vals)

    def _write_multi(self, vals_list):
        changed = [
            line_id
            for line_id, vals in zip(self._ids, vals_list, strict=True)
            if not LINE_FIELDS.isdisjoint(vals)
        ]
        before = self.browse(changed)._get_amounts_of_orders()
        # A line for nothing changes no amount of the order that it is moved to.
        targets = {vals["order_id"] for vals in vals_list if vals.get("order_id")}
        before |= self.env["sale.order"]._get_confirmed_amounts(targets)
        result = super()._write_multi(vals_list)
        self.env["sale.order"]._check_gate_later(before)
        return result

    def unlink(self):
        before = self._get_amounts_of_orders()
        result = super().unlink()
        self.env["sale.order"]._check_gate_later(before)
        return result

    def _get_amounts_of_orders(self):
        """Amounts of the confirmed orders of these lines: ``{order id: amount}``."""
        if not self:
            return {}
        query = SQL(
            "SELECT DISTINCT sale_order.id, amount_total, partner_invoice_id, sale_order.currency_id,"
            " payment_term_id, sale_order.company_id FROM sale_order_line JOIN sale_order ON sale_order.id = sale_order_line.order_id"
            " WHERE sale_order_line.id IN %s AND sale_order.state = 'sale'",
            self._ids,
        )
        self.env.cr.execute(query)
        return self.env["sale.order"]._remember_basis(self.env.cr.fetchall())
