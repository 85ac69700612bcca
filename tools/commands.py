"""Trade CRM: what can be done in this folder (make COMMAND does the same)."""

import contextlib
import os
import subprocess

from . import cluster, demo, host, roles, system, testing, translations, venv
from . import lint as linters
from .common import ADDONS, ROOT, run, say, step
from .databases import Databases


@contextlib.contextmanager
def set_up(name="run", durable=True, steps=4):
    """Everything up to a running server, with progress; quick when it is there."""
    step(1, steps, "System packages")
    server = system.CLIENT if cluster.find_own_server() else system.SERVER
    system.ensure({**system.PYTHON, **server, **system.BROWSER})
    step(2, steps, "Odoo 19")
    odoo_path = host.ensure()
    step(3, steps, "Python packages")
    python = venv.ensure(odoo_path)
    step(4, steps, "PostgreSQL")
    with cluster.running(name, durable) as server:
        yield Databases(python, host.get_version(odoo_path), server)


def set_up_for_tests():
    return set_up("test", durable=False)


@contextlib.contextmanager
def set_up_demo(steps=6):
    """The same with the demo company: its databases and its logins."""
    with set_up(steps=steps) as databases:
        step(5, steps, "Database")
        demo.ensure(databases)
        step(6, steps, "Demo company")
        yield databases, demo.load(databases)


def setup():
    """Set up everything and do nothing else."""
    with set_up():
        pass


def serve():
    """Set up, load the demo company and serve it on 127.0.0.1 (HTTP_PORT=8069)."""
    port = demo.find_port()
    with set_up_demo(steps=7) as (databases, logins):
        step(7, 7, "Server")
        return demo.serve(databases, port, logins)


def demo_reset():
    """Drop the demo database and load it anew."""
    with set_up() as databases:
        demo.reset(databases)
    with set_up_demo() as (_databases, logins):
        say(logins)


def demo_cdnow():
    """Add a company with the CDNOW purchase log to the demo database."""
    with set_up_demo() as (databases, logins):
        demo.load(databases, "load_cdnow")
        say(
            f"The company CDNOW is there: choose it at the top right as admin or manager.\n\n{logins}"
        )


def shell():
    """Open an Odoo shell on the demo database."""
    with set_up_demo() as (databases, _logins):
        return demo.shell(databases)


def bench():
    """Measure; SIZE=small, full or xl, ONLY=name,name."""
    with set_up("bench", durable=False) as databases:
        command = [str(databases.python), "-m", "bench.run"]
        return subprocess.call(command, cwd=ROOT, env=databases.server.environment())


def wheels():
    """Build a wheel of each addon into dist/."""
    python = set_up_python()
    target = ROOT / "dist"
    for addon in ADDONS:
        options = ["-q", "--no-deps", "--no-build-isolation", "-w", target]
        run([python, "-m", "pip", "wheel", *options, ROOT / "addons" / addon])
    say("\n".join(path.name for path in sorted(target.glob("*.whl"))))


def i18n():
    """Export the terms of the addons and merge them into the translations."""
    with set_up_for_tests() as databases:
        return translations.export(databases)


def write_roles():
    """Write docs/roles.md, the table of what each role may do."""
    with set_up_for_tests() as databases:
        return roles.write(databases)


def screenshots():
    """Take the pictures of docs/ from a running `make run`."""
    return subprocess.call([str(set_up_python()), "-m", "tools.screenshots"], cwd=ROOT)


def test():
    """Run every test; T=path and K=expression choose some."""
    with set_up_for_tests() as databases:
        return testing.test(databases)


def soak():
    """Run the long repeats of races and kills."""
    os.environ["TRADE_CRM_SOAK"] = "1"
    return test()


def test_matrix():
    """Run every combination of role, record and way to read it; a sample is among the tests."""
    os.environ["TRADE_CRM_MATRIX"] = "1"
    os.environ["T"] = "tests"
    os.environ["K"] = "territory and not workers"
    return test()


def test_core():
    """Run Odoo's own tests with the addons and without, and list the difference."""
    with set_up_for_tests() as databases:
        return testing.test_core(databases)


def lint():
    """Run the linters."""
    return linters.lint(set_up_python())


def reformat():
    """Format Python, XML and JavaScript as the linters want it."""
    linters.reformat(set_up_python())


def set_up_python():
    """Python with every package, for what needs no server."""
    system.ensure(system.PYTHON)
    return venv.ensure(host.ensure())


COMMANDS = {
    "run": serve,
    "test": test,
    "lint": lint,
    "format": reformat,
    "test-matrix": test_matrix,
    "soak": soak,
    "bench": bench,
    "shell": shell,
    "demo-reset": demo_reset,
    "demo-cdnow": demo_cdnow,
    "test-core": test_core,
    "wheels": wheels,
    "i18n": i18n,
    "roles": write_roles,
    "screenshots": screenshots,
    "setup": setup,
}
