"""Arguments of components that pydantic makes, checked before pydantic sees them.

An error raised by a validator would come out as pydantic's own.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from lightmem_integrations.lightmem import checked_memory
from lightmem_integrations.safety import check_known, check_user_id


def check_arguments(component: BaseModel, given: dict[str, Any]) -> None:
    """Refuse arguments that nothing takes, what is no memory, and ids that name no user.

    Raises:
        InvalidRequestError: An argument is not known, or ``memory`` is something else.
        ScopeError: ``user_id`` is not a valid one.
    """
    kind = type(component)
    check_known(given, kind.model_fields, kind.__name__)
    checked_memory(given.get("memory"))
    if given.get("user_id") is not None:
        check_user_id(given["user_id"])
