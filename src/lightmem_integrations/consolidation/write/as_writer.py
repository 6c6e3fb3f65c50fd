"""Factory of Writers."""

from __future__ import annotations

from typing import cast

from lightmem_integrations.consolidation.write.extractive import ExtractiveWriter
from lightmem_integrations.consolidation.write.model_writer import ModelWriter
from lightmem_integrations.knowledge.drafts import Writer


def as_writer(given: object | None) -> Writer:
    """A Writer, made from what a user passed as one.

    Args:
        given: ``None`` for the one that needs no model; a Writer; or a language model of any
            kind: see ``models.language.as_language_model``.

    Raises:
        SettingsError: It is none of these.
    """
    if given is None:
        return cast("Writer", ExtractiveWriter())  # takes the turns alone, as one of your own may
    if callable(getattr(given, "write", None)) and isinstance(getattr(given, "name", None), str):
        return cast("Writer", given)
    from lightmem_integrations.models.language import as_language_model

    return ModelWriter(as_language_model(given), thin=True)
