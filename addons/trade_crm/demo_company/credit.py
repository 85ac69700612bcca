"""Credit of the demo company: limits, an order that waits for a decision, a promise, held stock."""

from datetime import timedelta

USUAL_LIMIT = 50_000.0


def load_credit(demo):
    """Switch the credit check on; some quotations are beyond the limit of their customer."""
    company = demo.env.company
    company.write(
        {
            "trade_credit_control": True,
            "trade_credit_kind": "amount",
            "trade_credit_amount": USUAL_LIMIT,
            "trade_credit_overdue": True,
            "trade_credit_overdue_days": 45,
        }
    )
    quotations = demo.env["sale.order"].search(
        [("state", "in", ("draft", "sent")), ("amount_total", ">", 0)], order="id", limit=3
    )
    accounts = _load_limits(demo, quotations)
    _load_temporary(demo, accounts[:1])
    for quotation in quotations[1:2]:
        rep = quotation.user_id or demo.reps[0]
        demo.env["trade.credit.request"].with_user(rep)._ask(
            quotation.with_user(rep), "Steady customer, pays on the 10th of each month"
        )
    _load_promise(demo, quotations[2:3].partner_id.commercial_partner_id)
    _load_hold(demo)


def _load_limits(demo, quotations):
    """Limits that leave half of a quotation uncovered."""
    accounts = demo.env["trade.credit.account"]
    company = demo.env.company
    for quotation in quotations:
        customer = quotation.partner_invoice_id.commercial_partner_id
        exposure = accounts._read_standings(company, {customer.id})[customer.id].exposure
        limit = max(exposure, 0.0) + quotation.amount_total / quotation.currency_rate / 2
        accounts |= accounts.create(
            {
                "partner_id": customer.id,
                "company_id": company.id,
                "limit_kind": "amount",
                "limit_amount": company.currency_id.round(limit),
            }
        )
    return accounts


def _load_temporary(demo, account):
    if account:
        demo.env["trade.credit.temporary"].create(
            {
                "account_id": account.id,
                "amount": 3 * account.limit_amount,
                "date_from": demo.today,
                "date_to": demo.today + timedelta(days=30),
                "reason": "Festival season",
            }
        )


def _load_promise(demo, customer):
    if customer:
        demo.env["trade.credit.promise"].create(
            {
                "partner_id": customer.id,
                "amount": 2000.0,
                "date_made": demo.today,
                "date_promised": demo.today + timedelta(days=7),
                "note": "Ms. Li, by phone",
            }
        )


def _load_hold(demo):
    company = demo.env.company
    product = demo.env["product.product"].search([("is_storable", "=", True)], order="id", limit=1)
    warehouse = demo.env["stock.warehouse"].search([("company_id", "=", company.id)], limit=1)
    tiers = demo.env["trade.tier"].search(
        [("company_id", "=", company.id), ("policy_id.active", "=", True)]
    )
    core = tiers.filtered("min_revenue").sorted("min_revenue")[-1:]
    if product and core:
        demo.env["trade.supply.hold"].create(
            {
                "name": "Festival season",
                "company_id": company.id,
                "product_id": product.id,
                "warehouse_id": warehouse.id,
                "tier_ids": core.ids,
                "quantity": 20.0,
                "date_from": demo.today,
                "date_to": demo.today + timedelta(days=30),
            }
        )
