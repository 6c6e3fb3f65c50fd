"""The chat server of examples/fastapi: two processes, two users, one PostgreSQL database."""

import contextlib
import importlib.util
import itertools
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from blockbuster import blockbuster_ctx
from langchain_core.language_models import FakeListChatModel
from pydantic import Field

from lightmem_integrations import LightMem

jwt = pytest.importorskip("jwt")
pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")
psycopg = pytest.importorskip("psycopg")
yaml = pytest.importorskip("yaml")

SERVER = Path(__file__).parents[2] / "examples" / "fastapi"
SECRET = "a secret of the tests that is long enough for HS256"
STARTED_SECONDS = 240  # two processes load a model each, beside other tests

pytestmark = pytest.mark.slow


def token(user, secret=SECRET, *, seconds=3_600, **claims):
    return jwt.encode({"sub": user, "exp": time.time() + seconds, **claims}, secret, "HS256")


def signed(user):
    return {"Authorization": f"Bearer {token(user)}"}


def say(client, user, text, session_id="default", **more):
    body = {"session_id": session_id, "text": text, **more}
    answer = client.post("/chat", json=body, headers=signed(user))
    assert answer.status_code == 200, answer.text
    return answer.json()["answer"]


def environment(database):
    path = os.pathsep.join(filter(None, sys.path))
    return {"DATABASE_URL": database, "JWT_SECRET": SECRET, "PYTHONPATH": path}


@pytest.fixture(scope="module")
def database(postgresql_server):
    from postgresql import drop_database, make_database

    url = make_database(postgresql_server, f"server_{uuid.uuid4().hex}")
    yield url
    drop_database(url)


@pytest.fixture(scope="module")
def server(database, tmp_path_factory):
    """The program and its port: with two workers that both began on an empty database."""
    from postgresql import free_port

    port, log = free_port(), tmp_path_factory.mktemp("server") / "log"
    command = ["-m", "uvicorn", "--app-dir", str(SERVER), "app:app", "--workers", "2"]
    with log.open("w") as said:
        program = subprocess.Popen(
            [sys.executable, *command, "--port", str(port), "--timeout-worker-healthcheck", "60"],
            env={**os.environ, **environment(database)},
            stdout=said,
            stderr=said,
        )
    try:
        yield program, port, log
    finally:
        program.terminate()
        program.wait(60)


@pytest.fixture(scope="module")
def workers(server):
    """A client for each of the two processes: a connection stays with who took it."""
    program, port, log = server
    clients, until = {}, time.monotonic() + STARTED_SECONDS
    with contextlib.ExitStack() as opened:
        while len(clients) < 2:
            client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60)
            opened.enter_context(client)
            try:
                clients.setdefault(client.get("/health").json()["process"], client)
            except httpx.TransportError:
                assert program.poll() is None, log.read_text()
                assert time.monotonic() < until, log.read_text()
                time.sleep(0.2)
        yield list(clients.values())


def test_what_one_process_was_told_the_other_one_knows_at_once_and_of_that_user_alone(workers):
    for at, (thing, place) in enumerate(
        [("violin", "the attic"), ("passport", "the blue drawer"), ("bicycle", "the shed")]
    ):
        told, asked = workers if at % 2 else reversed(workers)
        say(told, "alice", f"My {thing} is in {place}.", f"monday-{at}")
        assert place in say(asked, "alice", f"Where is my {thing}?", f"friday-{at}")
        for client in workers:
            answer = say(client, "bob", f"Where is my {thing}?", f"friday-{at}", user_id="alice")
            assert place not in answer
    seen = workers[0].get("/memory", headers=signed("bob")).json()
    assert seen == {"sessions": ["friday-0", "friday-1", "friday-2"], "facts": []}


def test_nothing_is_lost_of_what_is_said_at_the_same_time_in_one_session(workers, database):
    said = [f"Box {number} holds the number {number}." for number in range(12)]
    with ThreadPoolExecutor(6) as threads:
        turns = zip(itertools.cycle(workers), said, strict=False)
        list(threads.map(lambda turn: say(turn[0], "dana", turn[1]), turns))
    with LightMem(database) as memory:
        kept = memory.history(user_id="dana")
    assert {turn.text for turn in kept if turn.role == "user" and not turn.superseded} == set(said)


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"Authorization": "Bearer nonsense"},
        {"Authorization": f"Bearer {token('alice', 'some other secret, which is long enough')}"},
        {"Authorization": f"Bearer {token('alice', seconds=-1)}"},
        {"Authorization": f"Bearer {jwt.encode({'sub': 'alice'}, SECRET, 'HS256')}"},
        {"Authorization": "Bearer " + jwt.encode({"sub": "alice"}, None, "none")},
        {"Authorization": f"Basic {token('alice')}"},
        {"X-User": "alice"},
    ],
    ids=["none", "nonsense", "forged", "expired", "endless", "unsigned", "basic", "unverified"],
)
def test_without_a_valid_signature_nobody_gets_in(workers, header):
    for method, path in [("POST", "/chat"), ("GET", "/memory"), ("DELETE", "/memory")]:
        body = {"text": "Hello", "user_id": "alice"}
        answer = workers[0].request(method, path, headers=header, json=body)
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_a_user_erases_a_session_and_then_everything(workers):
    here, there = workers
    say(here, "erin", "My locker is number 12.", "gym")
    say(here, "erin", "My parrot is called Kiwi.", "home")
    say(here, "frank", "My parrot is called Mango.", "home")
    one = there.delete("/memory", params={"session_id": "gym"}, headers=signed("erin")).json()
    assert (one["turns"], one["sessions"]) == (2, 1)
    assert here.get("/memory", headers=signed("erin")).json()["sessions"] == ["home"]
    assert there.delete("/memory", headers=signed("erin")).json()["turns"] == 2
    for client in workers:
        assert client.get("/memory", headers=signed("erin")).json()["sessions"] == []
    for client in workers:
        assert "Kiwi" not in say(client, "erin", "What is my parrot called?")
        assert "Mango" in say(client, "frank", "What is my parrot called?", "later")


def test_a_request_that_makes_no_sense_is_the_callers_fault(workers):
    for body in ({"text": ""}, {"session_id": "monday"}, {"text": "x" * 20_001}):
        assert workers[0].post("/chat", json=body, headers=signed("alice")).status_code == 422
    assert workers[0].delete("/memory?session_id=%20", headers=signed("a")).status_code == 422
    blank = workers[0].get("/memory", headers=signed(" "))
    assert (blank.status_code, "blank" in blank.json()["detail"]) == (422, True)


def test_a_worker_beside_it_makes_episodes_of_what_was_said(workers, database):
    say(workers[0], "hugo", "I play the cello in an orchestra.", "music")
    command = ["-m", "lightmem_integrations.cli", "worker", database, "--once", "--final"]
    done = subprocess.run(
        [sys.executable, *command],
        env={**os.environ, **environment(database)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    with LightMem(database) as memory:
        assert [each.session_id for each in memory.episodes(user_id="hugo")] == ["music"]
    assert "cello" in say(workers[1], "hugo", "What do I play?", "later")


def test_told_to_end_it_ends_and_leaves_no_connection(workers, server, database):
    program, _, log = server
    say(workers[0], "gina", "My last words are here.", "last")
    program.send_signal(signal.SIGTERM)
    assert program.wait(60) == 0, log.read_text()
    assert "Traceback" not in log.read_text()
    plain = database.replace("+psycopg", "")
    with psycopg.connect(plain) as look:
        mine = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        assert look.execute(mine).fetchone() == (1,)
    with LightMem(database) as memory:
        assert len(memory.history(user_id="gina", session_id="last")) == 2


@pytest.fixture
async def inside(postgresql_database, monkeypatch):
    """The server in this process, with a client for it: what it blocks would block the test."""
    for name, value in environment(postgresql_database).items():
        monkeypatch.setenv(name, value)
    spec = importlib.util.spec_from_file_location("chat_server_app", SERVER / "app.py")
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    async with program.app.router.lifespan_context(program.app):
        transport = httpx.ASGITransport(program.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
            yield program, client


class Shown(FakeListChatModel):
    """Answers "Noted.", fails where it is told to, and keeps what it was shown."""

    responses: list[str] = Field(default_factory=lambda: ["Noted."])
    shown: list[list[str]] = Field(default_factory=list)

    def _call(self, messages, *rest, **options):
        texts = [message.text for message in messages]
        self.shown.append([text for text in texts if not text.startswith("<memory>")])
        if messages[-1].text == "Fail.":
            raise RuntimeError("no model today")
        return "Noted."


async def test_the_model_is_shown_the_conversation_and_the_event_loop_is_never_blocked(
    inside, monkeypatch
):
    program, client = inside
    model = Shown()
    monkeypatch.setattr(program, "chat_model", lambda: model)
    async with program.app.router.lifespan_context(program.app):
        with blockbuster_ctx():
            for text in ("Hello.", "Fail.", "Are you there?"):
                body = {"session_id": "s", "text": text}
                if text == "Fail.":
                    with pytest.raises(RuntimeError):
                        await client.post("/chat", json=body, headers=signed("alice"))
                else:
                    await client.post("/chat", json=body, headers=signed("alice"))
            known = await client.get("/memory", headers=signed("alice"))
            assert known.json()["sessions"] == ["s"]
            assert (await client.delete("/memory", headers=signed("alice"))).json()["turns"] == 5
            assert (await client.get("/health")).json()["process"] == os.getpid()
    assert model.shown[-1] == ["Hello.", "Noted.", "Are you there?"]


async def test_without_its_database_it_says_so_and_asks_for_another_try(inside):
    program, client = inside
    await program.app.state.memory.aclose()
    answer = await client.get("/health")
    assert (answer.status_code, "closed" in answer.json()["detail"]) == (503, True)


def test_the_containers_run_what_is_tested_here():
    """The form of compose.yaml and Dockerfile; no Docker engine is there to start them."""
    root = SERVER.parents[1]
    services = yaml.safe_load((SERVER / "compose.yaml").read_text("utf-8"))["services"]
    assert set(services) == {"database", "server", "worker"}
    assert services["database"]["image"].startswith("pgvector/pgvector:")
    assert services["database"]["healthcheck"]["test"][:2] == ["CMD", "pg_isready"]
    url = services["server"]["environment"]["DATABASE_URL"]
    assert services["worker"]["command"] == ["lightmem", "worker", url]
    for each in (services["server"], services["worker"]):
        assert each["depends_on"] == {"database": {"condition": "service_healthy"}}
        assert (SERVER / each["build"]["context"] / each["build"]["dockerfile"]).is_file()
        password = services["database"]["environment"]["POSTGRES_PASSWORD"]
        assert each["environment"]["PGPASSWORD"] == password
    lines = (SERVER / "Dockerfile").read_text("utf-8").splitlines()
    for line in lines:
        if line.startswith("COPY"):
            assert all((root / source).exists() for source in line.split()[1:-1]), line
    started = json.loads(lines[-1].removeprefix("CMD "))
    readme = (SERVER / "README.md").read_text("utf-8")
    assert started[:2] + started[-2:] == ["uvicorn", "app:app", "--workers", "2"]
    assert "$ uvicorn app:app --workers 2\n" in readme
