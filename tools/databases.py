"""Databases: templates for the tests, and the one of the demo company."""

import ast
import configparser
import contextlib
import os
import shutil
import subprocess
import tempfile
import time

from .common import ADDONS, ROOT, SetupError, cache_dir, digest, local_dir, only_one, run, task
from .venv import LISTS, MONTH

# Templates of each kind that are kept: this state of the code and the one before.
KEPT = 2
# The first one is what everybody speaks who has chosen nothing.
LANGUAGES = "en_US,zh_CN"


class Databases:
    """What can be done with databases, given Python, what tells this Odoo apart, and a server."""

    def __init__(self, python, odoo_version, server):
        self.python, self.odoo_version, self.server = python, odoo_version, server

    # -- Odoo ---------------------------------------------------------------

    def odoo_command(self, database, *options, command=None):
        return [
            self.python,
            "-m",
            "odoo",
            *([command] if command else []),
            f"--config={ROOT / 'odoo.conf'}",
            f"--database={database}",
            f"--data-dir={data_dir()}",
            *options,
        ]

    def odoo(self, database, *options, command=None, **kwargs):
        """Run Odoo on ``database``."""
        return run(
            self.odoo_command(database, "--no-http", "--log-level=warn", *options, command=command),
            cwd=ROOT,
            env=self.server.environment(),
            **kwargs,
        )

    def install(self, database, modules, *options):
        chosen = f"--init={','.join(modules)}"
        self.odoo(database, chosen, "--stop-after-init", *options, quiet=True)

    def update(self, database, modules):
        chosen = f"--update={','.join(modules)}"
        self.odoo(database, chosen, "--stop-after-init", quiet=True)

    def shell(self, database, code, **kwargs):
        """Run Python ``code`` with ``env`` on ``database``."""
        return self.odoo(database, command="shell", input=code, **kwargs)

    # -- PostgreSQL ---------------------------------------------------------

    def sql(self, query, database="postgres"):
        """Rows of ``query`` as lists of text."""
        command = [
            "psql",
            "-X",
            "-A",
            "-t",
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
            "-d",
            database,
            "-c",
            query,
        ]
        result = subprocess.run(
            command, env=self.server.environment(), capture_output=True, text=True, check=False
        )
        if result.returncode:
            raise SetupError(f"PostgreSQL at {self.server.host} says: {result.stderr.strip()}")
        return [line.split("|") for line in result.stdout.splitlines()]

    def get_names(self, prefix):
        """Databases whose name starts with ``prefix``, the newest first."""
        query = f"SELECT datname FROM pg_database WHERE starts_with(datname, '{prefix}') ORDER BY oid DESC"
        return [name for [name] in self.sql(query)]

    def exists(self, database):
        return database in self.get_names(database)

    def create(self, database):
        """An empty database with the extensions that Odoo makes use of."""
        self.drop(database)
        self.sql(
            f"CREATE DATABASE \"{database}\" TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C'"
        )
        self.sql("CREATE EXTENSION pg_trgm", database)
        self.sql("CREATE EXTENSION unaccent", database)
        if self.server.private:
            # As Odoo does when it makes a database: only then can an index use the function.
            self.sql("ALTER FUNCTION unaccent(text) IMMUTABLE", database)

    def drop(self, database):
        self.sql(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')
        shutil.rmtree(filestore(database), ignore_errors=True)

    def copy(self, source, target):
        self.drop(target)
        self.sql(f'CREATE DATABASE "{target}" TEMPLATE "{source}"')
        copy_files(filestore(source), filestore(target))

    def rename(self, source, target):
        shutil.rmtree(filestore(target), ignore_errors=True)
        if filestore(source).exists():
            filestore(source).rename(filestore(target))
        self.sql(f'ALTER DATABASE "{source}" RENAME TO "{target}"')

    def get_comment(self, database):
        query = f"SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = '{database}'"
        return self.sql(query)[0][0]

    def set_comment(self, database, text):
        self.sql(f"COMMENT ON DATABASE \"{database}\" IS '{text}'")

    # -- Templates ----------------------------------------------------------

    def get_host_key(self):
        lists = (path.read_bytes() for path in LISTS)
        return digest(self.odoo_version, LANGUAGES, *lists, *dependencies())

    def fill_host(self, database):
        """Install everything that the addons depend on, or restore it from the cache."""
        self.create(database)
        cached = cache_dir() / f"host-{self.get_host_key()}"
        if self.server.private and cached.exists():
            with task("restoring Odoo's own modules from the cache"):
                self.restore(cached, database)
            return
        with task("installing Odoo's own modules (2 to 4 minutes)"):
            self.install(database, dependencies(), f"--load-language={LANGUAGES}")
        if self.server.private:
            self.save(database, cached)

    def save(self, database, target):
        """Keep ``database`` in the cache for other checkouts and clusters."""
        remove_unused_hosts()
        with tempfile.TemporaryDirectory(dir=cache_dir(), prefix="unfinished-") as folder:
            dump = f"{folder}/host/database"
            copy_files(filestore(database), f"{folder}/host/filestore")
            self.postgres(["pg_dump", "-Fc", "-Z1", "-f", dump, database])
            with contextlib.suppress(OSError):  # another checkout was faster
                os.rename(f"{folder}/host", target)

    def restore(self, source, database):
        os.utime(source)
        # The extensions are there already, and only their owner may describe them.
        self.postgres(
            [
                "pg_restore",
                "--no-owner",
                "--no-comments",
                "-j2",
                "-d",
                database,
                source / "database",
            ]
        )
        copy_files(source / "filestore", filestore(database))
        # What Odoo makes anew in a copy, because it identifies and signs.
        self.sql(
            "UPDATE ir_config_parameter SET value = gen_random_uuid()::text"
            " WHERE key IN ('database.uuid', 'database.secret')",
            database,
        )

    def postgres(self, command):
        run(command, quiet=True, env=self.server.environment())

    def ensure_host(self):
        """A database with everything that the addons depend on, and nothing of ours."""
        return self.ensure_template("tcrm_host_", self.get_host_key(), self.fill_host)

    def ensure_suite(self):
        """A database with the addons installed as they are now."""
        host = self.ensure_host()

        def fill(database):
            with task("installing the addons"):
                self.copy(host, database)
                self.install(database, ADDONS)

        return self.ensure_template("tcrm_suite_", digest(host, get_addons_digest()), fill)

    def ensure_template(self, prefix, key, fill):
        """Database ``prefix`` + ``key``, made by ``fill`` when it is not there."""
        name = f"{prefix}{key}"
        with only_one("databases", local_dir()):
            if not self.exists(name):
                self.remove_unused(prefix)
                draft = f"tcrm_draft_{os.getpid()}"
                fill(draft)
                self.rename(draft, name)
        return name

    def remove_unused(self, prefix):
        """Drop older templates, and what commands that were killed left behind."""
        if not self.server.private:
            return
        left_behind = [
            name
            for name in self.get_names("tcrm_draft_") + self.get_names("tcrm_test_")
            if not is_alive(name.rpartition("_")[2])
        ]
        for name in self.get_names(prefix)[KEPT - 1 :] + left_behind:
            self.drop(name)

    @contextlib.contextmanager
    def scratch(self, template):
        """A copy of ``template`` that is dropped in the end."""
        name = f"tcrm_test_{os.getpid()}"
        self.copy(template, name)
        try:
            yield name
        finally:
            self.drop(name)


# ----------------------------------------------------------------------
# Files
# ----------------------------------------------------------------------


def data_dir():
    """Odoo's folder for attachments and sessions."""
    return local_dir() / "data"


def filestore(database):
    return data_dir() / "filestore" / database


def copy_files(source, target):
    """Copy a file store; its files never change, so that a link will do where one can be made."""

    def link(path, copy):
        try:
            os.link(path, copy)
        except OSError:
            shutil.copy2(path, copy)

    shutil.rmtree(target, ignore_errors=True)
    os.makedirs(target)
    if os.path.isdir(source):
        shutil.copytree(source, target, copy_function=link, dirs_exist_ok=True)


def remove_unused_hosts():
    for folder in cache_dir().glob("host-*"):
        if folder.stat().st_mtime < time.time() - MONTH:
            shutil.rmtree(folder, ignore_errors=True)


def is_alive(pid):
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except (PermissionError, ValueError):
        return True
    return True


# ----------------------------------------------------------------------
# The addons and their configuration
# ----------------------------------------------------------------------


def get_manifest(addon):
    return ast.literal_eval(
        (ROOT / "addons" / addon / "__manifest__.py").read_text(encoding="utf-8")
    )


def dependencies():
    """Modules that the addons need and do not bring."""
    needed = {name for addon in ADDONS for name in get_manifest(addon)["depends"]}
    return sorted(needed - set(ADDONS))


def get_addons_digest():
    """Key of everything in the addons that a database remembers; tests are not."""
    files = sorted(
        path
        for path in (ROOT / "addons").rglob("*")
        if path.is_file() and not {"tests", "__pycache__", "readme"} & set(path.parts)
    )
    return digest(*(part for path in files for part in (path.relative_to(ROOT), path.read_bytes())))


@contextlib.contextmanager
def config_file(databases, database):
    """odoo.conf with a database, for what reads a file and no options."""
    config = configparser.ConfigParser(interpolation=None)
    config.read(ROOT / "odoo.conf", encoding="utf-8")
    config["options"].update(databases.server.options())
    config["options"].update(db_name=database, data_dir=str(data_dir()))
    # Readable by this user alone: a password may be in it.
    with tempfile.NamedTemporaryFile(
        "w", dir=local_dir(), suffix=".conf", encoding="utf-8"
    ) as file:
        config.write(file)
        file.flush()
        yield file.name
