import pytest

from tools import system
from tools.common import SetupError


def test_nothing_is_installed_when_nothing_is_missing(monkeypatch):
    monkeypatch.setattr(system, "install", pytest.fail)
    system.ensure({"some-package": ("/nowhere/*", "sh"), "other-package": ("/bin/sh",)})


def test_only_what_is_missing_is_installed(monkeypatch):
    calls = []
    monkeypatch.setattr(system, "find_apt", lambda packages: ["apt"])
    monkeypatch.setattr(system, "install", lambda apt, packages: calls.append(packages))
    system.ensure({"there": ("sh",), "missing": ("no-such-command",), "gone": ("/nowhere/*",)})
    assert calls == [["missing", "gone"]]


def test_who_may_not_install_gets_the_command(monkeypatch):
    monkeypatch.setattr(system.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(system, "may_use_sudo", lambda: False)
    monkeypatch.setattr(system.shutil, "which", lambda name: f"/usr/bin/{name}")
    with pytest.raises(SetupError, match="apt-get install --no-install-recommends one two"):
        system.find_apt(["one", "two"])


def test_sudo_is_used_where_it_works(monkeypatch):
    monkeypatch.setattr(system.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(system, "may_use_sudo", lambda: True)
    monkeypatch.setattr(system.shutil, "which", lambda name: f"/usr/bin/{name}")
    assert system.find_apt(["one"])[0] == "sudo"


def test_without_apt_the_packages_are_named(monkeypatch):
    monkeypatch.setattr(system.shutil, "which", lambda name: None)
    with pytest.raises(SetupError, match="one two"):
        system.find_apt(["one", "two"])
