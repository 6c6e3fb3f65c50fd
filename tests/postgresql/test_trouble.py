"""A database in trouble: a clear error or another try, no wrong answer, nothing half written."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

import psycopg
import pytest
from sqlalchemy import make_url

from lightmem_integrations import (
    LedgerError,
    LightMem,
    ReadOnlyError,
    Settings,
    Turn,
)
from lightmem_integrations.testing import HashEmbedder, ScriptedWriter
from postgresql import PostgresServer, _of_the_wheel, _run, _within_reach, make_database

pytestmark = pytest.mark.slow

QUICK = Settings(background_indexing=False)


@pytest.fixture(scope="module")
def server():
    with PostgresServer(max_connections=20, synchronous_commit="on") as server:
        yield server


@pytest.fixture
def url(server, request):
    name = f"t{time.monotonic_ns()}"
    return make_database(server.url(), name)


@pytest.fixture
def open_url():
    opened = []

    def open_url(url, settings=QUICK, **query):
        given = make_url(url).update_query_dict({k: str(v) for k, v in query.items()})
        memory = LightMem(
            given.render_as_string(hide_password=False),
            embedder=HashEmbedder(),
            writer=ScriptedWriter(),
            settings=settings,
        )
        opened.append(memory)
        return memory

    yield open_url
    for memory in opened:
        memory.close()


def plain(url):
    return (
        make_url(url).set(drivername="postgresql", query={}).render_as_string(hide_password=False)
    )


def admin(url):
    return psycopg.connect(plain(url), autocommit=True, application_name="admin")


def turn(text, **more):
    return Turn(role="user", text=text, **more)


def texts(memory, user="ann"):
    return [each.text for each in memory.history(user_id=user)]


@pytest.mark.parametrize("how", ["fast", "immediate", "kill"])
def test_a_server_that_restarts_between_two_calls_is_not_noticed(server, url, open_url, how):
    memory = open_url(url)
    memory.add(turn("Heron one."), user_id="ann")
    threads = [threading.Thread(target=memory.stats) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    if how == "kill":
        first = int((server.data / "postmaster.pid").read_text().splitlines()[0])
        os.kill(first, signal.SIGKILL)
        time.sleep(1)
        (server.data / "postmaster.pid").unlink(missing_ok=True)
    else:
        server.stop(how)
    with pytest.raises(LedgerError, match="Is the server running"):
        memory.add(turn("Nobody hears."), user_id="ann")
    assert memory.recall("heron", user_id="ann").degraded, "the answer says that memory is missing"
    server.start()
    memory.add(turn("Heron two."), user_id="ann")
    assert texts(memory) == ["Heron one.", "Heron two."]
    assert len(memory.recall("heron", user_id="ann", strict=True).hits) == 2


def test_an_idle_connection_that_was_cut_is_replaced(url, open_url):
    memory = open_url(url)
    memory.add(turn("Heron."), user_id="ann")
    for call in (
        lambda: memory.recall("heron", user_id="ann", strict=True).hits,
        lambda: memory.add(turn("More."), user_id="ann"),
        lambda: memory.forget(user_id="ann"),
    ):
        with admin(url) as database:
            cut = database.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE application_name = 'lightmem' AND datname = current_database()"
            ).fetchone()
        assert cut[0]
        assert call()


class Cutter:
    """Ends each session that runs a statement on a table, once."""

    def __init__(self, url, table):
        self.url, self.table, self.cuts = url, table, 0
        with admin(url) as database:
            database.execute(
                """CREATE FUNCTION lightmem.cut() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF (SELECT last_value FROM public.armed) = 2 THEN
                    PERFORM setval('public.armed', 1);
                    PERFORM pg_terminate_backend(pg_backend_pid());
                END IF; RETURN NULL; END $$;
                CREATE SEQUENCE public.armed START 1;
                """
            )
            for each in table:
                database.execute(
                    f"CREATE TRIGGER cut AFTER INSERT OR UPDATE OR DELETE ON lightmem.{each}"
                    " FOR EACH STATEMENT EXECUTE FUNCTION lightmem.cut()"
                )

    def arm(self):
        with admin(self.url) as database:
            database.execute("SELECT setval('public.armed', 2)")


def everything(memory):
    """What the memory holds, but for vectors and confidence, which change without a call."""
    return (
        [(user, session, memory.history(user_id=user, session_id=session))
         for user in memory.users() for session in memory.sessions(user_id=user)],
        memory.episodes(user_id="ann"),
        [(fact.id, fact.statement) for fact in memory.facts(user_id="ann")],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("what", "table"),
    [
        ("add", "turns"), ("add", "work"), ("add", "users"), ("add", "sessions"),
        ("index", "vectors"), ("consolidate", "episodes"), ("consolidate", "facts"),
        ("consolidate", "evidence"), ("consolidate", "leases"), ("forget", "turns"),
        ("forget", "work"), ("forget", "facts"),
    ],
)  # fmt: skip
def test_a_session_that_is_ended_in_a_write_leaves_nothing_half_written(url, open_url, what, table):
    memory = open_url(url)
    memory.add([turn("Ann.home = Porto", id="1"), turn("Ann.pet + cat", id="2")], user_id="ann")
    calls = {
        "add": lambda: memory.add(
            turn("Ann.car = Fiat", id="new"), user_id="ann", session_id="other"
        ),
        "index": memory.index_pending,
        "consolidate": lambda: memory.consolidate(user_id="ann", final=True),
        "forget": lambda: memory.forget(user_id="ann"),
    }
    if what == "forget":
        memory.consolidate(user_id="ann", final=True)
    cutter = Cutter(url, [table])
    before = everything(memory)
    cutter.arm()
    try:
        done = calls[what]()
    except LedgerError as error:
        said = str(error)
        assert everything(memory) == before
    else:
        assert what == "consolidate", f"{done} though the session was ended"
        said = "connection was lost" if done.written else str(done.problems)
    assert "connection was lost" in said
    calls[what]()
    if what == "add":
        assert [t.id for t in memory.history(user_id="ann", session_id="other")] == ["new"]
    if what == "index":
        assert memory.stats().pending == 0
    if what == "consolidate":
        values = sorted(fact.value for fact in memory.facts(user_id="ann"))
        assert values == ["Porto", "cat"]
        assert len(memory.episodes(user_id="ann")) == 1
    if what == "forget":
        assert memory.users() == ()


@contextlib.contextmanager
def ended_again_and_again(url):
    """Ends every session of ours some times a second; yields how often it did."""
    done, ended = threading.Event(), [0]

    def end():
        with admin(url) as database:
            while not done.wait(0.05):
                ended[0] += database.execute(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                    " WHERE application_name = 'lightmem' AND datname = current_database()"
                    " AND state <> 'idle'"
                ).fetchone()[0]

    thread = threading.Thread(target=end)
    thread.start()
    try:
        yield ended
    finally:
        done.set()
        thread.join()


def test_reads_whose_sessions_are_ended_never_answer_wrongly(url, open_url):
    memory = open_url(url)
    memory.add([turn(f"Heron {n}. Ann.seen{n} = {n}") for n in range(30)], user_id="ann")
    memory.consolidate(user_id="ann", final=True)
    memory.index_pending()
    reads = {
        "recall": lambda: [h.text for h in memory.recall("heron", user_id="ann", strict=True).hits],
        "history": lambda: memory.history(user_id="ann"),
        "facts": lambda: memory.facts(user_id="ann"),
        "profile": lambda: memory.profile(user_id="ann").text,
        "stats": lambda: memory.stats(user_id="ann").turns,
        "sessions": lambda: memory.sessions(user_id="ann"),
    }
    right = {name: read() for name, read in reads.items()}
    failed, until = 0, time.monotonic() + 6
    with ended_again_and_again(url) as ended:
        while time.monotonic() < until:
            for name, read in reads.items():
                try:
                    assert read() == right[name], name
                except LedgerError:
                    failed += 1
            forgiving = memory.recall("heron", user_id="ann")
            assert forgiving.degraded or [h.text for h in forgiving.hits] == right["recall"]
    assert ended[0], "no session was ended"
    assert {name: read() for name, read in reads.items()} == right


def test_writes_whose_sessions_are_ended_are_stored_once_or_not_at_all(url, open_url):
    memory = open_url(url)
    acknowledged, unsure = [], set()
    until, number = time.monotonic() + 6, 0
    with ended_again_and_again(url) as ended:
        while time.monotonic() < until:
            number += 1
            new = [turn(f"Heron {number}.", id=f"{number}{part}") for part in "ab"]
            try:
                memory.add(new, user_id="ann")
            except LedgerError:
                unsure.add(number)
            else:
                acknowledged.append(number)
    held = [int(each.id[:-1]) for each in memory.history(user_id="ann")]
    assert ended[0], "no session was ended"
    assert held[::2] == held[1::2], "both turns of a call, side by side"
    assert held == sorted(held)
    assert set(held) - unsure == set(acknowledged)
    assert len(held) == 2 * len(set(held))


def test_documents_whose_sessions_are_ended(url, open_url):
    store = pytest.importorskip("lightmem_integrations.langchain").LightMemStore(open_url(url))
    put, unsure = {}, set()
    until, number = time.monotonic() + 4, 0
    with ended_again_and_again(url) as ended:
        while time.monotonic() < until:
            number += 1
            try:
                store.put(("a",), f"k{number % 5}", {"text": f"heron {number}"})
                put[f"k{number % 5}"] = number
                unsure.discard(f"k{number % 5}")
            except LedgerError:
                unsure.add(f"k{number % 5}")
            with contextlib.suppress(LedgerError):
                key = f"k{number % 5}"
                if key in put and key not in unsure:
                    assert store.get(("a",), key).value == {"text": f"heron {put[key]}"}
    assert ended[0]
    for key in put.keys() - unsure:
        assert store.get(("a",), key).value == {"text": f"heron {put[key]}"}


def test_background_threads_go_on_once_the_server_is_back(server, url, open_url):
    memory = open_url(url, Settings(background_indexing=True))
    memory.add(turn("Heron."), user_id="ann")
    server.stop()
    time.sleep(1)
    server.start()
    memory.add(turn("Stork."), user_id="ann")
    until = time.monotonic() + 20
    while memory.stats().pending and time.monotonic() < until:
        time.sleep(0.1)
    assert memory.stats().pending == 0


class Proxy:
    """A network between us and the server, which can swallow everything."""

    def __init__(self, port):
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        self.swallows = False
        self._port = port
        self._open = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listening.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._port))
            self._open += [client, server]
            for pair in ((client, server), (server, client)):
                threading.Thread(target=self._pass_on, args=pair, daemon=True).start()

    def _pass_on(self, source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                while self.swallows:
                    time.sleep(0.05)
                target.sendall(data)
            target.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.swallows = False
        for each in (self.listening, *self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


@contextlib.contextmanager
def replica(server):
    """A server that follows the other one."""
    with PostgresServer(max_connections=20) as other:
        programs = _within_reach(_of_the_wheel(), other.folder)
        other.stop("immediate")
        for each in other.data.iterdir():
            shutil.rmtree(each) if each.is_dir() else each.unlink()
        _run([programs / "pg_basebackup", "-h", "127.0.0.1", "-p", server.port, "-U", "postgres",
              "-D", other.data, "-R", "--checkpoint=fast"])  # fmt: skip
        yield other.start()


@pytest.fixture
def proxy(server):
    proxy = Proxy(server.port)
    yield proxy
    proxy.close()


def through(url, proxy):
    return make_url(url).set(port=proxy.port).render_as_string(hide_password=False)


def test_a_network_that_swallows_everything_at_connect(url, proxy, open_url):
    proxy.swallows = True
    start = time.monotonic()
    with pytest.raises(LedgerError, match="connect_timeout"):
        open_url(through(url, proxy), connect_timeout=2)
    assert time.monotonic() - start < 10


def test_a_network_that_swallows_everything_in_between(url, proxy, open_url):
    memory = open_url(through(url, proxy), statement_timeout=1000, pool_timeout=2)
    memory.add(turn("Heron."), user_id="ann")
    proxy.swallows = True
    threading.Timer(5, lambda: setattr(proxy, "swallows", False)).start()
    start = time.monotonic()
    memory.add(turn("Stork."), user_id="ann")  # on a new connection, once it gives up the old one
    assert 2 <= time.monotonic() - start < 20
    assert texts(memory) == ["Heron.", "Stork."]


def test_a_server_that_is_stopped_within_a_statement(server, url, open_url):
    memory = open_url(url, statement_timeout=1000)
    memory.add(turn("Heron."), user_id="ann")
    with admin(url) as database:
        database.execute(
            "CREATE FUNCTION lightmem.slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " PERFORM pg_sleep(0.5); RETURN NULL; END $$;"
            "CREATE TRIGGER slow AFTER INSERT ON lightmem.turns EXECUTE FUNCTION lightmem.slow()"
        )

    def freeze():
        with admin(url) as database:
            while not (
                busy := database.execute(
                    "SELECT pid FROM pg_stat_activity WHERE application_name = 'lightmem'"
                    " AND wait_event = 'PgSleep' AND datname = current_database()"
                ).fetchall()
            ):
                time.sleep(0.02)
        frozen.extend(pid for (pid,) in busy)
        os.kill(frozen[0], signal.SIGSTOP)

    frozen = []
    thread = threading.Thread(target=freeze)
    thread.start()
    start = time.monotonic()
    try:
        with pytest.raises(LedgerError, match="no answer came within 6 s"):
            memory.add(turn("Stork."), user_id="ann")
        assert time.monotonic() - start < 15
    finally:
        thread.join()
        os.kill(frozen[0], signal.SIGCONT)
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            assert texts(memory) == ["Heron."]
            break
        except LedgerError:
            time.sleep(0.2)


def test_statements_and_locks_that_take_too_long(url, open_url):
    memory = open_url(url, lock_timeout=300, statement_timeout=1000)
    memory.add(turn("Heron."), user_id="ann")
    memory.index_pending()
    with psycopg.connect(plain(url)) as database:
        database.execute("SELECT * FROM lightmem.users FOR UPDATE")
        with pytest.raises(LedgerError, match="lock_timeout"):
            memory.add(turn("Stork."), user_id="ann")
        assert memory.recall("heron", user_id="ann", strict=True).hits, "readers do not wait"
    with psycopg.connect(plain(url)) as database:
        database.execute("LOCK TABLE lightmem.turns IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(LedgerError, match="lock_timeout"):
            memory.history(user_id="ann")
    memory.add(turn("Stork."), user_id="ann")
    assert texts(memory) == ["Heron.", "Stork."]


@pytest.mark.parametrize("state", ["40001", "40P01"])
def test_what_the_server_undid_for_the_sake_of_others_says_that_it_can_be_tried_again(
    url, open_url, state
):
    memory = open_url(url)
    memory.add(turn("first", id="one"), user_id="ann")
    with admin(url) as other:
        other.execute(
            "CREATE FUNCTION undo() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION 'undone' USING ERRCODE = '{state}'; END $$"
        )
        other.execute("CREATE TRIGGER undo BEFORE INSERT ON lightmem.turns EXECUTE FUNCTION undo()")
        with pytest.raises(LedgerError, match="try again"):
            memory.add(turn("second", id="two"), user_id="ann")
        other.execute("DROP TRIGGER undo ON lightmem.turns")
    memory.add(turn("second", id="two"), user_id="ann")
    assert texts(memory) == ["first", "second"]


def test_a_pool_that_is_exhausted(url, open_url):
    memory = open_url(url, pool_size=1, max_overflow=0, pool_timeout=1)
    memory.add(turn("Heron."), user_id="ann")
    with psycopg.connect(plain(url)) as database:
        database.execute("SELECT * FROM lightmem.users FOR UPDATE")
        held = threading.Thread(target=lambda: memory.add(turn("Stork."), user_id="ann"))
        held.start()
        time.sleep(0.5)
        with pytest.raises(LedgerError, match="raise pool_size"):
            memory.users()
    held.join()
    assert texts(memory) == ["Heron.", "Stork."]


def test_a_server_that_is_full_is_waited_for(server, url, open_url):
    memory = open_url(url, pool_timeout=1)
    memory.close()
    held = []
    with contextlib.suppress(psycopg.OperationalError):
        while True:
            held.append(psycopg.connect(plain(url)))
    with pytest.raises(LedgerError, match="max_connections"):
        open_url(url, pool_timeout=1)
    threading.Timer(2, lambda: [each.close() for each in held]).start()
    open_url(url, pool_timeout=20).add(turn("Heron."), user_id="ann")


def test_a_default_to_read_only_does_not_hold_for_what_says_that_it_writes(url, open_url):
    with admin(url) as database:
        name = make_url(url).database
        database.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    memory = open_url(url)
    memory.add(turn("Heron."), user_id="ann")
    assert texts(memory) == ["Heron."]


def test_a_replica_answers_questions_and_refuses_writes(server, url, open_url, tmp_path):
    memory = open_url(url)
    memory.add(turn("Heron."), user_id="ann")
    memory.index_pending()
    with replica(server) as other:
        behind = make_url(url).set(port=other.port).render_as_string(hide_password=False)
        with pytest.raises(ReadOnlyError, match="URL of the primary"):
            open_url(behind)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"database": "nowhere"}, "CREATE DATABASE"),
        ({"username": "nobody"}, "user in the URL"),
        ({"port": 9}, "Is the server running"),
        ({"username": "with_password", "password": "s3cret-wrong"}, "password"),
    ],
)
def test_a_url_that_leads_nowhere(server, url, open_url, change, says):
    hba = server.data / "pg_hba.conf"
    before = hba.read_text()
    with admin(url) as database:
        database.execute("DROP ROLE IF EXISTS with_password")
        database.execute("CREATE ROLE with_password LOGIN PASSWORD 'right'")
        hba.write_text("host all with_password 127.0.0.1/32 scram-sha-256\n" + before)
        database.execute("SELECT pg_reload_conf()")
        time.sleep(0.3)
        wrong = make_url(url).set(**change).render_as_string(hide_password=False)
        with pytest.raises(LedgerError, match=says) as caught:
            open_url(wrong)
        assert "s3cret" not in str(caught.value)
        hba.write_text(before)


def test_without_psycopg(url):
    code = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from lightmem_integrations import LightMem, MissingExtraError\n"
        "try: LightMem(sys.argv[1])\n"
        "except MissingExtraError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, url], capture_output=True, text=True, check=False
    )
    assert "lightmem-integrations[postgres]" in done.stdout, done.stderr


@pytest.fixture
def interruptible():
    """A process that ends at an interrupt: in the background of a shell, it is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_at_the_keyboard_leaves_nothing_half_written(url, open_url):
    memory = open_url(url)
    memory.add(turn("Heron."), user_id="ann")
    with psycopg.connect(plain(url)) as database:
        database.execute("SELECT * FROM lightmem.users FOR UPDATE")
        threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        with pytest.raises(KeyboardInterrupt):
            memory.add(turn("Stork."), user_id="ann")
    assert texts(memory) == ["Heron."]
    memory.add(turn("Stork."), user_id="ann")
    assert memory.stats().turns == 2
