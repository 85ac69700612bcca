"""Packages of the operating system that are missing."""

import importlib.util
import os
import shutil
import subprocess
import sys
from glob import glob

from .common import SetupError, run, task

# Debian package, and the files or commands that show that what it brings is there.
PYTHON = {"python3-venv": ("ensurepip",)}
SERVER = {
    "postgresql": ("/usr/lib/postgresql/*/bin/initdb", "initdb"),
    "postgresql-contrib": (
        "/usr/share/postgresql/*/extension/unaccent.control",
        "/usr/share/postgresql/extension/unaccent.control",
    ),
}
CLIENT = {"postgresql-client": ("psql",)}
BROWSER = {
    "chromium": ("chromium", "chromium-browser", "google-chrome"),
    "fonts-noto-cjk": ("/usr/share/fonts/opentype/noto/NotoSansCJK*",),
    "wkhtmltopdf": ("wkhtmltopdf",),
}


def ensure(needed):
    """Install those of the packages ``needed`` that are missing."""
    packages = [name for name, marks in needed.items() if not any(map(is_there, marks))]
    if packages:
        apt = find_apt(packages)
        with task(f"installing {', '.join(packages)}"):
            install(apt, packages)


def is_there(mark):
    if mark == "ensurepip":
        return importlib.util.find_spec(mark) is not None
    return bool(glob(mark)) if mark.startswith("/") else bool(shutil.which(mark))


def install(apt, packages):
    run([*apt, "update", "-q"], quiet=True)
    run([*apt, "install", "-y", "-q", "--no-install-recommends", *packages], quiet=True)


def find_apt(packages):
    """The command that installs packages on this machine as this user.

    :raise SetupError: when this user may not
    """
    names = " ".join(packages)
    if not shutil.which("apt-get"):
        raise SetupError(f"Please install what Debian calls {names}, then repeat this command.")
    apt = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]
    if os.geteuid() == 0:
        return apt
    if shutil.which("sudo") and may_use_sudo():
        return ["sudo", *apt]
    raise SetupError(
        f"This user may not install packages. Please ask an administrator to run\n"
        f"    apt-get update && apt-get install --no-install-recommends {names}\n"
        "and repeat this command."
    )


def may_use_sudo():
    """Ask for the password only where somebody can type it."""
    options = [] if sys.stdin.isatty() else ["--non-interactive"]
    return not subprocess.run(["sudo", *options, "--validate"], check=False).returncode
