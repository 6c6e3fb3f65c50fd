"""Extractive summary of an episode: its most central sentences, its keywords, its names."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

from lightmem_integrations.knowledge.drafts import WriterTurn
from lightmem_integrations.records.conversation import NAMELESS
from lightmem_integrations.text.calendar_names import CALENDAR, MONTHS, WEEKDAYS
from lightmem_integrations.text.sentences import sentences
from lightmem_integrations.text.terms import terms

# Frequent in every chat, so they say nothing about one. A fixed list in place of an idf, which
# would need a corpus; stemmed when used.
_SMALL_TALK = """
    absolutely agree also always amazing awesome back best better big bit bye care check come cool
    could course day definitely different else enjoy even ever every everyone everything excited
    feel feeling felt find first friend fun get getting glad go going good got great guess guy
    haha happen happy hard hear hello help hey hi hope huge idea image incredible inspire
    interesting journey keep kind know last lately like lol long look lot love lovely luck made
    make maybe mean moment more much need never new nice no now ok okay one part people photo pic
    picture place pretty proud put real really right said say see share sound special start still
    stuff such super support sure take talk tell thank thanks thing think though time today
    together tomorrow totally true try two understand up use want way week well wish wonderful
    word work world worry would wow yeah year yep yes yesterday yup all anything something someone
    wonder wait recently bring happened done might may able around since seen went let lets gonna
    wanna gotta please after again before other another next only down actually give gave given
    along against not without under over between during until off three four five six seven eight
    nine ten twenty second third half each both many few less least once twice sometimes often
    later soon already anyway instead however must shall ago morning evening night hour minute
    month mr mrs ms dr congrats congratulations hows whats thats im ive dont cant
"""
_WORD = re.compile(r"[^\W\d_][\w'\u2019]*")
# A capitalised word, or capitals that are an abbreviation: long ones are shouted.
_PART = (
    r"(?!I['\u2019\s])(?:\b[^\W\d_a-z][\w'\u2019-]*[^\W\d_A-Z]\b|\b[A-Z][A-Z0-9+-]{1,4}(?![\w]))"
)
_TITLE = re.compile(r"^(?:Mr|Mrs|Ms|Dr|Sr|Sra|St|Prof|Frau|Herr)\b\.? ?")
_NAME = re.compile(rf"{_PART}(?: (?:(?:of|the|de|van|von) (?=[A-Z]))*{_PART})*")
_HANDLE = re.compile(r"(?<![\w@.])@\w{2,40}")
# Guesses: pieces of a summary, words of a sentence at least, and characters at most.
_SENTENCES = 3
_KEYWORDS = 8
_ENTITIES = 20
_SHORTEST_SENTENCE = 4
_LONGEST_SENTENCE = 300
_LONGEST_NAME = 60
# Weight of what a candidate shares with those chosen already (maximal marginal relevance,
# Carbonell and Goldstein, SIGIR 1998); a guess.
_REPETITION = 0.5


def small_talk() -> frozenset[str]:
    """Stems of words that every chat is full of."""
    global _stems  # noqa: PLW0603 - made on first use, since the stemmer is loaded then
    if _stems is None:
        _stems = frozenset(terms(" ".join((_SMALL_TALK, *MONTHS, *WEEKDAYS))))
    return _stems


_stems: frozenset[str] | None = None


def empty_terms(turns: Sequence[WriterTurn]) -> frozenset[str]:
    """Stems that tell nothing of these turns: small talk, and who speaks in them."""
    return small_talk().union(stem for turn in turns for stem in terms(turn.speaker))


def term_weights(turns: Sequence[WriterTurn]) -> dict[str, float]:
    """Weight of each term: its damped frequency, times the number of turns that use it.

    A term that several turns take up is what they talk about; one long turn does not outvote them.
    """
    ignored = empty_terms(turns)
    frequency: Counter[str] = Counter()
    spread: Counter[str] = Counter()
    for turn in turns:
        found = [stem for stem in terms(turn.text) if stem not in ignored and not stem.isdigit()]
        frequency.update(found)
        spread.update(set(found))
    return {stem: (1 + math.log(count)) * spread[stem] for stem, count in frequency.items()}


def central_sentences(turns: Sequence[WriterTurn], weight: dict[str, float]) -> list[str]:
    """The few sentences nearest to the centroid of all terms, verbatim, in the order said.

    Args:
        turns: The episode.
        weight: What its terms weigh.

    Returns:
        "Speaker: sentence", at most three.
    """
    candidates: list[tuple[float, int, str, frozenset[str]]] = []
    for turn in turns:
        for text in sentences(turn.text):
            found = frozenset(stem for stem in terms(text) if stem in weight)
            words = len(text.split())
            if text.endswith("?") or words < _SHORTEST_SENTENCE or not found:
                continue
            # By the root of the length: neither a long list nor a bare "Painting!" wins.
            score = sum(weight[stem] for stem in found) / math.sqrt(words)
            candidates.append((score, len(candidates), f"{_by(turn)}{_cut(text)}", found))
    chosen: list[tuple[float, int, str, frozenset[str]]] = []
    covered: set[str] = set()
    while candidates and len(chosen) < _SENTENCES:
        best = max(
            candidates,
            key=lambda each: (
                each[0] * (1 - _REPETITION * len(each[3] & covered) / len(each[3])),
                -each[1],
            ),
        )
        candidates.remove(best)
        chosen.append(best)
        covered |= best[3]
    return [text for _, _, text, _ in sorted(chosen, key=lambda each: each[1])]


def keywords(turns: Sequence[WriterTurn], weight: dict[str, float]) -> tuple[str, ...]:
    """The heaviest terms, as the word in which each was mostly said."""
    best = sorted(weight, key=lambda stem: (-weight[stem], stem))[:_KEYWORDS]
    wanted = set(best)
    forms: dict[str, Counter[str]] = {stem: Counter() for stem in best}
    for turn in turns:
        for word in _WORD.findall(turn.text):
            stems = terms(word)
            if len(stems) == 1 and stems[0] in wanted:
                forms[stems[0]][_plain(word)] += 1
    # A stem that no word stands for, as in "0my", cannot be read.
    return tuple(
        max(forms[stem].items(), key=lambda item: (item[1], item[0]))[0]
        for stem in best
        if forms[stem]
    )


def proper_names(turns: Sequence[WriterTurn]) -> tuple[str, ...]:
    """Speakers, handles, and what is written with a capital where no sentence begins.

    A capitalised word that only begins sentences may be any word. Days and months are no names.
    """
    found: Counter[str] = Counter()
    lowered: set[str] = set()
    for turn in turns:
        if turn.speaker.lower() not in NAMELESS:
            found[turn.speaker] += len(turns)
        found.update(_HANDLE.findall(turn.text))
        for sentence in sentences(turn.text):
            lowered.update(word for word in _WORD.findall(sentence) if word.islower())
            for match in _NAME.finditer(sentence):
                name = match.group()
                first = match.start() == 0 or not sentence[: match.start()].strip(
                    " \"'“(-\u2013\u2014*"
                )
                if first:
                    # The first word may owe its capital to the sentence; those behind it do not.
                    name = name.partition(" ")[2]
                    name = name if _NAME.fullmatch(name) else ""
                name = re.sub(r"['\u2019]s?$", "", name)
                name = _TITLE.sub("", name)
                if name and len(name) <= _LONGEST_NAME and not CALENDAR.fullmatch(name):
                    found[name] += 1
    ignored = small_talk()
    kept = [
        name
        for name, _ in sorted(found.items(), key=lambda item: (-item[1], item[0]))
        if name.startswith("@")
        or (
            name.lower() not in lowered
            and not (len(stems := terms(name)) <= 1 and set(stems) <= ignored)
        )
    ]
    return tuple(kept[:_ENTITIES])


def _by(turn: WriterTurn) -> str:
    return f"{turn.speaker}: " if turn.speaker else ""


def _cut(text: str) -> str:
    if len(text) <= _LONGEST_SENTENCE:
        return text
    return f"{text[:_LONGEST_SENTENCE].rsplit(' ', 1)[0]} ..."


def _plain(word: str) -> str:
    word = re.sub(r"['\u2019]s?$", "", word)
    return word if word.isupper() and len(word) > 1 else word.lower()
