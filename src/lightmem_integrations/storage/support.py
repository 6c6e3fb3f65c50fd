"""Support of a fact: since when, until when and how surely it holds by all its claims together."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from lightmem_integrations.storage.claims import Claim, noisy_or
from lightmem_integrations.text.precision import (
    FINEST_FIRST,
    Precision,
    by_one_calendar,
    is_finer,
    period_from,
    period_to,
)


class Support(NamedTuple):
    """Claims of one fact taken together: since when and until when it holds, and how surely."""

    since: float
    since_precision: Precision
    said_at: float
    stated_to: float | None
    stated_to_precision: Precision
    confidence: float


def support_of(claims: Collection[Claim]) -> Support:
    """Take claims of one meaning, at least one, together, whatever their order.

    It began when the earliest says, and ended when the latest that names an end says. A week, a
    month or a year gives way to what is told more exactly and begins in it.
    """
    confidence = 0.0
    for claim in claims:
        confidence = noisy_or(confidence, claim.confidence)
    since, since_precision = begin_of(claims)
    stated_to, stated_to_precision = _end_of(claims, since)
    return Support(
        since=since,
        since_precision=since_precision,
        said_at=max(claim.said_at for claim in claims),
        stated_to=stated_to,
        stated_to_precision=stated_to_precision,
        confidence=confidence,
    )


def begin_of(claims: Collection[Claim]) -> tuple[float, Precision]:
    """When a fact began by its claims, and how exactly that is known."""
    # What was told without a date is dated by when it was told, or by the end that it names.
    dated = [claim for claim in claims if claim.since not in (claim.said_at, claim.stated_to)]
    vague = [claim for claim in dated if claim.since_precision != "day"]
    left_out = {id(claim) for claim in vague if any(_began_within(claim, one) for one in dated)}
    left = [claim for claim in claims if id(claim) not in left_out]
    # At the same moment the vaguer: who says "in May" on the first of May means no day.
    first = min(left, key=lambda one: (one.since, -FINEST_FIRST.index(one.since_precision)))
    return first.since, first.since_precision


def later_begin(*begun: tuple[float, Precision]) -> tuple[float, Precision]:
    """The later of beginnings, each with its precision; of one time, the vaguest."""
    return max(begun, key=lambda each: (each[0], FINEST_FIRST.index(each[1])))


def told_as_over(claims: Collection[Claim]) -> bool:
    """True if a fact was over when it was told first: that of what was told in force came later."""
    first = min(claim.said_at for claim in claims)
    return all(_is_over(claim) for claim in claims if claim.said_at == first)


def _is_over(claim: Claim) -> bool:
    return claim.stated_to is not None and claim.stated_to <= claim.said_at


def earlier_end(
    stated: tuple[float | None, Precision], other: tuple[float | None, Precision]
) -> tuple[float | None, Precision]:
    """The earlier of two ends, each with its precision; of one time, the stated one."""
    if stated[0] is None or (other[0] is not None and other[0] < stated[0]):
        return other if other[0] is not None else (None, "day")
    return stated


def _end_of(claims: Collection[Claim], since: float) -> tuple[float | None, Precision]:
    """The end that claims name, and how exactly that is known."""
    named = [one for one in claims if one.stated_to is not None and one.stated_to >= since]
    found = _said_last(named)
    within = found
    while within is not None:
        found = within
        within = _said_last([claim for claim in named if _ended_within(within, claim)])
    return (None, "day") if found is None else (found.stated_to, found.stated_to_precision)


def _said_last(claims: Sequence[Claim]) -> Claim | None:
    return max(reversed(claims), key=lambda claim: claim.said_at, default=None)


def _began_within(vague: Claim, claim: Claim) -> bool:
    begun = (vague.since, vague.since_precision), (claim.since, claim.since_precision)
    within, (begins, _) = by_one_calendar(*begun)
    first, last = period_from(*within)
    return is_finer(claim.since_precision, vague.since_precision) and first <= begins <= last


def _ended_within(vague: Claim, claim: Claim) -> bool:
    if vague.stated_to is None or claim.stated_to is None:
        return False
    ends = (
        (vague.stated_to, vague.stated_to_precision),
        (claim.stated_to, claim.stated_to_precision),
    )
    (within, _), (ended, _) = by_one_calendar(*ends)
    first, last = _end_within(vague, within)
    begins, _ = _end_within(claim, ended)
    finer = is_finer(claim.stated_to_precision, vague.stated_to_precision)
    return finer and first <= begins <= last


def _end_within(claim: Claim, ended: float) -> tuple[float, float]:
    """First and last second of what may be meant by the end of a claim."""
    # What ended something ended it as that month began.
    as_it_began = claim.since == claim.stated_to and claim.since_precision == "day"
    return (period_from if as_it_began else period_to)(ended, claim.stated_to_precision)
