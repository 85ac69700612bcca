"""TCP ports of this machine."""

import socket
import time

from .common import SetupError


def find_free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def check_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise SetupError(
                f"Port {port} is taken: stop what uses it, or choose another one with "
                f"make run HTTP_PORT={port + 1}"
            ) from None


def wait_for(port, server, seconds=120):
    """Wait until the process ``server`` listens."""
    for _ in range(seconds * 5):
        if server.poll() is not None:
            raise SetupError("The server stopped; what it printed is above.")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise SetupError(f"The server did not listen on port {port} within {seconds} seconds.")
