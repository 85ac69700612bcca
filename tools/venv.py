"""The Python environment, kept in the user's cache per list of packages."""

import shutil
import subprocess
import sys

from .common import ROOT, cache_dir, digest, only_one, run, say

LISTS = (ROOT / "requirements.txt", ROOT / "tools/requirements-dev.txt")


def ensure(odoo_path):
    """Path of the environment's Python, which can import ``odoo`` from ``odoo_path``."""
    key = digest(sys.version, *(path.read_bytes() for path in LISTS))
    folder = cache_dir() / f"python-{key}"
    python = folder / "bin/python"
    with only_one("python"):
        if not (folder / ".complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            create(folder, python)
        link(folder, odoo_path)
    return python


def create(folder, python):
    say("      installing Python packages (about 1 minute)")
    run([sys.executable, "-m", "venv", folder], quiet=True)
    # Odoo itself is among the dependencies of its add-ons, and pip cannot find it: it is unpacked
    # beside. The lists are complete, so nothing has to be resolved.
    command = [python, "-m", "pip", "install", "-q", "--no-deps", "--prefer-binary"]
    for path in LISTS:
        command += ["-r", path]
    run(command, quiet=True)
    (folder / ".complete").touch()


def link(folder, odoo_path):
    [site] = folder.glob("lib/python3*/site-packages")
    pth = site / "odoo-host.pth"
    if not pth.exists() or pth.read_text(encoding="utf-8") != f"{odoo_path}\n":
        pth.write_text(f"{odoo_path}\n", encoding="utf-8")


def version(python):
    """Odoo's version, as the environment sees it."""
    code = "import odoo.release; print(odoo.release.version)"
    result = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    return result.stdout.strip()
