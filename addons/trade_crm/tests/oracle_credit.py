"""Exposure once more, without SQL: from the records, document by document."""

from odoo.tools import float_round


def get_exposure(customer, company):
    """What ``customer`` owes ``company``, in its currency."""
    env = customer.env
    addresses = env["res.partner"].with_context(active_test=False).search([])
    addresses = addresses.filtered(lambda address: address.commercial_partner_id == customer)
    lines = env["account.move.line"].search(
        [
            ("company_id", "=", company.id),
            ("partner_id", "in", addresses.ids),
            ("account_id.account_type", "=", "asset_receivable"),
            ("parent_state", "=", "posted"),
        ]
    )
    owed = sum(line.balance - _get_matched(line) for line in lines)
    orders = env["sale.order"].search(
        [("company_id", "=", company.id), ("partner_invoice_id", "in", addresses.ids)]
    )
    owed += sum(get_open_amount(order) for order in orders)
    return float_round(owed, precision_rounding=company.currency_id.rounding)


def _get_matched(line):
    return sum(line.matched_credit_ids.mapped("amount")) - sum(
        line.matched_debit_ids.mapped("amount")
    )


def get_open_amount(order):
    """What is left to invoice: ordered and not given up, less what posted invoices say."""
    if order.state not in ("sale", "cancel"):
        return 0.0
    pickings = order.picking_ids
    over = pickings and all(picking.state in ("done", "cancel") for picking in pickings)
    if over and all(picking.state == "cancel" for picking in pickings):
        over = False
    if order.state == "cancel" and not over:
        return 0.0
    total = 0.0
    for line in order.order_line.filtered(lambda line: not line.display_type):
        invoiced = [
            (item, -1 if item.move_id.move_type == "out_refund" else 1)
            for item in line.invoice_lines
            if item.move_id.state == "posted"
        ]
        if line.is_downpayment:
            rates = [
                sign * item.price_total / item.move_id.invoice_currency_rate
                for item, sign in invoiced
            ]
            total -= sum(rates)
            continue
        goods = line.product_id.type == "consu"
        wanted = line.product_uom_qty
        if order.state == "cancel" or (over and goods):
            wanted = line.qty_delivered
        billed = sum(sign * item.quantity for item, sign in invoiced)
        price = line.price_total / line.product_uom_qty
        total += max(wanted - billed, 0) * price / order.currency_rate
    return max(total, 0.0)
