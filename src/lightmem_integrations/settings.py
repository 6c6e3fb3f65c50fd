"""Every number that can be turned, with its default and its range."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from lightmem_integrations.consolidation.settings import ConsolidationSettings
from lightmem_integrations.errors import SettingsError

_CHOICES: dict[str, tuple[Any, ...]] = {
    "scoring": ("fitted", "plain"),
    "late_interaction": (True, False),
    "background_indexing": (True, False),
    "background_consolidation": (True, False),
    "shared_knowledge": (True, False),
}
_CHECKS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "private_users": (
        lambda value: isinstance(value, tuple) and all(isinstance(each, str) for each in value),
        "a tuple of user ids",
    ),
    "names_model": (
        lambda value: value is None or (isinstance(value, str) and bool(value.strip())),
        "the name or folder of a spaCy pipeline, or None",
    ),
}
# Sizes for which nothing at all makes sense.
_MAY_BE_ZERO = ("hypothetical_queries",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Budgets and sizes. The defaults are those of the LightMem paper where it names one.

    Attributes:
        k: Hits that a recall returns (the paper's K).
        max_tokens: Size of the packed context, in tokens.
        short_term_tokens: Size of the short-term window, in tokens.
        dense_pool: Candidates taken from the vector index.
        lexical_pool: Candidates taken from the full-text index.
        scoring: How the Selector weighs what speaks for a candidate: ``fitted`` (the weights that
            the package ships) or ``plain`` (dense and lexical similarity, unweighted).
        late_interaction: Compare the words of question and memory one by one, where the embedder
            gives their vectors.
        catch_up_seconds: How long a recall may wait for turns that are not embedded yet. What is
            left after that is found by its words, and the result says so.
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
        clock_skew_seconds: How far in the future a turn's time may lie.
        shards: Collections over which an embedded Chroma store spreads its users.
        check_timeout_seconds: How long the check of an index after an unclean stop may take.
    """

    k: int = 5
    max_tokens: int = 1_000
    short_term_tokens: int = 2_000
    dense_pool: int = 48
    lexical_pool: int = 48
    scoring: Literal["fitted", "plain"] = "fitted"
    late_interaction: bool = True
    catch_up_seconds: float = 5.0
    background_indexing: bool = True
    background_consolidation: bool = False
    shared_knowledge: bool = False
    private_users: tuple[str, ...] = ()
    names_model: str | None = None
    consolidation: ConsolidationSettings = field(default_factory=ConsolidationSettings)
    model_seconds: float = 1.0
    rerank_factor: int = 2
    hypothetical_queries: int = 0
    embed_batch: int = 64
    max_turn_chars: int = 100_000
    max_id_chars: int = 10_000
    clock_skew_seconds: float = 300.0
    shards: int = 16
    check_timeout_seconds: float = 20.0

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if each.name == "consolidation":
                if not isinstance(value, ConsolidationSettings):
                    raise SettingsError(
                        f"Settings.consolidation is {value!r}; pass ConsolidationSettings(...)."
                    )
                continue
            if each.name in _CHECKS:
                fits, what = _CHECKS[each.name]
                if not fits(value):
                    raise SettingsError(f"Settings.{each.name} is {value!r}; it is {what}.")
                continue
            choices = _CHOICES.get(each.name)
            if choices:
                # By type too: 1 == True.
                if not any(type(value) is type(one) and value == one for one in choices):
                    allowed = " or ".join(map(repr, choices))
                    raise SettingsError(f"Settings.{each.name} is {value!r}; it is {allowed}.")
                continue
            seconds = each.name.endswith("_seconds")
            kinds, least = ((int, float), 0) if seconds else ((int,), 1)
            least = 0 if each.name in _MAY_BE_ZERO else least
            # "not at least" rather than "below": NaN is neither.
            if isinstance(value, bool) or not isinstance(value, kinds) or not value >= least:
                kind = "number" if seconds else "whole number"
                raise SettingsError(
                    f"Settings.{each.name} is {value!r}; it must be a {kind} of at least {least}."
                )
