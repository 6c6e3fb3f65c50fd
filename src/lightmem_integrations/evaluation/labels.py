"""Questions to one's own chats, labelled by hand with the turns that answer them."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Collection, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from lightmem_integrations import LightMem
from lightmem_integrations.errors import InvalidRequestError
from lightmem_integrations.evaluation.stages import CoarseSearch
from lightmem_integrations.records.conversation import Turn

POOLED = 10
"""Turns that each way of searching gives to be judged: as many as hit@10 looks at."""


class Labels:
    """A file of one's own chats with labelled questions, as ``conversations.read`` reads it.

    The turns to judge are pooled from a recall, from words alone and from meaning alone, and
    shuffled: were only those judged that a recall finds, or its first ones first, the labels would
    favour it. What none of them finds stays unlabelled, so that recall@10 is too high by that.

    Args:
        memory: The store, open.
        store: Its folder.
        user_id: Whose chats.
        file: Where they are kept; what it holds of this and of other users stays.

    Raises:
        InvalidRequestError: The file is there and is not of that form.
    """

    def __init__(self, memory: LightMem, store: Path, user_id: str, file: Path) -> None:
        self._memory = memory
        self._user_id = user_id
        self._file = file
        self._users = _users(file)
        mine = [each for each in self._users if each["user_id"] == user_id]
        self._mine: dict[str, Any] = mine[0] if mine else {"user_id": user_id, "questions": []}
        if not mine:
            self._users.append(self._mine)
        self._turns: dict[str, Turn] = {}
        self._named: dict[str, list[str]] = defaultdict(list)
        self._mine["sessions"] = [self._session(each) for each in memory.sessions(user_id=user_id)]
        self._open = ExitStack()
        self._coarse = [
            self._open.enter_context(closing(CoarseSearch(store, by)))
            for by in ("words", "meaning")
        ]

    @property
    def asked(self) -> Collection[str]:
        """Questions that are labelled already."""
        return [each["question"] for each in self._mine["questions"]]

    def pool(self, question: str) -> Sequence[tuple[str, Turn]]:
        """Turns that may answer a question, with their names in the file, in random order."""
        found = self._memory.recall(question, user_id=self._user_id, k=POOLED, strict=True)
        ids = [turn.id for hit in found.hits for turn in hit.turns]
        for search in self._coarse:
            ids += search.rank(self._user_id, question, POOLED)
        # An id is unique within its session only.
        names = sorted({name for each in ids for name in self._named[str(each)]})
        random.Random(question).shuffle(names)  # noqa: S311 - no secret: the same each time
        return [(name, self._turns[name]) for name in names]

    def add(self, question: str, evidence: Sequence[str]) -> None:
        """Keep a question with the names of the turns that answer it, and write the file.

        None says that nothing in memory answers it.
        """
        kind = "question" if evidence else "abstention"
        self._mine["questions"].append(
            {"question": question, "evidence": list(evidence), "kind": kind}
        )
        unfinished = self._file.with_name(self._file.name + ".new")
        unfinished.write_text(
            json.dumps({"users": self._users}, indent=1, ensure_ascii=False) + "\n",
            encoding="utf-8",
        )
        unfinished.replace(self._file)

    def close(self) -> None:
        """Let go of the store; it stays open for its owner."""
        self._open.close()

    def _session(self, session_id: str) -> dict[str, Any]:
        turns = []
        for turn in self._memory.history(user_id=self._user_id, session_id=session_id):
            # What no recall can find is left out: a store made from the file would find it.
            if turn.time is None or turn.superseded or not turn.searchable or not turn.text:
                continue
            name = f"{session_id}/{turn.id}"
            self._turns[name] = turn
            self._named[str(turn.id)].append(name)
            turns.append(
                {
                    "id": name,
                    "role": turn.role,
                    "speaker": turn.speaker,
                    "time": turn.time.isoformat(),
                    "text": turn.text,
                }
            )
        return {"session_id": session_id, "turns": turns}


def _users(file: Path) -> list[dict[str, Any]]:
    if not file.exists():
        return []
    try:
        users = json.loads(file.read_text(encoding="utf-8"))["users"]
        for user in users:
            _ = user["user_id"], user["sessions"], user["questions"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidRequestError(
            f"{file} is no file of labelled chats ({type(error).__name__}: {error}); give another "
            "name to begin a new one."
        ) from error
    return list(users)
