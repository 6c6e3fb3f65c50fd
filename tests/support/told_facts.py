"""A writer that notes exactly the facts that a test tells it, bad ones too."""

import datetime as dt
import json

from lightmem_integrations.knowledge.drafts import EpisodeDraft, FactDraft

_DAYS = ("valid_from", "valid_to", "expires_at")


def tells(said, **fact):
    """The text of a turn: what is said and, on a line of its own in no words, its fact."""
    given = {"subject": "Ann", "attribute": "note", "value": said, "statement": said}
    return f"{said}\n{json.dumps(given | fact).encode().hex()}"


class TellingWriter:
    """Reads the facts behind the texts of turns; days are in UTC."""

    name = "telling"

    def write(self, turns):
        facts = [
            _draft(json.loads(bytes.fromhex(line)), place)
            for place, turn in enumerate(turns)
            for line in turn.text.splitlines()[1:]
        ]
        return EpisodeDraft(summary=turns[0].text.splitlines()[0], facts=tuple(facts))


def _draft(told, place):
    days = {
        name: dt.datetime.fromisoformat(told[name]).replace(tzinfo=dt.timezone.utc)
        for name in _DAYS
        if name in told
    }
    return FactDraft(**told | days, evidence=(place,))
