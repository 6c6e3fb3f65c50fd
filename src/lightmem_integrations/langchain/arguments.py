"""Arguments of components that pydantic makes, checked before pydantic sees them.

An error raised by a validator would come out as pydantic's own.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from lightmem_integrations.lightmem import LightMem, checked_memory
from lightmem_integrations.safety import check_known, check_user_id


class OnMemory(BaseModel):
    """Base of a component on a memory: refuses what is none, and arguments that nothing takes.

    Raises:
        InvalidRequestError: An argument is not known, or ``memory`` is something else.
        ScopeError: ``user_id`` is not a valid one.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    memory: LightMem = Field(exclude=True)

    def __init__(self, **fields: Any) -> None:
        kind = type(self)
        check_known(fields, kind.model_fields, kind.__name__)
        checked_memory(fields.get("memory"))
        if fields.get("user_id") is not None:
            check_user_id(fields["user_id"])
        super().__init__(**fields)
