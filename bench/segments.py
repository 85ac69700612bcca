"""Rows about segments of customers and tags by rules."""

import statistics

from odoo.fields import Command
from odoo.tools import SQL

from . import databases
from .harness import clock, measure_in_turn, row

REP = "bench.rep10"
# A plain look at all sales of a company, which no rule can do without.
SCAN = SQL(
    "SELECT count(*), sum(total) FROM (SELECT partner_id, sum(revenue) AS total, sum(quantity),"
    " count(DISTINCT day) FROM trade_sales_fact GROUP BY partner_id) customer"
)


@row("segment_count")
def segment_count(bench):
    """The live count of core or potential customers who bought in 90 days, but not a category."""
    with databases.environment(bench.work) as env:
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


@row("tags_all")
def tags_all(bench):
    """Every default rule, when it has run before; the first time gives all of the tags."""
    with databases.environment(bench.work) as env:
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
