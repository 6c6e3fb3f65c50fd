"""Fixtures that the tests of the core share. Stores are real: SQLite, Chroma or exact search."""

import contextvars
import dataclasses
import gc
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType

import pytest

from lightmem_integrations import ChromaIndex, LightMem, Settings
from lightmem_integrations.consolidation import worker
from lightmem_integrations.consolidation.pipeline import consolidate
from lightmem_integrations.settings import ConsolidationSettings
from lightmem_integrations.storage.ledger import Ledger
from lightmem_integrations.storage.postgresql.ledger import PostgresLedger
from lightmem_integrations.storage.sqlite.ledger import SqliteLedger
from lightmem_integrations.testing import HashEmbedder, ScriptedWriter


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Material beside the repository, too large or not free to be a part of it."""
    folder = Path(__file__).parents[1].parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the shared data folder is not beside this checkout")
    return folder


def pytest_addoption(parser):
    parser.addoption(
        "--database",
        choices=["sqlite", "postgresql"],
        default="sqlite",
        help="Where the stores are that tests open as folders: there, or each in a schema of its "
        "own of a PostgreSQL server",
    )


def pytest_configure(config):
    """Says where the processes of this run of tests meet, and with which of them it ends."""
    from compiled_once import compile_once
    from made_once import make_once

    compile_once()
    make_once()
    if not hasattr(config, "workerinput"):
        keep_files_in_memory()
        folder = Path(tempfile.gettempdir()) / f"lightmem-tests-{os.getpid()}"
        os.environ["LIGHTMEM_TEST_RUN"] = f"{os.getpid()}:{folder}"


# Where Linux keeps files in memory, and how many bytes have to be free there: eight times what
# all tests were seen to use.
MEMORY, ROOM = Path("/dev/shm"), 5 << 30


def keep_files_in_memory():
    """Stores sync all that they write, thousands of them: on a disk that is a part of the time."""
    if "TMPDIR" in os.environ or not MEMORY.is_dir():
        return
    there = os.statvfs(MEMORY)
    runs_programs = not there.f_flag & os.ST_NOEXEC
    if runs_programs and there.f_bavail * there.f_frsize > ROOM:
        os.environ["TMPDIR"] = str(MEMORY)
        tempfile.tempdir = None  # it may have been asked for already


def pytest_unconfigure(config):
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ["LIGHTMEM_TEST_RUN"].partition(":")[2], ignore_errors=True)


def pytest_collection_finish():
    """Leaves what was imported out of later collections of garbage: it is a million objects."""
    gc.collect()
    gc.freeze()


# Files that take longest, by the word that their paths hold: begun last, one would run on alone.
LONGEST = (
    *("crash/", "test_linear_time", "postgresql/", "security/", "notebooks/", "property/"),
    *("examples/", "evaluation/", "contract/"),
)


def pytest_collection_modifyitems(config, items):
    place = {word: number for number, word in enumerate(LONGEST)}
    items.sort(key=lambda item: min((n for w, n in place.items() if w in item.nodeid), default=99))
    if config.getoption("database") != "postgresql":
        return
    for item in items:
        reason = next((mark.args[0] for mark in item.iter_markers("sqlite")), None)
        if "open_index" in getattr(item, "fixturenames", ()):
            reason = "looks into the index of a folder"
        if reason:
            item.add_marker(pytest.mark.skip(reason=f"SQLite only: {reason}"))


@pytest.fixture(scope="session")
def postgresql_server() -> str:
    """URL of a PostgreSQL server with pgvector, started for the tests that ask for one."""
    shared_server = pytest.importorskip("postgresql").shared_server
    process, _, folder = os.environ["LIGHTMEM_TEST_RUN"].partition(":")
    return shared_server(Path(folder), int(process))


@pytest.fixture
def postgresql_database(postgresql_server) -> str:
    """URL of an empty database of the test's own."""
    from postgresql import drop_database, make_database

    url = make_database(postgresql_server, f"test_{uuid.uuid4().hex}")
    yield url
    drop_database(url)


@pytest.fixture(scope="session", autouse=True)
def folders_database(request) -> str | None:
    """URL of the database whose schemas stand in for folders; ``None`` where they are folders."""
    if request.config.getoption("database") == "sqlite":
        yield None
        return
    from folders_on_postgresql import DATABASE, in_place_of_folders
    from postgresql import drop_database, make_database

    url = make_database(request.getfixturevalue("postgresql_server"), f"tests_{uuid.uuid4().hex}")
    programs = str(Path(__file__).parent / "support" / "on_postgresql")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LightMem, "__init__", LightMem.__init__)
        patch.setattr(PostgresLedger, "now", PostgresLedger.now)
        in_place_of_folders(LightMem)
        patch.setenv(DATABASE, url)
        patch.setenv("PYTHONPATH", programs, prepend=os.pathsep)
        patch.syspath_prepend(programs)  # some tests hand it on to the programs that they start
        yield url
    drop_database(url)


@pytest.fixture(autouse=True)
def own_schemas(folders_database) -> None:
    """Drops the schemas that stand in for the folders of the test."""
    if folders_database is None:
        yield
        return
    from folders_on_postgresql import drop_schemas, schemas

    before = schemas(folders_database)
    yield
    drop_schemas(folders_database, schemas(folders_database) - before)


@pytest.fixture
def open_memory() -> Callable[..., LightMem]:
    """Opens stores with an embedder of words, and closes what the test left open.

    Indexing in the background is off, so that a test says itself when it happens.
    """
    opened: list[LightMem] = []

    def open_memory(path: Path | None = None, *, background: bool = False, **options) -> LightMem:
        options.setdefault("embedder", HashEmbedder())
        options.setdefault("settings", Settings(background_indexing=background))
        memory = LightMem(path, **options)
        opened.append(memory)
        return memory

    yield open_memory
    for memory in opened:
        memory.close()


@dataclasses.dataclass
class Cut:
    """Episodes of so many turns; what is left over may still go on."""

    size: int
    closed: list = dataclasses.field(default_factory=list)
    open: tuple = ()

    def __call__(self, turns, *, final, gap_seconds):
        pieces = [tuple(turns[at : at + self.size]) for at in range(0, len(turns), self.size)]
        if not final and pieces and len(pieces[-1]) < self.size:
            return Cut(self.size, pieces[:-1], pieces[-1])
        return Cut(self.size, pieces)


@pytest.fixture
def consolidated(monkeypatch):
    """Consolidates with a writer that reads facts from lines like ``Ann.home = Lisbon``.

    Settings, the size of episodes and whatever else ``consolidate`` takes are those of one call.
    """
    chosen = contextvars.ContextVar("chosen", default=MappingProxyType({}))

    def as_chosen(*given, **options):
        return consolidate(*given, **options | chosen.get())

    monkeypatch.setattr(worker, "consolidate", as_chosen)

    def run(memory: LightMem, *, size=2, settings=None, writer=None, final=True, **options):
        asked = {name: options.pop(name) for name in ("user_id", "max_batches") if name in options}
        settings = ConsolidationSettings(**dict(settings or {}))
        options |= {"segment": Cut(size), "settings": settings}
        token = chosen.set(options)
        try:
            return memory.consolidate(writer=writer or ScriptedWriter(), final=final, **asked)
        finally:
            chosen.reset(token)

    return run


@pytest.fixture
def open_index() -> Callable[..., ChromaIndex]:
    """Opens the index in the folder of a store that was closed, to see what lies in it."""
    opened: list[ChromaIndex] = []

    def open_index(folder: Path, shards: int = Settings().shards) -> ChromaIndex:
        opened.append(ChromaIndex.embedded(folder / "index", shards=shards))
        return opened[-1]

    yield open_index
    for index in opened:
        index.close()


@pytest.fixture
def open_ledger(folders_database) -> Callable[[LightMem | Path], Ledger]:
    """Opens the ledger of a store, or in its folder, beside the store, to see what lies in it."""
    opened: list[Ledger] = []

    def open_ledger(store: LightMem | Path) -> Ledger:
        if folders_database:
            from folders_on_postgresql import url_of, url_opened

            url = url_opened(store) if isinstance(store, LightMem) else url_of(store)
            opened.append(PostgresLedger(url))
        else:
            folder = store.path if isinstance(store, LightMem) else store
            opened.append(SqliteLedger(f"sqlite:///{folder / 'ledger.sqlite'}"))
        return opened[-1]

    yield open_ledger
    for ledger in opened:
        ledger.close()
