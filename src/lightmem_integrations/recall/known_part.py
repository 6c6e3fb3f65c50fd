"""The part of a context for what is known: facts, one a line, before the turns."""

from __future__ import annotations

from lightmem_integrations.models.protocols import TokenCounter
from lightmem_integrations.models.token_counter import checked_count
from lightmem_integrations.recall.candidates import Found, Quote, Ranked
from lightmem_integrations.text.fence import escape_fence

_TITLE = "Known:"


class KnownPart:
    """The facts that fit into a share of a context: all events of one kind, then what matches best.

    Of too many events the newest are shown; their heading says of how many.

    Args:
        found: What was found.
        max_tokens: Size at most.
        count_tokens: Tokens of a text.
    """

    def __init__(self, found: Found, max_tokens: int, count_tokens: TokenCounter) -> None:
        self._found = found
        self._kept: dict[Quote, Ranked] = {}
        heading = self._heading(len(found.events)) if found.events else ""
        room = max_tokens - checked_count(count_tokens(f"{_TITLE}\n{heading}\n"))
        wanted = (*reversed(found.events), *found.known)
        for each in sorted(wanted, key=lambda each: not each.pinned):
            cost = count_tokens(f"{_line(each)}\n")
            if each.quote not in self._kept and cost <= room:
                self._kept[each.quote] = each
                room -= cost
        # Tokens of lines do not simply add up for every tokenizer: the whole is what counts.
        while self._kept and count_tokens("\n".join(self.lines())) > max_tokens:
            self.drop_last()

    def __contains__(self, quote: Quote) -> bool:
        return quote in self._kept

    def drop_last(self) -> None:
        """Let go of what was added last."""
        self._kept.popitem()

    def shown(self) -> list[Ranked]:
        """What it shows, in the order of its lines."""
        events = {each.quote: each for each in self._found.events if each.quote in self._kept}
        return list((events | self._kept).values())

    def lines(self) -> list[str]:
        """Its lines; none where it shows nothing."""
        shown = self.shown()
        events = sum(each.quote in self._kept for each in self._found.events)
        lines = [_TITLE] if shown else []
        lines += [self._heading(events)] if events else []
        # Two blanks: no line of a turn begins with a dash, and no continuation of one stands here.
        return lines + [f"{'  ' * (i < events)}{_line(each)}" for i, each in enumerate(shown)]

    def _heading(self, events: int) -> str:
        of_all = len(self._found.events)
        count = f"all {of_all}" if events == of_all else f"{events} of {of_all} shown"
        return escape_fence(f"- {' '.join(self._found.events_of.split())} ({count}):")


def _line(ranked: Ranked) -> str:
    return escape_fence(f"- {ranked.quote.label}{' '.join(ranked.quote.turn.text.split())}")
