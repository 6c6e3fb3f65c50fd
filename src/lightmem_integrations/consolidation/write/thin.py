"""Thinning: what a Writer's model reads of the turns, without what holds no fact. Extractive."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from lightmem_integrations.consolidation.write.extractive import ExtractiveWriter
from lightmem_integrations.consolidation.write.summary import empty_terms
from lightmem_integrations.knowledge.drafts import EpisodeDraft, KnownFact, Writer, WriterTurn
from lightmem_integrations.text.sentences import split_sentences
from lightmem_integrations.text.temporal import names_dates
from lightmem_integrations.text.terms import terms

_CODE = re.compile(r"```[^\n]*\n?(.*?)(?:```|\Z)", re.DOTALL)
# Characters of a turn, in whole sentences from its beginning, and of code. Measured by
# `benchmarks/thinning.py`: at 1,400 of BEAM's long answers no more is lost than at 2,000, at 1,000
# it is. To choose sentences by their names, numbers and common words kept no more.
_LONGEST, _LONGEST_ANSWER, _LONGEST_CODE = 2_000, 1_400, 80
# A guess: stems that a sentence said before has at least; "That is great" may be said twice.
_FEWEST_STEMS = 3


def thinned(turns: Sequence[WriterTurn]) -> list[tuple[int, str]]:
    """The turns worth reading: the place of each, from 0, and what is left of its text.

    Left out are turns and exclamations of nothing but small talk, unless they answer a question,
    and sentences that were said before; code is cut to its first line, and a long text, an
    assistant's sooner, to its beginning.
    """
    nothing = empty_terms(turns)
    seen: set[str] = set()
    kept, asked = [], False
    for place, turn in enumerate(turns):
        heard: list[tuple[str, bool]] = []
        for part in _sentences(_CODE.sub(_first_line, turn.text)):
            stems, said = set(terms(part)), " ".join(part.split()).casefold()
            if said not in seen or len(stems) < _FEWEST_STEMS:
                heard.append((part, bool(stems - nothing) or _says_when(part)))
            seen.add(said)
        says = any(tells for _, tells in heard)
        if heard and (says or asked):
            told = [
                each
                for each, tells in heard
                if tells or not says or not each.rstrip().endswith("!")
            ]
            longest = _LONGEST_ANSWER if turn.role == "assistant" else _LONGEST
            kept.append((place, _beginning(told, longest)))
        asked = turn.text.rstrip().endswith("?")
    return kept


def write_thinned(
    writer: Writer,
    turns: Sequence[WriterTurn],
    before: Sequence[WriterTurn],
    known: Sequence[KnownFact],
) -> EpisodeDraft:
    """What a Writer makes of the turns worth reading, with pointers to all turns."""
    kept = thinned(turns)
    if not kept:
        return ExtractiveWriter().write(turns)
    draft = writer.write(_shown(turns, kept), before=_shown(before, thinned(before)), known=known)
    facts = [
        replace(fact, evidence=tuple(kept[pointer][0] for pointer in fact.evidence))
        for fact in draft.facts
    ]
    speakers = dict.fromkeys(turn.speaker for turn in turns if turn.speaker)
    return replace(draft, facts=tuple(facts), speakers=tuple(speakers))


def _shown(turns: Sequence[WriterTurn], kept: Sequence[tuple[int, str]]) -> list[WriterTurn]:
    return [replace(turns[place], text=text) for place, text in kept]


def _sentences(text: str) -> Iterator[str]:
    """The sentences, with what stands behind each: by its lines a quotation is told."""
    for line in text.splitlines():
        *parts, last = [part for part in split_sentences(line.strip()) if part] or [""]
        yield from (f"{part} " for part in parts)
        yield from [f"{last}\n"] if last else []


def _says_when(part: str) -> bool:
    """True where it may date what stands around it: "Last night was amazing!", "At 7!"."""
    return any(map(str.isdigit, part)) or names_dates(part)


def _first_line(code: re.Match[str]) -> str:
    lines = code[1].strip().splitlines()
    return f"```{lines[0][:_LONGEST_CODE]} ...```" if len(lines) > 1 else code[0]


def _beginning(parts: Sequence[str], longest: int) -> str:
    """As many sentences as fit, from the first; that one is cut if it alone is too long."""
    text = parts[0][:longest]
    for part in parts[1:]:
        if len(text) + len(part) > longest:
            return f"{text.strip()} ..."
        text += part
    return text.strip()
