"""Linters: ruff, pylint-odoo, prettier."""

import json
import subprocess
import tempfile
from pathlib import Path

from .common import ADDONS, ROOT, cache_dir, digest, only_one, run, say, task

PRETTIER = {"prettier": "3.6.2", "@prettier/plugin-xml": "3.4.2"}


def lint(python):
    """Run every linter, also after one that found something."""
    programs = python.parent
    commands = {
        "ruff check": [programs / "ruff", "check", "."],
        "ruff format": [programs / "ruff", "format", "--check", "."],
        "pylint-odoo": [
            programs / "pylint",
            "--rcfile=pyproject.toml",
            # README.rst is what the OCA's robots make of readme/; a model may have more than one file.
            "--disable=missing-readme,consider-merging-classes-inherited",
            # Tests write SQL and raise errors of their own.
            "--ignore=tests",
            *(f"addons/{name}" for name in ADDONS),
        ],
        "prettier": prettier_command(programs, "--check"),
    }
    failed = [name for name, command in commands.items() if not is_clean(name, command)]
    if failed:
        say(f"\nNot clean: {', '.join(failed)}")
    return 1 if failed else 0


def reformat(python):
    """Let ruff and prettier write what they would have."""
    programs = python.parent
    for command in (
        [programs / "ruff", "check", "--fix", "--exit-zero", "."],
        [programs / "ruff", "format", "."],
        prettier_command(programs, "--write"),
    ):
        run(command, cwd=ROOT)


def prettier_command(programs, action):
    folder = ensure_prettier(programs)
    return [
        programs / "node",
        folder / "node_modules/prettier/bin/prettier.cjs",
        action,
        "--log-level=warn",
        f"--plugin={folder}/node_modules/@prettier/plugin-xml/src/plugin.js",
        "addons/**/*.{xml,js,scss}",
    ]


def is_clean(name, command):
    code = subprocess.call([str(part) for part in command], cwd=ROOT)
    say(f"{name}: {'found something' if code else 'clean'}")
    return not code


def ensure_prettier(programs):
    """Folder with prettier, installed by the npm that is among the Python packages."""
    folder = cache_dir() / f"prettier-{digest(json.dumps(PRETTIER))}"
    with only_one("prettier"):
        if not folder.exists():
            with task("installing prettier"):
                install_prettier(programs, folder)
    return folder


def install_prettier(programs, folder):
    with tempfile.TemporaryDirectory(dir=cache_dir(), prefix="unfinished-") as name:
        work = Path(name) / "prettier"
        work.mkdir()
        package = json.dumps({"private": True, "dependencies": PRETTIER})
        (work / "package.json").write_text(package, encoding="utf-8")
        options = ["--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"]
        run([programs / "npm", "install", *options], quiet=True, cwd=work)
        work.rename(folder)
