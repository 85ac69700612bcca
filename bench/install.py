"""Rows about installing, and about what gets its territory then."""

from . import databases
from .harness import clock, row


@row("install_live")
def install_live(bench):
    """Install on a database that has the modules the addon builds on and all the data."""
    bench.remake_work()
    bench.report("install_live", bench.install_seconds, most=300)


@row("territory_fill")
def territory_fill(bench):
    """Every record of before the addon gets its territory, in the background."""
    bench.remake_work()
    bench.report("territory_fill", bench.fill_seconds)


@row("territory_rules")
def territory_rules(bench):
    """What a person waits for who looks at what the rules would move."""
    with databases.environment(bench.work) as env:
        # Otherwise everybody is where the rules lead.
        rules = env["trade.territory.rule"].search([])
        rules[::10].territory_id = rules[0].territory_id
        env.flush_all()
        preview = env["trade.territory.apply"]
        bench.report("territory_rules", clock(preview._prepare_lines))
