"""The demo's stand-in for a language model, for tests of what people say in plain sentences."""

import runpy
from pathlib import Path

NotesWriter = runpy.run_path(str(Path(__file__).parents[2] / "examples" / "demo" / "notes.py"))[
    "NotesWriter"
]


def note(quote, subject, attribute, value, statement, **more):
    """A note on one turn; of each attribute its subject has one value at a time."""
    said = {"subject": subject, "attribute": attribute, "value": value, "statement": statement}
    return {"quote": quote, **said, "single": True, **more}
