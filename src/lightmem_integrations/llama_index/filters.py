"""LlamaIndex's metadata filters as those of this library."""

from __future__ import annotations

from typing import Any

from llama_index.core.vector_stores.types import (
    FilterCondition,
    FilterOperator,
    MetadataFilter,
    MetadataFilters,
)

from lightmem_integrations.errors import InvalidRequestError
from lightmem_integrations.records.filter_form import filter_of
from lightmem_integrations.records.filters import FilterLike
from lightmem_integrations.safety import short_repr

FiltersLike = FilterLike | MetadataFilters
"""A filter as it may be given: LlamaIndex's own, or whatever ``LightMem.recall`` takes."""

_OPERATORS = {
    FilterOperator.EQ: "$eq",
    FilterOperator.NE: "$ne",
    FilterOperator.GT: "$gt",
    FilterOperator.GTE: "$gte",
    FilterOperator.LT: "$lt",
    FilterOperator.LTE: "$lte",
    FilterOperator.IN: "$in",
    FilterOperator.NIN: "$nin",
    FilterOperator.CONTAINS: "$contains",
    FilterOperator.TEXT_MATCH: "$contains",
}


def checked_filter(given: FiltersLike | None) -> FilterLike | None:
    """A filter in the form that the memory takes; filters without any condition are none.

    Raises:
        InvalidRequestError: It is no filter, or asks for what the memory cannot compare.
    """
    translated = _translated(given) if isinstance(given, MetadataFilters) else given
    filter_of(translated)
    return translated


def _translated(given: MetadataFilters) -> dict[str, Any] | None:
    read = [
        _translated(each) if isinstance(each, MetadataFilters) else _comparison(each)
        for each in given.filters
    ]
    parts = [each for each in read if each is not None]
    if not parts:
        return None
    if given.condition == FilterCondition.NOT:  # of several: when none of them matches
        return {"$not": {"$or": parts}}
    return {"$or" if given.condition == FilterCondition.OR else "$and": parts}


def _comparison(given: MetadataFilter) -> dict[str, Any]:
    key, value = given.key, given.value
    if given.operator in _OPERATORS:
        return {key: {_OPERATORS[given.operator]: value}}
    if given.operator == FilterOperator.IS_EMPTY:
        return {"$or": [{key: {"$exists": False}}, {key: {"$in": [None, "", []]}}]}
    together = {FilterOperator.ANY: "$or", FilterOperator.ALL: "$and"}.get(given.operator)
    if together is None:
        raise InvalidRequestError(
            f"The memory has no operator {given.operator.value!r} (asked of "
            f"{short_repr(key)}): it compares text as it is written. Store a lower-case copy "
            "beside it, and ask for a part of that with 'text_match'."
        )
    if not isinstance(value, list) or not value:
        raise InvalidRequestError(
            f"{given.operator.value!r} is given {short_repr(value)} for {short_repr(key)}; it "
            "takes a list of at least one value."
        )
    return {together: [{key: {"$contains": each}} for each in value]}
