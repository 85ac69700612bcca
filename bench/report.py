"""Where results are kept: bench/results.json and the table in docs/performance.md."""

import json
import os
import platform
import re
from datetime import date

from .databases import ROOT, connect
from .harness import Result, format_number

RESULTS = ROOT / "bench" / "results.json"
DOCUMENT = ROOT / "docs" / "performance.md"
# The size whose figures the document shows.
SHOWN = ("full", "xl")


def write(results):
    """Keep the last result of each row and size, and show those of the large sizes."""
    known = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else []
    merged = {(result["name"], result["size"]): result for result in known}
    merged |= {(result.name, result.size): result.as_dict() for result in results}
    text = json.dumps(list(merged.values()), indent=1, ensure_ascii=False)
    RESULTS.write_text(text + "\n", encoding="utf-8")
    if any(result.size in SHOWN for result in results):
        shown = [Result(**result) for result in merged.values() if result["size"] in SHOWN]
        _write_document(shown)


def describe_machine():
    with connect("postgres") as cursor:
        cursor.execute("SHOW server_version")
        [version] = cursor.fetchone()
    return f"{os.cpu_count()} cores, Python {platform.python_version()}, PostgreSQL {version.split()[0]}"


def _write_document(results):
    lines = [
        f"{date.today()}, {describe_machine()}.",
        "",
        "| Row | Size | Ours | Baseline | Unit | Ratio | Goal | |",
        "|---|---|---:|---:|---|---:|---:|---|",
    ]
    for result in results:
        verdict = {True: "holds", False: "**missed**", None: ""}[result.holds]
        numbers = [format_number(value) for value in (result.ours, result.baseline, result.ratio)]
        lines.append(
            f"| {result.name} | {result.size} | {numbers[0]} | {numbers[1]} | {result.unit}"
            f" | {numbers[2]} | {result.goal or ''} | {verdict} |"
        )
    document = DOCUMENT.read_text(encoding="utf-8")
    table = "\n".join(lines)
    document = re.sub(
        r"(<!-- results.*?-->\n).*?(<!-- end)",
        lambda m: m[1] + table + "\n" + m[2],
        document,
        flags=re.S,
    )
    DOCUMENT.write_text(document, encoding="utf-8")
