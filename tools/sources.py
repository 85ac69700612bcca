"""The Debian mirror that this machine's apt is configured with."""

import re
from dataclasses import dataclass
from pathlib import Path

from .common import SetupError


@dataclass(frozen=True)
class Source:
    """One archive of apt; ``signed_by`` is a path, a key, or empty for apt's own key ring."""

    uri: str
    suites: tuple
    components: tuple
    signed_by: str = ""

    @property
    def suite(self):
        return self.suites[0]

    def describe(self, suite):
        """This archive with another suite, in the format of a ``.sources`` file."""
        text = f"Types: deb\nURIs: {self.uri}\nSuites: {suite}\nComponents: main\n"
        return text + (f"Signed-By: {self.signed_by}\n" if self.signed_by else "")


def read_sources(folder=Path("/etc/apt")):
    """Every archive that apt reads, in the order of its files."""
    sources = []
    for file in (folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))):
        if file.suffix == ".sources":
            sources += parse_stanzas(file.read_text(encoding="utf-8"))
        elif file.suffix == ".list" and file.is_file():
            sources += parse_lines(file.read_text(encoding="utf-8"))
    return sources


def parse_stanzas(text):
    """Archives of a ``.sources`` file."""
    text = re.sub(r"^#.*\n", "", text, flags=re.M)
    for stanza in re.split(r"\n\s*\n", text):
        # A line that begins with a space continues the field above it.
        fields = re.findall(r"^([\w-]+):[ \t]*(.*(?:\n[ \t].*)*)", stanza, re.M)
        values = {name.lower(): value.rstrip() for name, value in fields}
        if "deb" not in values.get("types", "").split() or values.get("enabled") == "no":
            continue
        for uri in values["uris"].split():
            yield Source(
                uri,
                tuple(values["suites"].split()),
                tuple(values.get("components", "").split()),
                values.get("signed-by", ""),
            )


def parse_lines(text):
    """Archives of a ``.list`` file."""
    for line in text.splitlines():
        match = re.match(r"\s*deb\s+(?:\[(.*?)\]\s*)?(\S+)\s+(\S+)([^#]*)", line)
        if match:
            options, uri, suite, components = match.groups()
            key = re.search(r"signed-by=(\S+)", options or "", re.I)
            yield Source(uri, (suite,), tuple(components.split()), key[1] if key else "")


def find_mirror(sources, release):
    """The archive that this Debian itself came from.

    :param release: fields of /etc/os-release
    :raise SetupError: when there is none
    """
    own = {release.get("VERSION_CODENAME"), "stable", "testing", "unstable", "sid"}
    mirrors = [source for source in sources if "main" in source.components and source.suite in own]
    if release.get("ID") != "debian" or not mirrors:
        raise SetupError(
            "Odoo 19 is fetched from the mirror of Debian's apt, and this machine has none: "
            "set ODOO_HOME to a folder with Odoo 19."
        )
    # Other people's archives call their suites after Debian's, too.
    return min(mirrors, key=lambda source: not re.search(r"debian/?$", source.uri))
