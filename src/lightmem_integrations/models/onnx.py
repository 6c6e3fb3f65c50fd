"""The default embedder: all-MiniLM-L6-v2 as the small ONNX model that the package ships.

No torch, no download: onnxruntime and tokenizers run it, which Chroma brings along. One pass gives
the sentence vector and the vector of every token.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lightmem_integrations.arrays import Vectors
from lightmem_integrations.display import described
from lightmem_integrations.errors import ModelUnavailableError
from lightmem_integrations.models.protocols import Encoding

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Encoding as Tokenized
    from tokenizers import Tokenizer

SHIPPED_MODEL = Path(__file__).parent / "minilm"

_LONGEST = 256  # tokens that the model was trained to read; a longer text is read in passages
_OVERLAP = 32  # tokens that two passages share, so that a sentence is whole in one; a guess
_PASSAGES = 8  # read of one text at most, a guess: 2,000 tokens, what people paste is rarely longer
# Characters that hold so many tokens: the vocabulary's longest has 18 letters, and 32 are a guess.
# The tokenizer reads all of what it is given before it cuts: measured, a second for a megabyte.
_LONGEST_TEXT = 32 * _LONGEST * _PASSAGES


class OnnxEmbedder:
    """A sentence embedder from a folder with ``model.onnx`` and ``tokenizer.json``.

    The model must take ``input_ids`` and ``attention_mask`` and give ``sentence`` (normalised)
    and ``tokens``, as ``scripts/export_minilm.py`` makes it.

    Args:
        folder: Where the two files are; by default the model shipped with the package.
        name: What the store remembers it by.

    Raises:
        ModelUnavailableError: At first use, if the files are not there or cannot be loaded.
    """

    def __init__(self, folder: Path = SHIPPED_MODEL, name: str = "all-MiniLM-L6-v2-int8") -> None:
        self._folder = folder
        self._name = name

    def __repr__(self) -> str:
        return described(self, name=self._name)

    @property
    def name(self) -> str:
        """The name that a store remembers it by."""
        return self._name

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Vectors of what is stored, ``(texts, 384)``."""
        if not texts:
            return np.zeros((0, 0), np.float32)
        return np.stack([each.vector for each in self.encode(texts)])

    def embed_query(self, text: str) -> Vectors:
        """The vector of a question, ``(384,)``."""
        return self.encode([text])[0].vector

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        """Sentence vector and token vectors of every text, in the order given.

        The sentence vector of a text of more than 256 tokens is that of its beginning; its token
        vectors are those of its first eight passages.
        """
        session, tokenizer = _load(self._folder)
        # One text a pass: in 8 bits a text's neighbours in a batch would change its vector, and
        # small passes fit the cache, so that larger batches are no faster.
        return [_encoding(session, tokenizer.encode(text[:_LONGEST_TEXT])) for text in texts]

    def vocabulary(self) -> Mapping[str, int]:
        """Ids by token."""
        vocabulary: dict[str, int] = _load(self._folder)[1].get_vocab()
        return vocabulary


def _encoding(session: InferenceSession, tokenized: Tokenized) -> Encoding:
    passages = [tokenized, *tokenized.overflowing][:_PASSAGES]
    ids = [np.array(passage.ids, np.int64) for passage in passages]
    vectors = [
        session.run(
            ["sentence", "tokens"],
            {"input_ids": each[None], "attention_mask": np.ones_like(each)[None]},
        )
        for each in ids
    ]
    return Encoding(
        vectors[0][0][0],
        np.concatenate([tokens[0] for _, tokens in vectors]),
        np.concatenate(ids),
        [offset for passage in passages for offset in passage.offsets],
    )


# Two: who only counts tokens does not wait for the model.
_loading, _loading_tokenizer = threading.Lock(), threading.Lock()


def tokenizer_in(folder: Path = SHIPPED_MODEL) -> Tokenizer:
    """The tokenizer of a model, one for all who use it: its vocabulary takes 9 MiB of memory.

    Raises:
        ModelUnavailableError: Its file is not there or cannot be loaded.
    """
    with _loading_tokenizer:
        return _tokenizer(folder)


@lru_cache(maxsize=4)
def _tokenizer(folder: Path) -> Tokenizer:
    path = _file(folder, "tokenizer.json")
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:
        raise _unloadable(folder, error) from error
    tokenizer.enable_truncation(_LONGEST, stride=_OVERLAP)
    tokenizer.no_padding()
    return tokenizer


def _load(folder: Path) -> tuple[InferenceSession, Tokenizer]:
    tokenizer = tokenizer_in(folder)
    with _loading:
        return _session(folder), tokenizer


@lru_cache(maxsize=4)
def _session(folder: Path) -> InferenceSession:
    model = _file(folder, "model.onnx")
    import onnxruntime

    onnxruntime.disable_telemetry_events()  # also where others imported it before this package
    options = onnxruntime.SessionOptions()
    # One thread for each call: for single sentences a second one costs more than it brings.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(
            str(model), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:
        raise _unloadable(folder, error) from error
    _give_back_freed_memory()
    return session


def _give_back_freed_memory() -> None:
    """Hand the system what loading the model took and freed: glibc keeps 13 MiB of it."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # other C libraries lack it
        if trim is not None:
            trim(0)


def _file(folder: Path, name: str) -> Path:
    path = folder / name
    if not path.is_file():
        raise ModelUnavailableError(
            f"The embedding model is incomplete: {path} is missing. Install the package anew, "
            "or pass another embedder=."
        )
    return path


def _unloadable(folder: Path, error: Exception) -> ModelUnavailableError:
    return ModelUnavailableError(
        f"The embedding model in {folder} cannot be loaded: {error}. Install the package anew."
    )
