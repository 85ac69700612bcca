"""Odoo 19 out of the Debian archive, unpacked into the user's cache.

Odoo is not on PyPI. Debian's unstable suite holds it, complete with its tests. It is fetched from
the mirror that this machine already trusts, by an apt configuration of our own: nothing of the
machine's apt changes, and nothing is installed.
"""

import os
import platform
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from .common import SetupError, cache_dir, only_one, run, task
from .sources import find_mirror, read_sources

FROM_UNSTABLE = (
    "odoo-19",
    "libjs-jquery",
    "libjs-underscore",
    "libjs-jquery-form",
    "fonts-roboto-unhinted",
    "fonts-montserrat",
    "fonts-ocr-b",
)
# The unstable suite's Font Awesome has other paths than those that Odoo links to.
FROM_OWN_SUITE = ("fonts-font-awesome", "fonts-inconsolata")
LEFT_OUT = ("./usr/lib/python3/dist-packages/addons", "./usr/lib/python3/dist-packages/doc")
PYTHON_PATH = "usr/lib/python3/dist-packages"
# Missing in the package; without it every browser test fails on an asset error.
EMPTY_FILE = "odoo/addons/mail/static/lib/selfie_segmentation/selfie_segmentation.js"
OWN_ODOO = "Set ODOO_HOME to a folder with Odoo 19 to do without it."


def ensure():
    """Folder that holds the Python package ``odoo``."""
    own = os.environ.get("ODOO_HOME")
    return check_version(Path(own).expanduser().resolve()) if own else ensure_unpacked()


def check_version(path):
    release = path / "odoo/release.py"
    if not release.is_file():
        raise SetupError(f"ODOO_HOME is {path}, but there is no odoo/release.py in it: correct it.")
    if not re.search(r"^version_info = \(19, 0,", release.read_text(encoding="utf-8"), re.M):
        raise SetupError(f"ODOO_HOME is {path}, which is not Odoo 19.0: correct it.")
    return path


def get_version(path):
    """What tells this Odoo from another one."""
    commit = ["git", "-C", str(path), "rev-parse", "HEAD"]
    found = subprocess.run(commit, capture_output=True, text=True, check=False)
    return f"{path} {found.stdout.strip()}"


def ensure_unpacked():
    with only_one("odoo"):
        unpacked = cache_dir().glob(f"odoo-19.*/{PYTHON_PATH}")
        newest = max(unpacked, key=lambda path: path.stat().st_mtime, default=None)
        return newest or fetch() / PYTHON_PATH


def fetch():
    """Download and unpack into a folder beside the final one; it gets its name when complete."""
    for interrupted in cache_dir().glob("unfinished-*"):
        shutil.rmtree(interrupted)
    with tempfile.TemporaryDirectory(dir=cache_dir(), prefix="unfinished-") as folder:
        work = Path(folder)
        with task("downloading Odoo 19 (132 MB)"):
            packages = download(work)
        with task("unpacking Odoo 19 (650 MB)"):
            root = unpack_all(packages, work / "root")
        [odoo] = (path for path in packages if path.name.startswith("odoo-19_"))
        return root.rename(cache_dir() / f"odoo-{odoo.name.split('_')[1]}")


def download(work):
    """Fetch the packages, checked by apt against the archive's signature."""
    mirror = find_mirror(read_sources(), platform.freedesktop_os_release())
    config = write_apt_config(work / "apt", mirror)
    folder = work / "packages"
    folder.mkdir()
    wanted = [f"{name}/sid" for name in FROM_UNSTABLE]
    wanted += [f"{name}/{mirror.suite}" for name in FROM_OWN_SUITE]
    try:
        run(["apt-get", "-c", config, "update", "-q"], quiet=True)
        run(["apt-get", "-c", config, "download", "-q", *wanted], quiet=True, cwd=folder)
    except SetupError as error:
        raise SetupError(f"{error}\nOdoo 19 comes from the mirror of apt. {OWN_ODOO}") from error
    return sorted(folder.glob("*.deb"))


def write_apt_config(folder, mirror):
    """Configuration of an apt that knows two suites of ``mirror`` and no installed package."""
    for part in ("state/lists/partial", "cache/archives/partial", "sources"):
        (folder / part).mkdir(parents=True)
    for suite in ("sid", mirror.suite):
        source = folder / "sources" / f"{suite}.sources"
        source.write_text(mirror.describe(suite), encoding="utf-8")
    config = folder / "apt.conf"
    config.write_text(
        f'Dir::State "{folder}/state";\n'
        'Dir::State::status "/dev/null";\n'
        f'Dir::Cache "{folder}/cache";\n'
        'Dir::Etc::sourcelist "/dev/null";\n'
        f'Dir::Etc::sourceparts "{folder}/sources";\n'
        'Dir::Etc::preferencesparts "/dev/null";\n'
        'Acquire::Languages "none";\n'
        'APT::Sandbox::User "root";\n',
        encoding="utf-8",
    )
    return config


def unpack_all(packages, root):
    root.mkdir()
    for package in packages:
        unpack(package, root)
    empty = root / PYTHON_PATH / EMPTY_FILE
    empty.parent.mkdir(parents=True, exist_ok=True)
    empty.touch()
    check_links(root)
    return root


def unpack(package, root):
    excluded = [f"--exclude={path}" for path in LEFT_OUT]
    with subprocess.Popen(
        ["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE
    ) as reader:
        run(["tar", "-x", "-C", root, "--no-same-owner", *excluded], stdin=reader.stdout)
    if reader.returncode:
        raise SetupError(f"{package.name} is damaged: repeat this command.")


def check_links(root):
    """A dangling link means a script or font package that Odoo needs and did not get."""
    dangling = [path for path in root.rglob("*") if path.is_symlink() and not path.exists()]
    if dangling:
        names = ", ".join(str(path.relative_to(root)) for path in dangling[:3])
        raise SetupError(f"Odoo's package links to files that are missing: {names}. {OWN_ODOO}")
