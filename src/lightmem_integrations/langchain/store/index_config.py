"""LangGraph's ``index`` configuration: which fields have a meaning, and what embeds them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import wraps
from inspect import iscoroutinefunction
from math import sqrt
from typing import Any

from langgraph.store.base import IndexConfig, ensure_embeddings

from lightmem_integrations.arrays import Vectors
from lightmem_integrations.errors import SettingsError
from lightmem_integrations.safety import check_known

# Of those who move in: PostgresStore's settings of its index, and the name that SqliteStore has for
# the fields of its documentation.
_OF_OTHER_STORES = ("text_fields", "distance_type", "ann_index_config")
# As PostgresStore scores by these. Vectors have a length of 1 here, so all three rank alike.
_SCORES: dict[str, Callable[[float], float]] = {
    "cosine": lambda cosine: cosine,
    "inner_product": lambda cosine: cosine,
    "l2": lambda cosine: -sqrt(max(0.0, 2.0 - 2.0 * cosine)),
}


def fields_of(index: Mapping[str, Any]) -> tuple[str, ...]:
    """The places whose texts get a vector; by default all of a value.

    Raises:
        SettingsError: They are no list of paths.
        InvalidRequestError: Something is configured that is not known.
    """
    check_known(index, (*IndexConfig.__annotations__, *_OF_OTHER_STORES), "index=")
    fields = index.get("fields") or index.get("text_fields") or ["$"]
    if isinstance(fields, str) or not all(isinstance(each, str) for each in fields):
        raise SettingsError(f"index['fields'] is {fields!r}; pass a list of paths such as ['$'].")
    return tuple(fields)


def score_of(index: Mapping[str, Any]) -> Callable[[float], float]:
    """What a cosine similarity is in the terms of ``distance_type``: more is nearer in each.

    Raises:
        SettingsError: It is none of the three.
    """
    distance = index.get("distance_type", "cosine")
    if distance not in _SCORES:
        raise SettingsError(
            f"index['distance_type'] is {distance!r}; choose one of {', '.join(_SCORES)}, or leave "
            "it out for cosine similarity."
        )
    return _SCORES[distance]


def check_dims(index: Mapping[str, Any], vectors: Vectors) -> None:
    """Refuse vectors of another length than the one that was configured.

    Raises:
        SettingsError: They are.
    """
    if len(vectors) and index.get("dims") not in (None, vectors.shape[1]):
        raise SettingsError(
            f"index['dims'] is {index['dims']}, and the embedder makes vectors of "
            f"{vectors.shape[1]}. Leave dims out, or give another embedder."
        )


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
