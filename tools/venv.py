"""The Python environment, kept in the user's cache per list of packages."""

import shutil
import sys
import time

from .common import ROOT, cache_dir, digest, only_one, run, task

LISTS = (ROOT / "requirements.txt", ROOT / "tools/requirements-dev.txt")
# An environment that no checkout used for so long is removed.
MONTH = 30 * 24 * 3600


def ensure(odoo_path):
    """Path of the environment's Python, which can import ``odoo`` from ``odoo_path``."""
    key = digest(sys.version, odoo_path, *(path.read_bytes() for path in LISTS))
    folder = cache_dir() / f"python-{key}"
    with only_one("python"):
        if not get_mark(folder).exists():
            shutil.rmtree(folder, ignore_errors=True)
            with task("installing Python packages (150 MB)"):
                create(folder, odoo_path)
        get_mark(folder).touch()
        remove_unused()
    return folder / "bin/python"


def get_mark(folder):
    """File that says that ``folder`` is complete, and by its date when it was used last."""
    return folder / ".complete"


def create(folder, odoo_path):
    run([sys.executable, "-m", "venv", folder], quiet=True)
    # Odoo itself is among the dependencies of its add-ons, and pip cannot find it: it is unpacked
    # beside. The lists are complete, so nothing has to be resolved.
    command = [folder / "bin/python", "-m", "pip", "install", "-q", "--no-deps", "--prefer-binary"]
    for path in LISTS:
        command += ["-r", path]
    run(command, quiet=True)
    [packages] = folder.glob("lib/python3*/site-packages")
    (packages / "odoo-host.pth").write_text(f"{odoo_path}\n", encoding="utf-8")


def remove_unused():
    for folder in cache_dir().glob("python-*"):
        mark = get_mark(folder)
        if mark.exists() and mark.stat().st_mtime < time.time() - MONTH:
            shutil.rmtree(folder, ignore_errors=True)
