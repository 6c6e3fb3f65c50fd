"""LangGraph's store operations and results, translated to and from what the engine knows."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from langgraph.store.base import (
    GetOp,
    InvalidNamespaceError,
    Item,
    ListNamespacesOp,
    MatchCondition,
    Op,
    PutOp,
    Result,
    SearchItem,
    SearchOp,
    get_text_at_path,
)

from lightmem_integrations.arrays import Vectors
from lightmem_integrations.documents.service import Reading
from lightmem_integrations.errors import InvalidRequestError
from lightmem_integrations.langchain.store.filters import accepts
from lightmem_integrations.safety import has_lone_surrogates, short_repr
from lightmem_integrations.storage.documents import Document, NewDocument
from lightmem_integrations.storage.namespaces import Path


@dataclass(frozen=True, slots=True)
class NewItem:
    """An item to write, and the texts of it that get a vector."""

    document: NewDocument
    texts: tuple[str, ...]


def checked_operations(ops: Iterable[Op]) -> list[Op]:
    """The operations, if a store can carry out all of them.

    Raises:
        InvalidNamespaceError: A label is empty, no string, or one that LangGraph refuses.
        InvalidRequestError: One is no operation, its limit or offset is below 0, or its filter
            makes no sense.
    """
    checked = list(ops)
    for op in checked:
        _check(op)
    return checked


def _check(op: Op) -> None:
    for labels in _namespaces_of(op):
        # Upstream's own tests give a text as the path of a match, each letter a label.
        if isinstance(labels, str) and not isinstance(op, ListNamespacesOp):
            raise InvalidNamespaceError(
                f"The namespace is {short_repr(labels)}, a text. Pass a tuple of labels, such as "
                f"({short_repr(labels)},)."
            )
        _check_labels(labels)
    if isinstance(op, (GetOp, PutOp)):
        if isinstance(op, PutOp) and not op.namespace:
            raise InvalidNamespaceError("Namespace cannot be empty.")
        if not isinstance(op.key, str) or has_lone_surrogates(op.key):
            raise InvalidRequestError(f"The key {short_repr(op.key)} is no valid text.")
    elif op.limit < 0 or op.offset < 0:
        raise InvalidRequestError(f"limit is {op.limit}, offset {op.offset}; neither is below 0.")
    if isinstance(op, SearchOp):
        accepts(op.filter)  # refuses what no store knows


def embeds(op: Op, fields: Sequence[str] | None) -> bool:
    """Whether an operation may need the embedder. ``fields``: as for ``new_item``."""
    if isinstance(op, PutOp):
        return fields is not None and op.value is not None and op.index is not False
    return isinstance(op, SearchOp) and bool(op.query) and fields is not None


def new_item(op: PutOp, fields: Sequence[str] | None) -> NewItem:
    """The engine's form of a write. ``fields``: what is embedded if the operation does not say.

    Raises:
        InvalidRequestError: The value cannot be stored.
    """
    namespace = tuple(op.namespace)
    if op.value is None:
        return NewItem(NewDocument(namespace, op.key, None), ())
    text = _to_json(op.value)
    wanted: tuple[str, ...] = ()
    if fields is not None and op.index is not False:
        wanted = tuple(fields if op.index is None else op.index)
    document = NewDocument(namespace, op.key, text, wanted, ttl_minutes=op.ttl)
    return NewItem(document, tuple(texts_at(json.loads(text), wanted)) if wanted else ())


def with_vectors(new: Sequence[NewItem], vectors: Vectors) -> list[NewDocument]:
    """What is written of items, given the vectors of all their texts in one array."""
    parts = np.split(vectors, np.cumsum([len(each.texts) for each in new])[:-1])
    return [replace(each.document, vectors=own) for each, own in zip(new, parts, strict=True)]


def result_of(
    op: Op, view: Reading, question: Vectors | None, score_of: Callable[[float], float]
) -> Result:
    """The answer to an operation that reads.

    Args:
        op: The operation.
        view: What it reads.
        question: Vector of a search by meaning.
        score_of: What a cosine similarity is called.
    """
    if isinstance(op, GetOp):
        document = view.find(tuple(op.namespace), op.key, refresh=op.refresh_ttl)
        return None if document is None else Item(**_described(document))
    if isinstance(op, SearchOp):
        found = view.search(
            tuple(op.namespace_prefix),
            accepts(op.filter) if op.filter else None,
            limit=op.limit,
            offset=op.offset,
            vector=question,
            refresh=op.refresh_ttl,
        )
        return [
            SearchItem(
                **_described(each.document),
                score=None if each.score is None else score_of(each.score),
            )
            for each in found
        ]
    return _listed(cast("ListNamespacesOp", op), view)


def texts_at(value: Mapping[str, Any], fields: Sequence[str]) -> list[str]:
    """The texts at these places of a value, as LangGraph reads its paths; ``$`` is all of it.

    Blank ones are left out: they mean nothing, and some embedders refuse them.
    """
    found = (text for each in fields for text in get_text_at_path(value, each))
    return [text for text in found if text.strip()]


def _described(document: Document) -> dict[str, Any]:
    return {
        "namespace": document.namespace,
        "key": document.key,
        "value": document.value,
        "created_at": dt.datetime.fromtimestamp(document.created_at, dt.timezone.utc),
        "updated_at": dt.datetime.fromtimestamp(document.updated_at, dt.timezone.utc),
    }


def _listed(op: ListNamespacesOp, view: Reading) -> list[Path]:
    conditions = op.match_conditions or ()
    plain = [
        tuple(str(label) for label in each.path)
        for each in conditions
        if each.match_type == "prefix" and "*" not in each.path
    ]
    paths = view.paths(max(plain, key=len, default=()))
    found = [path for path in paths if all(_matches(path, each) for each in conditions)]
    if op.max_depth is not None:
        found = sorted({path[: op.max_depth] for path in found})
    return found[op.offset : op.offset + op.limit]


def _matches(path: Path, condition: MatchCondition) -> bool:
    wanted = condition.path
    if len(path) < len(wanted):
        return False
    part = path[: len(wanted)] if condition.match_type == "prefix" else path[-len(wanted) :]
    return not wanted or all(each in ("*", label) for label, each in zip(part, wanted, strict=True))


def _namespaces_of(op: Op) -> Iterable[Sequence[Any]]:
    if isinstance(op, (GetOp, PutOp)):
        return [op.namespace]
    if isinstance(op, SearchOp):
        return [op.namespace_prefix]
    if isinstance(op, ListNamespacesOp):
        return [condition.path for condition in op.match_conditions or ()]
    raise InvalidRequestError(f"{op!r} is no operation that a store knows.")


def _check_labels(labels: Sequence[Any]) -> None:
    # As ``BaseStore``'s methods check them, which operations given to ``batch`` have not met.
    for label in labels:
        if isinstance(label, str) and label and not {".", "\0"} & set(label):
            continue
        raise InvalidNamespaceError(
            f"The label {short_repr(label)} of the namespace {short_repr(tuple(labels))} is no "
            "text, empty, or holds a period or a NUL character."
        )


def _to_json(value: Mapping[str, Any]) -> str:
    if not isinstance(value, Mapping):
        raise InvalidRequestError(
            f"The value is {short_repr(value)}, of type {type(value).__name__}. Pass a dict, such "
            "as {'text': '...'}."
        )
    try:
        text = json.dumps(dict(value), ensure_ascii=False, default=_plain)
        # Half of a surrogate pair cannot be stored as it is, but its escape can.
        return json.dumps(json.loads(text)) if has_lone_surrogates(text) else text
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidRequestError(
            f"A value cannot be stored as JSON: {type(error).__name__}: {error}"
        ) from error


def _plain(value: Any) -> Any:
    """JSON's form of what it has no type for; a model of pydantic's becomes a dictionary."""
    if isinstance(value, (dt.datetime, dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, uuid.UUID):
        return str(value)
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    raise TypeError(f"{type(value).__name__} is no JSON type")
