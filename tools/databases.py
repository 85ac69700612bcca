"""Databases: templates for the tests, and the one of the demo company."""

import ast
import os
import subprocess

from .common import ADDONS, ROOT, digest, local_dir, run, say
from .venv import LISTS

RUN_DATABASE = "trade_crm"


class Databases:
    """What can be done with databases, given Python, Odoo's version and a server."""

    def __init__(self, python, odoo_version, server):
        self.python, self.odoo_version, self.server = python, odoo_version, server

    # -- Odoo ---------------------------------------------------------------

    def odoo(self, database, *options, command=None, **kwargs):
        """Run Odoo on ``database``."""
        return run(self.odoo_command(database, *options, command=command), cwd=ROOT, **kwargs)

    def odoo_command(self, database, *options, command=None):
        parts = [self.python, "-m", "odoo"]
        if command:
            parts.append(command)
        return [
            *parts,
            f"--config={ROOT / 'odoo.conf'}",
            f"--database={database}",
            f"--data-dir={local_dir() / 'data'}",
            *self.server.options(),
            *options,
        ]

    def install(self, database, modules, *options):
        self.odoo(
            database,
            f"--init={','.join(modules)}",
            "--stop-after-init",
            "--no-http",
            "--log-level=warn",
            *options,
            quiet=True,
        )

    def shell(self, database, code, **kwargs):
        """Run Python ``code`` with ``env`` on ``database``."""
        return self.odoo(
            database, "--no-http", "--log-level=warn", command="shell", input=code, **kwargs
        )

    # -- PostgreSQL ---------------------------------------------------------

    def sql(self, query, database="postgres"):
        """Rows of ``query`` as lists of text."""
        command = ["psql", "-X", "-A", "-t", "-q", "-d", database, "-c", query]
        result = subprocess.run(
            command, env=self.server.environment(), capture_output=True, text=True, check=True
        )
        return [line.split("|") for line in result.stdout.splitlines()]

    def exists(self, database):
        return bool(self.sql(f"SELECT 1 FROM pg_database WHERE datname = '{database}'"))

    def drop(self, database):
        self.sql(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    def copy(self, source, target):
        self.drop(target)
        self.sql(f'CREATE DATABASE "{target}" TEMPLATE "{source}"')

    def create(self, database):
        self.drop(database)
        self.sql(
            f"CREATE DATABASE \"{database}\" TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C'"
        )

    # -- Templates ----------------------------------------------------------

    def ensure_host(self):
        """A database with everything that the addons depend on, and nothing of ours."""
        key = digest(self.odoo_version, *(path.read_bytes() for path in LISTS), *dependencies())
        return self.ensure_template("host", key, self.build_host)

    def build_host(self, database):
        say("      installing Odoo's own modules (about 1 minute)")
        self.create(database)
        self.install(database, dependencies(), "--load-language=zh_CN")

    def ensure_suite(self):
        """A database with the addons installed as they are now."""
        host = self.ensure_host()
        return self.ensure_template("suite", digest(host, addons_digest()), self.build_suite)

    def build_suite(self, database):
        say("      installing the addons")
        self.copy(self.ensure_host(), database)
        self.install(database, ADDONS)

    def ensure_template(self, kind, key, build):
        """Database ``tcrm_<kind>_<key>``, built when it is not there; older ones are dropped."""
        name = f"tcrm_{kind}_{key}"
        if not self.exists(name):
            for [old] in self.sql(
                f"SELECT datname FROM pg_database WHERE datname ~ '^tcrm_{kind}_'"
            ):
                self.drop(old)
            draft = f"tcrm_draft_{kind}"
            build(draft)
            self.sql(f'ALTER DATABASE "{draft}" RENAME TO "{name}"')
        return name


def manifest(addon):
    return ast.literal_eval(
        (ROOT / "addons" / addon / "__manifest__.py").read_text(encoding="utf-8")
    )


def dependencies():
    """Modules that the addons need and do not bring."""
    needed = {name for addon in ADDONS for name in manifest(addon)["depends"]}
    return sorted(needed - set(ADDONS))


def addons_digest():
    """Key of everything in the addons that a database remembers; tests are not."""
    files = sorted(
        path
        for path in (ROOT / "addons").rglob("*")
        if path.is_file() and not {"tests", "__pycache__", "readme"} & set(path.parts)
    )
    return digest(*(part for path in files for part in (path.relative_to(ROOT), path.read_bytes())))


def test_database():
    return f"tcrm_test_{os.getpid()}"
