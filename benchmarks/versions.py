"""Updates: whether what is true now, what was, and what changed come back in the order asked for.

    python benchmarks/versions.py [--consolidate] [--show]

The chats are short ones of our own (`versions/`), each a user of one store, with small talk between
their sessions. A turn that answers a question of the file has a label. `now` and `past` ask for one
version of a thing that has several, `change` for all of them in order, and `other` for one of
several things that are alike and all true, which must stay as they were found. A question counts
where its turns came back in the order of its labels; one that is not among the hits stands last.
"""

from __future__ import annotations

import argparse
import datetime as dt
import re
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from lightmem_integrations import LightMem, Settings, Turn

FOLDER = Path(__file__).parent / "versions"
FILES = ("looked_at.txt", "held_back.txt")
_TURN = re.compile(r"(?P<who>\w+)(?:\[(?P<label>\w+)\])?: (?P<text>.+)")
_QUESTION = re.compile(r"\? (?P<kind>\w+): (?P<text>.+) -> (?P<order>.+)")


@dataclass(frozen=True)
class Question:
    """A question, and the labels of the turns that answer it in the order asked for."""

    kind: str
    text: str
    order: list[str]


@dataclass
class Chat:
    """A chat: its sessions by day, the label of each turn by its id, and its questions."""

    name: str
    sessions: dict[str, list[Turn]] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    questions: list[Question] = field(default_factory=list)


def read_chats(path: Path) -> list[Chat]:
    """The chats of a file: `== name`, `@ day`, turns `U[label]: text`, `? kind: text -> order`."""
    chats: list[Chat] = []
    day = ""
    for line in filter(None, path.read_text(encoding="utf-8").splitlines()):
        if line.startswith("== "):
            chats.append(Chat(line[3:]))
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


def ask(memory: LightMem, chat: Chat, question: Question) -> tuple[bool, list[str]]:
    """Whether the labelled turns came back in the order asked for, and their order."""
    found = memory.recall(question.text, user_id=chat.name, strict=True)
    ids = [hit.turns[0].id for hit in found.hits if hit.turns]
    seen = [chat.labels[each] for each in ids if each in chat.labels]
    asked = [label for label in dict.fromkeys(seen) if label in question.order]
    if question.kind == "change":
        return asked == question.order, seen
    return asked[:1] == question.order[:1], seen


def main() -> None:
    """Ask and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--consolidate", action="store_true", help="consolidate without a model")
    parser.add_argument("--show", action="store_true", help="what came back in another order")
    parser.add_argument("--files", nargs="+", default=FILES)
    arguments = parser.parse_args()
    kinds = ("now", "past", "change", "other")
    print(f"| chats | {' | '.join(kinds)} |\n| --- |{' ---: |' * len(kinds)}")
    for name in arguments.files:
        right: dict[str, list[bool]] = defaultdict(list)
        chats = read_chats(FOLDER / name)
        settings = Settings(background_indexing=False, embed_seconds=60.0)
        with tempfile.TemporaryDirectory() as folder, LightMem(folder, settings=settings) as memory:
            for chat in chats:
                # Between two people there is no small talk with an assistant.
                alone = any(turn.role == "assistant" for turn in next(iter(chat.sessions.values())))
                sessions = chat.sessions | (small_talk(chat) if alone else {})
                for day in sorted(sessions):
                    memory.add(sessions[day], user_id=chat.name, session_id=day)
                if arguments.consolidate:
                    memory.consolidate(user_id=chat.name)
            memory.index_pending()
            memory.warm_up()
            for chat in chats:
                for question in chat.questions:
                    good, seen = ask(memory, chat, question)
                    right[question.kind].append(good)
                    if arguments.show and not good:
                        print(f"<!-- {chat.name}: {question.kind}: {question.text} {seen} -->")
        cells = [f"{sum(right[kind])} of {len(right[kind])}" for kind in kinds]
        print(f"| {name.removesuffix('.txt')} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
