"""A private PostgreSQL cluster, reached by a socket only, or the server that the person names."""

import configparser
import getpass
import os
import shutil
import subprocess
from glob import glob
from pathlib import Path

from .common import ROOT, SetupError, digest, local_dir, run, say

# PostgreSQL refuses to run as root; then it runs as the user that its package made.
SERVER_USER = "postgres"
SETTINGS = """
listen_addresses = ''
unix_socket_directories = '{socket}'
max_connections = 100
shared_buffers = {shared}MB
work_mem = 32MB
maintenance_work_mem = 256MB
max_wal_size = 4GB
random_page_cost = 1.1
"""
# Only for tests, whose data nobody misses.
NOT_DURABLE = """
fsync = off
synchronous_commit = off
full_page_writes = off
"""


class Server:
    """How to reach a PostgreSQL server."""

    def __init__(self, host, user, port=None, password=None):
        self.host, self.user, self.port, self.password = host, user, port, password

    def environment(self):
        values = {"PGHOST": self.host, "PGUSER": self.user}
        if self.port:
            values["PGPORT"] = str(self.port)
        if self.password:
            values["PGPASSWORD"] = self.password
        return {**os.environ, **values}

    def options(self):
        """The same as options of Odoo."""
        options = [f"--db_host={self.host}", f"--db_user={self.user}"]
        if self.port:
            options.append(f"--db_port={self.port}")
        if self.password:
            options.append(f"--db_password={self.password}")
        return options


def ensure(name, durable=True):
    """A running server: the person's own, or the private cluster ``name``."""
    return find_own_server() or start(name, durable)


def find_own_server():
    config = configparser.ConfigParser(interpolation=None)
    config.read(ROOT / "odoo.conf", encoding="utf-8")
    options = config["options"] if config.has_section("options") else {}
    host = os.environ.get("PGHOST") or options.get("db_host")
    if not host:
        return None
    return Server(
        host,
        os.environ.get("PGUSER") or options.get("db_user") or getpass.getuser(),
        os.environ.get("PGPORT") or options.get("db_port"),
        os.environ.get("PGPASSWORD") or options.get("db_password"),
    )


def start(name, durable):
    folder = cluster_dir(name)
    # A socket's path has room for 107 characters, and a checkout may lie deep.
    socket = Path(f"/tmp/trade-crm-{digest(ROOT, name)}")
    make_dir(folder.parent)
    make_dir(socket)
    if not exists(folder / "PG_VERSION"):
        create(folder, socket, durable)
    if as_server(["pg_ctl", "-D", folder, "status"], check=False).returncode:
        log = folder.parent / f"{name}.log"
        result = as_server(["pg_ctl", "-D", folder, "-l", log, "-w", "start"], check=False)
        if result.returncode:
            raise SetupError(f"PostgreSQL does not start; its log says why: {log}")
    return Server(str(socket), "odoo")


def cluster_dir(name):
    """Below the checkout, unless the server's user cannot get there."""
    base = local_dir() / "pg"
    if os.geteuid() == 0:
        make_dir(base)
        if as_server(["test", "-x", base], check=False, program=False).returncode:
            base = Path(f"/var/tmp/trade-crm-{digest(ROOT)}")
    return base / name


def create(folder, socket, durable):
    say(f"      making a PostgreSQL cluster in {folder.parent}")
    as_server(
        ["initdb", "-D", folder, "-U", "odoo", "-E", "UTF8", "--locale=C.UTF-8", "-A", "trust"]
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    settings = SETTINGS.format(socket=socket, shared=max(128, min(2048, memory // 8)))
    extra = folder / "trade_crm.conf"
    append(extra, settings + ("" if durable else NOT_DURABLE))
    append(folder / "postgresql.conf", "include 'trade_crm.conf'\n")


def append(path, text):
    """Write as the owner of the cluster, which may not be this user."""
    command = ["sh", "-c", 'cat >> "$0"', path]
    as_server(command, program=False, input=text)


def exists(path):
    return not as_server(["test", "-e", path], check=False, program=False).returncode


def make_dir(path):
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    if os.geteuid() == 0:
        shutil.chown(path, SERVER_USER, SERVER_USER)


def as_server(command, *, check=True, program=True, **kwargs):
    """Run a PostgreSQL program (or, with ``program=False``, any) as the cluster's owner."""
    command = [str(part) for part in command]
    if program:
        command[0] = str(find_programs() / command[0])
    if os.geteuid() == 0:
        command = ["runuser", "-u", SERVER_USER, "--", *command]
    if check:
        return run(command, quiet=True, cwd="/", **kwargs)
    # The server must not inherit a pipe, or whoever reads it waits for the server's end.
    silence = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.run(command, check=False, cwd="/", **silence, **kwargs)


def find_programs():
    """Folder of the newest PostgreSQL's programs."""
    found = sorted(
        glob("/usr/lib/postgresql/*/bin/initdb"), key=lambda path: int(path.split("/")[4])
    )
    initdb = found[-1] if found else shutil.which("initdb")
    if not initdb:
        raise SetupError(
            "PostgreSQL 13 or newer is missing: install it, or set PGHOST to a server."
        )
    return Path(initdb).parent
