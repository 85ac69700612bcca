"""Rows about segments of customers, tags by rules, and what a person should do today."""

import statistics

from odoo.fields import Command
from odoo.tools import SQL

from . import databases, fact, profile
from .dataset import TODAY
from .harness import clock, measure_in_turn, row

REP = "bench.rep10"
CUSTOMERS = 2_000
# A plain look at all sales of a company, which no rule can do without.
SCAN = SQL(
    "SELECT count(*), sum(total) FROM (SELECT partner_id, sum(revenue) AS total, sum(quantity),"
    " count(DISTINCT day) FROM trade_sales_fact GROUP BY partner_id) customer"
)


def ensure_sales(name):
    """Profiles and sales as the jobs leave them, when no other row has made them."""
    for table, rebuild in (
        ("trade_customer_profile", profile.rebuild),
        ("trade_sales_fact", fact.rebuild),
    ):
        with databases.environment(name) as env:
            [[known]] = env.execute_query(
                SQL("SELECT EXISTS (SELECT FROM %s)", SQL.identifier(table))
            )
        if not known:
            rebuild(name)
            with databases.connect(name) as cursor:
                cursor.execute(f"VACUUM (ANALYZE) {table}")


@row("segment_count")
def segment_count(bench):
    """The live count of customers of some revenue who bought in 90 days, but not a category in 30."""
    ensure_sales(bench.work)
    with databases.environment(bench.work, trade_today=TODAY) as env:
        rep = env["res.users"].search([("login", "=", REP)])
        category = env["product.product"].search([], limit=1).categ_id
        segment = env["trade.segment"].create(
            {
                "name": "Bench",
                "company_id": rep.company_id.id,
                "line_ids": [
                    Command.create({"domain": "[('trade_window_revenue', '>=', 50000)]"}),
                    Command.create({"kind": "bought", "days": 90}),
                    Command.create(
                        {
                            "kind": "bought",
                            "days": 30,
                            "mode": "exclude",
                            "categ_ids": [Command.set(category.ids)],
                        }
                    ),
                ],
            }
        )
        env.flush_all()
        for name, reader in (("", segment), ("_rep", segment.with_user(rep))):
            reader._count_members()
            seconds = statistics.median(clock(reader._count_members) for _turn in range(5))
            print(f"  segment_count{name}: {reader._count_members():,} customers")
            bench.report(f"segment_count{name}", seconds * 1e3, unit="ms", most=300)


@row("customer_360")
def customer_360(bench):
    """The page of a customer with 5,000 orders, as a seller of its territory opens it."""
    ensure_sales(bench.work)
    with databases.environment(bench.work, trade_today=TODAY) as env:
        rep = env["res.users"].search([("login", "=", REP)])
        customer = _give_orders(env, rep)
        partners = env["res.partner"].with_user(rep)
        partners = partners.with_context(allowed_company_ids=rep.company_id.ids, trade_today=TODAY)
        times, queries = [], 0
        for _turn in range(6):
            env.flush_all()
            env.invalidate_all()
            # Every request reads who asks, and for which company.
            partners.env.user.partner_id.tz, partners.env.company.name
            before = env.cr.sql_log_count
            times.append(clock(lambda: partners.get_trade_360(customer.id)))
            queries = env.cr.sql_log_count - before
        bench.report("customer_360", statistics.median(times[1:]) * 1e3, unit="ms", most=300)
        bench.report("customer_360_queries", queries, unit="queries", most=15)
        env.invalidate_all()
        timeline = clock(lambda: partners.get_trade_timeline(customer.id))
        bench.report("customer_360_timeline", timeline * 1e3, unit="ms")
        env.cr.rollback()


def _give_orders(env, rep):
    """A customer of the territories of ``rep`` to whom 5,000 orders are moved."""
    [[customer_id]] = env.execute_query(
        SQL(
            "SELECT profile.partner_id FROM trade_customer_profile profile"
            " JOIN res_partner customer ON customer.id = profile.partner_id"
            " WHERE profile.company_id = %s AND customer.territory_id = ANY(%s)"
            " ORDER BY profile.order_count DESC LIMIT 1",
            rep.company_id.id,
            list(rep._get_territory_ids() or rep.trade_territory_ids.ids),
        )
    )
    customer = env["res.partner"].browse(customer_id)
    env.execute_query(
        SQL(
            "UPDATE sale_order moved SET partner_id = %(customer)s, partner_invoice_id = %(customer)s,"
            " territory_id = %(territory)s WHERE id IN (SELECT id FROM sale_order"
            " WHERE company_id = %(company)s AND state = 'sale' ORDER BY id LIMIT 5000)",
            customer=customer.id,
            territory=customer.territory_id.id,
            company=rep.company_id.id,
        )
    )
    env.invalidate_all()
    pairs = {(customer.id, rep.company_id.id)}
    env["trade.customer.profile"]._rebuild_pairs(dict.fromkeys(pairs, "order"))
    env["trade.sales.fact"]._rebuild_pairs(pairs)
    return customer


@row("tags_all")
def tags_all(bench):
    """Every default rule, when it has run before; the first time gives all of the tags."""
    ensure_sales(bench.work)
    with databases.environment(bench.work, trade_today=TODAY) as env:
        rules = env["trade.tag.rule"].search([])
        rules.write({"is_on": True})

        def apply():
            for rule in rules:
                rule._apply()
            env.flush_all()

        bench.report("tags_first", clock(apply))
        print(
            f"  tags_first: {env['trade.tag.member'].search_count([]):,} tags of {len(rules)} rules"
        )
        ours, baseline = measure_in_turn(
            lambda: clock(apply),
            lambda: clock(lambda: env.execute_query(SCAN)),
            repeat=bench.repeat,
        )
        bench.report("tags_all", ours, baseline, most=3)


@row("today")
def today(bench):
    """The list of a rep with 2,000 customers of their own."""
    ensure_sales(bench.work)
    with databases.environment(bench.work, trade_today=TODAY) as env:
        rep = env["res.users"].search([("login", "=", REP)])
        env.execute_query(
            SQL(
                "UPDATE res_partner SET user_id = %s WHERE id IN (SELECT partner_id"
                " FROM trade_customer_profile profile JOIN res_partner customer ON customer.id = partner_id"
                " WHERE profile.company_id = %s AND customer.territory_id = ANY(%s) LIMIT %s)",
                rep.id,
                rep.company_id.id,
                list(rep._get_territory_ids() or rep.trade_territory_ids.ids),
                CUSTOMERS,
            )
        )
        print(f"  today: {env.cr.rowcount:,} customers")
        own = env["trade.today"].with_user(rep)
        own = own.with_context(allowed_company_ids=rep.company_id.ids, trade_today=TODAY)
        own.get_list()
        times = []
        for _turn in range(5):
            env.invalidate_all()
            times.append(clock(own.get_list))
        bench.report("today", statistics.median(times) * 1e3, unit="ms", most=300)
        counts = {kind["kind"]: kind["count"] for kind in own.get_list()["kinds"]}
        print(f"  today: {counts}")
