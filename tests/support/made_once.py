"""A new ledger made once, whose file every store of a process begins with.

A new store takes all steps of its schema, which are two fifths of a short test.
"""

import functools
import tempfile
import threading
from pathlib import Path

from sqlalchemy import Engine

from lightmem_integrations.storage.migrations.runner import VERSION, migrate
from lightmem_integrations.storage.sqlite import ledger

_one_at_a_time = threading.Lock()


@functools.cache
def _new() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "ledger.sqlite"
        ledger.SqliteLedger(file).close()
        return file.read_bytes()


def _migrate(engine: Engine, target: int = VERSION, *, may_write: bool = True) -> None:
    file = Path(engine.url.database or "")
    with _one_at_a_time:
        if may_write and target == VERSION and file.is_file() and not file.stat().st_size:
            file.write_bytes(_new())
    migrate(engine, target, may_write=may_write)


def make_once() -> None:
    """Lets every new ledger of this process begin as a copy of the first."""
    _new()
    ledger.migrate = _migrate
