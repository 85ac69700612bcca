import pytest

from tools.common import SetupError
from tools.sources import Source, find_mirror, parse_lines, parse_stanzas, read_sources

BOOKWORM = {"ID": "debian", "VERSION_CODENAME": "bookworm"}

MIRROR, SECURITY = "http://mirror.example/debian", "http://mirror.example/debian-security"
OFF, SOURCES = "http://off.example/debian", "http://source.example/debian"
STANZAS = f"""\
# A comment above the first stanza
Types: deb deb-src
URIs: {MIRROR}
# and one within it
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/archive.gpg

Types: deb
URIs: {SECURITY}
Suites: bookworm-security
Components: main

Enabled: no
Types: deb
URIs: {OFF}
Suites: bookworm
Components: main

Types: deb-src
URIs: {SOURCES}
Suites: bookworm
Components: main
"""

LINES = """\
# deb http://off.example/debian bookworm main
deb cdrom:[Debian GNU/Linux 12]/ bookworm main
deb [arch=amd64 signed-by=/etc/apt/keyrings/other.gpg] http://other.example/apt bookworm main
deb http://mirror.example/debian/ bookworm main non-free # ours
deb-src http://mirror.example/debian/ bookworm main
deb http://mirror.example/debian-security bookworm-security main
"""


def test_stanzas_that_are_on_and_binary():
    found = list(parse_stanzas(STANZAS))
    assert found == [
        Source(
            "http://mirror.example/debian",
            ("bookworm", "bookworm-updates"),
            ("main", "contrib"),
            "/usr/share/keyrings/archive.gpg",
        ),
        Source("http://mirror.example/debian-security", ("bookworm-security",), ("main",)),
    ]


def test_a_key_within_a_stanza_is_carried_over():
    stanza = (
        f"Types: deb\nURIs: {MIRROR}\nSuites: bookworm\nComponents: main\n"
        "Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQINBF\n"
    )
    [source] = parse_stanzas(stanza)
    [again] = parse_stanzas(source.describe("sid"))
    assert again.signed_by == source.signed_by
    assert again.signed_by.split() == [
        "-----BEGIN",
        "PGP",
        "PUBLIC",
        "KEY",
        "BLOCK-----",
        ".",
        "mQINBF",
    ]
    assert again.suites == ("sid",)


def test_lines():
    uris = [source.uri for source in parse_lines(LINES)]
    assert "http://off.example/debian" not in uris
    assert uris[-2:] == ["http://mirror.example/debian/", "http://mirror.example/debian-security"]
    [other] = [source for source in parse_lines(LINES) if source.uri == "http://other.example/apt"]
    assert other.signed_by == "/etc/apt/keyrings/other.gpg"


def test_the_mirror_is_debians_own():
    expected = "http://mirror.example/debian"
    assert find_mirror(list(parse_stanzas(STANZAS)), BOOKWORM).uri == expected
    mirror = find_mirror(list(parse_lines(LINES)), BOOKWORM)
    assert mirror == Source(f"{expected}/", ("bookworm",), ("main", "non-free"))


def test_a_mirror_with_a_path_of_its_own():
    [source] = parse_lines("deb http://mirror.example/snapshot/2026/ bookworm main")
    assert find_mirror([source], BOOKWORM) is source


@pytest.mark.parametrize(
    ("release", "lines"),
    [
        (BOOKWORM, ""),
        (BOOKWORM, "deb http://mirror.example/debian bookworm-security main"),
        (
            {"ID": "ubuntu", "VERSION_CODENAME": "noble"},
            "deb http://mirror.example/ubuntu noble main",
        ),
    ],
)
def test_without_a_mirror_there_is_a_sentence(release, lines):
    with pytest.raises(SetupError, match="ODOO_HOME"):
        find_mirror(list(parse_lines(lines)), release)


def test_both_formats_are_read(tmp_path):
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text("deb http://one.example/debian bookworm main\n")
    (tmp_path / "sources.list.d/debian.sources").write_text(STANZAS)
    (tmp_path / "sources.list.d/old.list.save").write_text(
        "deb http://off.example/debian sid main\n"
    )
    uris = [source.uri for source in read_sources(tmp_path)]
    assert uris[:2] == ["http://one.example/debian", "http://mirror.example/debian"]
    assert len(uris) == 3
