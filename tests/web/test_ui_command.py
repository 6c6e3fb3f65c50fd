"""``lightmem ui``: it serves this machine alone, says where, and ends when it is told to."""

import http.client
import json
import signal
import socket
import subprocess
import sys

import httpx
import pytest
from typer.testing import CliRunner

from lightmem_integrations import LightMem, Settings, Turn
from lightmem_integrations.cli import app

pytestmark = pytest.mark.slow


@pytest.fixture
def store(tmp_path):
    with LightMem(tmp_path / "store", settings=Settings(background_indexing=False)) as memory:
        memory.add(Turn(role="user", text="I live in Porto."), user_id="anne&co")
    return tmp_path / "store"


def started(store, *options):
    command = [sys.executable, "-m", "lightmem_integrations.cli", "ui", store, "--no-browser"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([*command, *options], **pipes, text=True)


def ended(process):
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    return process.returncode


def test_the_address_opens_the_page_and_ctrl_c_ends_it(store):
    process = started(store, "--json", "--user", "anne&co")
    try:
        printed = "".join(iter(process.stdout.readline, "}\n")) + "}"
        address = json.loads(printed)["address"]
        assert address.startswith("http://127.0.0.1:")
        shown = httpx.get(address, follow_redirects=True, timeout=60)
        assert shown.status_code == 200
        assert "I live in Porto." in shown.text
        assert "token" not in str(shown.url)
        home = address.partition("?")[0]
        assert httpx.get(home, timeout=60).status_code == 401
        assert "uvicorn" not in shown.headers.get("server", "")
        # The id with most characters, each escaped as twelve.
        longest = f"/timeline?user={'%F0%9F%98%80' * 10_000}"
        asked = http.client.HTTPConnection("127.0.0.1", httpx.URL(home).port, timeout=60)
        asked.request("GET", longest)
        assert asked.getresponse().status == 401
        asked.close()
    finally:
        assert ended(process) == 0


def test_beside_the_owner_it_reads_only(store):
    with LightMem(store, settings=Settings(background_indexing=False)):
        refused = started(store)
        assert "--read-only" in refused.communicate(timeout=60)[1]
        assert refused.returncode == 1
        process = started(store, "--read-only")
        try:
            address = process.stdout.readline().strip()
            shown = httpx.get(address, follow_redirects=True, timeout=60)
            assert "reading only" in shown.text
        finally:
            assert ended(process) == 0


def test_a_taken_port_and_an_unknown_user_are_said(store, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused = CliRunner().invoke(app, ["ui", str(store), "--port", port, "--no-browser"])
    assert refused.exit_code == 1
    assert port in refused.stderr
    unknown = CliRunner().invoke(app, ["ui", str(store), "--user", "nobody", "--no-browser"])
    assert unknown.exit_code == 1
    assert "no such user" in unknown.stderr
    missing = CliRunner().invoke(app, ["ui", str(tmp_path / "none"), "--no-browser"])
    assert "There is no store" in missing.stderr
