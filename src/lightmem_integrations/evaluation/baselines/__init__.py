"""Retrievers to compare with. Each module needs a package of the extra ``baselines``.

All of them see the same text of a turn, with the date and the speaker that the library itself is
told, and the same embedding model, so that the retrievers differ and not what they are given.
"""

from __future__ import annotations

from lightmem_integrations.records.conversation import Turn

TOP = 5
"""Turns that a baseline hands to a prompt: as many as the library recalls by default."""


def rendered(turn: Turn) -> str:
    """A turn as its baselines store it: ``[8 May 2023] Caroline: Hey Mel!``."""
    date = f"[{turn.time.day} {turn.time:%B %Y}] " if turn.time else ""
    return f"{date}{turn.speaker or turn.role}: {turn.text}"
