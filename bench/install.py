"""Rows about installing."""

from .harness import row


@row("install_live")
def install_live(bench):
    """Install on a database that has the modules the addon builds on and all the data."""
    bench.remake_work()
    bench.report("install_live", bench.install_seconds, most=300)
