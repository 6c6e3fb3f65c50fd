"""Real servers for the contracts: Chroma for vector indexes, PostgreSQL for stores."""

import socket
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def chroma_server(tmp_path_factory):
    """Host and port of a ``chroma run`` server that lives as long as the tests."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [Path(sys.executable).with_name("chroma"), "run", "--host", "127.0.0.1"]
    folder = tmp_path_factory.mktemp("chroma-server")
    server = subprocess.Popen(
        [*command, "--port", str(port), "--path", str(folder)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        except OSError:
            assert server.poll() is None, "the server did not start"
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.1)
    yield "127.0.0.1", port
    server.kill()
    server.wait()


@pytest.fixture(scope="class")
def database(postgresql_server):
    """URL of a database that the tests of a class share: each empties its store behind it."""
    from postgresql import drop_database, make_database

    url = make_database(postgresql_server, f"stores_{uuid.uuid4().hex}")
    yield url
    drop_database(url)
