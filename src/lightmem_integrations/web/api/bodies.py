"""Bodies and queries of the HTTP API, as the façade's arguments: nothing else is taken."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Json, Tag

from lightmem_integrations.records.conversation import Role, Tier

Metadata = dict[str, Any]
FilterText = Annotated[
    Json[dict[str, Any]],
    Field(description='A filter as JSON, such as {"topic": "travel"}.'),
]


def _form_of_date(given: object) -> str:
    # Only what has an hour: a year would pass for seconds since 1970.
    return "moment" if isinstance(given, dt.datetime) or ":" in str(given) else "date"


_PART = {"pattern": r"^\d{4}((-\d\d){0,2}|-W\d\d)$"}
# What is no date the façade refuses, in its own words.
Date = Annotated[
    Annotated[dt.datetime, Tag("moment")]
    | Annotated[str, Tag("date"), Field(json_schema_extra=_PART)],
    Discriminator(_form_of_date),
]
"""A moment, or the day, week, month or year that is known of it."""


class Arguments(BaseModel):
    """What a request says; whose memory it is about says its token."""

    model_config = ConfigDict(extra="forbid")

    def given(self) -> dict[str, Any]:
        """What was said, by name; what was left out keeps the façade's default."""
        return self.model_dump(exclude_unset=True)


class InMemory(Arguments):
    """Which memory of the user's: their own, or a space that they were let into."""

    space: str | None = Field(None, description="The space, instead of the user's own memory.")


class Session(InMemory):
    """A session of a memory."""

    session_id: str = Field("default", description="The conversation.")


class Page(InMemory):
    """A part of what is listed."""

    limit: int | None = Field(None, description="So many at most.")
    before: str | None = Field(None, description="Only what comes before the one with this id.")


class AnyPage(Page):
    """A part of what is listed, from either end."""

    after: str | None = Field(None, description="Only what follows the one with this id.")
    latest: bool = Field(default=False, description="Of more than limit the last, not the first.")


class NewTurn(Arguments):
    """One message, verbatim."""

    role: Role
    text: str
    speaker: str | None = None
    time: dt.datetime | None = Field(None, description="With a time zone; by default now.")
    id: str | None = Field(None, description="Unique in its session; sent again it changes nothing")
    searchable: bool = True
    metadata: Metadata = Field(default_factory=dict)
    expires_at: dt.datetime | None = None
    pinned: bool = False
    importance: float = 0.0


class NewTurns(Session):
    """What was said in a session, in order."""

    turns: list[NewTurn] = Field(min_length=1)
    agent_id: str | None = None
    timezone: str | None = Field(None, description="IANA name, for turns without a time.")


class Question(Arguments):
    """A question, and where to look for what answers it."""

    query: str
    k: int | None = Field(None, description="How many hits at most.")
    max_tokens: int | None = Field(None, description="Size of the packed text at most.")
    score_threshold: float | None = None
    tiers: list[Tier] = Field(["mtm", "ltm"])
    session_id: str | None = None
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    as_of: dt.datetime | None = Field(None, description="As if asked then.")
    speakers: list[str] | None = None
    filter: Metadata | None = None
    exclude: list[str] = Field([], description="Ids of turns that must not come back.")
    exclude_session: str | None = None
    timezone: str | None = None
    spaces: list[str] | Literal["all"] = Field([], description="Spaces to search besides.")


class SessionsQuery(InMemory):
    """Which sessions of a memory."""

    limit: int | None = Field(None, description="So many at most.")
    latest: bool = Field(default=False, description="Of more than limit the last, not the first.")


class HistoryQuery(AnyPage, Session):
    """Which turns of a session."""

    filter: FilterText | None = None


class ShortTermQuery(Session):
    """The window of a session."""

    max_tokens: int | None = None


class FactsQuery(AnyPage):
    """Which facts."""

    include_past: bool = Field(default=False, description="Also what no longer holds.")
    as_of: dt.datetime | None = Field(None, description="As they stood then.")
    filter: FilterText | None = None


class EpisodesQuery(InMemory):
    """Which episodes."""

    filter: FilterText | None = None


class ProfileQuery(InMemory):
    """The profile, as of when and how large."""

    max_tokens: int | None = None
    ahead: bool = True
    as_of: dt.datetime | None = None


class ConflictsQuery(Page):
    """Which conflicts."""

    limit: int | None = Field(None, description="So many at most: the last ones.")
    only_open: bool = True


class Edit(InMemory):
    """What is true of a fact instead."""

    statement: str | None = None
    value: str | None = None
    valid_from: Date | None = Field(None, description="A moment, or 2023-01-15, 2023-01 or 2023.")
    valid_to: Date | None = Field(None, description="The same; of a month its last second.")
    expires_at: dt.datetime | None = None
    reason: str = "Corrected by a person."


class Retraction(InMemory):
    """Why a fact is believed no longer."""

    reason: str = "Retracted by a person."


class Decision(InMemory):
    """Which fact of a conflict stays."""

    keep: str = Field(description="Id of the fact.")


class Chosen(InMemory):
    """Which turns, facts and episodes: what meets every condition given."""

    session_id: str | None = None
    turn_ids: list[str] | None = None
    memory_ids: list[str] | None = Field(None, description="Ids of facts and episodes.")


class Importance(Chosen):
    """What they count."""

    importance: float


class Erasure(Chosen):
    """What is erased for good."""

    since: dt.datetime | None = None
    until: dt.datetime | None = None
    filter: Metadata | None = None
    purge: bool = Field(default=True, description="Rewrite the files now, so that no byte is left.")
    everything: bool = Field(
        default=False, description="Erase all of it: needed where no condition says which part."
    )


class Consolidation(InMemory):
    """How far a run of consolidation may go."""

    max_batches: int | None = None
    max_calls: int | None = None
    max_tokens: int | None = None
    dry_run: bool = False
    final: bool = True
    retry_set_aside: bool = False


class Count(BaseModel):
    """How many turns and facts it was."""

    count: int
