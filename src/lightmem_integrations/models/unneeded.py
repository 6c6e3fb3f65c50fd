"""An embedder for work that embeds nothing, such as erasing, whatever filled the store."""

from __future__ import annotations

from collections.abc import Sequence

from lightmem_integrations.arrays import Vectors
from lightmem_integrations.errors import ModelError
from lightmem_integrations.models.onnx import OnnxEmbedder


class UnneededEmbedder:
    """Stands for the embedder of a store, and makes no vectors.

    Attributes:
        name: Of the embedder that filled the store, once it is open; until then the shipped one.
    """

    def __init__(self) -> None:
        self.name = OnnxEmbedder().name

    def embed_documents(self, texts: Sequence[str]) -> Vectors:  # noqa: ARG002
        """No vectors.

        Raises:
            ModelError: Always.
        """
        raise ModelError(f"The store was opened without its embedder {self.name!r}.")

    def embed_query(self, text: str) -> Vectors:
        """No vector.

        Raises:
            ModelError: Always.
        """
        return self.embed_documents([text])
