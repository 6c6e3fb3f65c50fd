"""Routes of the HTTP API: each hands a verb of the façade on, for the user of the token."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Query, Request
from fastapi.security import HTTPBearer

from lightmem_integrations.errors import InvalidRequestError, ReadOnlyError
from lightmem_integrations.lightmem import LightMem
from lightmem_integrations.records.access import Grant
from lightmem_integrations.records.conversation import Recall, Turn
from lightmem_integrations.records.knowledge import Conflict, Episode, Explanation, Fact
from lightmem_integrations.records.profile import Profile
from lightmem_integrations.records.report import ConsolidationReport, Receipt, Stats
from lightmem_integrations.web.api import bodies
from lightmem_integrations.web.refusals import Refusal

_REFUSED = {
    400: "Not a request of HTTP.",
    401: "No token, or none that is valid.",
    403: "No grant on that space, or none to write there; or the server only reads.",
    404: "The user has no such fact or open conflict.",
    409: "The id of a turn is taken by one with other content.",
    413: "The body is too large.",
    422: "An argument makes no sense, or is none.",
    429: "Too many requests; Retry-After says when the next is answered.",
    503: "Memory does not answer; Retry-After says when to try again.",
}

_CONDITIONS = ("session_id", "turn_ids", "memory_ids", "since", "until", "filter")  # of an erasure

router = APIRouter(
    prefix="/v1",
    # For the document; what stands before the routes has looked at the token already.
    dependencies=[Depends(HTTPBearer(auto_error=False))],
    responses={
        status: {"model": Refusal, "description": text} for status, text in _REFUSED.items()
    },
)


async def _memory(request: Request) -> LightMem:
    memory: LightMem = request.app.state.memory
    return memory


async def _user(request: Request) -> str:
    user_id: str = request.state.user_id
    return user_id


async def _check_writable(request: Request) -> None:
    if request.app.state.read_only:
        raise ReadOnlyError("A server that only reads was asked for a change.")


_WRITES = [Depends(_check_writable)]
Memory = Annotated[LightMem, Depends(_memory)]
User = Annotated[str, Depends(_user)]


@router.post("/turns", status_code=201, dependencies=_WRITES)
def add(said: bodies.NewTurns, user: User, memory: Memory) -> tuple[Turn, ...]:
    """Remember turns: all of them or, on an error, none."""
    given = said.given()
    turns = [Turn(**turn) for turn in given.pop("turns")]
    return memory.add(turns, user_id=user, **given)


@router.post("/recall")
def recall(asked: bodies.Question, user: User, memory: Memory) -> Recall:
    """Search the user's memory for what answers a question."""
    return memory.recall(user_id=user, **asked.given())


@router.get("/sessions")
def sessions(
    asked: Annotated[bodies.SessionsQuery, Query()], user: User, memory: Memory
) -> tuple[str, ...]:
    """Ids of sessions, in the order of beginning."""
    return memory.sessions(user_id=user, **asked.given())


@router.get("/history")
def history(
    asked: Annotated[bodies.HistoryQuery, Query()], user: User, memory: Memory
) -> tuple[Turn, ...]:
    """Every turn of a session, verbatim, oldest first."""
    return memory.history(user_id=user, **asked.given())


@router.get("/short-term")
def short_term(
    asked: Annotated[bodies.ShortTermQuery, Query()], user: User, memory: Memory
) -> tuple[Turn, ...]:
    """The last whole exchanges of a session, within a budget."""
    return memory.short_term(user_id=user, **asked.given())


@router.get("/episodes")
def episodes(
    asked: Annotated[bodies.EpisodesQuery, Query()], user: User, memory: Memory
) -> tuple[Episode, ...]:
    """Episodes with their turns, oldest first."""
    return memory.episodes(user_id=user, **asked.given())


@router.get("/profile")
def profile(asked: Annotated[bodies.ProfileQuery, Query()], user: User, memory: Memory) -> Profile:
    """Standing instructions, preferences and what is so, as a prompt gets it."""
    return memory.profile(user_id=user, **asked.given())


@router.get("/facts")
def facts(
    asked: Annotated[bodies.FactsQuery, Query()], user: User, memory: Memory
) -> tuple[Fact, ...]:
    """Facts, oldest first."""
    return memory.facts(user_id=user, **asked.given())


@router.get("/facts/{fact_id}")
def explain(
    fact_id: str, asked: Annotated[bodies.InMemory, Query()], user: User, memory: Memory
) -> Explanation:
    """A fact with the turns that prove it, its history, and what contradicts it."""
    return memory.explain(fact_id, user_id=user, **asked.given())


@router.patch("/facts/{fact_id}", dependencies=_WRITES)
def edit(fact_id: str, change: bodies.Edit, user: User, memory: Memory) -> Fact:
    """Correct a fact: a new one takes its place, and its history is kept."""
    return memory.edit(fact_id, user_id=user, **change.given())


@router.post("/facts/{fact_id}/retract", dependencies=_WRITES)
def retract(
    fact_id: str,
    user: User,
    memory: Memory,
    change: Annotated[bodies.Retraction | None, Body()] = None,
) -> Fact:
    """Stop believing a fact, without erasing it; what it had replaced holds again."""
    return memory.retract(fact_id, user_id=user, **(change.given() if change else {}))


@router.get("/conflicts")
def conflicts(
    asked: Annotated[bodies.ConflictsQuery, Query()], user: User, memory: Memory
) -> tuple[Conflict, ...]:
    """Contradictions between facts, the oldest first."""
    return memory.conflicts(user_id=user, **asked.given())


@router.post("/conflicts/{conflict_id}/resolve", dependencies=_WRITES)
def resolve(conflict_id: str, decided: bodies.Decision, user: User, memory: Memory) -> Conflict:
    """Decide a conflict: one fact stays, the other one is retracted."""
    return memory.resolve(conflict_id, user_id=user, **decided.given())


@router.post("/forget", dependencies=_WRITES)
def forget(chosen: bodies.Erasure, user: User, memory: Memory) -> Receipt:
    """Erase what meets every condition given, for good; the receipt says what that was."""
    given = chosen.given()
    everything = given.pop("everything", False)
    # null is no condition: a client writes it for what it leaves out.
    if everything == any(given.get(each) is not None for each in _CONDITIONS):
        raise InvalidRequestError(
            "Say what is to be erased: a condition such as session_id, turn_ids or memory_ids, or "
            '"everything": true, and not both.'
        )
    return memory.forget(user_id=user, **given)


@router.post("/pin", dependencies=_WRITES)
def pin(chosen: bodies.Chosen, user: User, memory: Memory) -> bodies.Count:
    """Pin turns and facts: no lifetime or capacity of the settings takes them away."""
    return bodies.Count(count=memory.pin(user_id=user, **chosen.given()))


@router.post("/unpin", dependencies=_WRITES)
def unpin(chosen: bodies.Chosen, user: User, memory: Memory) -> bodies.Count:
    """Undo a pin."""
    return bodies.Count(count=memory.unpin(user_id=user, **chosen.given()))


@router.post("/importance", dependencies=_WRITES)
def set_importance(chosen: bodies.Importance, user: User, memory: Memory) -> bodies.Count:
    """Set what turns and facts count in the ranking, from 0 to 1."""
    return bodies.Count(count=memory.set_importance(user_id=user, **chosen.given()))


@router.post("/consolidate", dependencies=_WRITES)
def consolidate(wanted: bodies.Consolidation, user: User, memory: Memory) -> ConsolidationReport:
    """Make episodes and facts of what was said since the last time."""
    return memory.consolidate(user_id=user, **wanted.given())


@router.get("/stats")
def stats(asked: Annotated[bodies.InMemory, Query()], user: User, memory: Memory) -> Stats:
    """Counts of what is stored."""
    return memory.stats(user_id=user, **asked.given())


@router.get("/spaces")
def spaces(user: User, memory: Memory) -> tuple[Grant, ...]:
    """The spaces that the user may read, and those where they may write."""
    return memory.spaces.of(user_id=user)
