"""The command `lightmem serve`: whom it lets in, where it listens, and how it ends."""

import re
import signal
import socket
import subprocess
import sys
import threading
import time

import httpx
import pytest
from typer.testing import CliRunner

from lightmem_integrations import LightMem
from lightmem_integrations.cli import app
from lightmem_integrations.web.tokens import add_token

pytest.importorskip("fastapi")

pytestmark = pytest.mark.slow

SLOW = (
    "import time\n"
    "from lightmem_integrations import LightMem\n"
    "add = LightMem.add\n"
    "def slow(*arguments, **named):\n"
    "    print('BEGUN', flush=True)\n"
    "    time.sleep(2)\n"
    "    return add(*arguments, **named)\n"
    "LightMem.add = slow\n"
    "import sys\n"
    "from lightmem_integrations.cli import app\n"
    "app(sys.argv[1:])\n"
)


def refused(*arguments):
    result = CliRunner().invoke(app, ["serve", *map(str, arguments)])
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: ")
    return result.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "memory.example"])
def test_without_tokens_it_listens_on_this_machine_alone(tmp_path, host):
    told = refused(tmp_path / "store", "--user", "alice", "--host", host)
    assert "--tokens" in told
    assert not (tmp_path / "store").exists()


def test_it_asks_who_may_come_in_and_takes_one_answer(tmp_path):
    assert "lightmem token add" in refused(tmp_path / "store")
    add_token(tmp_path / "tokens", "alice")
    both = ("--tokens", tmp_path / "tokens", "--user", "alice")
    assert "one of" in refused(tmp_path / "store", *both)
    signed = ("--jwt-jwks-url", "https://login.example/keys")
    assert "audience" in refused(tmp_path / "store", *signed)
    assert "wildcard" in refused(tmp_path / "store", "--user", "*")


def test_a_token_file_that_others_may_read_is_refused(tmp_path):
    add_token(tmp_path / "tokens", "alice")
    (tmp_path / "tokens").chmod(0o644)
    told = refused(tmp_path / "store", "--tokens", tmp_path / "tokens")
    assert "chmod 600" in told
    assert not (tmp_path / "store").exists()


def test_a_port_that_is_taken_is_named(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = refused(tmp_path / "store", "--user", "alice", "--port", port)
    assert f"port {port}" in told
    assert "--port" in told


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_told_to_end_it_answers_what_it_was_asked_and_closes_the_store(tmp_path, how):
    token = add_token(tmp_path / "tokens", "alice")
    options = ["serve", tmp_path / "store", "--tokens", tmp_path / "tokens", "--port", "0"]
    answers = []
    with subprocess.Popen(
        [sys.executable, "-c", SLOW, *map(str, options)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as running:  # fmt: skip
        line = running.stdout.readline()
        url = re.search(r"http://[\d.]+:\d+", line).group()

        def ask():
            turn = {"turns": [{"role": "user", "text": "Said just before the end."}]}
            headers = {"Authorization": f"Bearer {token}"}
            asked = httpx.post(
                f"{url}/v1/turns", json=turn, headers=headers, timeout=60, trust_env=False
            )
            answers.append(asked.status_code)

        asking = threading.Thread(target=ask)
        asking.start()
        assert running.stdout.readline() == "BEGUN\n"
        running.send_signal(how)
        asking.join()
        assert running.wait(60) == 0
        assert "Traceback" not in running.stderr.read()
    assert answers == [201]
    with LightMem(tmp_path / "store") as memory:
        (turn,) = memory.history(user_id="alice")
    assert turn.text == "Said just before the end."


def test_what_strangers_send_is_neither_kept_in_memory_nor_logged(tmp_path):
    options = ["serve", tmp_path / "store", "--user", "alice", "--port", "0"]
    with subprocess.Popen(
        [sys.executable, "-m", "lightmem_integrations.cli", *map(str, options)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as running:  # fmt: skip
        url = re.search(r"http://[\d.]+:\d+", running.stdout.readline()).group()
        with httpx.Client(base_url=url, timeout=60, trust_env=False) as http:
            while http.get("/ready").status_code != 200:
                time.sleep(0.1)
            accept = {"Accept": "application/json, text/event-stream"}
            canary = {"jsonrpc": "2.0", "method": "canary", "params": {"text": "canary"}}
            noted = http.post("/mcp", json=canary, headers=accept)
            large = http.get("/health", headers={"X-Large": "x" * 2**20})
        running.terminate()
        assert (noted.status_code, large.status_code) == (202, 400)
        assert "canary" not in running.stderr.read()


def test_a_token_made_while_it_runs_is_taken_and_one_revoked_is_not(tmp_path):
    file = tmp_path / "tokens"
    add_token(file, "bob")
    options = ["serve", tmp_path / "store", "--tokens", file, "--port", "0"]
    with subprocess.Popen(
        [sys.executable, "-m", "lightmem_integrations.cli", *map(str, options)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as running:  # fmt: skip
        url = re.search(r"http://[\d.]+:\d+", running.stdout.readline()).group()
        token = CliRunner().invoke(app, ["token", "add", str(file), "-u", "alice"]).stdout.strip()

        def status():
            headers = {"Authorization": f"Bearer {token}"}
            return httpx.get(
                f"{url}/v1/stats", headers=headers, timeout=60, trust_env=False
            ).status_code

        until = time.monotonic() + 60
        while httpx.get(f"{url}/ready", trust_env=False).status_code != 200:
            assert time.monotonic() < until
        assert status() == 200
        revoked = CliRunner().invoke(app, ["token", "revoke", str(file), "-u", "alice"])
        assert revoked.stdout == "1 token revoked.\n"
        assert status() == 401
        running.terminate()
        assert running.wait(60) == 0
        assert token not in running.stderr.read()
