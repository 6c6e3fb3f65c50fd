"""Settings: every number and policy that can be turned, with its default and its range.

Defaults whose origin is not named are guesses: sensible sizes that no measurement chose.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

from lightmem_integrations.errors import InvalidRequestError, SettingsError
from lightmem_integrations.text.timezone import check_timezone

Policy = Literal["latest", "trust", "evidence", "ask"]
"""Policy for two agents that contradict each other: whose word counts."""

LONGEST_LEASE = 3_600.0
"""Seconds that any worker may hold a user's memory without a sign of life; a lease that ends later
was written by a clock that was ahead. A guess."""


def _at_least(least: float, default: float | None) -> Any:
    """A field whose smallest value is not the usual one of its type."""
    return field(default=default, metadata={"least": least})


def _share(default: float) -> Any:
    """A field between 0 and 1."""
    return field(default=default, metadata={"most": 1})


def _check_fields(settings: object) -> None:
    """Refuse a value that its field's type, or the range of that type, rules out.

    Whole numbers begin at 1, others at 0, unless the field says otherwise.

    Raises:
        SettingsError: A value makes no sense; it names the field.
    """
    hints = get_type_hints(type(settings))
    for setting in fields(settings):  # type: ignore[arg-type]  # both callers are dataclasses
        value, hint = getattr(settings, setting.name), hints[setting.name]
        least = setting.metadata.get("least", 1 if hint is int else 0)
        remedy = _remedy(value, hint, least, setting.metadata.get("most", math.inf))
        if remedy is not None:
            raise SettingsError(f"{type(settings).__name__}.{setting.name} is {value!r}; {remedy}.")


def _remedy(  # noqa: PLR0911 - one for each kind of field
    value: object, hint: Any, least: float, most: float
) -> str | None:
    """The remedy for a value that does not fit its field's type; ``None`` if it fits."""
    if hint is bool or get_origin(hint) is Literal:
        choices = (True, False) if hint is bool else get_args(hint)
        # By type too: 1 == True.
        fits = any(type(value) is type(one) and value == one for one in choices)
        return None if fits else f"it is {' or '.join(map(repr, choices))}"
    if float in get_args(hint):
        return None if value is None else _remedy(value, float, least, most)
    if hint in (int, float):
        kinds = (int,) if hint is int else (int, float)
        # "not at least" rather than "below": NaN is neither.
        if isinstance(value, bool) or not isinstance(value, kinds) or not least <= value <= most:
            kind = "whole number" if hint is int else "number"
            limit = f"of at least {least}" if most == math.inf else f"from {least} to {most}"
            return f"it must be a {kind} {limit}"
        return None
    if get_origin(hint) is tuple:
        fits = isinstance(value, tuple) and all(isinstance(each, str) for each in value)
        return None if fits else "pass a tuple of strings"
    if isinstance(hint, type):
        return None if isinstance(value, hint) else f"pass {hint.__name__}(...)"
    fits = value is None or (isinstance(value, str) and bool(value.strip()))
    return None if fits else "it is a name, or None"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsolidationSettings:
    """Numbers and policies of the offline path. The numbers are guesses, but for ``capacity``.

    Attributes:
        policy: What decides between contradictory facts of *different* agents: ``latest`` (what
            became true later), ``trust`` (the agent that comes first in ``trust``), ``evidence``
            (more turns say so) or ``ask`` (both stay, with an open conflict). Where ``trust`` or
            ``evidence`` is even, ``latest`` decides; where that is even too, both stay and the
            conflict is open. Of one agent, the later word always replaces the earlier one.
        trust: Agents, the most trusted first; all others come after them, equal among themselves.
        gap_seconds: A session is over after this long without a turn, and a pause of more than
            this within one ends an episode.
        max_turns: Turns of a session read at once.
        lease_seconds: How long a user waits whose worker died, until another may take over. A
            worker renews its lease three times in it, so that two late renewals lose nothing.
        writer_seconds: How long a writer may take for one episode. What is late is left behind and
            tried again later.
        first_backoff_seconds: How long a session rests after a failure; twice as long each time.
        longest_backoff_seconds: How long at most.
        max_tries: How often a writer may give something unusable for the same turns before they
            are set aside.
        max_failures: Failures in a row after which a run ends: the model is likely down.
        half_life_days: Without new support, a fact's confidence halves in this time.
        capacity: Episodes of one user at most (the paper's); beyond, the least useful are dropped.
        verbatim: How many of them keep their turns searchable; beyond, the least useful are
            compressed to their summary.
        quiet_seconds: The worker in the background begins only after this long without ``add`` or
            ``recall``.
        same_meaning: Cosine from which two statements about one subject say the same, if they name
            the same, hold the same numbers and deny alike.
    """

    policy: Policy = "latest"
    trust: tuple[str, ...] = ()
    gap_seconds: float = 6 * 3600.0
    max_turns: int = 2_000
    lease_seconds: float = field(default=30.0, metadata={"least": 0.1, "most": LONGEST_LEASE})
    writer_seconds: float = _at_least(0.001, 600.0)
    first_backoff_seconds: float = 30.0
    longest_backoff_seconds: float = 3_600.0
    max_tries: int = 5
    max_failures: int = 3
    half_life_days: float = _at_least(0.001, 365.0)
    capacity: int = 10_000
    verbatim: int = 9_000
    quiet_seconds: float = 5.0
    same_meaning: float = _at_least(-1, 0.95)

    def __post_init__(self) -> None:
        _check_fields(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Budgets and sizes. The defaults are those of the LightMem paper where it names one.

    Attributes:
        k: Hits that a recall returns (the paper's K); three times as many for a summary or an order
            of events, unless a call names its own number.
        max_tokens: Size of the packed context, in tokens (the paper's).
        score_threshold: Score, from 0 to 1, that a hit must have to come back. Where none has it,
            nothing is known of the question. 0 returns the best there is, however far from it.
        short_term_tokens: Size of the short-term window, in tokens.
        profile_tokens: Size of a user's profile, in tokens.
        dense_pool: Candidates taken from the vector index.
        lexical_pool: Candidates taken from the full-text index.
        scoring: What the Selector weighs: ``full`` (all that speaks for a candidate) or ``plain``
            (similarity by meaning and by words alone).
        late_interaction: Compare the words of question and memory one by one, where the embedder
            gives their vectors.
        catch_up_seconds: How long a recall may wait for turns that are not embedded yet. What is
            left after that is found by its words, and the result says so.
        embed_seconds: How long a recall may wait for its question's vector, and for one answer of
            an index of your own. Without it memories are found by their words, and the result
            says so. A document that is written waits as long for its own.
        work_seconds: How long one call of an embedder or an index may take in work for which no
            question waits: a batch of turns, a model that is loaded. What is late is left behind;
            ``index_pending``, ``reindex`` and ``warm_up`` raise. 120 is a guess: a large model
            loads from a slow disk, or embeds a batch of long turns, in less.
        claim_seconds: Where several processes share a database: how long turns wait whose process
            died while it embedded them, until another one does. A process at work renews its claim.
        background_indexing: Embed new turns in a thread of this process, soon after ``add``.
        background_consolidation: Consolidate in a thread of this process, whenever the store is
            quiet. Off by default: a writer with a model costs time or money, which nobody should
            spend by merely opening a store.
        shared_knowledge: Let all users of the store read what at least three of them say, without
            who said it. Off by default: whoever runs the store must know that its users agree.
            Needs the extra ``shared``.
        private_users: Ids of users whose facts take no part in shared knowledge.
        names_model: Name or folder of an installed spaCy pipeline that recognises names, used
            besides the rules before anything is shared; ``None`` for the rules and patterns alone.
        consolidation: Policies and sizes of consolidation.
        model_seconds: How long models beyond the embedder may take in one recall, together: those
            that write hypothetical queries and those that re-rank. What is late is left out, and
            the result says so.
        rerank_factor: How many times k the re-ranker sees (the paper's 2K candidates).
        hypothetical_queries: How many queries a small language model adds to the question; 0 for
            none. Needs ``slm=``.
        embed_batch: Turns embedded in one call of the model.
        max_turn_chars: Longest text of one turn, in characters.
        max_id_chars: Longest user, session, agent or turn id, in characters.
        max_metadata_bytes: Largest metadata of one turn, in bytes of JSON.
        timezone: IANA name of the users' time zone, such as ``Europe/Berlin``. By its calendar
            "yesterday" is reckoned, where neither a turn's time nor a call names another zone.
            ``None`` for the local zone of the process.
        clock_skew_seconds: How far in the future a turn's time may lie.
        lifetime_days: How long a turn is kept, from when it was said, that has no ``expires_at`` of
            its own and is not pinned; also of what is stored already. ``None`` for as long as
            nobody forgets it.
        session_lifetime_days: The same for all turns of a session together, from its last turn.
        shards: Collections over which an embedded Chroma store spreads its users.
        column_mebibytes: Memory for the turns of users who are asked about, held to answer the next
            question sooner: those asked about last, for which it is enough. 0 for none. 64 hold
            10,000 turns of 25 words with all their vectors, or of 250 words without token vectors.
            With less than 29, users are in the index before they have 15,000 turns: all, with 0.
            A quarter as much again is for their facts.
        check_timeout_seconds: How long the check of an index after an unclean stop may take.
        close_seconds: How long closing may wait for models and threads that are at work. What is
            late is left behind and stores nothing.
    """

    k: int = 5
    max_tokens: int = 1_000
    score_threshold: float = _share(0.0)
    short_term_tokens: int = 2_000
    profile_tokens: int = 300
    dense_pool: int = 48
    lexical_pool: int = 48
    scoring: Literal["full", "plain"] = "full"
    late_interaction: bool = True
    catch_up_seconds: float = 5.0
    embed_seconds: float = 10.0
    work_seconds: float = 120.0
    claim_seconds: float = _at_least(0.1, 30.0)
    background_indexing: bool = True
    background_consolidation: bool = False
    shared_knowledge: bool = False
    private_users: tuple[str, ...] = ()
    names_model: str | None = None
    consolidation: ConsolidationSettings = field(default_factory=ConsolidationSettings)
    model_seconds: float = 1.0
    rerank_factor: int = 2
    hypothetical_queries: int = _at_least(0, 0)
    embed_batch: int = 64
    max_turn_chars: int = 100_000
    max_id_chars: int = 10_000
    max_metadata_bytes: int = 16_384
    timezone: str | None = None
    clock_skew_seconds: float = 300.0
    lifetime_days: float | None = _at_least(0.001, None)
    session_lifetime_days: float | None = _at_least(0.001, None)
    shards: int = 16
    column_mebibytes: int = _at_least(0, 64)
    check_timeout_seconds: float = 20.0
    close_seconds: float = 10.0

    def __post_init__(self) -> None:
        _check_fields(self)
        try:
            check_timezone(self.timezone)
        except InvalidRequestError as error:
            raise SettingsError(f"Settings.{error}") from error


def checked_settings(given: object) -> Settings:
    """The settings of a memory that is being opened; the defaults for ``None``.

    Raises:
        SettingsError: They are something else, such as a dictionary.
    """
    if given is not None and not isinstance(given, Settings):
        raise SettingsError(
            f"settings= is {given!r:.40}, of type {type(given).__name__}. Pass such as "
            "Settings(k=10)."
        )
    return given or Settings()
