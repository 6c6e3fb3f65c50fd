"""Checks of the numbers that components take."""

from __future__ import annotations

from lightmem_integrations.errors import InvalidRequestError
from lightmem_integrations.safety import short_repr


def check_sizes(**sizes: object) -> None:
    """Refuse a size that is neither ``None`` nor a whole number from 1 up.

    Raises:
        InvalidRequestError: One is something else.
    """
    for name, size in sizes.items():
        if size is None:
            continue
        if not isinstance(size, int) or isinstance(size, bool) or size < 1:
            raise InvalidRequestError(
                f"{name} is {short_repr(size)}; pass a whole number from 1 up."
            )
