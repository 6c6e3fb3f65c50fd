"""Time zones: the calendar by which "today" and "yesterday" are reckoned."""

from __future__ import annotations

import datetime as dt
import time
import zoneinfo

from lightmem_integrations.errors import InvalidRequestError


def check_timezone(name: object) -> str | None:
    """Check the IANA name of a time zone; ``None`` stands for the process's local one.

    Raises:
        InvalidRequestError: There is no such zone.
    """
    if name is None:
        return None
    try:
        if isinstance(name, str) and name.strip():
            zoneinfo.ZoneInfo(name)
            return name
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        pass
    raise InvalidRequestError(
        f"timezone is {repr(name)[:80]}, which is no time zone that is known here. Pass an IANA "
        "name such as 'Europe/Berlin', or leave it out for the local one. (Windows has none of "
        "its own: pip install tzdata.)"
    )


def moment_in(timezone: str | None, seconds: float | None = None) -> dt.datetime:
    """A moment on the calendar of a zone.

    Args:
        timezone: Its IANA name; ``None``: the process's local zone.
        seconds: Seconds since 1970; ``None``: now, by this machine's clock, as the day on which
            somebody asks is theirs, whatever database holds the memory.
    """
    moment = dt.datetime.fromtimestamp(time.time() if seconds is None else seconds, dt.timezone.utc)
    try:
        return moment.astimezone(None if timezone is None else zoneinfo.ZoneInfo(timezone))
    except (OverflowError, ValueError, OSError):  # at the ends of time, a zone may have no calendar
        return moment
