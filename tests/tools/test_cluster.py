import pytest

from tools import cluster


@pytest.fixture
def own_server(monkeypatch, tmp_path):
    """Finds the server that an environment and a configuration name."""
    for name in ("HOST", "USER", "PORT", "PASSWORD"):
        monkeypatch.delenv(f"PG{name}", raising=False)
        monkeypatch.delenv(f"db_{name.lower()}", raising=False)
    monkeypatch.setattr(cluster, "ROOT", tmp_path)

    def find(config="", **environment):
        (tmp_path / "odoo.conf").write_text(f"[options]\n{config}\n")
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return cluster.find_own_server()

    return find


def test_no_server_is_named(own_server):
    assert own_server() is None
    assert own_server("db_host = False\ndb_port = 5433") is None


def test_server_of_the_configuration(own_server):
    config = "db_host = db.example\ndb_port = 5433\ndb_user = trade\ndb_password = a%b"
    server = own_server(config)
    assert server == cluster.Server("db.example", "trade", "5433", "a%b")
    assert server.environment()["PGPASSWORD"] == "a%b"
    assert server.options()["db_port"] == "5433"


def test_environment_comes_first(own_server):
    server = own_server("db_host = db.example\ndb_user = trade", PGHOST="other.example")
    assert (server.host, server.user) == ("other.example", "trade")


def test_environment_in_the_words_of_odoo(own_server):
    assert own_server(db_host="db.example", db_user="trade") == cluster.Server(
        "db.example", "trade"
    )


def test_a_server_of_somebody_else_is_not_private(own_server):
    assert not own_server("db_host = db.example").private


def test_socket_of_a_deep_checkout_is_elsewhere(monkeypatch, tmp_path):
    made = []
    monkeypatch.setattr(cluster, "make_dir", made.append)
    near = cluster.make_socket_dir(tmp_path.parent.__class__("/srv/crm/.local/pg/test"), "test")
    deep = cluster.make_socket_dir(
        tmp_path.parent.__class__("/srv" + "/deep" * 20 + "/test"), "test"
    )
    assert str(near) == "/srv/crm/.local/pg/test.socket"
    assert len(str(deep / ".s.PGSQL.5432")) <= 107
    assert made == [near, deep]
