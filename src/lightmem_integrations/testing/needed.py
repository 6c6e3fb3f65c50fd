"""What a contract suite needs beyond the package."""

from __future__ import annotations

from importlib.util import find_spec

from lightmem_integrations.errors import MissingExtraError


def need(suite: str, *packages: str) -> None:
    """Refuse to go on without the packages of the extra ``contract``.

    Raises:
        MissingExtraError: One of them is not installed.
    """
    for package in packages:
        if find_spec(package) is None:
            raise MissingExtraError(suite, "contract", package)
