"""Packing: the best hits within the token budget, oldest first, fenced as data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from lightmem_integrations.models.protocols import TokenCounter
from lightmem_integrations.models.token_counter import MOST_CHARACTERS
from lightmem_integrations.recall.candidates import Found, Quote, Ranked
from lightmem_integrations.recall.known_part import KnownPart
from lightmem_integrations.records.conversation import Cut, Hit
from lightmem_integrations.text.fence import fence
from lightmem_integrations.text.precision import date_words

_CUT = " ..."
_FEWEST_CHARACTERS = 4  # of what was said; a cut that shows less is worth nothing; a guess
_KNOWN = 3  # what is known takes one part of so many
_WORTH_A_CUT = 10  # one part of so many of the budget left free is filled by a cut; a guess
_LONG_WORD = 40  # characters; what runs longer without a blank is cut inside; a guess


@dataclass(frozen=True, slots=True)
class Packed:
    """The packed context: hits that fit, best first, what was cut, the fenced text and its size."""

    hits: tuple[Hit, ...]
    further: tuple[Hit, ...]
    known: tuple[Hit, ...]
    cuts: tuple[Cut, ...]
    text: str
    tokens: int


def pack(
    found: Found, *, max_tokens: int, count_tokens: TokenCounter, pieces: bool = False
) -> Packed:
    """Fit hits into a token budget, then what was said around them, then what is ranked behind.

    What is ranked behind comes before what was said around that: of LoCoMo's evidence .865 is shown
    so, and .847 the other way round (four conversations, 1,000 tokens). What is known stands before
    all that, in a third of the budget at most.

    What is pinned is packed first of all. The best hit is cut rather than dropped if it alone
    exceeds the budget. What does not fit makes room for something smaller behind it; where much is
    left free, it is cut to that.

    Args:
        found: What was found.
        max_tokens: The budget, as ``count_tokens`` counts the whole text.
        count_tokens: Tokens of a text.
        pieces: Cut long hits rather than leave others out, as a question about much at once asks.
    """
    known = KnownPart(found, max_tokens // _KNOWN, count_tokens)
    page = _Page(known, max_tokens - count_tokens(fence([*known.lines(), "."])), count_tokens)
    pinned = [
        hit
        for hit in (*found.hits, *found.further)
        if hit.pinned and page.add(hit.quote, page.room, cut=not page.lines)
    ]
    kept: list[Ranked] = []
    for place, hit in enumerate(found.hits):
        share = page.room // (len(found.hits) - place) if pieces else page.room
        if page.add(hit.quote, share, cut=pieces or not kept):
            kept.append(hit)
    kept = kept or pinned  # where these took all the room
    page.add_around(kept)
    behind = [hit for hit in (*found.hits, *found.further) if hit not in kept]
    if kept:  # else nothing is known, and nothing is made up for it
        page.add_around([hit for hit in behind if page.add(hit.quote, page.room)])
        for hit in behind:
            if page.room >= max_tokens // _WORTH_A_CUT:
                page.add(hit.quote, page.room, cut=True)
    # Tokens of lines do not simply add up for every tokenizer: the whole is what counts.
    while (tokens := count_tokens(text) if (text := page.text()) else 0) > max_tokens:
        page.drop_last()
    return Packed(
        hits=page.shown(kept),
        further=page.shown(behind),
        known=tuple(replace(each.hit, text=each.quote.turn.text) for each in known.shown()),
        cuts=tuple(page.cuts([*kept, *behind], found)),
        text=text,
        tokens=tokens,
    )


class _Page:
    """The lines that fit into a context so far, in the order in which they were added.

    Args:
        known: The part before them.
        room: Tokens that are left for lines.
        count_tokens: Tokens of a text.
    """

    def __init__(self, known: KnownPart, room: int, count_tokens: TokenCounter) -> None:
        self.room = room
        self._known = known
        self.lines: dict[Quote, str] = {}
        self._whole: dict[Quote, str] = {}
        self._count_tokens = count_tokens
        self._refused: dict[Quote, str] = {}

    def add(self, quote: Quote, share: int, *, cut: bool = False) -> bool:
        """Add a line, if it is not there yet and fits, or is cut to its share of the room."""
        if quote in self.lines or quote in self._known:
            return True
        line = self._whole_line(quote)
        cost = self._cost(line, self.room)
        if cost > share and cut:
            line = _shortened(line, len(_head(quote)), share - 1, self._count_tokens)
            cost = self._cost(line, self.room)
        if cost > self.room or not line:
            left = f"longer than the {self.room} tokens left" if self.room > 0 else "no room left"
            self._refused.setdefault(quote, f"left out: {left}")
            return False
        self.lines[quote] = line
        self.room -= cost
        return True

    def add_around(self, hits: Sequence[Ranked]) -> None:
        """Add what was said just before and after hits."""
        for hit in hits:
            for quote in hit.around:
                self.add(quote, self.room)

    def drop_last(self) -> None:
        """Let go of what was added last."""
        if self.lines:
            self.lines.popitem()
        else:
            self._known.drop_last()

    def shown(self, ranked: Sequence[Ranked]) -> tuple[Hit, ...]:
        """The hits of which there is a line, each as it is shown."""
        there = [each for each in ranked if each.quote in self.lines or each.quote in self._known]
        return tuple(_shown(each, self.lines, self._whole_line(each.quote)) for each in there)

    def cuts(self, ranked: Sequence[Ranked], found: Found) -> Iterator[Cut]:
        """What there is no whole line of, and why."""
        for each in ranked:
            line = self.lines.get(each.quote)
            whole = len(self._whole_line(each.quote))
            if line is not None and len(line) != whole:
                yield Cut(hit=each.hit, why=f"shortened: {len(line):,} of {whole:,} characters")
            elif line is None and each.quote not in self._known:
                yield Cut(hit=each.hit, why=self._refused.get(each.quote, "left out: no room left"))
        for each in found.below:
            yield Cut(hit=each.hit, why=f"left out: its score, {each.hit.score:.2f}, is too low")
        for each in (*found.known, *found.events):
            if each.quote not in self._known and each.quote not in self.lines:
                yield Cut(hit=each.hit, why="left out: the part for what is known is full")

    def text(self) -> str:
        """What is known, and the lines by time, fenced."""
        ordered = sorted(self.lines, key=lambda quote: quote.order)
        return fence([*self._known.lines(), *(self.lines[quote] for quote in ordered)])

    def _whole_line(self, quote: Quote) -> str:
        """The line of a turn before any cut, written once: most are asked for three times."""
        if quote not in self._whole:
            self._whole[quote] = _line(quote)
        return self._whole[quote]

    def _cost(self, line: str, limit: int) -> int:
        """Tokens of a line; beyond the limit anything, for one too long to be within it.

        A counter takes time for each character, and a turn may have a hundred thousand.
        """
        if len(line) > MOST_CHARACTERS * max(limit, 0):
            return limit + 1
        return self._count_tokens(f"{line}\n")


def _shown(ranked: Ranked, lines: Mapping[Quote, str], whole: str) -> Hit:
    line = lines.get(ranked.quote, whole)
    text = ranked.hit.text if line == whole else line[len(_head(ranked.quote)) :]
    around = tuple(quote.turn for quote in ranked.around if quote in lines)
    return replace(ranked.hit, text=text, neighbours=around)


def _head(quote: Quote) -> str:
    when = quote.turn.time
    if when is None:
        raise AssertionError("a stored turn has a time")
    who = " ".join((quote.turn.speaker or quote.turn.role.capitalize()).split())
    date = f"{date_words(when)} {when:%H:%M}"
    if quote.precision != "day":
        date = date_words(when, quote.precision)
    return f"{quote.label}[{date}] {who}: "


def _line(quote: Quote) -> str:
    # An indented continuation cannot pass for the head of another remembered turn.
    return _head(quote) + "\n  ".join((quote.turn.text + quote.note).splitlines())


def _shortened(line: str, head: int, max_tokens: int, count_tokens: TokenCounter) -> str:
    """The line cut so that it fits, between words where there are; empty if it shows too little."""
    # A counter takes time for each character: no more are tried than may fit.
    least, most = 0, min(len(line), head + MOST_CHARACTERS * max(max_tokens, 0))
    while least < most:
        middle = (least + most + 1) // 2
        fits = count_tokens(line[:middle] + _CUT) <= max_tokens
        least, most = (middle, most) if fits else (least, middle - 1)
    cut = line[:least]
    # Many scripts put no blanks between words: then it is cut where it must be.
    if least < len(line) and not line[least].isspace() and len(cut) - cut.rfind(" ") <= _LONG_WORD:
        cut = cut[: cut.rfind(" ")]
    return cut.rstrip() + _CUT if len(cut) >= head + _FEWEST_CHARACTERS else ""
