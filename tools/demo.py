"""The database of the demo company, and the server on it."""

import os
import subprocess

from .common import ADDONS, ROOT, SetupError, say, task
from .databases import get_addons_digest
from .ports import check_free, wait_for

DATABASE = "trade_crm"
# Begins the comment of a database that was made here, and may be dropped here.
MARK = "Trade CRM demo company "
LOAD = """
import sys
from odoo.addons.trade_crm import demo_company
def progress(done, total, label):
    filled = 30 * done // max(total, 1)
    sys.stderr.write("\\r      [%-30s] %-40s" % ("#" * filled, label[:40]))
    sys.stderr.flush()
logins = demo_company.{function}(env, progress=progress)
env.cr.commit()
sys.stderr.write("\\n")
for login, (password, role) in (logins or {{}}).items():
    print("DEMO %-12s password %-12s %s" % (login, password, role))
"""


def ensure(databases):
    """Make the database where there is none, and update the addons where they changed."""
    mark = MARK + get_addons_digest()
    if not databases.exists(DATABASE):
        draft = f"{DATABASE}_draft"
        databases.fill_host(draft)
        with task("installing the addons"):
            databases.install(draft, ADDONS)
        databases.rename(draft, DATABASE)
        databases.set_comment(DATABASE, mark)
    elif check_ours(databases) != mark:
        with task("updating the addons, which have changed"):
            databases.update(DATABASE, ADDONS)
        databases.set_comment(DATABASE, mark)


def check_ours(databases):
    """The comment of the database.

    :raise SetupError: when it was not made here, but is somebody's own
    """
    comment = databases.get_comment(DATABASE)
    if not databases.server.private and not comment.startswith(MARK):
        raise SetupError(
            f"The server {databases.server.host} has a database {DATABASE} that was not made here: "
            "rename it, or leave PGHOST and db_host away to use a private server."
        )
    return comment


def load(databases, function="load"):
    """Call ``demo_company.<function>``, which does nothing when its data is there.

    :return: the logins, as text
    """
    result = databases.shell(DATABASE, LOAD.format(function=function), stdout=subprocess.PIPE)
    lines = [line[5:] for line in result.stdout.splitlines() if line.startswith("DEMO ")]
    return "\n".join(lines)


def reset(databases):
    if databases.exists(DATABASE):
        check_ours(databases)
        databases.drop(DATABASE)


def serve(databases, port, logins):
    """Serve the database until somebody stops it."""
    command = databases.odoo_command(DATABASE, f"--http-port={port}", "--log-level=warn")
    environment = databases.server.environment()
    with subprocess.Popen([str(part) for part in command], cwd=ROOT, env=environment) as server:
        wait_for(port, server)
        say(f"\nTrade CRM is at http://127.0.0.1:{port}\n\n{logins}\n\nStop it with Ctrl+C.")
        try:
            return server.wait()
        except KeyboardInterrupt:
            server.terminate()
            server.wait()
            return 0


def shell(databases):
    """Open an Odoo shell on the database."""
    command = databases.odoo_command(DATABASE, "--no-http", "--log-level=warn", command="shell")
    environment = databases.server.environment()
    return subprocess.call([str(part) for part in command], cwd=ROOT, env=environment)


def find_port():
    port = int(os.environ.get("HTTP_PORT") or 8069)
    check_free(port)
    return port
