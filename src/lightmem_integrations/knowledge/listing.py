"""Lists of a user's facts: as they are, or as they stood at a moment by what had been told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lightmem_integrations.knowledge.to_records import Records
from lightmem_integrations.records.fact_search import FactSearch
from lightmem_integrations.records.filters import And, Compare, Filter
from lightmem_integrations.records.knowledge import Fact, Facts
from lightmem_integrations.storage.as_told import facts_as_told
from lightmem_integrations.storage.expiry import Expired
from lightmem_integrations.storage.fact_search import has_words, part_of, search_facts
from lightmem_integrations.storage.facts import StoredFact, read_facts
from lightmem_integrations.storage.filtered_turns import facts_meeting
from lightmem_integrations.storage.transcripts import Part


def list_facts(
    records: Records,
    search: FactSearch,
    condition: Filter | None,
    part: Part,
    over: Expired,
    *,
    include_past: bool,
) -> Facts:
    """Part of a user's facts, oldest first.

    Args:
        records: Of the user, as of now or of a moment.
        search: What they meet.
        condition: What a turn meets that proves them.
        part: Which of them.
        over: What has expired.
        include_past: Also those that do not hold then.
    """
    connection, user, as_of = records.connection, records.user, records.as_of
    asked = search
    if as_of is not None:
        # By the words, the end and the tellers that they had then.
        asked = replace(search, words="", past=False, told_by=None)
    past = include_past or as_of is not None
    rows = search_facts(connection, user, asked, records.now, include_past=past)
    if condition is not None:
        if as_of is not None:
            condition = And((condition, Compare("time", "$lte", as_of)))
        within = facts_meeting(connection, user, condition)
        rows = [row for row in rows if row in within]
    rows = [row for row in rows if not over.hides(row)]
    if as_of is None:
        chosen = part_of(connection, user, rows, part)
        stored = read_facts(connection, user, chosen, retracted=True)
        return Facts(records.facts(stored), len(rows))
    found = _as_told(records, rows, search, include_past=include_past)
    chosen = part_of(connection, user, list(found), part)
    return Facts([found[row] for row in chosen], len(found))


def _as_told(
    records: Records, rows: Sequence[int], search: FactSearch, *, include_past: bool
) -> dict[int, Fact]:
    """Facts as they stood, that meet a search; by row, ascending."""
    stood = facts_as_told(records.connection, records.user, rows, records.now)
    wanted = [fact for fact in stood if _is_meant(fact, search, records.now, past=include_past)]
    return {
        stored.row: fact
        for stored, fact in zip(wanted, records.facts(wanted), strict=True)
        if search.told_by in {None, fact.told_by}
    }


def _is_meant(fact: StoredFact, search: FactSearch, at: float, *, past: bool) -> bool:
    right_time = not fact.holds(at) if search.past else past or fact.holds(at)
    text = f"{fact.statement} {fact.subject} {fact.attribute} {fact.value}"
    return right_time and has_words(text, search.words)
