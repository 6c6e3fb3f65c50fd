"""Bars of validity: when facts are true, all on one scale of time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from lightmem_integrations.records.knowledge import Fact

_LEAST = 1.5  # percent of the scale: what is over in a day is seen, too; a guess


@dataclass(frozen=True, slots=True)
class Scale:
    """Scale of time, from the first day that any of the facts is true until now or later.

    Attributes:
        begins: Its left end.
        ends: Its right end.
        now: Where this moment stands on it, in percent.
    """

    begins: dt.datetime
    ends: dt.datetime
    now: float

    @classmethod
    def of(cls, facts: Iterable[Fact]) -> Scale:
        """The scale on which all of these facts can be drawn."""
        now, facts = dt.datetime.now(dt.timezone.utc), list(facts)
        begins = min((fact.valid_from for fact in facts), default=now)
        last = max((fact.valid_to for fact in facts if fact.valid_to is not None), default=now)
        ends = max(now, last, begins + dt.timedelta(days=1))
        return cls(begins, ends, 100 * ((now - begins) / (ends - begins)))

    def bar(self, fact: Fact) -> tuple[float, float]:
        """Where a fact's bar begins, and how wide it is, both in percent of the scale."""
        whole = self.ends - self.begins
        begin = 100 * ((fact.valid_from - self.begins) / whole)
        end = 100 * (((fact.valid_to or self.ends) - self.begins) / whole)
        width = max(end - begin, _LEAST)
        return round(min(begin, 100 - width), 2), round(width, 2)
