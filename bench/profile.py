"""Rows about the customer profile."""

import tracemalloc
from datetime import timedelta
from pathlib import Path

from odoo.tools import SQL

from . import databases
from .dataset import TODAY
from .harness import clock, measure_in_turn, row

BASELINE = Path(__file__).with_name("profile_baseline.sql").read_text()
EXACT = [
    "first_order_date",
    "last_order_date",
    "order_count",
    "revenue",
    "margin",
    "average_order_value",
    "next_order_date",
    "window_revenue",
    "window_order_count",
    "tier_id",
    "next_change_on",
    "window_average_order_value",
    "matrix_quadrant",
    "matrix_segment",
    "value_band",
    "lifecycle_status",
    "recent_revenue",
    "previous_revenue",
    "returned_on",
    "slips_on",
    "purchase_pattern",
    "potential_high_value",
    "ladder_step",
    "step_days",
]
ROUNDED = ["items_per_order", "gap_mean_days", "gap_std_days", "discounted_share"]


def get_profiles(env, today=TODAY):
    return env["trade.customer.profile"].with_context(trade_today=today)


def rebuild(name, today=TODAY):
    """Rebuild every profile; return the seconds that it took."""
    with databases.environment(name) as env:
        return clock(get_profiles(env, today)._rebuild_all)


def _get_baseline_sql(cursor):
    """The script for the companies and tiers of the database, which are the default ones."""
    cursor.execute(
        """
        SELECT c.id, c.trade_tz, p.window_months,
               (SELECT array_agg(id ORDER BY sequence) FROM trade_tier WHERE policy_id = p.id) AS tiers,
               starts.*
          FROM res_company c JOIN trade_tier_policy p ON p.company_id = c.id AND p.active
          JOIN LATERAL (
                SELECT min(day) FILTER (WHERE day + make_interval(months => p.window_months) > %(today)s),
                       min(day) FILTER (WHERE day + interval '6 months' > %(today)s),
                       min(day) FILTER (WHERE day + interval '12 months' > %(today)s)
                  FROM (SELECT %(today)s::date - n AS day FROM generate_series(0, 800) n) past
               ) starts ON TRUE
         ORDER BY c.id
        """,
        {"today": TODAY},
    )
    companies = ", ".join(
        f"({company}, '{tz}', DATE '{TODAY}', DATE '{window}', DATE '{recent}', DATE '{previous}',"
        f" interval '{months} months', ARRAY{tiers})"
        for company, tz, months, tiers, window, recent, previous in cursor.fetchall()
    )
    return BASELINE.format(companies=companies)


def run_baseline(cursor):
    cursor.execute("DROP TABLE IF EXISTS bench_profile")
    query = _get_baseline_sql(cursor)
    return clock(lambda: cursor.execute(query))


def compare_with_baseline(cursor):
    """Number of profiles that differ from ``bench_profile``, per column."""
    # Cast to the precision of the column that keeps it: amounts are numeric, ratios floats.
    conditions = [f"a.{name} IS DISTINCT FROM b.{name}" for name in EXACT] + [
        f"(a.{name} IS NULL) <> (b.{name} IS NULL)"
        f" OR abs(a.{name} - b.{name}) > 1e-9 * GREATEST(1, abs(b.{name}))"
        for name in ROUNDED
    ]
    counts = ", ".join(f"count(*) FILTER (WHERE {condition})" for condition in conditions)
    cursor.execute(
        f"""
        SELECT count(*), count(*) FILTER (WHERE a.partner_id IS NULL OR b.partner_id IS NULL), {counts}
          FROM trade_customer_profile a FULL JOIN bench_profile b
            ON b.partner_id = a.partner_id AND b.company_id = a.company_id
        """
    )
    total, missing, *differences = cursor.fetchone()
    found = dict(zip(EXACT + ROUNDED, differences, strict=True)) | {"(row)": missing}
    return total, {name: count for name, count in found.items() if count}


@row("profile_full")
def profile_full(bench):
    name = bench.work
    with databases.environment(name) as env:
        [[known]] = env.execute_query(SQL("SELECT count(*) FROM trade_customer_profile"))
    if not known:
        bench.report("profile_first", rebuild(name))
        with databases.connect(name) as cursor:
            cursor.execute("VACUUM (ANALYZE) trade_customer_profile")
    with databases.connect(name) as cursor:
        cursor.execute("SET work_mem = '256MB'")
        ours, baseline = measure_in_turn(
            lambda: rebuild(name), lambda: run_baseline(cursor), repeat=bench.repeat
        )
        total, differences = compare_with_baseline(cursor)
        cursor.execute("DROP TABLE bench_profile")
    if differences:
        print(f"  of {total} profiles, these differ from the baseline: {differences}")
    bench.report("profile_full", ours, baseline, most=1.3, holds=not differences)


@row("profile_memory")
def profile_memory(bench):
    name = bench.work
    tracemalloc.start()
    rebuild(name)
    _size, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    bench.report("profile_memory", peak / 2**20, unit="MiB", most=300)


@row("profile_increment")
def profile_increment(bench):
    """The nightly run: what the day has changed, and what time has."""
    name = bench.work
    recent = "id > (SELECT max(id) FROM sale_order) - %s"
    spread = "id IN (SELECT id FROM sale_order ORDER BY hashint4(id) LIMIT %s)"

    def full():
        return rebuild(name)

    def refresh(condition):
        rebuild(name, TODAY - timedelta(days=1))
        _change_orders(name, condition, bench.size.orders // 100)
        with databases.environment(name) as env:
            profiles = get_profiles(env)
            seconds = clock(profiles._cron_refresh)
            assert not env["trade.profile.dirty"].search_count([]), "the queue is not empty"
        return seconds

    repeat = 3
    ours, spread_out, baseline = measure_in_turn(
        lambda: refresh(recent), lambda: refresh(spread), full, repeat=repeat
    )
    bench.report("profile_increment", ours, baseline, most=0.05)
    bench.report("profile_increment_random", spread_out, baseline)


def _change_orders(name, condition, count):
    """Change orders as SQL and queue their customers as the ORM would, one entry per order."""
    with databases.connect(name) as cursor:
        cursor.execute(
            "WITH changed AS ("
            " UPDATE sale_order SET amount_untaxed = amount_untaxed + 0.01,"
            " amount_total = amount_total + 0.01"
            f" WHERE {condition} RETURNING partner_id, company_id)"
            " INSERT INTO trade_profile_dirty (partner_id, company_id, cause)"
            " SELECT partner_id, company_id, 'order' FROM changed",
            [count],
        )
        cursor.execute("VACUUM (ANALYZE) sale_order")


@row("profile_growth", sizes=("small", "xl"))
def profile_growth(bench):
    """Rebuild on 10 times the orders of the same number of customers."""
    few, many = bench.get_orders_only(1), bench.get_orders_only(10)
    for name in (few, many):
        rebuild(name)
    ours, baseline = measure_in_turn(lambda: rebuild(many), lambda: rebuild(few), repeat=3)
    bench.report("profile_growth", ours, baseline, most=12)


@row("profile_vs_orm")
def profile_vs_orm(bench):
    """Per customer, against the loop over ``search`` that modules for RFM use."""
    name = bench.work
    with databases.environment(name, allowed_company_ids=[1]) as env:
        partners = env["res.partner"].search(
            [("customer_rank", ">", 0), ("parent_id", "=", False)], order="id"
        )
        sample = partners[:: max(1, len(partners) // 300)]
        [[profiles]] = env.execute_query(SQL("SELECT count(*) FROM trade_customer_profile"))

        def loop():
            env.invalidate_all()
            return clock(lambda: [_compute_by_search(partner) for partner in sample]) / len(sample)

        ours, baseline = measure_in_turn(lambda: rebuild(name) / profiles, loop, repeat=3)
    bench.report("profile_vs_orm", ours * 1e3, baseline * 1e3, unit="ms/cust.", most=0.02)


def _compute_by_search(partner):
    """Recency, frequency and monetary value of one customer, the usual way."""
    orders = partner.env["sale.order"].search(
        [("partner_id", "child_of", partner.id), ("state", "=", "sale")], order="date_order"
    )
    revenue = sum(order.amount_untaxed / (order.currency_rate or 1) for order in orders)
    return {
        "recency": (TODAY - orders[-1:].date_order.date()).days if orders else 0,
        "frequency": len(orders),
        "monetary": revenue,
        "average": revenue / len(orders) if orders else 0,
    }
