import os

from tools import databases


def test_a_copied_file_store_is_apart(tmp_path):
    source, target = tmp_path / "one", tmp_path / "two"
    (source / "0a").mkdir(parents=True)
    (source / "0a/0abc").write_bytes(b"content")
    databases.copy_files(source, target)
    (target / "0a/0abc").unlink()
    (target / "0a/0def").write_bytes(b"other")
    assert [path.name for path in source.rglob("*")] == ["0a", "0abc"]


def test_copying_replaces_what_was_there(tmp_path):
    source, target = tmp_path / "one", tmp_path / "two"
    (target / "ff").mkdir(parents=True)
    databases.copy_files(source, target)
    assert list(target.iterdir()) == []


def test_a_process_that_lives():
    assert databases.is_alive(str(os.getpid()))
    assert not databases.is_alive("4194305")  # above the largest number that Linux gives


def test_dependencies_are_not_ours():
    found = databases.dependencies()
    assert {"sale_stock", "mass_mailing", "helpdesk_mgmt"} <= set(found)
    assert not set(found) & set(databases.ADDONS)


def test_the_key_of_the_addons_ignores_tests(monkeypatch, tmp_path):
    addon = tmp_path / "addons/one"
    (addon / "tests").mkdir(parents=True)
    (addon / "models.py").write_text("a = 1\n")
    monkeypatch.setattr(databases, "ROOT", tmp_path)
    before = databases.get_addons_digest()
    (addon / "tests/test_a.py").write_text("b = 2\n")
    assert databases.get_addons_digest() == before
    (addon / "models.py").write_text("a = 2\n")
    assert databases.get_addons_digest() != before
