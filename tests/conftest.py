"""Fixtures that the tests of the core share. Stores are real: SQLite, Chroma or exact search."""

import contextvars
import dataclasses
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType

import pytest

from lightmem_integrations import ChromaIndex, LightMem, Settings
from lightmem_integrations.consolidation import worker
from lightmem_integrations.consolidation.pipeline import consolidate
from lightmem_integrations.settings import ConsolidationSettings
from lightmem_integrations.storage.ledger import Ledger
from lightmem_integrations.testing import HashEmbedder, ScriptedWriter


@pytest.fixture
def shared_data() -> Path:
    """Material beside the repository, too large or not free to be a part of it."""
    folder = Path(__file__).parents[1].parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the shared data folder is not beside this checkout")
    return folder


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
def open_ledger() -> Callable[[Path], Ledger]:
    """Opens the ledger in a store's folder beside the store, to see what lies in it."""
    opened: list[Ledger] = []

    def open_ledger(folder: Path) -> Ledger:
        opened.append(Ledger(f"sqlite:///{folder / 'ledger.sqlite'}"))
        return opened[-1]

    yield open_ledger
    for ledger in opened:
        ledger.close()
