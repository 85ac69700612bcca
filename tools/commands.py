"""Trade CRM: what can be done in this folder (make COMMAND does the same)."""

import os
import socket
import subprocess
import time

from . import checks, cluster, host, system, venv
from .common import ADDONS, ROOT, SetupError, local_dir, run, say, step
from .databases import RUN_DATABASE, Databases, addons_digest, dependencies


def set_up(name="run", durable=True):
    """Everything up to a running server, with progress; quick when it is there."""
    step(1, 4, "System packages")
    system.ensure()
    step(2, 4, "Odoo 19")
    odoo_path = host.ensure()
    step(3, 4, "Python packages")
    python = venv.ensure(odoo_path)
    step(4, 4, "PostgreSQL")
    server = cluster.ensure(name, durable)
    return Databases(python, venv.version(python), server)


def setup():
    """Set up everything and do nothing else."""
    set_up()


def serve():
    """Set up, load the demo company and serve it on 127.0.0.1."""
    databases = set_up()
    logins = ensure_demo(databases)
    port = os.environ.get("HTTP_PORT") or "8069"
    if not is_free(port):
        raise SetupError(
            f"Port {port} is taken: stop what uses it, or call make run HTTP_PORT=8070"
        )
    command = databases.odoo_command(RUN_DATABASE, f"--http-port={port}", "--log-level=warn")
    with subprocess.Popen([str(part) for part in command], cwd=ROOT) as server:
        wait_for(port, server)
        say(f"\nTrade CRM is at http://127.0.0.1:{port}\n\n{logins}\n\nStop it with Ctrl+C.")
        try:
            return server.wait()
        except KeyboardInterrupt:
            server.terminate()
            return server.wait()


def ensure_demo(databases):
    """Make the demo database where there is none, and update the addons that changed.

    :return: the logins, as text
    """
    mark = local_dir() / "demo.digest"
    current = addons_digest()
    if not databases.exists(RUN_DATABASE):
        draft = f"{RUN_DATABASE}_draft"
        say("Installing Odoo's own modules (about 2 minutes)")
        databases.create(draft)
        databases.install(draft, dependencies(), "--load-language=zh_CN")
        say("Installing the addons")
        databases.install(draft, ADDONS)
        databases.sql(f'ALTER DATABASE "{draft}" RENAME TO "{RUN_DATABASE}"')
        mark.write_text(current, encoding="utf-8")
    elif not mark.exists() or mark.read_text(encoding="utf-8") != current:
        say("Updating the addons, which have changed")
        options = [f"--update={','.join(ADDONS)}", "--stop-after-init", "--no-http"]
        databases.odoo(RUN_DATABASE, *options, "--log-level=warn", quiet=True)
        mark.write_text(current, encoding="utf-8")
    return load_demo(databases, "load")


LOAD_DEMO = """
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


def load_demo(databases, function):
    """Call ``demo_company.<function>``, which does nothing when its data is there."""
    result = databases.shell(
        RUN_DATABASE, LOAD_DEMO.format(function=function), stdout=subprocess.PIPE
    )
    lines = [line[5:] for line in result.stdout.splitlines() if line.startswith("DEMO ")]
    return "\n".join(lines)


def demo_reset():
    """Drop the demo database and load it anew."""
    databases = set_up()
    databases.drop(RUN_DATABASE)
    say(ensure_demo(databases))


def demo_cdnow():
    """Add a company with the CDNOW purchase log to the demo database."""
    databases = set_up()
    ensure_demo(databases)
    say(load_demo(databases, "load_cdnow"))


def shell():
    """Open an Odoo shell on the demo database."""
    databases = set_up()
    ensure_demo(databases)
    command = databases.odoo_command(RUN_DATABASE, "--no-http", "--log-level=warn", command="shell")
    return subprocess.call([str(part) for part in command], cwd=ROOT)


def bench():
    """Measure; SIZE=small or full, ONLY=name,name."""
    databases = set_up("bench", durable=False)
    return subprocess.call(
        [str(databases.python), "-m", "bench.run"], cwd=ROOT, env=databases.server.environment()
    )


def is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", int(port)))
        except OSError:
            return False
    return True


def wait_for(port, server, seconds=120):
    """Until the server listens."""
    for _ in range(seconds * 5):
        if server.poll() is not None:
            raise SetupError("The server stopped; what it printed is above.")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", int(port))) == 0:
                return
        time.sleep(0.2)
    raise SetupError(f"The server did not listen on port {port} within {seconds} seconds.")


def wheels():
    """Build a wheel of each addon into dist/."""
    databases = set_up()
    for addon in ADDONS:
        run(
            [databases.python, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation",
             "-w", ROOT / "dist", ROOT / "addons" / addon]
        )  # fmt: skip
    say("\n".join(path.name for path in sorted((ROOT / "dist").glob("*.whl"))))


def i18n():
    """Export the terms of the addons and merge them into the translations."""
    return checks.i18n(set_up("test", durable=False))


def screenshots():
    """Take the pictures of docs/ from a running `make run`."""
    databases = set_up()
    return subprocess.call([str(databases.python), "-m", "tools.screenshots"], cwd=ROOT)


def test():
    """Run every test; T=path and K=expression choose some."""
    return checks.test(set_up("test", durable=False))


def soak():
    """Run the long repeats of races and kills."""
    os.environ["TRADE_CRM_SOAK"] = "1"
    return checks.test(set_up("test", durable=False))


def test_core():
    """Run Odoo's own tests with the addons and without, and list the difference."""
    return checks.test_core(set_up("test", durable=False))


def lint():
    """Run the linters."""
    return checks.lint(venv.ensure(host.ensure()))


COMMANDS = {
    "run": serve,
    "test": test,
    "lint": lint,
    "soak": soak,
    "bench": bench,
    "shell": shell,
    "demo-reset": demo_reset,
    "demo-cdnow": demo_cdnow,
    "test-core": test_core,
    "wheels": wheels,
    "i18n": i18n,
    "screenshots": screenshots,
    "setup": setup,
}
