"""Rows about credit: one check, and the exposure of all customers."""

import statistics
import time

from odoo.tools import SQL

from . import databases
from .harness import clock, measure_in_turn, row

ORDERS = 5000


@row("credit_check")
def credit_check(bench):
    """One check, of a usual customer and of one with 5,000 open orders."""
    with databases.environment(bench.work) as env:
        company = env["res.company"].search([], order="id", limit=1)
        _switch_on(env, company)
        orders = env["sale.order"].search(
            [("company_id", "=", company.id), ("state", "=", "sale")], order="id desc", limit=30
        )
        figures = [_check(env, order) for order in orders]
        _report_check(bench, "credit_check", figures[5:])
        _open_orders(env, company, orders[0].partner_invoice_id)
        _report_check(
            bench, "credit_check_5000", [_check(env, orders[0]) for _turn in range(10)][2:]
        )
        env.cr.rollback()


def _report_check(bench, name, figures):
    seconds, queries = zip(*figures, strict=True)
    bench.report(name, 1000 * statistics.median(seconds), unit="ms")
    bench.report(f"{name}_queries", max(queries), unit="queries", most=5)


def _check(env, order):
    """Check a confirmed order as if it were about to be; return seconds and number of queries."""
    env.flush_all()
    env.invalidate_all()
    order.mapped("partner_invoice_id.commercial_partner_id")
    order.company_id.mapped("trade_credit_control")
    order.mapped("payment_term_id.trade_prepaid")
    order.mapped("currency_rate")
    before, started = env.cr.sql_log_count, time.perf_counter()
    order._check_gate({order.id: 0.0})
    return time.perf_counter() - started, env.cr.sql_log_count - before


def _switch_on(env, company):
    """Nobody is over the limit, and everything is read."""
    company.write(
        {
            "trade_credit_control": True,
            "trade_credit_kind": "amount",
            "trade_credit_amount": 10.0**12,
        }
    )


def _open_orders(env, company, customer):
    """Have ``customer`` pay for 5,000 orders that are not invoiced."""
    env.cr.execute(
        "UPDATE sale_order SET partner_id = %s, partner_invoice_id = %s, invoice_status = 'to invoice'"
        " WHERE id IN (SELECT id FROM sale_order WHERE company_id = %s AND state = 'sale'"
        " ORDER BY id LIMIT %s)",
        [customer.id, customer.id, company.id, ORDERS],
    )
    env.invalidate_all()


@row("credit_report")
def credit_report(bench):
    """Exposure of each customer from the report, beside one ``_read_group`` of the same order lines."""
    with databases.environment(bench.work) as env:
        accounts, report, lines = (
            env[name] for name in ("trade.credit.account", "trade.credit.report", "sale.order.line")
        )
        domain = [("state", "=", "sale"), ("order_id.invoice_status", "!=", "invoiced")]
        ours, baseline = measure_in_turn(
            lambda: clock(
                lambda: report._read_group([], ["partner_id", "company_id"], ["exposure:sum"])
            ),
            lambda: clock(
                lambda: lines._read_group(
                    domain, ["order_partner_id", "company_id"], ["price_total:sum"]
                )
            ),
            repeat=bench.repeat,
        )
        bench.report("credit_report", ours, baseline, most=1.5)
        company = env["res.company"].search([], order="id", limit=1)
        customers = env.execute_query(
            SQL("SELECT id FROM res_partner WHERE id = commercial_partner_id AND customer_rank > 0")
        )
        ids = {customer for [customer] in customers}
        bench.report("credit_standings", clock(lambda: accounts._read_standings(company, ids)))
