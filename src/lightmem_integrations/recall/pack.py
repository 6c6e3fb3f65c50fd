"""Packing: the best hits within the token budget, oldest first, fenced as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from lightmem_integrations.models.protocols import TokenCounter
from lightmem_integrations.models.token_counter import MOST_CHARACTERS
from lightmem_integrations.recall.candidates import Quote, Ranked
from lightmem_integrations.records.conversation import Hit
from lightmem_integrations.safety import fence

_CUT = " ..."
_FEWEST_CHARACTERS = 4  # of what was said; a cut that shows less is worth nothing; a guess
_LONG_WORD = 40  # characters; what runs longer without a blank is cut inside; a guess


@dataclass(frozen=True, slots=True)
class Packed:
    """The packed context: hits that fit, best first, the fenced text and its size in tokens."""

    hits: tuple[Hit, ...]
    text: str
    tokens: int


def pack(
    ranked: Sequence[Ranked],
    *,
    max_tokens: int,
    count_tokens: TokenCounter,
    pieces: bool = False,
) -> Packed:
    """Fit hits into a token budget; then, where room is left, what was said around the best.

    The best hit is cut rather than dropped if it alone exceeds the budget. A hit that does not fit
    makes room for a smaller one behind it.

    Args:
        ranked: Candidates in the order of their rank.
        max_tokens: The budget, as ``count_tokens`` counts the whole text.
        count_tokens: Tokens of a text.
        pieces: Cut long hits rather than leave others out, as a question about much at once asks.
    """
    everything = {quote: _line(quote) for hit in ranked for quote in (hit.quote, *hit.around)}
    text = _text(everything)
    tokens = _cost(text, max_tokens, count_tokens)
    if tokens <= max_tokens:  # the common case: one count instead of one for each line
        return _packed(ranked, everything, text, tokens)
    lines: dict[Quote, str] = {}
    kept: list[Ranked] = []
    room = max_tokens - count_tokens(fence(["."]))
    for place, hit in enumerate(ranked):
        line = _line(hit.quote)
        cost = _cost(line, room, count_tokens) + 1
        share = room // (len(ranked) - place) if pieces else room
        if cost > share and (pieces or not kept):
            line = _shortened(line, len(_head(hit.quote)), share - 1, count_tokens)
            cost = count_tokens(line) + 1
        if cost > room or not line:
            continue
        kept.append(hit)
        lines[hit.quote] = line
        room -= cost
    for hit in kept:
        for quote in hit.around:
            if quote not in lines and (cost := _cost(_line(quote), room, count_tokens) + 1) <= room:
                lines[quote] = _line(quote)
                room -= cost
    text = _text(lines)
    tokens = count_tokens(text) if text else 0
    # Tokens of lines do not simply add up for every tokenizer: the whole is what counts.
    while lines and tokens > max_tokens:
        lines.popitem()
        text = _text(lines)
        tokens = count_tokens(text) if text else 0
    return _packed(kept, lines, text, tokens)


def _cost(text: str, limit: int, count_tokens: TokenCounter) -> int:
    """Tokens of a text; beyond the limit anything, for one too long to be within it.

    A counter takes time for each character, and a turn may have a hundred thousand.
    """
    if len(text) > MOST_CHARACTERS * max(limit, 0):
        return limit + 1
    return count_tokens(text) if text else 0


def _packed(ranked: Sequence[Ranked], lines: Mapping[Quote, str], text: str, tokens: int) -> Packed:
    return Packed(tuple(_shown(hit, lines) for hit in ranked if hit.quote in lines), text, tokens)


def _shown(ranked: Ranked, lines: Mapping[Quote, str]) -> Hit:
    whole, line = _line(ranked.quote), lines[ranked.quote]
    text = ranked.quote.turn.text if line == whole else line[len(_head(ranked.quote)) :]
    around = tuple(quote.turn for quote in ranked.around if quote in lines)
    return replace(ranked.hit, text=text, neighbours=around)


def _text(lines: Mapping[Quote, str]) -> str:
    return fence([lines[quote] for quote in sorted(lines, key=lambda quote: quote.order)])


def _head(quote: Quote) -> str:
    when = quote.turn.time
    if when is None:
        raise AssertionError("a stored turn has a time")
    who = " ".join((quote.turn.speaker or quote.turn.role.capitalize()).split())
    return f"[{when.day} {when:%B %Y %H:%M}] {who}: "


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
