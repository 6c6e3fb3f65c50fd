"""Fixtures that the tests of the core share. Stores are real: SQLite, Chroma or exact search."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lightmem_integrations import LightMem, Settings
from lightmem_integrations.testing import HashEmbedder


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
