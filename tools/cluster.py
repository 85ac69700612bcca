"""A private PostgreSQL cluster, reached by a socket only, or the server that the person names."""

import configparser
import contextlib
import fcntl
import getpass
import os
import shutil
import subprocess
from dataclasses import dataclass
from glob import glob
from pathlib import Path

from .common import ROOT, SetupError, digest, local_dir, only_one, run, task

# PostgreSQL refuses to run as root; then it runs as the user that its package made.
SERVER_USER = "postgres"
SETTINGS = """
listen_addresses = ''
unix_socket_directories = '{socket}'
unix_socket_permissions = 0700
max_connections = 100
shared_buffers = {shared}MB
work_mem = 32MB
maintenance_work_mem = 256MB
max_wal_size = 4GB
random_page_cost = 1.1
jit = off
"""
# Only for tests and benchmarks, whose data nobody misses.
NOT_DURABLE = """
fsync = off
synchronous_commit = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
"""


@dataclass(frozen=True)
class Server:
    """How to reach a PostgreSQL server; ``private`` when it is ours alone."""

    host: str
    user: str
    port: str = ""
    password: str = ""
    private: bool = False

    def environment(self):
        """The process's environment with this server in it, as libpq and Odoo read it."""
        values = {
            "PGHOST": self.host,
            "PGUSER": self.user,
            "PGPORT": self.port,
            "PGPASSWORD": self.password,
        }
        return {**os.environ, **{name: value for name, value in values.items() if value}}

    def options(self):
        """The same as options of odoo.conf."""
        values = {
            "db_host": self.host,
            "db_user": self.user,
            "db_port": self.port,
            "db_password": self.password,
        }
        return {name: value for name, value in values.items() if value}


@contextlib.contextmanager
def running(name, durable=True):
    """A running server: the person's own, or the private cluster ``name``, stopped by its last user."""
    own = find_own_server()
    if own:
        yield own
        return
    users = open(local_dir() / f"{name}.users", "w", encoding="utf-8")  # noqa: SIM115
    with contextlib.closing(users):
        with only_one(f"postgresql-{name}", local_dir()):
            server = start(name, durable)
            fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield server
        finally:
            with only_one(f"postgresql-{name}", local_dir()), contextlib.suppress(BlockingIOError):
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                as_owner(
                    [find_program(name, "pg_ctl"), "-D", cluster_dir(name), "-m", "fast", "stop"]
                )


def find_own_server():
    """The server of PGHOST, or of db_host in the environment or in odoo.conf."""
    config = configparser.ConfigParser(interpolation=None)
    config.read(ROOT / "odoo.conf", encoding="utf-8")
    options = config["options"] if config.has_section("options") else {}

    def read(name):
        found = os.environ.get(f"PG{name}".upper()) or os.environ.get(f"db_{name}")
        return found or options.get(f"db_{name}", "")

    host = read("host")
    if host in ("", "False"):
        return None
    return Server(host, read("user") or getpass.getuser(), read("port"), read("password"))


def start(name, durable):
    """Start the private cluster ``name`` unless it runs; make it where there is none."""
    folder = cluster_dir(name)
    if not exists(folder / "PG_VERSION"):
        with task(f"making a PostgreSQL cluster in {folder}"):
            create(folder)
    pg_ctl = find_program(name, "pg_ctl")
    if not try_as_owner([pg_ctl, "-D", folder, "status"]):
        socket = make_socket_dir(folder, name)
        write(folder / "trade_crm.conf", describe_settings(socket, durable))
        log = folder.with_suffix(".log")
        if not try_as_owner([pg_ctl, "-D", folder, "-l", log, "-w", "start"]):
            raise SetupError(f"PostgreSQL does not start; the end of {log} says why.")
    return Server(read_socket_dir(folder), "odoo", private=True)


def cluster_dir(name):
    """Below the checkout, unless the server's user cannot get there."""
    base = local_dir() / "pg"
    base.mkdir(exist_ok=True)
    if not try_as_owner(["test", "-x", base]):
        base = Path(f"/var/tmp/trade-crm-{digest(ROOT)}")
    make_dir(base)
    return base / name


def create(folder):
    """Make the cluster beside its place; it gets its name when complete."""
    unfinished = folder.with_suffix(".unfinished")
    as_owner(["rm", "-rf", unfinished])
    options = ["-U", "odoo", "-E", "UTF8", "--locale=C.UTF-8", "-A", "trust", "--no-sync"]
    as_owner([find_newest_programs() / "initdb", "-D", unfinished, *options])
    as_owner(
        ["sh", "-c", 'echo "include \'trade_crm.conf\'" >> "$0"', unfinished / "postgresql.conf"]
    )
    as_owner(["mv", unfinished, folder])


def describe_settings(socket, durable):
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    settings = SETTINGS.format(socket=socket, shared=max(128, min(2048, memory // 8)))
    return settings + ("" if durable else NOT_DURABLE)


def make_socket_dir(folder, name):
    # A socket's path has room for 107 characters, and a checkout may lie deep.
    near = folder.parent / f"{name}.socket"
    path = near if len(str(near)) < 80 else Path(f"/tmp/trade-crm-{digest(ROOT, name)}")
    make_dir(path)
    return path


def read_socket_dir(folder):
    """The fifth line of the running server's pid file."""
    result = as_owner(["cat", folder / "postmaster.pid"])
    return result.stdout.splitlines()[4]


# ----------------------------------------------------------------------
# The owner of the cluster: this user, or the server's when this one is root
# ----------------------------------------------------------------------


def as_owner(command, **kwargs):
    """Run ``command`` as the owner of the cluster."""
    return run([*owner_prefix(), *command], quiet=True, cwd="/", **kwargs)


def try_as_owner(command):
    """Whether ``command`` succeeds."""
    # A server that is being started must not inherit a pipe, or its reader waits for the server's end.
    silence = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    command = [str(part) for part in (*owner_prefix(), *command)]
    return not subprocess.run(command, check=False, cwd="/", **silence).returncode


def owner_prefix():
    return ["runuser", "-u", SERVER_USER, "--"] if os.geteuid() == 0 else []


def write(path, text):
    as_owner(["sh", "-c", 'cat > "$0"', path], input=text)


def exists(path):
    return try_as_owner(["test", "-e", path])


def make_dir(path):
    """A folder that only the owner of the cluster can enter, and that nobody else put there."""
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.is_symlink() or path.owner() not in (getpass.getuser(), SERVER_USER):
        raise SetupError(f"{path} belongs to somebody else: remove it and repeat this command.")
    if os.geteuid() == 0:
        shutil.chown(path, SERVER_USER, SERVER_USER)


# ----------------------------------------------------------------------
# Programs
# ----------------------------------------------------------------------


def find_program(name, program):
    """A program of the PostgreSQL version that made the cluster ``name``."""
    version = as_owner(["cat", cluster_dir(name) / "PG_VERSION"]).stdout.strip()
    newest = find_newest_programs()
    path = Path(f"/usr/lib/postgresql/{version}/bin")
    if not path.is_dir() and newest.parent.name != version and newest.parent.name.isdigit():
        raise SetupError(
            f"{cluster_dir(name)} was made by PostgreSQL {version}, which is not installed any more: "
            f"install postgresql-{version}, or remove that folder to begin anew."
        )
    return (path if path.is_dir() else newest) / program


def find_newest_programs():
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
