"""A writer without a model: turns that say facts in a notation of their own."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from typing import cast

from lightmem_integrations.knowledge.drafts import (
    EpisodeDraft,
    FactDraft,
    KnownFact,
    Relation,
    WriterTurn,
)
from lightmem_integrations.records.knowledge import FactKind
from lightmem_integrations.text.periods import Period, period

_FACT = re.compile(
    r"\A(?:(?P<kind>event|plan|preference|instruction) )?"
    r"(?P<subject>\w+)\.(?P<attribute>\w+) (?P<sign>[=+]) (?P<value>.+?)"
    r"(?: since (?P<since>\d{4}(?:(?:-\d\d){0,2}|-W\d\d)))?"
    r"(?: until (?P<until>\d{4}(?:(?:-\d\d){0,2}|-W\d\d)))?"
    r"(?: (?P<relation>replaces|confirms|ends))?[.!]?"
)


class ScriptedWriter:
    """Reads facts from lines such as ``Ann.home = Lisbon`` and ``Ann.likes + tea``.

    With ``=`` the subject has one such value at a time, with ``+`` several. ``since 2025-05-01``
    and ``until 2025-06-01`` may follow, also with a week (``2025-W18``), a month or a year alone,
    and ``replaces``, ``confirms`` or ``ends``: then it does that to the newest known fact of that
    subject and attribute. ``event``, ``plan``, ``preference`` or ``instruction`` may stand in
    front; else it is a state. The day that a plan is for is its ``until``. Lines of another form
    bring no fact. Good for tests of your own code: what is remembered is exactly what the test
    says.

    Attributes:
        calls: The turns of every call.
    """

    def __init__(self) -> None:
        self.calls: list[tuple[WriterTurn, ...]] = []

    @property
    def name(self) -> str:
        """``scripted``."""
        return "scripted"

    def write(
        self,
        turns: Sequence[WriterTurn],
        *,
        before: Sequence[WriterTurn] = (),  # noqa: ARG002
        known: Sequence[KnownFact] = (),
    ) -> EpisodeDraft:
        """The first words of every turn as the summary, and the facts that they note."""
        self.calls.append(tuple(turns))
        facts = []
        for pointer, turn in enumerate(turns):
            for line in turn.text.splitlines():
                found = _FACT.fullmatch(line.strip())
                if found is not None:
                    facts.append(_fact(found, pointer, known))
        return EpisodeDraft(
            summary="; ".join(turn.text[:80] for turn in turns),
            keywords=tuple(dict.fromkeys(fact.attribute for fact in facts)),
            entities=tuple(dict.fromkeys(fact.subject for fact in facts)),
            speakers=tuple(dict.fromkeys(turn.speaker for turn in turns)),
            facts=tuple(facts),
            tokens=sum(len(turn.text.split()) for turn in turns),
        )


def _fact(found: re.Match[str], pointer: int, known: Sequence[KnownFact]) -> FactDraft:
    subject, attribute, value = found["subject"], found["attribute"], found["value"]
    about = [
        n for n, each in enumerate(known) if (each.subject, each.attribute) == (subject, attribute)
    ]
    since, until = (period(found[name] or "", dt.timezone.utc) for name in ("since", "until"))
    return FactDraft(
        subject=subject,
        attribute=attribute,
        value=value,
        statement=f"{subject} {attribute} {value}.",
        evidence=(pointer,),
        entities=(subject, value),
        valid_from=since.start if since else None,
        valid_to=_end(until) if until else None,
        valid_from_precision=since.precision if since else "day",
        valid_to_precision=until.precision if until else "day",
        single=found["sign"] == "=",
        kind=cast("FactKind", found["kind"] or "state"),
        relation=cast("Relation | None", found["relation"]),
        known=about[-1] if about and found["relation"] else None,
    )


def _end(until: Period) -> dt.datetime:
    """The first moment of a day, of which no more was said; else the last second."""
    return until.start if until.precision == "day" else until.last
