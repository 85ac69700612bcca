"""Databases of the benchmark: made once, kept between runs, told apart by what they were made from.

A name carries the hash of what the database was made from, so that a changed generator or a
changed addon makes a new one and the outdated one is dropped.
"""

import ast
import hashlib
import logging
import os
import time
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2
from psycopg2 import sql

from odoo import SUPERUSER_ID, api, release
from odoo.modules.registry import Registry
from odoo.service.db import _create_empty_database
from odoo.sql_db import close_db, connection_info_for
from odoo.tools import config

ROOT = Path(__file__).resolve().parent.parent
ADDON = ROOT / "addons" / "trade_crm"
PREFIX = "trade_bench"


def configure():
    """Odoo's configuration; the server is the one that PGHOST and PGUSER name, as `make bench` sets."""
    options = [
        f"--addons-path={ROOT / 'addons'}",
        f"--data-dir={os.environ.get('ODOO_DATA_DIR') or ROOT / '.local' / 'data'}",
        "--log-level=warn",
        "--http-interface=127.0.0.1",
        "--workers=0",
        "--max-cron-threads=0",
    ]
    for name in ("host", "port", "user", "password"):
        if value := os.environ.get(f"PG{name.upper()}"):
            options.append(f"--db_{name}={value}")
    config.parse_config(options, setup_logging=True)
    # What Odoo says about the schema of a database that is being made is not news here.
    for logger in ("odoo.schema", "odoo.modules.loading", "odoo.registry"):
        logging.getLogger(logger).setLevel(logging.ERROR)


def fingerprint(*parts):
    """Short hash of texts and of the files below paths."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, Path):
            files = sorted(part.rglob("*")) if part.is_dir() else [part]
            for file in files:
                if file.is_file() and file.suffix in (".py", ".xml", ".csv", ".sql"):
                    digest.update(str(file.relative_to(ROOT)).encode())
                    digest.update(file.read_bytes())
        else:
            digest.update(str(part).encode())
    return digest.hexdigest()[:8]


def get_depends():
    """Modules that the addon builds on."""
    return ast.literal_eval((ADDON / "__manifest__.py").read_text())["depends"]


@contextmanager
def connect(name):
    """Cursor of a plain connection in autocommit mode, for statements that know no transaction."""
    _name, info = connection_info_for(name)
    with closing(psycopg2.connect(**info)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            yield cursor


def get_names(prefix):
    with connect("postgres") as cursor:
        cursor.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s) ORDER BY 1", [prefix]
        )
        return [name for (name,) in cursor.fetchall()]


def drop(name):
    release_connections(name)
    with connect("postgres") as cursor:
        cursor.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )


def rename(name, new_name):
    release_connections(name)
    with connect("postgres") as cursor:
        cursor.execute(
            sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
                sql.Identifier(name), sql.Identifier(new_name)
            )
        )


def release_connections(name):
    """Close our connections to a database, which is to be copied, renamed or dropped."""
    if name in Registry.registries:
        Registry.delete(name)
    close_db(name)


def copy(source, target):
    """Make ``target`` a copy of ``source``; plain files are copied when the server can."""
    release_connections(source)
    with connect("postgres") as cursor:
        cursor.execute("SHOW server_version_num")
        strategy = " STRATEGY file_copy" if int(cursor.fetchone()[0]) >= 150000 else ""
        cursor.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}" + strategy).format(
                sql.Identifier(target), sql.Identifier(source)
            )
        )


def ensure(kind, key, make):
    """Name of the database of ``kind`` and ``key``; ``make(name)`` fills a new one.

    A database gets its final name when it is complete, so that an interrupted run leaves nothing
    that looks finished.
    """
    name = f"{PREFIX}_{kind}_{key}"
    known = get_names(f"{PREFIX}_{kind}_")
    if name in known:
        return name
    for outdated in known:
        drop(outdated)
    unfinished = f"{PREFIX}_{kind}_new"
    started = time.monotonic()
    make(unfinished)
    rename(unfinished, name)
    print(f"made {name} in {time.monotonic() - started:.0f} s", flush=True)
    return name


def ensure_modules(modules):
    """A database with ``modules`` of Odoo and what they need."""

    def install(name):
        _create_empty_database(name)
        Registry.new(name, update_module=True, install_modules=modules, new_db_demo=False)

    key = fingerprint(release.version, *modules)
    return ensure(f"modules{len(modules)}", key, install)


def install_addon(name):
    """Install the addon on database ``name``; return the seconds that it took."""
    started = time.monotonic()
    Registry.new(name, update_module=True, install_modules=["trade_crm"], new_db_demo=False)
    return time.monotonic() - started


@contextmanager
def environment(name, uid=SUPERUSER_ID, **context):
    """An environment on database ``name``; what is not committed is rolled back."""
    with Registry(name).cursor() as cursor:
        try:
            yield api.Environment(cursor, uid, context)
        finally:
            cursor.rollback()
