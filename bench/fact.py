"""Rows about the sales fact."""

from pathlib import Path

from odoo.tools import SQL

from . import databases
from .dataset import TODAY
from .harness import clock, measure_in_turn, row

BASELINE = Path(__file__).with_name("fact_baseline.sql").read_text()
COLUMNS = "company_id, partner_id, product_id, day, quantity, revenue, margin, discount"


def rebuild(name):
    """Add up all sales; return the seconds that it took, the commit included."""
    with databases.environment(name) as env:
        facts = env["trade.sales.fact"].with_context(trade_today=TODAY)

        def run():
            facts._rebuild_all()
            env.cr.commit()

        return clock(run)


def run_baseline(cursor):
    cursor.execute(
        "SELECT c.id, c.trade_tz FROM res_company c"
        " JOIN trade_tier_policy p ON p.company_id = c.id AND p.active ORDER BY c.id"
    )
    companies = ", ".join(f"({company}, '{tz}')" for company, tz in cursor.fetchall())
    cursor.execute("DROP TABLE IF EXISTS bench_fact")
    cursor.execute(
        f"CREATE UNLOGGED TABLE bench_fact AS SELECT {COLUMNS}, line_count, order_count"
        " FROM trade_sales_fact WHERE FALSE"
    )
    query = BASELINE.format(companies=companies)
    return clock(lambda: cursor.execute(query))


def compare_with_baseline(cursor):
    """What differs: number of rows by column. Refunds, which the baseline leaves out, change neither
    lines nor discounts nor orders, and the revenue of at most one row each."""
    cursor.execute(
        """
        SELECT count(*) FILTER (WHERE b.line_count <> COALESCE(a.line_count, 0)),
               count(*) FILTER (WHERE b.discount IS DISTINCT FROM COALESCE(a.discount, 0)),
               count(*) FILTER (WHERE b.order_count <> COALESCE(a.order_count, 0)),
               count(*) FILTER (WHERE a.product_id IS NOT NULL AND b.revenue IS DISTINCT FROM a.revenue),
               (SELECT count(*) FROM account_move_line l JOIN account_move m ON m.id = l.move_id
                 WHERE m.move_type = 'out_refund' AND l.display_type = 'product')
          FROM bench_fact b
          LEFT JOIN trade_sales_fact a
            ON a.company_id = b.company_id AND a.partner_id = b.partner_id AND a.day = b.day
           AND COALESCE(a.product_id, 0) = COALESCE(b.product_id, 0)
        """
    )
    lines, discounts, orders, revenue, refunds = cursor.fetchone()
    found = {
        "line_count": lines,
        "discount": discounts,
        "order_count": orders,
        "revenue": max(0, revenue - refunds),
    }
    return {name: count for name, count in found.items() if count}


@row("fact_full")
def fact_full(bench):
    name = bench.work
    with databases.environment(name) as env:
        [[known]] = env.execute_query(SQL("SELECT count(*) FROM trade_sales_fact"))
    if not known:
        bench.report("fact_first", rebuild(name))
        with databases.connect(name) as cursor:
            cursor.execute("VACUUM (ANALYZE) trade_sales_fact")
    with databases.connect(name) as cursor:
        cursor.execute("SET work_mem = '256MB'")
        ours, baseline = measure_in_turn(
            lambda: rebuild(name), lambda: run_baseline(cursor), repeat=bench.repeat
        )
        differences = compare_with_baseline(cursor)
        cursor.execute("DROP TABLE bench_fact")
    if differences:
        print(f"  rows that differ from the baseline: {differences}")
    bench.report("fact_full", ours, baseline, most=1.3, holds=not differences)
    _measure_screens(bench, name)


def _measure_screens(bench, name):
    """What a person waits for: the picture and the first view of the analysis."""
    with databases.environment(name, allowed_company_ids=[1]) as env:
        facts = env["trade.sales.fact"].with_context(trade_today=TODAY)
        for label, period in (("months", "months"), ("all", "all")):
            facts.get_concentration(period)
            seconds = clock(lambda: facts.get_concentration(period))  # noqa: B023
            bench.report(f"screen_concentration_{label}", seconds, most=5 if period == "all" else 2)
        recent = [("day", ">", "2025-06-30"), ("day", "<=", str(TODAY))]

        def pivot():
            env.invalidate_all()
            facts.formatted_read_group(recent, ["categ_id", "day:month"], ["revenue:sum"])

        pivot()
        bench.report("screen_sales_pivot", clock(pivot), most=5)
