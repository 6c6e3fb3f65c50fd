"""Updates: whether what is true now, what was, and what changed come back in the order asked for.

    python benchmarks/versions.py [--consolidate] [--facts] [--mixed N] [--show]

The chats are short ones of our own (`versions/`), each a user of one store, with small talk between
their sessions. A turn that answers a question of the file has a label. `now` and `past` ask for one
version of a thing that has several, `change` for all of them in order, and `other` for one of
several things that are alike and all true, which must stay as they were found. A question counts
where its turns came back in the order of its labels; one that is not among the hits stands last.
In the text it counts where the version that is asked for stands before the others, as a turn or as
a statement, or is told apart from those that stand before it by a mark: until when it held, since
when another does; for `other`, where it is there without a mark that it is over.

With facts a Writer answers in the place of a strong model, from what a person wrote of each session
(`versions/facts.json`), and the sessions are consolidated one by one. It says that a fact replaces
another only where that was among the known facts that it was shown: the column `shown` counts how
often it was. With `--mixed N` nothing is asked, and all chats are of one user who talks of N of
them in a session, so that those shown are a choice out of two hundred.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import re
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Literal

from annotated_writer import AnnotatedWriter, Fact
from lightmem_integrations import LightMem, Recall, Settings, Turn

FOLDER = Path(__file__).parent / "versions"
FACTS = FOLDER / "facts.json"
FILES = ("looked_at.txt", "held_back.txt")
_TURN = re.compile(r"(?P<who>\w+)(?:\[(?P<label>\w+)\])?: (?P<text>.+)")
_MARK = re.compile(r"\(.*\b(?:until|since|version \d|planned)\b|\b(?:Until|since then)\b")
_STANDS = re.compile(r"\(since|\((?:was )?planned")
KINDS = ("now", "past", "change", "other")
Knowledge = Literal["none", "no model", "facts"]
"""What is consolidated: nothing, episodes without a model, or facts too."""

_QUESTION = re.compile(r"\? (?P<kind>\w+): (?P<text>.+) -> (?P<order>.+)")


@dataclass(frozen=True)
class Question:
    """A question, and the labels of the turns that answer it in the order asked for."""

    kind: str
    text: str
    order: list[str]


@dataclass
class Chat:
    """A chat: its sessions and facts by day, the label of a turn by its id, its questions."""

    name: str
    sessions: dict[str, list[Turn]] = field(default_factory=dict)
    facts: dict[str, list[Fact]] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    questions: list[Question] = field(default_factory=list)


def read_chats(path: Path, facts: Path = FACTS) -> list[Chat]:
    """The chats of a file: `== name`, `@ day`, turns `U[label]: text`, `? kind: text -> order`."""
    chats: list[Chat] = []
    written = json.loads(facts.read_text(encoding="utf-8"))
    day = ""
    for line in filter(None, path.read_text(encoding="utf-8").splitlines()):
        if line.startswith("== "):
            chats.append(Chat(line[3:], facts=written[line[3:]]))
        elif line.startswith("@ "):
            day = line[2:]
            chats[-1].sessions[day] = []
        elif found := _QUESTION.fullmatch(line):
            order = found["order"].split(", ")
            chats[-1].questions.append(Question(found["kind"], found["text"], order))
        elif found := _TURN.fullmatch(line):
            chat, turns = chats[-1], chats[-1].sessions[day]
            turn = a_turn(found["who"], found["text"], day, len(turns))
            turns.append(turn)
            if found["label"]:
                chat.labels[turn.id] = found["label"]
        else:
            raise ValueError(f"{path}: not understood: {line}")
    return chats


def a_turn(who: str, text: str, day: str, place: int) -> Turn:
    """A turn of the user (U), the assistant (A), or a person by name; a minute after the last."""
    time = dt.datetime.fromisoformat(day).replace(hour=9, tzinfo=dt.timezone.utc)
    return Turn(
        id=f"{day} {place}",
        role="assistant" if who == "A" else "user",
        speaker=None if who in "UA" else who,
        text=text,
        time=time + dt.timedelta(minutes=place),
    )


def small_talk(chat: Chat) -> dict[str, list[Turn]]:
    """Five exchanges on nothing in particular, three times: before, amid and after a chat."""
    lines = (FOLDER / "small_talk.txt").read_text(encoding="utf-8").splitlines()
    first, last = min(chat.sessions), max(chat.sessions)
    days = [dt.date.fromisoformat(day) for day in (first, last)]
    week = dt.timedelta(days=7)
    amid = days[0] + (days[1] - days[0]) / 2 + dt.timedelta(days=1)
    return {
        str(day): [
            a_turn(*line.split(": ", 1), str(day), place)
            for place, line in enumerate(lines[10 * part : 10 * part + 10])
        ]
        for part, day in enumerate((days[0] - week, amid, days[1] + week))
    }


def remember(memory: LightMem, chat: Chat, writer: AnnotatedWriter | None) -> None:
    """Add the sessions of a chat, with small talk between; with a writer, consolidate each."""
    # Between two people there is no small talk with an assistant.
    alone = any(turn.role == "assistant" for turn in next(iter(chat.sessions.values())))
    between = small_talk(chat) if alone else {}
    if writer is not None:
        parts = json.loads(FACTS.read_text(encoding="utf-8"))["small talk"]
        facts = chat.facts | {day: parts[str(part)] for part, day in enumerate(between)}
        writer.by_id.clear()
    for day, turns in sorted((chat.sessions | between).items()):
        memory.add(turns, user_id=chat.name, session_id=day)
        if writer is not None:
            writer.expect(facts[day])
            memory.consolidate(user_id=chat.name, writer=writer, final=True)


def ask(memory: LightMem, chat: Chat, question: Question) -> tuple[bool, bool, list[str]]:
    """Whether the labelled turns came back in order, as hits and in the text; and their order."""
    found = memory.recall(question.text, user_id=chat.name, strict=True)
    ids = [hit.turns[0].id for hit in found.hits if hit.turns]
    seen = [chat.labels[each] for each in ids if each in chat.labels]
    asked = [label for label in dict.fromkeys(seen) if label in question.order]
    most = None if question.kind == "change" else 1
    return asked[:most] == question.order[:most], in_text(found, chat, question), seen


def in_text(found: Recall, chat: Chat, question: Question) -> bool:
    """Whether the text has the versions in the order asked for, or tells them apart by marks."""
    lines = found.text.splitlines()
    first: dict[str, int] = {}
    marked: set[str] = set()
    over: set[str] = set()
    for label in question.order:
        for number, line in enumerate(lines):
            said = next((each for each in _told(chat, label) if each in line), None)
            if said is not None:
                first.setdefault(label, number)
                mark = _MARK.search(line.replace(said, ""))
                marked.update([label] if mark else [])
                over.update([label] if mark and not _STANDS.match(mark[0]) else [])
    if not first.keys() >= set(question.order if question.kind == "change" else question.order[:1]):
        return False
    if question.kind == "other":
        return question.order[0] not in over
    ordered = sorted(first, key=first.__getitem__)
    wanted = [label for label in question.order if label in first]
    most = None if question.kind == "change" else 1
    before = ordered[: ordered.index(wanted[0])]
    return ordered[:most] == wanted[:most] or wanted[0] in marked or marked.issuperset(before)


def _told(chat: Chat, label: str) -> list[str]:
    """What tells one version: the beginning of its turn, or what is known by it."""
    ids = [each for each, its in chat.labels.items() if its == label]
    said = [turn.text[:40] for turns in chat.sessions.values() for turn in turns if turn.id in ids]
    facts = [
        fact
        for day, written in chat.facts.items()
        for fact in written
        if any(f"{day} {place}" in ids for place in fact["turns"])
    ]
    linked = [fact for fact in facts if "id" in fact or "known" in fact]
    return said + [fact["statement"] for fact in linked or facts]


@dataclass
class Measured:
    """Whether each question was answered by the hits and by the text, by its kind.

    Attributes:
        hits: By the order of the hits.
        texts: By the text.
        shown: Whether each fact that was to change was shown to the writer.
        misses: What came back in another order, in words.
    """

    hits: dict[str, list[bool]] = field(default_factory=lambda: defaultdict(list))
    texts: dict[str, list[bool]] = field(default_factory=lambda: defaultdict(list))
    shown: list[bool] = field(default_factory=list)
    misses: list[str] = field(default_factory=list)

    def row(self) -> str:
        """Its cells of the table."""
        counts = [of[kind] for of in (self.hits, self.texts) for kind in KINDS]
        return " | ".join(f"{sum(each)} of {len(each)}" for each in [*counts, self.shown])


def measured(chats: list[Chat], knowledge: Knowledge) -> Measured:
    """Ask all questions of chats, each of a user of its own."""
    found = Measured()
    writer = AnnotatedWriter(shown=found.shown) if knowledge == "facts" else None
    settings = Settings(background_indexing=False, embed_seconds=60.0)
    with tempfile.TemporaryDirectory() as folder, LightMem(folder, settings=settings) as memory:
        for chat in chats:
            remember(memory, chat, writer)
        if knowledge == "no model":
            memory.consolidate()
        memory.index_pending()
        memory.warm_up()
        for chat, question in [(asker, each) for asker in chats for each in asker.questions]:
            good, told, seen = ask(memory, chat, question)
            found.hits[question.kind].append(good)
            found.texts[question.kind].append(told)
            if not (good and told):
                where = "hits" if told else "text" if good else "hits and text"
                found.misses.append(f"{chat.name}: {question.text} {seen}, by {where}")
    return found


def shown_to_writer(chats: list[Chat], together: int) -> str:
    """How often a fact that changes was shown to the writer, of one user's mixed sessions.

    Args:
        chats: All of one user.
        together: Chats of which the first sessions make one session, the second ones another.
    """
    writer = AnnotatedWriter()
    first = dt.datetime(2024, 1, 1, 9, tzinfo=dt.timezone.utc)
    settings = Settings(background_indexing=False, embed_seconds=60.0)
    with tempfile.TemporaryDirectory() as folder, LightMem(folder, settings=settings) as memory:
        for part, begin in product(range(3), range(0, len(chats), together)):
            turns: list[Turn] = []
            facts: list[Fact] = []
            for chat in chats[begin : begin + together]:
                for day in sorted(chat.sessions)[part : part + 1]:
                    facts += [moved(fact, chat.name, len(turns)) for fact in chat.facts[day]]
                    turns += chat.sessions[day]
            day = first + dt.timedelta(days=part * len(chats) + begin)
            mixed = [
                replace(turn, id=f"{day} {place}", time=day + dt.timedelta(minutes=place))
                for place, turn in enumerate(turns)
            ]
            if mixed:
                memory.add(mixed, user_id="everybody", session_id=str(day))
                writer.expect(facts)
                memory.consolidate(writer=writer, final=True)
    return f"{sum(writer.shown)} of {len(writer.shown)}"


def moved(fact: Fact, chat: str, by: int) -> Fact:
    """A fact of a chat that is a part of a longer session."""
    links = {key: f"{chat} {fact[key]}" for key in ("id", "known") if key in fact}
    return fact | links | {"turns": [turn + by for turn in fact["turns"]]}


def main() -> None:
    """Ask and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--consolidate", action="store_true", help="also without a model")
    parser.add_argument("--facts", action="store_true", help="also with facts, as a model's")
    parser.add_argument("--mixed", type=int, metavar="N", help="only what the writer is shown")
    parser.add_argument("--show", action="store_true", help="what came back in another order")
    parser.add_argument("--files", nargs="+", default=FILES)
    arguments = parser.parse_args()
    columns = [*KINDS, *(f"text: {kind}" for kind in KINDS), "shown"]
    if arguments.mixed:
        chats = [chat for name in arguments.files for chat in read_chats(FOLDER / name)]
        print(f"shown to the writer: {shown_to_writer(chats, arguments.mixed)}")
        return
    print(f"| chats | knowledge | {' | '.join(columns)} |")
    print(f"| --- | --- |{' ---: |' * len(columns)}")
    for name in arguments.files:
        chats = read_chats(FOLDER / name)
        rows: list[Knowledge] = ["none"]
        rows += ["no model"] if arguments.consolidate else []
        rows += ["facts"] if arguments.facts else []
        for knowledge in rows:
            found = measured(chats, knowledge)
            for miss in found.misses if arguments.show else ():
                print(f"<!-- {miss} -->")
            print(f"| {name.removesuffix('.txt')} | {knowledge} | {found.row()} |", flush=True)


if __name__ == "__main__":
    main()
