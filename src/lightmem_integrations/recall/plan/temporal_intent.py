"""Temporal intent: whether a question asks for what is now, for what was, or for what changed.

After the classes of NTCIR's Temporalia (Joho, Jatowt and Blanco 2014), recency and past; a change
asks for both. By patterns for English; of any other language nothing is said.
"""

from __future__ import annotations

import re
from typing import Literal

TemporalIntent = Literal["now", "past", "change"]

_CHANGE = re.compile(
    r"\bwhat(?:'s| is| has| have| was| were)? (?:\w+ )?chang(?:ed?|ing)\b"  # "What has changed?"
    # "How did my weight change?", "How has my plan evolved?"
    r"|\bhow (?:did|has|have|had)\b.*\b(?:chang|evolv|develop|progress|grow|shift)\w*"
    r"|\bhow (?:has|have)\b.*\bgrown\b"
    # "The history of my savings", "my weight over time", "since the beginning"
    r"|\b(?:history|evolution|progression|development|timeline) of\b|\bover (?:time|the years)\b",
    re.IGNORECASE | re.DOTALL,
)
_PAST = re.compile(
    # "Where did I use to live?", "my previous job", "the original date", "no longer"
    r"\bused to\b|\bdid\b.*\buse to\b|\b(?:previous|former|original|initial)(?:ly)?\b"
    r"|\bno longer\b|\bback then\b"
    r"|\bin the (?:past|beginning)\b|\bat (?:first|the (?:start|beginning|outset))\b"
    r"|\b(?:my|our|his|her|their|'s|\u2019s) (?:old|ex) \w|\bold (?:address|job|name)\b",
    re.IGNORECASE | re.DOTALL,
)
# Of the past only beside a verb of the past: "Where did I work before?", "Who was my first vet?",
# and not "What is due in the first week?" or "What do I eat before a run?"
# and nor "When did Ann finish her first novel?", which has but one time.
_PAST_BESIDE_VERB = re.compile(
    r"\b(?:before|earlier|old)\b|^(?!when\b.*\b(?:my|our|his|her|their|\w+['\u2019]s?) first\b)"
    r".*\bfirst\b",
    re.IGNORECASE | re.DOTALL,
)
_VERB_OF_PAST = re.compile(
    r"\b(?:was|were|wasn['\u2019]t|weren['\u2019]t|did|didn['\u2019]t|had|hadn['\u2019]t|happened|went)\b"
    r"|\b(?:who|what|which \w+) \w+ed\b",
    re.IGNORECASE,
)
# "What is my address now?", "our current plan", "the latest version"
_NOW = re.compile(
    r"\b(?:now|nowadays|current(?:ly)?|these days|at the moment|at present|still|latest|newest"
    r"|most recent)\b",
    re.IGNORECASE,
)
# A state: "Where do I live?", "What's our plan?", "Tell me who my boss is", "How much do I weigh?"
_STATE = re.compile(
    r"\b(?:what|where|who|whose|when|which|how (?:many|much|often|long|old|big|tall|far|large))\b"
    r"|^(?:am|is|are|do|does)\b",
    re.IGNORECASE,
)
# Of several events: how far apart, in which order, how many.
_EVENTS = re.compile(
    r"\b(?:between|passed|happened|mention\w*|different|came first)\b", re.IGNORECASE
)
# No state, but advice ("What should I eat?"), a reason, or things done ("What have I read?", not
# "What do I have?"). How many have been done is a count that holds now.
_NO_STATE = re.compile(
    r"\b(?:should|would|could|will|might|why)\b"
    r"|^(?!.*\b(?:how (?:many|much|often|long)|do|does)\b)"
    r".*\b(?:has|have|had|\w['\u2019]ve)\b(?! to\b)",
    re.IGNORECASE | re.DOTALL,
)


def temporal_intent(question: str) -> TemporalIntent | None:
    """What a question wants of a thing that has changed; ``None`` if it tells of no state.

    A question in the present tense asks for what is now.
    """
    told = _VERB_OF_PAST.search(question) is not None
    if _CHANGE.search(question):
        return "change"
    if _EVENTS.search(question):
        return None
    if _PAST.search(question) or (told and _PAST_BESIDE_VERB.search(question)):
        return "past"
    state = _NOW.search(question) or (not told and _STATE.search(question))
    return "now" if state and not _NO_STATE.search(question) else None
