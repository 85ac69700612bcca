"""Places, messages, locks and processes that every command uses."""

import contextlib
import fcntl
import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ADDONS = ("trade_crm", "trade_crm_marketing", "trade_crm_service")


class SetupError(Exception):
    """Something is missing; the message is a sentence that says what to do."""


def say(text):
    print(text, flush=True)


def step(number, total, text):
    say(f"[{number}/{total}] {text}")


@contextlib.contextmanager
def task(text):
    """Say what takes long before it begins, and how long it took."""
    print(f"      {text} …", end="", flush=True)
    begin = time.monotonic()
    try:
        yield
    except BaseException:
        print(flush=True)
        raise
    print(f" {time.monotonic() - begin:.0f} s", flush=True)


def local_dir():
    """State of this checkout: clusters, file store, logs."""
    path = ROOT / ".local"
    path.mkdir(exist_ok=True)
    return path


def cache_dir():
    """What every checkout of this user shares: Odoo and Python packages."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    path = Path(base) / "trade-crm"
    path.mkdir(parents=True, exist_ok=True)
    return path


def digest(*parts):
    """A short key of text and bytes."""
    total = hashlib.sha256()
    for part in parts:
        total.update(part if isinstance(part, bytes) else str(part).encode())
        total.update(b"\0")
    return total.hexdigest()[:12]


def run(command, *, quiet=False, **kwargs):
    """Run ``command``; on failure say what it printed and stop."""
    if quiet:
        kwargs.setdefault("stdout", subprocess.PIPE)
        kwargs.setdefault("stderr", subprocess.STDOUT)
    result = subprocess.run([str(part) for part in command], text=True, check=False, **kwargs)
    if result.returncode:
        if quiet:
            sys.stderr.write("\n" + (result.stdout or "")[-4000:])
        raise SetupError(f"This command failed, its output is above: {' '.join(map(str, command))}")
    return result


@contextlib.contextmanager
def only_one(name, folder=None):
    """Let one process at a time into a part of the set-up; the others wait."""
    with open((folder or cache_dir()) / f"{name}.lock", "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"      another command is working on {name}; waiting for it …")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
