"""PgBouncer in transaction mode: each transaction may get another session of the server."""

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import make_url

from postgresql import as_user, free_port, unprivileged


@contextmanager
def pooled(url: str, *, connections: int = 4, **options: object) -> Iterator[str]:
    """URL of the database of ``url`` through PgBouncer; skips where that is not installed.

    Args:
        url: The server's own.
        connections: How many to the server there are for all clients together.
        **options: PgBouncer's own, as in ``pgbouncer.ini``.
    """
    program = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/bin")
    if not program:
        pytest.skip("pgbouncer is not installed: apt-get install pgbouncer")
    server, port = make_url(url), free_port()
    access = {"host": server.host, "port": server.port, "user": server.username}
    if server.password:
        access["password"] = str(server.password)
    settings = {
        "listen_addr": "127.0.0.1",
        "listen_port": port,
        "unix_socket_dir": "",
        "auth_type": "any",
        "pool_mode": "transaction",
        "max_client_conn": 300,
        "default_pool_size": connections,
    } | options
    folder = Path(tempfile.mkdtemp(prefix="lightmem-pgbouncer-"))
    try:
        written = folder / "pgbouncer.ini"
        every = " ".join(f"{name}={value}" for name, value in access.items())
        lines = [f"{name} = {value}" for name, value in settings.items()]
        written.write_text("\n".join(["[databases]", f"* = {every}", "[pgbouncer]", *lines, ""]))
        if user := unprivileged():
            shutil.chown(folder, user)
            shutil.chown(written, user)
        with (folder / "log").open("w") as log:
            process = subprocess.Popen(as_user([program, written]), stdout=log, stderr=log)
        try:
            _wait_for(port, process, folder / "log")
            yield server.set(host="127.0.0.1", port=port).render_as_string(hide_password=False)
        finally:
            process.kill()
            process.wait()
    finally:
        shutil.rmtree(folder)


def _wait_for(port: int, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    process.kill()
    raise RuntimeError(f"PgBouncer did not start: {log.read_text()[-2000:]}")
