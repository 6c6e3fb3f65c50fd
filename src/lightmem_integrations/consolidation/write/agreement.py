"""Agreement of a statement with its turns: of whom, how much and of which it is said.

By the order and the company of words: who stands on which side of a verb, what a number counts,
whose clause it is, what a later word takes back; and by the words that nobody said.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import combinations, pairwise
from typing import cast

from lightmem_integrations.consolidation.write import cues
from lightmem_integrations.consolidation.write.numbers import numbers
from lightmem_integrations.knowledge.drafts import WriterTurn
from lightmem_integrations.models.onnx import SHIPPED_MODEL
from lightmem_integrations.records.conversation import NAMELESS
from lightmem_integrations.text.calendar_names import MONTHS, WEEKDAYS
from lightmem_integrations.text.sentences import sentences
from lightmem_integrations.text.temporal import readings
from lightmem_integrations.text.terms import STOP_WORDS, terms

# Guesses: share of function words in English; characters to which a correction goes back and which
# it takes; words of a name.
_ENGLISH, _NEAR, _NAME = 0.2, 200, 3
_DAY = dt.timedelta(days=1)
_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
_OWNED = re.compile(r"\W{0,3}(?:my|our)\b", re.IGNORECASE)
_I = re.compile(r"\b(?:I|we|me|us)\b(?:['\u2019](?:m|ve|d|ll|re))?", re.IGNORECASE)


def speaker_of(turn: WriterTurn) -> str:
    """The speaker as facts name them: by name, or as the user or the assistant."""
    name = turn.speaker.strip()
    if name.lower() not in NAMELESS:
        return name
    return "assistant" if turn.role == "assistant" else "user"


def words_of(turns: Sequence[WriterTurn]) -> str:
    """What turns say, with the first and the last day that their words for dates mean."""
    dates = [date for turn in turns for date in readings(turn.text, turn.time)]
    days = [f"{date.words} {date.start:%A %B %m}" for date in dates]
    lasts = [date.end - _DAY for date in dates if date.end - date.start <= 7 * _DAY]
    days += [f"{last:%A %d %B %m}" for last in lasts]  # of a weekend, "2023-07-15/16"
    return " ".join([*(f"{turn.speaker} {turn.text}" for turn in turns), *days])


def words_added(statement: str, there: str, common: int) -> Iterator[str]:
    """The words of a statement that nobody said, but for the most common ones; of English alone."""
    spoken = _WORD.findall(there.lower().replace("'s", ""))
    dates = {*MONTHS, *WEEKDAYS}
    prose = [word for word in spoken if word not in dates and not word[0].isdigit()]
    if sum(word in STOP_WORDS for word in prose) < _ENGLISH * len(prose):
        return
    stems = set(terms(there))
    begun = {stem[:4] for stem in stems}
    for word in dict.fromkeys(_WORD.findall(statement.lower().replace("\u2019", "'"))):
        plain = word.removesuffix("'s")
        stem = next(iter(terms(plain)), "")
        kin = next((each for each in cues.KIN if plain in each), None)
        if kin is not None:
            new = kin.isdisjoint(spoken)
        elif plain != "may" and plain in dates:
            new = stem not in stems
        else:
            known = not stem or stem in stems or stem[:4] in begun or cues.FRAME.match(plain)
            new = not known and plain.isalpha() and _rank(plain, stem) > common
        if new:
            yield word


def counts_another(statement: str, texts: Sequence[str]) -> bool:
    """True if a number that was said counts or measures something else there."""
    there = {pair for text in texts for pair in _counted(text)}
    said = {stem for text in texts for stem in terms(text)}
    for number, unit in _counted(statement):
        same = {other for each, other in there if each == number}
        others = {other for each, other in there if each != number}
        short = any(len(other) < len("min") and other[0] == unit[0] for other in {*same, unit})
        if same and unit not in same and not short and (unit in others or unit not in said):
            return True
    return False


def turned_round(statement: str, sentence: str, speaker: str) -> bool:
    """True if two that stand on either side of a word stand the other way round."""
    ours, theirs = _places(statement, speaker), _places(sentence, speaker)
    names, others = (set(cues.NAME.findall(text)) for text in (statement, sentence))
    kin = (found[0] for found in cues.NAMES_KIN.finditer(sentence))
    people = {speaker.lower(), *terms(" ".join([*(names & others), *kin]))}
    shared = sorted(ours.keys() & theirs.keys(), key=lambda word: ours[word])
    compared = cues.COMPARES.search(statement) and cues.COMPARES.search(sentence)
    ends = [word for word in shared if compared or word in people]
    return (" by " in statement) == (" by " in sentence) and any(
        ours[first] < ours[word] < ours[last] and theirs[last] < theirs[word] < theirs[first]
        for first, last in combinations(ends, 2)
        for word in shared
        if word not in people
    )


def taken_back(stems: frozenset[str], said: str) -> bool:
    """True if it has what stands before a correction, and nothing that came with it."""
    for found in cues.CORRECTS.finditer(said):
        at = found.start()
        before, after = set(terms(said[max(at - _NEAR, 0) : at])), set(terms(said[at : at + _NEAR]))
        if stems & (before - after) and not stems & (after - before):
            return True
    return False


def of_another(statement: str, subject: str, stems: frozenset[str], texts: Sequence[str]) -> bool:
    """True if the clauses that share most with it have a subject of their own, and not its one.

    The subject is empty where it is who speaks.
    """
    clauses = {each: set(terms(each)) for text in texts for each in _clauses(text)}
    about = set(terms(subject)) - {"user"}
    weights = {
        clause: len(stems & there) + sum(stem.isdigit() for stem in stems & there)
        for clause, there in clauses.items()
    }
    most = max(weights.values(), default=0)
    best = [clause for clause, weight in weights.items() if weight == most > 0]
    elsewhere = not about or about & set().union(*clauses.values())
    if not elsewhere or any(about & clauses[each] for each in best):
        return False
    compared = cues.COMPARES.search(statement)
    own = [cues.OWN_SUBJECT.match(clause) for clause in best if about or not _OWNED.match(clause)]
    names = [set(terms(each[1])) if each else set[str]() for each in own]
    return bool(own) and all(each and (compared or not each & stems) for each in names)


def not_taken_up(
    subject: str, stems: frozenset[str], put: WriterTurn, turns: Sequence[WriterTurn]
) -> bool:
    """True if somebody put it to its subject, whose next words neither agree nor repeat it."""
    asker = speaker_of(put)
    if cues.AGREES.match(put.text) or subject not in {speaker_of(turn) for turn in turns} - {asker}:
        return False
    later = [turn for turn in turns if turn.position > put.position and speaker_of(turn) != asker]
    answer = later[0].text if later else ""
    agreed = cues.AGREES.match(answer) and not cues.WAVERS.search(answer)
    return not agreed and not stems & set(terms(answer))


def _clauses(text: str) -> list[str]:
    """Its clauses; "Ana and Ben went" is one."""
    found: list[str] = []
    for sentence in sentences(text):
        for part in filter(None, map(str.strip, cues.PARTS.split(sentence))):
            names = bool(found) and len(found[-1].split()) <= _NAME and part[0].isupper()
            found.append(f"{found.pop()} and {part}" if names else part)
    return found


def _counted(text: str) -> Iterator[tuple[str, str]]:
    """Each number with the term behind it."""
    for word, unit in pairwise(_WORD.findall(re.sub(r"(?<=\d)[.,](?=\d{3}\b)", "", text))):
        for number in numbers(word) - {"0", "1"} if unit.isalpha() else ():
            yield from ((number, stem) for stem in terms(unit))


def _places(text: str, speaker: str) -> dict[str, int]:
    """Where each term stands first, the speaker's "I" as the name."""
    found: dict[str, int] = {}
    for place, word in enumerate(_WORD.findall(_I.sub(f" {speaker} ", text).lower())):
        for stem in terms(word) or {word} & {"than", "to", "over"}:
            found.setdefault(stem, place)
    return found


@cache
def _vocabulary() -> dict[str, int]:
    found = json.loads((SHIPPED_MODEL / "tokenizer.json").read_text("utf-8"))
    return cast("dict[str, int]", found["model"]["vocab"])


def _rank(word: str, stem: str) -> int:
    """How many words are more frequent, by the shipped vocabulary, which is in that order."""
    ranks = _vocabulary()
    forms = (
        word,
        stem,
        f"{stem}e",
        f"{stem[:-1]}y",
        word.removesuffix("s"),
        word.removesuffix("d"),
    )
    return min(ranks.get(each, len(ranks)) for each in forms)
