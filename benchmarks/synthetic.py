"""Made-up turns and questions for the benchmarks, and quick vectors for very many of them.

Nothing here says anything about quality: the texts mean nothing. What is realistic is their
length (median about 24 words), that half of their words are function words, and that a few
content words are frequent and thousands are rare.
"""

from __future__ import annotations

import datetime as dt
import random
import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from lightmem_integrations import Turn
from lightmem_integrations.arrays import Vectors
from lightmem_integrations.models.embedders import as_embedder
from lightmem_integrations.models.protocols import Encoding, TokenEmbedder

_FUNCTION = """
the a of to and in for with on at from by about into over after before it is was are be been have
has had do did not that this these those there here we they he she you i me my your our their his
her them us so but or if then when while because as than too very just also still again only even
""".split()  # noqa: SIM905
_FREQUENT = """
work family weekend garden kitchen train holiday doctor school music guitar concert book library
coffee dinner recipe bread soup apple market shop price money bank letter phone computer picture
camera movie game ball team race river lake mountain forest beach island city village street house
flat room window door roof table chair lamp bottle cup plate knife shirt coat shoe hat bag box
ticket hotel airport flight bicycle car bus boat bridge tower church museum painting colour blue
green yellow red black white old new small large quiet loud warm cold early late morning evening
night summer winter spring autumn rain snow wind storm sun moon star dog cat horse bird fish tree
flower leaf stone sand water fire glass paper wood metal friend brother sister mother father uncle
aunt cousin neighbour teacher student nurse lawyer baker driver painter writer singer dancer
birthday wedding party present cake candle song story dream plan idea question answer problem
reason chance
""".split()  # noqa: SIM905
_ONSETS = "b br d dr f g gr h k kl l m n p pl r s st t tr v w z".split()  # noqa: SIM905
_VOWELS = "a e i o u ai ea oo".split()  # noqa: SIM905
_CODAS = "ck l m n nd r rt s sh t x".split()  # noqa: SIM905
_NAMES = "Ann Ben Cleo Dan Eva Finn Gina Hugo Iris Jon Kim Lea Max Nora Otto Pia".split()  # noqa: SIM905
_QUESTIONS = (
    "When did {name} talk about the {a} and the {b}?",
    "What did {name} say about the {a} in the {b}?",
    "Which {a} does {name} like best?",
    "Where did {name} leave the {a} with the {b} and the {c}?",
    "Why was the {a} so important for the {b}?",
)
_START = dt.datetime(2021, 1, 1, tzinfo=dt.timezone.utc)
_RARE_WORDS = 6_000
_RARE_SHARE = 0.12
_MEDIAN_WORDS = 24
_SPREAD = 0.6
_WORD = re.compile(r"[^\W_]+")
_DIMENSION = 384


def name_of(user: int) -> str:
    """The first name of a made-up user."""
    return _NAMES[user % len(_NAMES)]


def turns(user: int, count: int, *, start: int = 0) -> Iterator[Turn]:
    """Turns of a made-up user: the same for the same numbers, in every run.

    Args:
        user: Number of the user.
        count: How many turns.
        start: Number of the first; what was made before is not made again.
    """
    for number in range(start, start + count):
        chance = random.Random(f"{user}/{number}")
        asks = number % 2 == 0
        yield Turn(
            role="user" if asks else "assistant",
            speaker=name_of(user) if asks else "Assistant",
            id=f"t{number}",
            time=_START + dt.timedelta(minutes=10 * number),
            text=_text(chance),
        )


def sessions(made: Iterator[Turn], size: int = 20) -> Iterator[tuple[str, list[Turn]]]:
    """The turns in sessions of so many."""
    part: list[Turn] = []
    for turn in made:
        part.append(turn)
        if len(part) == size:
            yield f"session-of-{part[0].id}", part
            part = []
    if part:
        yield f"session-of-{part[0].id}", part


def questions(user: int, count: int) -> list[str]:
    """Questions to a made-up user's memory, half of their words frequent and half rare."""
    asked = []
    for number in range(count):
        chance = random.Random(f"{user}?{number}")
        words = [chance.choice(_FREQUENT), _rare(chance), chance.choice(_FREQUENT)]
        shape = chance.choice(_QUESTIONS)
        asked.append(shape.format(name=name_of(user), a=words[0], b=words[1], c=words[2]))
    return asked


def _text(chance: random.Random) -> str:
    length = round(_MEDIAN_WORDS * chance.lognormvariate(0, _SPREAD))
    words = []
    for _ in range(min(max(length, 3), 150)):
        kind = chance.random()
        if kind < 0.5:
            words.append(chance.choice(_FUNCTION))
        elif kind < 1 - _RARE_SHARE:
            words.append(chance.choice(_FREQUENT))
        else:
            words.append(_rare(chance))
    return f"{' '.join(words).capitalize()}."


def _rare(chance: random.Random) -> str:
    """One of several thousand words, the lower numbers the more often."""
    number = random.Random(int(_RARE_WORDS * chance.random() ** 2))
    syllables = (
        f"{number.choice(_ONSETS)}{number.choice(_VOWELS)}{number.choice(_CODAS)}" for _ in range(2)
    )
    return "".join(syllables)


class BulkEmbedder:
    """The default model for questions; for what is stored, on demand, random vectors of words.

    A stored text then gets one random vector for each of its words, and their mean as its own.
    Dimension and bytes are those of the default model, so that searching takes the same steps;
    what is found means nothing.
    """

    def __init__(self, *, fast: bool) -> None:
        model = as_embedder(None)
        if not isinstance(model, TokenEmbedder):
            raise TypeError("The default embedder gives no token vectors.")
        self._model = model
        self._table: dict[str, Vectors] = {}
        self._ids = model.vocabulary()
        self.fast = fast

    @property
    def name(self) -> str:
        """Another name than the default model's: the stores must not be mixed."""
        return f"{self._model.name}-or-random"

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Vectors by the default model: by one of a fixed text a store knows its embedder again."""
        return self._model.embed_documents(texts)

    def embed_query(self, text: str) -> Vectors:
        """The vector of a question, by the default model."""
        return self._model.embed_query(text)

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        """Sentence and token vectors."""
        return [self._quick(text) for text in texts] if self.fast else self._model.encode(texts)

    def vocabulary(self) -> Mapping[str, int]:
        """The default model's."""
        return self._ids

    def _quick(self, text: str) -> Encoding:
        words = list(_WORD.finditer(text.lower()))
        tokens = np.stack([self._vector(word[0]) for word in words])
        mean = tokens.mean(axis=0)
        return Encoding(
            vector=mean / np.linalg.norm(mean),
            tokens=tokens,
            ids=np.array([self._ids.get(word[0], self._ids["[UNK]"]) for word in words]),
            offsets=[word.span() for word in words],
        )

    def _vector(self, word: str) -> Vectors:
        if word not in self._table:
            made = np.random.default_rng(list(word.encode())).standard_normal(_DIMENSION)
            self._table[word] = made.astype(np.float32)
        return self._table[word]
