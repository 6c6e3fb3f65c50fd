"""Fixtures that the tests of the core share. Stores are real: SQLite, Chroma or exact search."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from lightmem_integrations import LightMem, Settings
from lightmem_integrations.consolidation.pipeline import consolidate
from lightmem_integrations.settings import ConsolidationSettings
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

    def __call__(self, turns, *, final):
        pieces = [tuple(turns[at : at + self.size]) for at in range(0, len(turns), self.size)]
        if not final and pieces and len(pieces[-1]) < self.size:
            return Cut(self.size, pieces[:-1], pieces[-1])
        return Cut(self.size, pieces)


@pytest.fixture
def consolidated():
    """Runs consolidation with a writer that reads facts from lines like ``Ann.home = Lisbon``."""

    def run(memory: LightMem, *, size: int = 2, settings=None, writer=None, final=True, **options):
        settings = dict(settings or {})
        return consolidate(
            memory._store,
            writer or ScriptedWriter(),
            settings=ConsolidationSettings(**settings),
            segment=Cut(size),
            final=final,
            **options,
        )

    return run
