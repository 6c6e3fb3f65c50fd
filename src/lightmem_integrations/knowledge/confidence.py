"""Confidence as of a moment: it fades without support."""

from __future__ import annotations

import math

_DAY = 86_400.0


def decayed(confidence: float, supported_at: float, now: float, half_life_days: float) -> float:
    """A fact's confidence at a moment: half of it is left after each half-life without support.

    Computed when it is read, from when the latest evidence was said; what is stored stays.

    Args:
        confidence: As stored.
        supported_at: When its latest evidence was said, in seconds since 1970.
        now: The moment, in seconds since 1970.
        half_life_days: In days.
    """
    days = max(now - supported_at, 0.0) / _DAY
    return confidence * math.pow(2.0, -days / half_life_days)
