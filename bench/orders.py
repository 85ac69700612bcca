"""Rows about confirming an order."""

import gc
import statistics
import time
from contextlib import ExitStack

from odoo.fields import Command

from . import databases
from .harness import row


@row("order_confirm_10")
def order_confirm_10(bench):
    compare_confirmation(bench, lines=10, repeat=15)


@row("order_confirm_100")
def order_confirm_100(bench):
    compare_confirmation(bench, lines=100, repeat=7)


def compare_confirmation(bench, lines, repeat):
    """Confirm the same orders with the suite, with what it depends on, and with less than that.

    The last is the baseline: Odoo with sale_stock and purchase_stock. The suite depends on
    sale_margin and others, so that some of the difference is theirs.
    """
    names = {"plain": bench.plain, "depends": bench.data, "suite": bench.work}
    times = {kind: [] for kind in names}
    queries = {kind: [] for kind in names}
    with ExitStack() as stack:
        envs = {
            kind: stack.enter_context(databases.environment(name)) for kind, name in names.items()
        }
        for turn in range(-1, repeat):
            for kind in sorted(names, reverse=turn % 2):
                seconds, count = confirm_order(envs[kind], turn, lines)
                if turn >= 0:  # the first one fills the caches
                    times[kind].append(seconds)
                    queries[kind].append(count)
    median = {kind: 1000 * statistics.median(values) for kind, values in times.items()}
    count = {kind: statistics.median(values) for kind, values in queries.items()}
    name = f"order_confirm_{lines}"
    added = count["suite"] - count["depends"]
    bench.report(name, median["suite"], median["plain"], unit="ms", most=1.15)
    bench.report(f"{name}_depends", median["suite"], median["depends"], unit="ms")
    bench.report(f"{name}_queries", added, unit="queries", most=5)


def confirm_order(env, turn, lines):
    """Confirm an order of a rep, which is rolled back; return seconds and number of queries.

    Everything that happens before the commit counts, also what waits for it.
    """
    rep = env["res.users"].search([("login", "=", "bench.rep0")])
    company = env["res.company"].search([], order="id", limit=1)
    rep_env = env(user=rep.id, context={"allowed_company_ids": company.ids})
    # Customers with 10 orders or more, the same in each database.
    env.cr.execute(
        "SELECT partner_id FROM sale_order WHERE company_id = %s AND state = 'sale'"
        " AND partner_id %% 10 = %s GROUP BY partner_id HAVING count(*) BETWEEN 10 AND 60"
        " ORDER BY partner_id LIMIT 1",
        [company.id, (turn + 1) % 10],
    )
    partner = rep_env["res.partner"].browse(env.cr.fetchone()[0])
    products = rep_env["product.product"].search(
        [("is_storable", "=", True)], order="id", limit=lines
    )
    _put_in_stock(env, company, products)
    order = rep_env["sale.order"].create(
        {
            "partner_id": partner.id,
            "order_line": [
                Command.create({"product_id": product.id, "product_uom_qty": 2, "price_unit": 10})
                for product in products
            ],
        }
    )
    env.cr.flush()
    env.invalidate_all()
    gc.collect()
    before, started = env.cr.sql_log_count, time.perf_counter()
    order.action_confirm()
    env.cr.flush()
    seconds, count = time.perf_counter() - started, env.cr.sql_log_count - before
    env.cr.rollback()
    env.invalidate_all(flush=False)
    return seconds, count


def _put_in_stock(env, company, products):
    warehouse = env["stock.warehouse"].search([("company_id", "=", company.id)], limit=1)
    quants = env["stock.quant"].with_company(company)
    for product in products:
        quants._update_available_quantity(product.sudo(), warehouse.lot_stock_id, 100)
