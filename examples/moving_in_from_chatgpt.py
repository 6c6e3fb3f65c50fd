"""Moving in from ChatGPT: what you told it before is in memory, with the day on which you said it.

    python examples/moving_in_from_chatgpt.py chatgpt-export.zip "Where am I moving to?"

takes the file that ChatGPT sends you (Settings, Data controls, Export data). Without one, a small
conversation of the same form takes its place. Doing it again changes nothing.
"""

from __future__ import annotations

import sys

from lightmem_integrations import LightMem
from lightmem_integrations.importers import import_conversations


def message(name: str, parent: str | None, role: str, text: str, seconds: int) -> dict:
    """A message as the export has it: a node of a tree."""
    said = {"author": {"role": role}, "content": {"parts": [text]}, "create_time": seconds}
    return {"id": name, "parent": parent, "message": said}


small_export = [
    {
        "conversation_id": "lisbon",
        "title": "A trip to Lisbon",
        "current_node": "b",  # of the two answers, the one that was seen last
        "mapping": {
            "q": message(
                "q", None, "user", "I am moving to Lisbon in June. What should I see?", 1714812600
            ),
            "a": message("a", "q", "assistant", "The tower of Pisa.", 1714812605),
            "b": message("b", "q", "assistant", "The tower of Belém.", 1714812650),
        },
    }
]
given = dict(enumerate(sys.argv))
source, question = given.get(1, small_export), given.get(2, "Where am I moving to?")

with LightMem() as memory:  # LightMem("./memory") keeps it
    done = import_conversations(memory, source, form="chatgpt", user_id="me")
    print(f"{done.turns} turns in {done.sessions} session{'s' * (done.sessions != 1)}")
    for hit in memory.recall(question, user_id="me").hits[:1]:
        print(f'{hit.when:%Y-%m-%d}: "{hit.text}"')
