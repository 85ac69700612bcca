import pytest

from tools import host
from tools.common import SetupError


def make_odoo(folder, version):
    (folder / "odoo").mkdir()
    (folder / "odoo/release.py").write_text(f"version_info = ({version}, FINAL, 0, '')\n")
    return folder


def test_odoo_of_the_person(monkeypatch, tmp_path):
    monkeypatch.setenv("ODOO_HOME", str(make_odoo(tmp_path, "19, 0, 0")))
    assert host.ensure() == tmp_path


@pytest.mark.parametrize("version", ["18, 0, 0", "19, 1, 0", "'saas~19', 2, 0"])
def test_another_version_is_refused(monkeypatch, tmp_path, version):
    monkeypatch.setenv("ODOO_HOME", str(make_odoo(tmp_path, version)))
    with pytest.raises(SetupError, match="not Odoo 19.0"):
        host.ensure()


def test_a_folder_without_odoo_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("ODOO_HOME", str(tmp_path))
    with pytest.raises(SetupError, match="no odoo/release.py"):
        host.ensure()


def test_a_dangling_link_is_found(tmp_path):
    (tmp_path / "there").touch()
    (tmp_path / "good").symlink_to(tmp_path / "there")
    host.check_links(tmp_path)
    (tmp_path / "bad.js").symlink_to(tmp_path / "missing")
    with pytest.raises(SetupError, match="bad.js"):
        host.check_links(tmp_path)
