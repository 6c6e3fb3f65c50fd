"""Names of the calendar: months, weekdays and seasons, in English."""

from __future__ import annotations

import re

MONTHS: tuple[str, ...] = (
    *("january", "february", "march", "april", "may", "june", "july"),
    *("august", "september", "october", "november", "december"),
)
WEEKDAYS: tuple[str, ...] = (
    *("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
)
SEASONS: tuple[str, ...] = ("spring", "summer", "autumn", "fall", "winter")
CALENDAR = re.compile(
    "|".join((*MONTHS, *WEEKDAYS, *(name[:3] for name in (*MONTHS, *WEEKDAYS)))), re.IGNORECASE
)
"""A month or a weekday by its English name, in full or by its first three letters."""
