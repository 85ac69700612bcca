"""Tests: ours, and Odoo's own with the addons and without."""

import os
import re
import shlex
import subprocess
import tomllib

from .common import ROOT, SetupError, local_dir, say, task
from .databases import config_file
from .ports import find_free_port

# Tests that need neither Odoo nor a database.
PURE = ("tests/analytics", "tests/tools")
# Odoo's modules whose own tests have to pass with the addons installed.
CORE_MODULES = ("crm", "sale", "sale_stock", "stock")
CORE_TIMEOUT = 3 * 3600
NOTHING_COLLECTED = 5


def test(databases):
    """Pure calculations first, because they need no database; then everything else.

    T chooses paths and K an expression on names, as pytest's -k.
    """
    chosen = shlex.split(os.environ.get("T", ""))
    pure = [path for path in chosen if path.startswith(PURE)]
    other = [path for path in chosen if not path.startswith(PURE)]
    codes = []
    if pure or not chosen:
        codes.append(run_pytest(databases.python, ["-p", "no:odoo", *(pure or PURE)]))
        if codes[0] not in (0, NOTHING_COLLECTED):
            return codes[0]
    if other or not chosen:
        left_out = [f"--ignore={path}" for path in PURE]
        codes.append(test_odoo(databases, other or ["addons", "tests", *left_out]))
    return sum_up(codes)


def sum_up(codes):
    """One exit code; an expression may match nothing in one of the two runs, but not in both."""
    tolerated = {0, NOTHING_COLLECTED} if os.environ.get("K") and 0 in codes else {0}
    return max((code for code in codes if code not in tolerated), default=0)


def run_pytest(python, arguments, environment=None):
    expression = os.environ.get("K")
    command = [python, "-m", "pytest", *arguments, *(["-k", expression] if expression else [])]
    return subprocess.call([str(part) for part in command], cwd=ROOT, env=environment)


def test_odoo(databases, arguments):
    """Run pytest-odoo on a copy of a database that has the addons."""
    template, host = databases.ensure_suite(), databases.ensure_host()
    with databases.scratch(template) as database, config_file(databases, database) as config:
        environment = {
            **databases.server.environment(),
            # For the tests that work on a database of their own.
            "TRADE_CRM_HOST_TEMPLATE": host,
            "TRADE_CRM_SUITE_TEMPLATE": template,
            "ODOO_RC": config,
            # A test that waits for a lock of its own must fail instead of waiting for ever.
            "PGOPTIONS": "-c lock_timeout=120s",
        }
        options = [f"--odoo-config={config}", "--odoo-http"]
        return run_pytest(databases.python, [*options, *arguments], environment)


# ----------------------------------------------------------------------
# Odoo's own tests
# ----------------------------------------------------------------------


def test_core(databases):
    """List the core tests that fail with the addons and not without them.

    Only those that Odoo itself runs when every module is installed.
    """
    without = run_core(databases, databases.ensure_host(), "without")
    with_addons = run_core(databases, databases.ensure_suite(), "with")
    new = sorted(with_addons - without)
    say(f"\nFailing without the addons: {len(without)}; with them: {len(with_addons)}")
    accepted = read_accepted()
    for name in new:
        say(f"  {'accepted' if name in accepted else 'NEW     '}  {name}  {accepted.get(name, '')}")
    unexpected = [name for name in new if name not in accepted]
    if unexpected:
        raise SetupError(f"{len(unexpected)} core tests fail because of the addons.")
    return 0


def run_core(databases, template, label):
    """Names of the core tests that fail on a copy of ``template``."""
    log = local_dir() / f"core-{label}.log"
    with databases.scratch(template) as database:
        command = databases.odoo_command(
            database,
            f"--test-tags={','.join(f'post_install/{module}' for module in CORE_MODULES)}",
            "--stop-after-init",
            f"--http-port={find_free_port()}",
        )
        names = ", ".join(CORE_MODULES)
        with (
            task(f"tests of {names} {label} the addons ({log})"),
            open(log, "w", encoding="utf-8") as output,
        ):
            subprocess.run(
                [str(part) for part in command],
                cwd=ROOT,
                env=databases.server.environment(),
                stdout=output,
                stderr=output,
                timeout=CORE_TIMEOUT,
                check=False,
            )
    return parse_failures(log.read_text(encoding="utf-8"))


def parse_failures(log):
    """Names of the tests in an Odoo ``log`` that failed.

    :raise SetupError: when it holds no finished run
    """
    if not re.search(r"\d+ failed, \d+ error\(s\) of [1-9]\d* tests", log):
        raise SetupError("Odoo's tests did not run to their end; the log says why.")
    return set(re.findall(r" (?:FAIL|ERROR): (?:Subtest )?(\w+\.\w+)", log))


def read_accepted():
    """Differences that are known and why: query counts, with before and after."""
    with open(ROOT / "tests/core_differences.toml", "rb") as source:
        return {
            entry["test"]: entry["reason"] for entry in tomllib.load(source).get("accepted", [])
        }
