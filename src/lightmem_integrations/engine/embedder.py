"""The embedder of a store: its identity in the ledger, and the vectors that it makes of turns."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from sqlalchemy import Connection

from lightmem_integrations.arrays import Vectors
from lightmem_integrations.engine.deadline import CALLS, DaemonPool, Deadline
from lightmem_integrations.engine.fingerprint import FIXED_TEXT, is_of_another
from lightmem_integrations.errors import EmbeddingMismatchError, ModelOutputError
from lightmem_integrations.models.embedders import (
    DocumentEncoder,
    Encoded,
    document_vectors,
    encoded_query,
)
from lightmem_integrations.models.protocols import Embedder, Encoding
from lightmem_integrations.models.token_vectors import rotate
from lightmem_integrations.models.writing_systems import reads
from lightmem_integrations.settings import Settings
from lightmem_integrations.storage.document_vectors import drop_document_vectors
from lightmem_integrations.storage.index_contents import mark_purge
from lightmem_integrations.storage.knowledge_vectors import EmbeddedText
from lightmem_integrations.storage.ledger import Ledger, all_meta, claim_meta, put_meta
from lightmem_integrations.storage.shared import withdraw_all
from lightmem_integrations.storage.turn_vectors import UnindexedTurn, drop_vectors
from lightmem_integrations.storage.vector_bytes import pack_vector

T = TypeVar("T")

EMBEDDER_NAME = "embedder.name"
EMBEDDER_DIMENSION = "embedder.dimension"
EMBEDDER_FINGERPRINT = "embedder.fingerprint"
"""The vector of a fixed text: two functions may bear one name, and two models do not give it."""


class StoreEmbedder:
    """An embedder whose identity the ledger keeps, so that two are never mixed.

    Its name is compared when a store is opened, the vector of a fixed text at first use: to load
    the model any earlier would make opening slow.

    Args:
        ledger: Keeps the identity.
        embedder: Makes the vectors.
        settings: How long one call of it may take, but for a recall's, which has its own limit.
    """

    def __init__(self, ledger: Ledger, embedder: Embedder, settings: Settings) -> None:
        self._ledger = ledger
        self._embedder = embedder
        self._settings = settings
        self._pool = DaemonPool(CALLS)
        self._dimension: int | None = None
        self._fingerprint: Vectors | None = None
        self._verifying = threading.Lock()
        self._encode = DocumentEncoder(embedder)
        self._encode_statements = DocumentEncoder(embedder, dates=False)

    @property
    def name(self) -> str:
        """Name of the embedder, as the ledger keeps it."""
        return self._embedder.name

    def check_identity(self, *, replace: bool) -> None:
        """Make sure that the store's vectors are of this embedder.

        Raises:
            EmbeddingMismatchError: They are of another one, and ``replace`` is not set.
        """
        name = self._ledger.get(EMBEDDER_NAME)
        if name is None or (name == self._embedder.name and not (replace and self._differs())):
            return
        if not replace:
            raise self._other(name)
        with self._ledger.write() as connection:
            # First, so that no process keeps a vector of the old one any more.
            put_meta(connection, EMBEDDER_NAME, self._embedder.name)
            drop_vectors(connection)
            drop_document_vectors(connection)
            withdraw_all(connection)
            put_meta(connection, EMBEDDER_DIMENSION, "")
            put_meta(connection, EMBEDDER_FINGERPRINT, "")
            mark_purge(connection)

    def check_dimension(self, vector: Vectors) -> None:
        """Make sure that a question's vector can be compared with those of the store.

        Raises:
            EmbeddingMismatchError: It is of another length, or another process replaced it since.
        """
        if self._ledger.file is None or self._dimension is None:
            with self._ledger.read() as connection:
                kept = all_meta(connection)
            if (name := kept.get(EMBEDDER_NAME, self.name)) != self.name:
                raise self._other(name)
            self._check_fingerprint(kept.get(EMBEDDER_FINGERPRINT))
            self._dimension = int(kept.get(EMBEDDER_DIMENSION) or 0) or None
        self._compare(len(vector))

    def record_dimension(self, connection: Connection, dimension: int) -> None:
        """Record the embedder's identity with its first vectors; check it with all later ones.

        Raises:
            EmbeddingMismatchError: The vectors are of another length than those of the store.
        """
        name = claim_meta(connection, EMBEDDER_NAME, self._embedder.name)
        if name != self._embedder.name:  # another process was first, or replaced it
            raise self._other(name)
        known = claim_meta(connection, EMBEDDER_DIMENSION, str(dimension))
        if self._fingerprint is not None:
            mine = pack_vector(self._fingerprint).hex()
            self._check_fingerprint(claim_meta(connection, EMBEDDER_FINGERPRINT, mine))
        self._dimension = int(known)
        self._compare(dimension)

    def query(self, text: str) -> Vectors:
        """The normalised vector of a question, in the time that a recall has for one.

        Raises:
            ModelError: The embedder failed.
            EmbeddingMismatchError: It is not the one that the store was built with.
        """
        return self._in_time(lambda: self.encoded_query(text)[0], soon=1)

    def encoded_query(self, text: str) -> tuple[Vectors, Encoding | None]:
        """The normalised vector of a question, and its token vectors where the embedder has them.

        Its caller sets the limit.

        Raises:
            ModelError: The embedder failed.
            EmbeddingMismatchError: It is not the one that the store was built with.
        """
        self._verify()
        vector, encoding = encoded_query(self._embedder, text)
        self.check_dimension(vector)
        return vector, encoding

    def reads(self, text: str) -> bool:
        """False if most letters of the text are of scripts that the model was not taught."""
        return reads(self._embedder, text)

    def serving(self, embedder: Embedder) -> StoreEmbedder:
        """This one, or one for another object that bears the same name."""
        mine = embedder is self._embedder
        return self if mine else StoreEmbedder(self._ledger, embedder, self._settings)

    def warm_up(self) -> None:
        """Load all that vectors need, of questions and of turns.

        Raises:
            ModelError: The embedder failed.
            EmbeddingMismatchError: It is not the one that the store was built with.
        """
        _, encoding = self._in_time(lambda: self.encoded_query("warm up"))
        if encoding is not None:
            rotate(encoding.tokens)  # the first one makes the projection
        self._encode.load()

    def documents(self, texts: Sequence[str], *, soon: bool = False) -> Vectors:
        """The normalised vectors of documents and shared statements, one row for each.

        Args:
            texts: What to embed.
            soon: Somebody waits for it: a short text gets no more time than a question.

        Raises:
            ModelError: The embedder failed.
            EmbeddingMismatchError: It is not the one that the store was built with.
        """

        def made() -> Vectors:
            self._verify()
            return document_vectors(self._embedder, texts)

        return self._in_time(made, soon=len(texts) if soon else None)

    def statements(self, texts: Sequence[str]) -> list[EmbeddedText]:
        """The sentence and token vectors of statements and summaries.

        Their dates are worked out: as words they would find whatever was said then.

        Raises:
            ModelError: The embedder failed.
            EmbeddingMismatchError: It is not the one that the store was built with.
        """
        made = self._in_time(lambda: self._encoded(texts, self._encode_statements))
        return [EmbeddedText(vector, tokens or b"") for vector, tokens in zip(*made, strict=True)]

    def embed(
        self, todo: Sequence[UnindexedTurn]
    ) -> tuple[list[UnindexedTurn], dict[int, ModelOutputError]]:
        """Embed turns.

        Args:
            todo: Turns without a vector.

        Returns:
            The turns with their vectors; and, by row, the errors of those for which something
            unusable came out.

        Raises:
            ModelError: The embedder failed altogether; it may work again later.
            EmbeddingMismatchError: It is not the one that the store was built with.
        """
        if not todo:
            return [], {}
        try:
            return self._in_time(lambda: self._embed_together(todo)), {}
        except ModelOutputError as error:
            if len(todo) == 1:
                return [], {todo[0].row: error}
        # One turn may spoil its batch: what the others give is kept.
        embedded: list[UnindexedTurn] = []
        failed: dict[int, ModelOutputError] = {}
        for turn in todo:
            done, why = self.embed([turn])
            embedded += done
            failed |= why
        return embedded, failed

    def _embed_together(self, todo: Sequence[UnindexedTurn]) -> list[UnindexedTurn]:
        texts = [f"{turn.speaker}: {turn.text}" if turn.speaker else turn.text for turn in todo]
        vectors, tokens = self._encoded(texts, self._encode)
        return [
            replace(turn, vector=vector, tokens=compacted)
            for turn, vector, compacted in zip(todo, vectors, tokens, strict=True)
        ]

    def _encoded(self, texts: Sequence[str], encode: DocumentEncoder) -> Encoded:
        self._verify()
        return encode(texts)

    def _in_time(self, call: Callable[[], T], soon: int | None = None) -> T:
        """The result of a call of the embedder, if it comes in the time for one.

        Raises:
            ModelTimeoutError: It does not.
        """
        seconds, setting = self._settings.work_seconds, "Settings.work_seconds"
        if soon is not None and soon * self._settings.embed_seconds <= seconds:
            seconds, setting = soon * self._settings.embed_seconds, "Settings.embed_seconds"
        return Deadline(seconds, self._pool, setting).run(call)

    def _verify(self) -> None:
        """Compare the fixed text's vector with that of the store, once for this embedder.

        Raises:
            ModelError: The embedder failed.
            EmbeddingMismatchError: Another embedder of the same name made the store's vectors.
        """
        # Once: an embedder that is no good at two threads may give it two vectors.
        with self._verifying:
            if self._fingerprint is not None:
                return
            made = document_vectors(self._embedder, [FIXED_TEXT])[0]
            self.check_dimension(made)
            self._check_fingerprint(self._ledger.get(EMBEDDER_FINGERPRINT), made)
            self._fingerprint = made

    def _other(self, name: str) -> EmbeddingMismatchError:
        return EmbeddingMismatchError(
            f"This store was built with the embedder {name!r}, and {self._embedder.name!r} was "
            "given. Vectors of two models cannot be compared. Open it with the old one, or "
            "with replace_embedder=True to embed everything anew."
        )

    def _check_fingerprint(self, known: str | None, made: Vectors | None = None) -> None:
        made = self._fingerprint if made is None else made
        if known and made is not None and is_of_another(known, made):
            raise EmbeddingMismatchError(
                f"This store was built with another embedder of the name {self.name!r}: it gives a "
                "fixed text another vector. Use the embedder that the store was built with, or "
                "close the store and open it with replace_embedder=True to embed everything anew."
            )

    def _differs(self) -> bool:
        """True if the embedder bears the store's name, but gives other vectors."""
        try:
            self._in_time(self._verify)
        except EmbeddingMismatchError:
            self._dimension = None
            return True
        return False

    def _compare(self, dimension: int) -> None:
        if self._dimension is not None and self._dimension != dimension:
            raise EmbeddingMismatchError(
                f"The embedder {self._embedder.name!r} made vectors of {dimension} numbers; those "
                f"of this store have {self._dimension}. Use the embedder that the store was built "
                "with, or open it with replace_embedder=True to embed everything anew."
            )
