"""`make bench`: measure, print a table, keep the results.

Environment: SIZE=small|full|xl (small by default), ONLY=name,name.
"""

import importlib
import os
import sys
import time

from . import databases, harness, report

# They register their rows, which are measured in this order.
MODULES = (
    "install",
    "profile",
    "fact",
    "orders",
    "lists",
    "history_import",
    "collision",
    "funnel",
    "lead_assign",
    "tickets",
    "credit",
    "segments",
    "campaigns",
)


def main():
    for name in MODULES:
        importlib.import_module(f"{__package__}.{name}")
    size = os.environ.get("SIZE") or "small"
    if size not in harness.SIZES:
        sys.exit(f"SIZE is one of {', '.join(harness.SIZES)}, not {size!r}.")
    only = [name for name in (os.environ.get("ONLY") or "").split(",") if name]
    if unknown := set(only) - harness.ROWS.keys():
        sys.exit(
            f"There is no row {', '.join(sorted(unknown))}. ONLY takes {', '.join(harness.ROWS)}."
        )
    databases.configure()
    bench = harness.Bench(size)
    started = time.monotonic()
    for name, (function, sizes) in harness.ROWS.items():
        if name in only or (not only and size in sizes):
            function(bench)
    print(f"{time.monotonic() - started:.0f} s on {report.describe_machine()}")
    report.write(bench.results)
    missed = [result.name for result in bench.results if result.holds is False]
    if missed:
        print("Goals missed: " + ", ".join(missed))


if __name__ == "__main__":
    main()
