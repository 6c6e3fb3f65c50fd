"""The tests of an embedder."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from lightmem_integrations.lightmem import LightMem
from lightmem_integrations.models.embedders import as_embedder
from lightmem_integrations.models.protocols import Embedder
from lightmem_integrations.records.conversation import Turn

SENTENCES = (
    "I moved to Lisbon in May.",
    "My cat is called Mia and sleeps all day.",
    "The train to Porto leaves at nine.",
    "We had pumpkin soup for dinner.",
)
# None of them blank: a memory asks for no vector of nothing, and some embedders refuse it.
ODD = (
    "?",
    "👩‍👩‍👧",
    "東京で寿司",
    "مرحبا",
    "a\x00b",
    "0",
    "word " * 5_000,
)


class EmbedderContract:
    """All tests of an embedder. Inherit it in a class whose name begins with ``Test``.

    Override the fixture ``embedder``: anything that ``LightMem`` takes as ``embedder=``, such as
    an object with ``embed_documents`` and ``embed_query``, an embedding of LangChain's or
    LlamaIndex's, or a function of texts.

    Attributes:
        tolerance: Largest difference of a vector's entries between two calls, for models whose
            arithmetic depends on what is embedded together.
    """

    tolerance: ClassVar[float] = 1e-5

    @pytest.fixture
    def embedder(self) -> Any:
        """What is tested; to be overridden."""
        raise NotImplementedError(
            f"{type(self).__name__} has no fixture 'embedder'. Write one that gives an embedder."
        )

    @pytest.fixture
    def model(self, embedder: Any) -> Embedder:
        """The embedder as a memory uses it."""
        return as_embedder(embedder)

    def test_its_name_is_always_the_same(self, model: Embedder, embedder: Any) -> None:
        """The name is a text, which a store keeps to know its vectors by."""
        assert isinstance(model.name, str)
        assert model.name
        assert as_embedder(embedder).name == model.name

    def test_there_is_one_vector_for_each_text(self, model: Embedder) -> None:
        """Documents give one row for each text, of one length, and a question a row like them."""
        rows = np.asarray(model.embed_documents(list(SENTENCES)))
        assert rows.shape[0] == len(SENTENCES)
        assert rows.ndim == 2
        assert np.asarray(model.embed_query(SENTENCES[0])).shape == (rows.shape[1],)
        assert np.asarray(model.embed_documents([SENTENCES[0]] * 3)).shape == (3, rows.shape[1])

    @pytest.mark.parametrize("text", ODD, ids=lambda text: repr(text)[:12])
    def test_every_text_has_a_direction(self, model: Embedder, text: str) -> None:
        """Odd and long texts give finite numbers that are not all zero."""
        rows = (model.embed_documents([text])[0], model.embed_query(text))
        for row in rows:
            numbers = np.asarray(row, dtype=np.float64)
            assert np.isfinite(numbers).all()
            assert np.linalg.norm(numbers) > 0

    def test_a_text_has_one_vector_whatever_stands_beside_it(self, model: Embedder) -> None:
        """Order, number and neighbours of the texts do not change a vector."""
        texts = [f"{text} {'very ' * (n % 7)}much" for n, text in enumerate(SENTENCES * 5)]
        together = np.asarray(model.embed_documents(texts))
        backwards = np.asarray(model.embed_documents(texts[::-1]))[::-1]
        assert np.allclose(together, backwards, atol=self.tolerance)
        for place in (0, 7, 19):
            alone = np.asarray(model.embed_documents([texts[place]]))[0]
            assert np.allclose(together[place], alone, atol=self.tolerance)

    def test_a_text_is_nearest_to_itself(self, model: Embedder) -> None:
        """Asked for with its own words, a text is the nearest of several."""
        rows = np.asarray(model.embed_documents(list(SENTENCES)), dtype=np.float64)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        for place, text in enumerate(SENTENCES):
            assert int(np.argmax(rows @ np.asarray(model.embed_query(text)))) == place

    def test_threads_get_the_same_vectors(self, model: Embedder) -> None:
        """Calls from several threads at once give what calls one by one give."""
        expected = [np.asarray(model.embed_query(text)) for text in SENTENCES]
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(model.embed_query, SENTENCES * 4))
        for place, row in enumerate(found):
            wanted = expected[place % len(SENTENCES)]
            assert np.allclose(np.asarray(row), wanted, atol=self.tolerance)

    def test_a_memory_finds_what_was_said(self, embedder: Any, tmp_path: Path) -> None:
        """A store embeds with it, recalls by it, and opens again with it."""
        with LightMem(tmp_path, embedder=embedder) as memory:
            memory.add([Turn(role="user", text=text) for text in SENTENCES], user_id="ann")
            found = memory.recall("What is the cat called?", user_id="ann", k=1, strict=True)
            assert found.hits[0].text == SENTENCES[1]
            memory.index_pending()
            assert memory.stats().pending == 0
            name = memory.stats().embedder
        with LightMem(tmp_path, embedder=embedder) as memory:
            assert memory.stats().embedder == name
