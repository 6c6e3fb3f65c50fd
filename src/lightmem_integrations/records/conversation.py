"""Records of a conversation and of what was recalled of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from lightmem_integrations.display import Displayed, Grid, clipped, counted
from lightmem_integrations.text.precision import Precision, short_date

Role = Literal["user", "assistant", "system", "tool"]
"""Role of a speaker, in the words that chat models use."""

Tier = Literal["mtm", "ltm"]
"""Tier of memory that a hit comes from: ``mtm`` (episodes and their turns) or ``ltm`` (facts)."""

ROLES: tuple[Role, ...] = ("user", "assistant", "system", "tool")
TIERS: tuple[Tier, ...] = ("mtm", "ltm")

_KNOWN_SHOWN = 5  # facts below a table: a guess

NAMELESS = frozenset({"", *ROLES, "ai", "bot", "human"})
"""Speakers of whom only the role is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One message, verbatim. Checked when it is added, not when it is made.

    Attributes:
        role: ``user``, ``assistant``, ``system`` or ``tool``.
        text: What was said. May be empty only if ``message`` is given (a bare tool call).
        speaker: The person's name, where there is one. Helps to answer "What did Ann say?".
        time: When it was said, with a time zone. ``None``: the moment it is added.
        id: Your id, unique within the session. ``None``: one is made. Adding the same id with
            the same content again changes nothing, its time and metadata neither.
        message: The framework's own message as JSON data, kept beside the text.
        searchable: ``False`` keeps the turn for short-term memory only. System and tool turns
            are never searched.
        superseded: Set by the store: the conversation went on without it, so that it is kept in
            the history only. What is added stands.
        metadata: What your application says of it, to filter by: text, numbers, ``True``,
            ``False``, ``None``, or lists of these, by name.
        expires_at: When it is erased with all that was made of it, with a time zone; nothing shows
            it from then on. ``None``: by ``Settings.lifetime_days``, if at all.
        pinned: Kept whatever ``Settings`` say about lifetimes and capacity, and shown first of what
            is found.
        importance: From 0 to 1: of what is found it scores at least this share of the way from the
            worst to the best. It finds nothing that does not match.
        author: Set by the store: the user who added it to a space.
    """

    role: Role
    text: str = field(repr=False)
    speaker: str | None = None
    time: dt.datetime | None = None
    id: str | None = None
    message: Mapping[str, Any] | None = field(default=None, repr=False)
    searchable: bool = True
    superseded: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict, repr=False, hash=False)
    expires_at: dt.datetime | None = None
    pinned: bool = False
    importance: float = 0.0
    author: str | None = None


class Turns(Displayed, tuple[Turn, ...]):
    """Turns of a session, oldest first. Prints as a table with rich and in notebooks.

    ``others`` are the user's last sessions, where ``history`` was asked for one that is none.
    """

    others: tuple[str, ...]

    def __new__(cls, turns: Iterable[Turn] = (), others: tuple[str, ...] = ()) -> Turns:
        """The turns, or where to find some."""
        made = super().__new__(cls, turns)
        made.others = others
        return made

    def grid(self) -> Grid:
        """A line for each turn."""
        lately = f"; lately: {', '.join(map(clipped, self.others))}" * bool(self.others)
        one = f"One session is shown: session_id= says which, sessions() has all{lately}."
        rows = [
            (f"{turn.time:%Y-%m-%d %H:%M}" if turn.time else "",
             (turn.speaker or turn.role) + " (pinned)" * turn.pinned,
             turn.text + " (superseded)" * turn.superseded)
            for turn in self
        ]  # fmt: skip
        columns = ("when", "who", "text") if self else ()
        return Grid(counted(len(self), "turn"), columns, rows, () if self else (one,))


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """Branch of a conversation that goes on, as an application's own history holds it.

    What that history held before and replaced by another continuation is superseded: kept and
    marked, but neither recalled nor consolidated. It stands again once a branch holds it again.
    What is missing before the last turn that both have in common was trimmed or summarised, and
    stands, and so does everything where they have none in common. What ``forget`` erased, or would
    have, after it was said is not written down with a branch: an agent's run may end later.

    Attributes:
        history: Name of the history: no other one's turns are superseded.
        turn_ids: Ids of all that it holds. ``None``: not known, so only ``replaced`` is superseded.
        turns: Those of it whose words are known. One that is stored with other words was edited:
            the new words supersede the old ones.
        replaced: Ids of turns that it is known to have replaced, wherever they stood.
    """

    history: str
    turn_ids: Collection[str] | None
    turns: Sequence[Turn] = ()
    replaced: Collection[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Provenance of a hit.

    Attributes:
        session_id: The session in which it was said.
        turn_ids: The ids of the turns that prove it, as given at ``add``.
        episode_id: The episode that holds the turns, once they were consolidated into one.
        fact_id: The fact that the hit states, of a hit of tier ``ltm``.
        agent_id: Which agent wrote it, where one was named.
        shared: Whether several users of the store said it: then it comes from no session and no
            turn that could be shown, and ``session_id`` and ``turn_ids`` are empty.
        space: The space from whose memory it is; ``None`` for the user's own.
    """

    session_id: str
    turn_ids: tuple[str, ...]
    episode_id: str | None = None
    fact_id: str | None = None
    agent_id: str | None = None
    shared: bool = False
    space: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One thing remembered.

    Attributes:
        text: What is shown of it: the verbatim turn, cut if it alone exceeds the budget, or to
            leave room for others where the query is for an order or a summary.
        tier: ``ltm`` for a fact, or a turn that proves one close to the question; else ``mtm``.
        score: Relevance, from 0 to 1 and never higher than that of the hit before: how likely it
            is that what is asked for is known, judging by this hit and those behind it. At 0.5 it
            is as likely as not. It says nothing of who did what: words that fit may still be
            another person's.
        parts: What the score is made of, by feature name (cosine similarity, BM25, ...).
            ``version`` is which version of a thing it tells, from 1, the oldest, where several
            hits tell of the same thing at different times.
        when: When it was said, with a time zone.
        source: Where it comes from.
        turns: The verbatim turns that it stands for, best first.
        neighbours: Turns said just before and after, which were packed with it for context; of a
            fact, those of its evidence.
        until: When it stopped being so, where a newer fact took its place.
        when_precision: How exactly ``when`` is known: ``day``; of a fact also ``week``,
            ``month`` or ``year``.
        until_precision: How exactly ``until`` is known.
        statement: The fact that it proves, where that is close to the question.
        pinned: Whether the turn or fact is pinned, and so packed before others.
        weights: What those of its parts weigh that weigh anything: turns stand in the order of the
            weighed sums, but where facts, a re-ranker, versions or pins change it.
        ranks: Its rank among the candidates, from 1, by ``words`` and by ``meaning``, where it was
            found so. A turn beside one that was found is a candidate without a rank.
    """

    text: str = field(repr=False)
    tier: Tier
    score: float
    parts: Mapping[str, float] = field(repr=False)
    when: dt.datetime
    source: Source
    turns: tuple[Turn, ...] = field(repr=False)
    neighbours: tuple[Turn, ...] = field(default=(), repr=False)
    until: dt.datetime | None = None
    when_precision: Precision = "day"
    until_precision: Precision = "day"
    statement: str | None = field(default=None, repr=False)
    pinned: bool = False
    weights: Mapping[str, float] = field(default_factory=dict, repr=False)
    ranks: Mapping[str, int] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """One thing that was found and that a packed context lacks, in part or as a whole.

    Attributes:
        hit: What was found.
        why: Why it was shortened or left out, in words.
    """

    hit: Hit
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Plan of a query, made by the Controller.

    Attributes:
        queries: What is searched for: the query itself, then hypothetical ones.
        speakers: Speakers of this user's memory that the query names.
        since: Start of the time window asked for, or ``None``.
        until: End of the time window asked for (exclusive), or ``None``.
        k: How many hits may come back.
        purpose: What the query is for: to learn a ``fact``, to have something done (a
            ``request``), to see in which ``order`` things came, or to get a ``summary``.
        time: Whether it asks for what is ``now``, for the ``past``, or for a ``change``; ``None``
            where it does not say, as for events.
    """

    queries: tuple[str, ...] = field(repr=False)
    speakers: frozenset[str] = frozenset()
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    k: int = 5
    purpose: Literal["fact", "request", "order", "summary"] = "fact"
    time: Literal["now", "past", "change"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall(Displayed):
    """Hits for a query, and their packed text. Prints as a table with rich and in notebooks.

    Attributes:
        query: The question as asked.
        hits: What was remembered, best first.
        further: What is ranked behind them and filled the room that they left in ``text``, best
            first.
        known: The facts with which ``text`` begins, in its order: since when or until when each is
            true, and the turns that prove it.
        text: The packed context for a prompt, fenced as data: what is known, in a third of the
            budget at most, then turns, oldest first. Empty if nothing was found.
        cuts: What ``text`` lacks of the hits and of what might have fitted behind them, and why.
        tokens: Size of ``text`` in tokens.
        max_tokens: How many it might have had.
        plan: What the Controller made of the query.
        milliseconds: Time spent, by stage, and in ``total``.
        degraded: What did not work as it should, in words. Empty when all is well.
    """

    query: str = field(repr=False)
    hits: tuple[Hit, ...]
    text: str = field(repr=False)
    tokens: int
    plan: Plan
    further: tuple[Hit, ...] = ()
    known: tuple[Hit, ...] = ()
    cuts: tuple[Cut, ...] = field(default=(), repr=False)
    max_tokens: int = 0
    milliseconds: Mapping[str, float] = field(default_factory=dict)
    degraded: tuple[str, ...] = ()

    @property
    def score(self) -> float:
        """Relevance of the best hit, from 0 to 1: how likely the answer is known; 0 for no hits."""
        return self.hits[0].score if self.hits else 0.0

    def grid(self) -> Grid:
        """Its hits, best first, and below them the facts with which the text begins."""
        total = self.milliseconds.get("total")
        took = "" if total is None else f" in {total:.1f} ms"
        hits = counted(len(self.hits), "hit") if self.hits else "no hits"
        more = len(self.known) - _KNOWN_SHOWN
        known = [f"known: {hit.text}" for hit in self.known[:_KNOWN_SHOWN]]
        known += [f"known: {more:,} more"] * (more > 0)
        return Grid(
            self.query,
            ("#", "tier", "score", "when", "who", "text") if self.hits else (),
            [
                (
                    str(rank),
                    hit.tier,
                    f"{hit.score:.2f}",
                    short_date(hit.when, hit.when_precision),
                    " ".join(
                        ([hit.turns[0].speaker or hit.turns[0].role] if hit.turns else [])
                        + ([f"[{hit.source.space}]"] if hit.source.space else [])
                        + ["(pinned)"] * hit.pinned
                    ),
                    hit.text,
                )
                for rank, hit in enumerate(self.hits, start=1)
            ],
            notes=[*known, f"{hits}{took}; {counted(self.tokens, 'token')} of context"],
            warnings=[f"degraded: {reason}" for reason in self.degraded],
        )
