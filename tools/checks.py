"""Tests, linters and translations."""

import json
import os
import re
import shlex
import socket
import subprocess
import tomllib

from .common import ADDONS, ROOT, SetupError, local_dir, run, say
from .databases import test_database

PURE = "tests/analytics"
# Odoo's modules whose own tests have to pass with the addons installed.
CORE_MODULES = ("crm", "sale", "sale_stock", "stock")
PRETTIER = {"prettier": "3.6.2", "@prettier/plugin-xml": "3.4.2"}


def test(databases):
    """Pure calculations first, because they need no database; then everything else."""
    chosen = shlex.split(os.environ.get("T", ""))
    pure = [path for path in chosen if path.startswith(PURE)]
    other = [path for path in chosen if not path.startswith(PURE)]
    if pure or not chosen:
        code = run_pytest(databases.python, ["-p", "no:odoo", *(pure or [PURE])])
        if code or (pure and not other):
            return code
    return test_odoo(databases, other or ["addons", "tests", f"--ignore={PURE}"])


def run_pytest(python, arguments, environment=None):
    expression = os.environ.get("K")
    command = [str(python), "-m", "pytest", *arguments, *(["-k", expression] if expression else [])]
    return subprocess.call(command, cwd=ROOT, env=environment)


def test_odoo(databases, arguments):
    """Run pytest-odoo on a copy of a database that has the addons."""
    template = databases.ensure_suite()
    database = test_database()
    databases.copy(template, database)
    config = write_config(databases, database)
    environment = {
        **databases.server.environment(),
        # For the tests that install and uninstall the addons.
        "TRADE_CRM_HOST_TEMPLATE": databases.ensure_host(),
        "ODOO_RC": str(config),
    }
    try:
        return run_pytest(
            databases.python, [f"--odoo-config={config}", "--odoo-http", *arguments], environment
        )
    finally:
        databases.drop(database)


def write_config(databases, database):
    """odoo.conf with this database, for what reads a file and no options."""
    lines = [(ROOT / "odoo.conf").read_text(encoding="utf-8").rstrip()]
    lines += [option.lstrip("-").replace("=", " = ", 1) for option in databases.server.options()]
    lines += [f"db_name = {database}", f"data_dir = {local_dir() / 'data'}"]
    path = local_dir() / "test.conf"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


# ----------------------------------------------------------------------
# Linters
# ----------------------------------------------------------------------


def lint(python):
    """Ruff, pylint-odoo and, where npm is, prettier."""
    bin_dir = python.parent
    failed = [
        name
        for name, command in {
            "ruff check": [bin_dir / "ruff", "check", "."],
            "ruff format": [bin_dir / "ruff", "format", "--check", "."],
            "pylint-odoo": pylint_command(python),
            "prettier": prettier_command(),
        }.items()
        if command and not passes(name, command)
    ]
    if failed:
        say(f"\nNot clean: {', '.join(failed)}")
    return 1 if failed else 0


def pylint_command(python):
    options = [
        "--rcfile=pyproject.toml",
        # README.rst is what the OCA's robots make of readme/; a model may have more than one file.
        "--disable=missing-readme,consider-merging-classes-inherited",
        # Tests write SQL and raise errors of their own.
        "--ignore=tests",
    ]
    return [python, "-m", "pylint", *options, *(f"addons/{name}" for name in ADDONS)]


def passes(name, command):
    code = subprocess.call([str(part) for part in command], cwd=ROOT)
    say(f"{name}: {'found something' if code else 'clean'}")
    return not code


def prettier_command():
    """Prettier for XML and JavaScript, installed below .local by npm; None without npm."""
    folder = local_dir() / "node"
    program = folder / "node_modules/.bin/prettier"
    if not program.exists():
        folder.mkdir(exist_ok=True)
        (folder / "package.json").write_text(
            json.dumps({"private": True, "dependencies": PRETTIER}), encoding="utf-8"
        )
        try:
            run(["npm", "install", "--no-audit", "--no-fund", "--silent"], quiet=True, cwd=folder)
        except FileNotFoundError:
            say("prettier: left out, because there is no npm (apt-get install npm)")
            return None
    plugin = folder / "node_modules/@prettier/plugin-xml/src/plugin.js"
    return [
        program,
        "--check",
        "--log-level=warn",
        f"--plugin={plugin}",
        "addons/**/*.{xml,js,scss}",
    ]


# ----------------------------------------------------------------------
# Translations
# ----------------------------------------------------------------------

EXPORT = """
import sys
from odoo.tools.translate import trans_export
for addon in {addons!r}:
    for name, lang in ((addon + ".pot", None), ("zh_CN.po", "zh_CN")):
        with open("{root}/addons/%s/i18n/%s" % (addon, name), "wb") as target:
            trans_export(lang, [addon], target, "po", env)
"""


def i18n(databases):
    """Write the template and zh_CN of each addon; terms without a translation stay empty."""
    database = test_database()
    databases.copy(databases.ensure_suite(), database)
    try:
        databases.shell(database, EXPORT.format(addons=ADDONS, root=ROOT))
    finally:
        databases.drop(database)
    return 0


# ----------------------------------------------------------------------
# Odoo's own tests
# ----------------------------------------------------------------------


def test_core(databases):
    """List the core tests that fail with the addons and not without them."""
    without = failures(databases, databases.ensure_host(), "without")
    with_addons = failures(databases, databases.ensure_suite(), "with")
    new = sorted(with_addons - without)
    say(f"\nFailing without the addons: {len(without)}; with them: {len(with_addons)}")
    accepted = read_accepted()
    for name in new:
        say(f"  {'accepted' if name in accepted else 'NEW     '}  {name}  {accepted.get(name, '')}")
    unexpected = [name for name in new if name not in accepted]
    if unexpected:
        raise SetupError(f"{len(unexpected)} core tests fail because of the addons.")
    return 0


def failures(databases, template, label):
    """Names of the core tests that fail on a copy of ``template``."""
    database = test_database()
    databases.copy(template, database)
    log = local_dir() / f"core-{label}.log"
    say(f"      running the tests of {', '.join(CORE_MODULES)} {label} the addons; see {log}")
    command = databases.odoo_command(
        database,
        f"--test-tags={','.join(f'/{module}' for module in CORE_MODULES)}",
        "--stop-after-init",
        f"--http-port={free_port()}",
    )
    try:
        with open(log, "w", encoding="utf-8") as output:
            subprocess.call([str(part) for part in command], cwd=ROOT, stdout=output, stderr=output)
    finally:
        databases.drop(database)
    return parse_failures(log.read_text(encoding="utf-8"))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


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
