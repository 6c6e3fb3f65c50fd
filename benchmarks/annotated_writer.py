"""In the place of a strong model: facts that a person wrote beforehand, session by session.

Whoever wrote them read each session as a Writer does, with the facts that were known by then, and
said of each what it does to one of those. A file of them is JSON: chats by name, their sessions by
day, and in each a list of facts: ``kind``, ``subject``, ``attribute``, ``value``, ``statement``,
the places of the ``turns`` that prove it, where the words give them ``since`` and ``until`` as
dates, and ``relation`` to ``known``, the ``id`` of an earlier fact of the chat.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lightmem_integrations.consolidation.write.extractive import ExtractiveWriter
from lightmem_integrations.consolidation.write.prompts import nearest_known
from lightmem_integrations.knowledge.drafts import EpisodeDraft, FactDraft, KnownFact, WriterTurn
from lightmem_integrations.text.periods import period

Fact = dict[str, Any]
"""One fact of the file."""


@dataclass
class AnnotatedWriter:
    """Gives the facts that were written of a session, on the turns that it is shown.

    A relation is only said of a fact that is among those shown: as many as a model's prompt has.

    Attributes:
        facts: The facts of the session that is written about, set before each.
        by_id: Facts that a relation can name.
        shown: For each relation, whether its fact was among those that were shown.
    """

    facts: Sequence[Fact] = ()
    by_id: dict[str, Fact] = field(default_factory=dict)
    shown: list[bool] = field(default_factory=list)
    name: str = "annotated"

    def expect(self, facts: Sequence[Fact]) -> None:
        """Take the facts of the next session."""
        self.facts = facts
        self.by_id |= {fact["id"]: fact for fact in facts if "id" in fact}

    def write(
        self,
        turns: Sequence[WriterTurn],
        *,
        before: Sequence[WriterTurn] = (),  # noqa: ARG002
        known: Sequence[KnownFact] = (),
    ) -> EpisodeDraft:
        """Summary and keywords as without a model, and the facts that these turns are last for."""
        draft = ExtractiveWriter().write(turns)
        known = nearest_known(known, turns)
        # Positions in a session count from 1.
        places = {turn.position - 1: pointer for pointer, turn in enumerate(turns)}
        facts = [
            self._fact(fact, places, known, draft.entities)
            for fact in self.facts
            if max(fact["turns"]) in places
        ]
        return replace(draft, facts=tuple(facts), calls=1)

    def _fact(
        self,
        fact: Fact,
        places: Mapping[int, int],
        known: Sequence[KnownFact],
        names: Sequence[str],
    ) -> FactDraft:
        place = None
        if "known" in fact:
            statements = [each.statement for each in known]
            about = self.by_id[fact["known"]]["statement"]
            self.shown.append(about in statements)
            place = statements.index(about) if about in statements else None
        since, until = (period(fact.get(name, ""), dt.timezone.utc) for name in ("since", "until"))
        return FactDraft(
            kind=fact["kind"],
            subject=fact["subject"],
            attribute=fact["attribute"],
            value=fact["value"],
            statement=fact["statement"],
            evidence=tuple(places[turn] for turn in fact["turns"] if turn in places),
            entities=tuple(name for name in names if name in fact["statement"]),
            valid_from=None if since is None else since.start,
            valid_to=None if until is None else until.last,
            valid_from_precision="day" if since is None else since.precision,
            valid_to_precision="day" if until is None else until.precision,
            relation=None if place is None else fact["relation"],
            known=place,
            confidence=0.9,
        )
