"""LangGraph's ``index`` configuration: which fields have a meaning, and what embeds them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any

from langgraph.store.base import IndexConfig, ensure_embeddings

from lightmem_integrations.errors import SettingsError
from lightmem_integrations.safety import check_known

# Of those who move in: PostgresStore's settings of its index, and the name that SqliteStore has for
# the fields of its documentation.
_OF_OTHER_STORES = ("text_fields", "distance_type", "ann_index_config")


def fields_of(index: Mapping[str, Any]) -> tuple[str, ...]:
    """The places whose texts get a vector; by default all of a value.

    Raises:
        SettingsError: They are no list of paths, or are to be compared by something else than the
            cosine of their vectors.
        InvalidRequestError: Something is configured that is not known.
    """
    check_known(index, (*IndexConfig.__annotations__, *_OF_OTHER_STORES), "index=")
    if index.get("distance_type", "cosine") != "cosine":
        raise SettingsError(
            f"index['distance_type'] is {index['distance_type']!r}, and texts are compared by "
            "cosine similarity here. Leave it out."
        )
    fields = index.get("fields") or index.get("text_fields") or ["$"]
    if isinstance(fields, str) or not all(isinstance(each, str) for each in fields):
        raise SettingsError(f"index['fields'] is {fields!r}; pass a list of paths such as ['$'].")
    return tuple(fields)


def embedder_of(embed: Any) -> object:
    """LangGraph's ``embed`` as an embedder that ``LightMem`` takes."""
    if isinstance(embed, str) or not callable(embed):
        return ensure_embeddings(embed)
    if not iscoroutinefunction(embed) and not iscoroutinefunction(type(embed).__call__):
        return embed

    @wraps(embed)
    def blocking(texts: list[str]) -> Any:
        # Each call has a loop of its own: the caller is a worker thread, which has none.
        return asyncio.run(embed(texts))

    return blocking
