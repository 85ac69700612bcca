"""Tests that need a database of their own, and processes of Odoo that work on it."""

import configparser
import contextlib
import os
import re
import socket
import subprocess
import sys
import time
import uuid

import psycopg2
import requests
from psycopg2 import sql

from odoo.tests import BaseCase

# Databases that `make test` has prepared: without the addons, and with them.
HOST = os.environ.get("TRADE_CRM_HOST_TEMPLATE")
SUITE = os.environ.get("TRADE_CRM_SUITE_TEMPLATE")
START_SECONDS = 120
COMPLAINT = re.compile(r" (WARNING|ERROR|CRITICAL) |Error: ")


class OwnDatabase(BaseCase):
    """Works on a copy of ``template`` that goes with the class."""

    template = HOST

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not cls.template:
            cls.skipTest(cls, "Only `make test` prepares the database that this works on.")
        cls.options = cls._read_options()
        cls.data_dir = cls.options["data_dir"]
        cls.name = f"tcrm_test_own_{uuid.uuid4().hex[:6]}_{os.getpid()}"
        with cls._connect("postgres") as cursor:
            cursor.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                    sql.Identifier(cls.name), sql.Identifier(cls.template)
                )
            )
        cls.addClassCleanup(cls._drop)

    @classmethod
    def _read_options(cls):
        config = configparser.ConfigParser(interpolation=None)
        config.read(os.environ["ODOO_RC"], encoding="utf-8")
        return dict(config["options"])

    @classmethod
    def _drop(cls):
        with cls._connect("postgres") as cursor:
            cursor.execute(
                sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(cls.name))
            )

    @classmethod
    @contextlib.contextmanager
    def _connect(cls, database):
        names = {"db_host": "host", "db_port": "port", "db_user": "user", "db_password": "password"}
        given = {names[key]: value for key, value in cls.options.items() if key in names}
        options = {key: value for key, value in given.items() if value not in ("", "False")}
        connection = psycopg2.connect(dbname=database, **options)
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()

    @classmethod
    def _read(cls, query):
        with cls._connect(cls.name) as cursor:
            cursor.execute(query)
            return cursor.fetchall()

    # ------------------------------------------------------------------
    # Processes
    # ------------------------------------------------------------------

    @classmethod
    def _command(cls, *arguments, program=("-m", "odoo"), command=None):
        return [
            *(sys.executable, *program),
            *([command] if command else []),
            f"--config={os.environ['ODOO_RC']}",
            f"--database={cls.name}",
            f"--data-dir={cls.data_dir}",
            *arguments,
        ]

    @classmethod
    def _odoo(cls, *arguments, command=None, code=None):
        """What Odoo prints, after it has left without an error or a warning."""
        result = subprocess.run(
            cls._command("--no-http", "--log-level=warn", *arguments, command=command),
            input=code,
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode or COMPLAINT.search(result.stderr):
            raise AssertionError(f"Odoo left with {result.returncode}\n{result.stderr}")
        return result.stdout

    @classmethod
    def _shell(cls, code):
        return cls._odoo(command="shell", code=code)

    @classmethod
    @contextlib.contextmanager
    def _serve(cls, log, *arguments):
        """Address of a server that ends with the block.

        :param log: path of the file that it logs to
        """
        port, gevent_port = cls._find_free_ports(2)
        # Odoo starts its process for long requests with the file that it was started with.
        program = log.with_suffix(".py")
        program.write_text("import odoo.cli\n\nodoo.cli.main()\n", encoding="utf-8")
        command = cls._command(
            "--http-interface=127.0.0.1",
            f"--http-port={port}",
            f"--gevent-port={gevent_port}",
            f"--db-filter=^{cls.name}$",
            "--max-cron-threads=0",
            *arguments,
            program=[program],
        )
        with open(log, "w", encoding="utf-8") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output)
            try:
                url = f"http://127.0.0.1:{port}"
                cls._wait_for(url, process)
                yield url
            except BaseException:
                sys.stderr.write(log.read_text(encoding="utf-8")[-5000:])
                raise
            finally:
                process.terminate()
                try:
                    process.wait(30)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    @classmethod
    def _find_free_ports(cls, count):
        with contextlib.ExitStack() as stack:
            probes = [stack.enter_context(socket.socket()) for _number in range(count)]
            for probe in probes:
                probe.bind(("127.0.0.1", 0))
            return [probe.getsockname()[1] for probe in probes]

    @classmethod
    def _wait_for(cls, url, process):
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and process.poll() is None:
            try:
                with open_session() as session:
                    session.get(f"{url}/web/health", timeout=START_SECONDS)
            except requests.ConnectionError:
                time.sleep(0.1)
            else:
                return
        raise AssertionError("The server does not start")


def open_session():
    """An HTTP client that talks to our own server, whatever proxy there is."""
    session = requests.Session()
    session.trust_env = False
    return session


class Client:
    """Who is logged in to the server at ``url``, as a browser is."""

    def __init__(self, url, database, login, password):
        self.url, self.session = url, open_session()
        self.uid = self._post(
            "/web/session/authenticate", {"db": database, "login": login, "password": password}
        )["uid"]

    def call(self, model, method, *args, **kwargs):
        return self._post(
            f"/web/dataset/call_kw/{model}.{method}",
            {"model": model, "method": method, "args": args, "kwargs": kwargs},
        )

    def press(self, model, button, record):
        """Press a button, over a connection of its own: None, or the sentence that refuses it."""
        params = {"model": model, "method": button, "args": [[record]], "kwargs": {}}
        with open_session() as session:
            session.cookies.update(self.session.cookies)
            answer = session.post(
                f"{self.url}/web/dataset/call_kw/{model}.{button}",
                json={"jsonrpc": "2.0", "params": params},
            ).json()
        if "error" not in answer:
            return None
        data = answer["error"]["data"]
        assert data["name"] == "odoo.exceptions.UserError", data["debug"]
        return data["message"]

    def _post(self, path, params):
        response = self.session.post(self.url + path, json={"jsonrpc": "2.0", "params": params})
        response.raise_for_status()
        answer = response.json()
        if "error" in answer:
            raise AssertionError(answer["error"]["data"]["debug"])
        return answer["result"]
