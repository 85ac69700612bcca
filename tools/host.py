"""Odoo 19 out of the Debian archive, unpacked into the user's cache.

Odoo is not on PyPI. Debian's unstable suite holds it, complete with its tests. It is fetched from
the mirror that this machine already trusts, by an apt configuration of our own: nothing of the
machine's apt changes, and nothing is installed.
"""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from .common import SetupError, cache_dir, only_one, run, say

FROM_SID = (
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
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def ensure():
    """Folder that holds the Python package ``odoo``."""
    own = os.environ.get("ODOO_HOME")
    if own:
        if not (Path(own) / "odoo").is_dir():
            raise SetupError(
                f"ODOO_HOME is {own}, but there is no folder 'odoo' in it: correct it."
            )
        return Path(own)
    target = cache_dir() / "odoo-19"
    with only_one("odoo-19"):
        if not (target / ".complete").exists():
            install(target)
    return target / PYTHON_PATH


def install(target):
    """Download and unpack into a folder beside ``target`` and move it there when complete."""
    with tempfile.TemporaryDirectory(dir=cache_dir(), prefix="odoo-19-") as name:
        work = Path(name)
        say("      downloading Odoo 19 (about 130 MB)")
        packages = download(work)
        say("      unpacking Odoo 19 (about 600 MB)")
        root = work / "root"
        root.mkdir()
        for package in packages:
            unpack(package, root)
        empty = root / PYTHON_PATH / EMPTY_FILE
        empty.parent.mkdir(parents=True, exist_ok=True)
        empty.touch()
        check(root)
        (root / ".complete").touch()
        shutil.rmtree(target, ignore_errors=True)
        root.rename(target)


def download(work):
    """Fetch the packages, checked by apt against the archive's signature."""
    uri, signed_by = find_mirror(read_sources())
    config = write_apt_config(work, uri, signed_by)
    folder = work / "packages"
    folder.mkdir()
    environment = {**os.environ, "APT_CONFIG": str(config)}
    run(["apt-get", "update", "-q"], quiet=True, env=environment)
    run(["apt-get", "download", "-q", *FROM_SID], quiet=True, env=environment, cwd=folder)
    if not has_candidate(FROM_OWN_SUITE[0]):
        raise SetupError(
            "The package lists of apt are empty: run 'apt-get update' as root and repeat."
        )
    run(["apt-get", "download", "-q", *FROM_OWN_SUITE], quiet=True, cwd=folder)
    return sorted(folder.glob("*.deb"))


def has_candidate(package):
    shown = subprocess.run(["apt-cache", "show", package], capture_output=True, check=False)
    return shown.returncode == 0 and bool(shown.stdout)


def write_apt_config(work, uri, signed_by):
    for folder in ("state/lists/partial", "cache/archives/partial", "parts"):
        (work / "apt" / folder).mkdir(parents=True)
    (work / "apt/parts/sid.sources").write_text(
        f"Types: deb\nURIs: {uri}\nSuites: sid\nComponents: main\nSigned-By: {signed_by}\n",
        encoding="utf-8",
    )
    config = work / "apt/apt.conf"
    config.write_text(
        f'Dir::State "{work}/apt/state";\n'
        'Dir::State::status "/dev/null";\n'
        f'Dir::Cache "{work}/apt/cache";\n'
        'Dir::Etc::sourcelist "/dev/null";\n'
        f'Dir::Etc::sourceparts "{work}/apt/parts";\n'
        'Acquire::Languages "none";\n'
        'APT::Sandbox::User "root";\n',
        encoding="utf-8",
    )
    return config


def read_sources():
    """Text of the machine's apt sources, in both formats."""
    folder = Path("/etc/apt")
    files = [
        folder / "sources.list",
        *sorted(folder.glob("sources.list.d/*.sources")),
        *sorted(folder.glob("sources.list.d/*.list")),
    ]
    return "\n\n".join(file.read_text(encoding="utf-8") for file in files if file.is_file())


def find_mirror(sources):
    """URI and key ring of the first Debian archive among apt's ``sources``.

    :raise SetupError: when there is none
    """
    for block in re.split(r"\n\s*\n", sources):
        uri = re.search(r"^URIs:\s*(\S+/debian)/?\s*$", block, re.M)
        if uri:
            key = re.search(r"^Signed-By:\s*(\S+)", block, re.M)
            return uri[1], key[1] if key else KEYRING
    for line in sources.splitlines():
        entry = re.match(r"deb\s+(?:\[(.*?)\]\s+)?(\S+/debian)/?\s", line)
        if entry:
            key = re.search(r"signed-by=(\S+)", entry[1] or "")
            return entry[2], key[1] if key else KEYRING
    raise SetupError(
        "No Debian archive is among this machine's apt sources: set ODOO_HOME to a folder with Odoo 19."
    )


def unpack(package, root):
    excluded = [f"--exclude={path}" for path in LEFT_OUT]
    with subprocess.Popen(
        ["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE
    ) as reader:
        run(["tar", "-x", "-C", root, "--no-same-owner", *excluded], stdin=reader.stdout)
    if reader.returncode:
        raise SetupError(f"{package.name} is damaged: repeat the set-up.")


def check(root):
    """A dangling link means a script or font package that Odoo needs and did not get."""
    dangling = [path for path in root.rglob("*") if path.is_symlink() and not path.exists()]
    if dangling:
        names = ", ".join(str(path.relative_to(root)) for path in dangling[:3])
        raise SetupError(f"Odoo's package links to files that are missing: {names}")
