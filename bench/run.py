"""`make bench`: measure, print a table, write bench/results.json and docs/performance.md.

Environment: SIZE=small|full|xl (small by default), ONLY=name,name.
"""

import json
import os
import platform
import sys
import time
from pathlib import Path

if not __package__:
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    __package__ = "bench"

from bench import databases, harness, install, orders, profile  # noqa: E402, F401

RESULTS = Path(__file__).with_name("results.json")
ORDER = ("install_live",)


def main():
    size = os.environ.get("SIZE") or "small"
    if size not in harness.SIZES:
        sys.exit(f"SIZE is one of {', '.join(harness.SIZES)}, not {size!r}.")
    only = [name for name in (os.environ.get("ONLY") or "").split(",") if name]
    if unknown := set(only) - harness.ROWS.keys():
        sys.exit(
            f"ONLY: there is no row {', '.join(sorted(unknown))}; there are {', '.join(harness.ROWS)}."
        )
    databases.configure()
    bench = harness.Bench(size)
    started = time.monotonic()
    for name, (function, sizes) in harness.ROWS.items():
        if size in sizes and (not only or name in only):
            function(bench)
    print(
        f"{time.monotonic() - started:.0f} s on {os.cpu_count()} cores, Python {platform.python_version()}"
    )
    write_results(bench.results)
    missed = [result.name for result in bench.results if result.holds is False]
    if missed:
        print("Goals missed: " + ", ".join(missed))


def write_results(results):
    """Keep the last result of each row and size."""
    known = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
    fresh = {(result.name, result.size): result.as_dict() for result in results}
    merged = {(result["name"], result["size"]): result for result in known} | fresh
    RESULTS.write_text(json.dumps(list(merged.values()), indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
