"""A server of Odoo in a process of its own, and a browser's calls to it."""

import socket
import subprocess
import sys
import time
from contextlib import closing, contextmanager

import requests

from odoo.tools import config

from . import databases

START_SECONDS = 120


@contextmanager
def serve(name):
    """Address of a server on database ``name``, which ends with the block."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        *(sys.executable, "-m", "odoo"),
        f"--addons-path={databases.ROOT / 'addons'}",
        f"--data-dir={config['data_dir']}",
        *(f"--database={name}", f"--db-filter=^{name}$"),
        *("--http-interface=127.0.0.1", f"--http-port={port}"),
        *("--workers=0", "--max-cron-threads=0", "--log-level=warn"),
    ]
    for option in ("db_host", "db_port", "db_user", "db_password"):
        if config[option]:
            command.append(f"--{option}={config[option]}")
    process = subprocess.Popen(command, cwd=databases.ROOT)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(url, process)
        yield url
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(url, process):
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            requests.get(f"{url}/web/health", timeout=START_SECONDS)
        except requests.ConnectionError:
            time.sleep(0.2)
        else:
            return
    raise RuntimeError("The server of Odoo does not start; its log above says why.")


class Client:
    """Who is logged in, as in a browser: one connection, one session."""

    def __init__(self, url, name, login):
        self.url = url
        self.session = requests.Session()
        # A proxy has no business between this process and its own server.
        self.session.trust_env = False
        info = self.post(
            "/web/session/authenticate", {"db": name, "login": login, "password": login}
        )
        companies = info["user_companies"]
        self.context = {
            **info["user_context"],
            # All companies are chosen, the user's own comes first.
            "allowed_company_ids": sorted(
                map(int, companies["allowed_companies"]),
                key=lambda company: company != companies["current_company"],
            ),
        }

    def call(self, model, method, args=(), context=None, **kwargs):
        kwargs["context"] = {**self.context, **(context or {})}
        return self.post(
            f"/web/dataset/call_kw/{model}/{method}",
            {"model": model, "method": method, "args": list(args), "kwargs": kwargs},
        )

    def post(self, path, params):
        response = self.session.post(
            self.url + path, json={"jsonrpc": "2.0", "method": "call", "params": params}
        )
        response.raise_for_status()
        answer = response.json()
        if "error" in answer:
            raise RuntimeError(answer["error"]["data"]["debug"])
        return answer["result"]
