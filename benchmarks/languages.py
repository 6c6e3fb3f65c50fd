"""How well words alone find a turn in other languages, and whether English stays as it was.

    python benchmarks/languages.py [--english path/to/locomo10.json]

Each question of ``tests/data/languages.txt`` is asked of the turns of its language, and of those of
all languages in one memory. Beside it stands the same ranking by English stems alone, and of how
many turns and questions the language was told. The questions were written by this project, with the
words of the turn in other forms where the language has any: they say what stems bring, not how well
a chat is answered.

With ``--english``, the turns and questions of a file in LoCoMo's form are counted whose index terms
are not those of English alone.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from collections import Counter
from pathlib import Path

import Stemmer

from lightmem_integrations import LightMem, Settings, Turn
from lightmem_integrations.recall.coarse import by_words, weigh_terms
from lightmem_integrations.storage.sqlite.ledger import SqliteLedger
from lightmem_integrations.storage.turn_filter import filter_turns
from lightmem_integrations.storage.turn_reads import provenance
from lightmem_integrations.storage.users import find_user
from lightmem_integrations.testing import HashEmbedder
from lightmem_integrations.text.bm25 import inverse_frequency
from lightmem_integrations.text.inflections import question_terms, turn_terms
from lightmem_integrations.text.language import language_of
from lightmem_integrations.text.latin_function_words import LANGUAGES
from lightmem_integrations.text.terms import STOP_WORDS, latin_words, terms

PAIRS = Path(__file__).parents[1] / "tests" / "data" / "languages.txt"
TOGETHER = "all"


def read_pairs(path: Path = PAIRS) -> dict[str, list[tuple[str, str]]]:
    """Turns with the questions that they answer, by language."""
    found: dict[str, list[tuple[str, str]]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            found[line.strip("[]")] = []
        elif line and not line.startswith("#"):
            text, question = line.split("|")
            found[list(found)[-1]].append((text, question))
    return found


def first_by_english_stems(texts: list[str], question: str) -> str:
    """The text that comes first if every word is taken for English."""
    stem = Stemmer.Stemmer("english").stemWord
    held = [
        {stem(word) for word in re.findall(r"[^\W_]+", text.casefold()) if word not in STOP_WORDS}
        for text in (*texts, question)
    ]
    asked = held.pop()
    spread = Counter(word for words in held for word in words)
    weights = [
        sum(inverse_frequency(spread[word], len(texts)) for word in asked & words) for words in held
    ]
    return texts[max(range(len(texts)), key=lambda i: (weights[i], i))]


def firsts(pairs: dict[str, list[tuple[str, str]]], folder: Path) -> dict[str, dict[str, list]]:
    """Whether each question's turn came first: by language, alone and together with the others."""
    settings = Settings(background_indexing=False)
    with LightMem(folder, embedder=HashEmbedder(8), settings=settings) as memory:
        for language, each in pairs.items():
            turns = [Turn(role="user", text=text) for text, _ in each]
            memory.add(turns, user_id=language)
            memory.add([Turn(role="user", text=text) for text, _ in each], user_id=TOGETHER)
    ledger = SqliteLedger(f"sqlite:///{folder / 'ledger.sqlite'}")
    found: dict[str, dict[str, list]] = {}
    with ledger.read() as connection:
        for language, each in pairs.items():
            for name in (language, TOGETHER):
                user = find_user(connection, name)
                if user is None:
                    raise LookupError(name)
                limits = filter_turns(connection, user)
                hits = []
                for text, question in each:
                    weighed = weigh_terms(connection, user, question)
                    rows = by_words(connection, user, weighed, 1, limits)
                    first = [
                        known.turn.text for known in provenance(connection, user, rows).values()
                    ]
                    hits.append(first == [text])
                found.setdefault(language, {})["together" if name == TOGETHER else "alone"] = hits
    ledger.close()
    return found


def changed_in_english(path: Path) -> None:
    """Count the turns and the questions whose index terms are not those of English alone."""
    samples = json.loads(path.read_text(encoding="utf-8"))
    texts = [
        turn["text"]
        for sample in samples
        for session in sample["conversation"].values()
        if isinstance(session, list)
        for turn in session
    ]
    questions = [each["question"] for sample in samples for each in sample["qa"]]
    turns = [text for text in texts if turn_terms(text) != terms(text)]
    asked = [
        each for each in questions if list(question_terms(each)) != [*dict.fromkeys(terms(each))]
    ]
    print(f"English: {len(texts):,} turns, {len(turns)} changed; {len(questions):,} questions, "
          f"{len(asked)} changed")  # fmt: skip


def main() -> None:
    """Print the table, and what was counted of English."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--english", type=Path, help="a file in LoCoMo's form")
    given = parser.parse_args()
    pairs = read_pairs()
    with tempfile.TemporaryDirectory() as folder:
        ours = firsts(pairs, Path(folder))
    print("| language | told | questions | English stems | its own | in one memory with others |")
    print("|---|---|---|---|---|---|")
    for language, each in pairs.items():
        texts = [text for text, _ in each]
        english = sum(first_by_english_stems(texts, question) == text for text, question in each)
        alone, together = (sum(ours[language][name]) for name in ("alone", "together"))
        both = [text for pair in each for text in pair]
        told = sum(language_of(latin_words(text), STOP_WORDS) == language for text in both)
        how = f"{told} of {len(both)}" if language in LANGUAGES else "by script"
        print(f"| {language} | {how} | {len(each)} | {english} | {alone} | {together} |")
    if given.english:
        changed_in_english(given.english)


if __name__ == "__main__":
    main()
