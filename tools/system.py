"""Packages of the operating system that are missing."""

import os
import shutil
import subprocess

from .common import SetupError, run, say

# Debian package and a file or command that shows that what it brings is there.
NEEDED = {
    "postgresql": ("/usr/lib/postgresql/*/bin/initdb", "initdb"),
    "postgresql-contrib": ("/usr/share/postgresql/*/extension/pg_trgm.control",),
    "chromium": ("chromium", "google-chrome"),
    "fonts-noto-cjk": ("/usr/share/fonts/opentype/noto/NotoSansCJK*",),
    "wkhtmltopdf": ("wkhtmltopdf",),
}


def is_there(marks):
    from glob import glob

    return any(glob(mark) if mark.startswith("/") else shutil.which(mark) for mark in marks)


def missing_packages(needed):
    return [name for name, marks in needed.items() if not is_there(marks)]


def ensure(needed=None):
    """Install what is missing; a no-op when nothing is."""
    needed = dict(NEEDED if needed is None else needed)
    if os.environ.get("PGHOST"):
        needed.pop("postgresql", None)
        needed.pop("postgresql-contrib", None)
    if not have_venv():
        needed["python3-venv"] = ("/nonexistent",)
    packages = missing_packages(needed)
    if not packages:
        return
    apt = apt_command(packages)
    say(f"      installing {', '.join(packages)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run([*apt, "update", "-q"], quiet=True, env=environment)
    run([*apt, "install", "-y", "-q", *packages], quiet=True, env=environment)


def have_venv():
    import importlib.util

    return importlib.util.find_spec("ensurepip") is not None


def apt_command(packages):
    names = " ".join(packages)
    if not shutil.which("apt-get"):
        raise SetupError(
            f"Please install {names} (names of Debian packages) and repeat: this system has no apt-get."
        )
    if os.geteuid() == 0:
        return ["apt-get"]
    if shutil.which("sudo") and sudo_works():
        return ["sudo", "apt-get"]
    raise SetupError(
        f"Please ask an administrator to run: apt-get install {names}. "
        "This user may not install packages."
    )


def sudo_works():
    return subprocess.run(["sudo", "-v"], check=False).returncode == 0
