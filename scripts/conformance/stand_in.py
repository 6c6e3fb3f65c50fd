"""What the stand-ins for stores of LangGraph share: modules made up, and an awaited sweeper."""

import sys
from types import ModuleType
from typing import TypedDict

from lightmem_integrations.langchain import LightMemStore


class AsyncStore(LightMemStore):
    """Has the sweeper under the names of its synchronous twin, as upstream's class has."""

    async def sweep_ttl(self):
        return await self.asweep_ttl()

    async def start_ttl_sweeper(self, sweep_interval_minutes=None):
        return super().start_ttl_sweeper(sweep_interval_minutes)

    async def stop_ttl_sweeper(self, timeout=None):
        return super().stop_ttl_sweeper(timeout)


class IndexConfig(TypedDict, total=False):
    """Used for annotations only."""


def module(name, **members):
    """A module of that name, which holds these."""
    made = ModuleType(name)
    vars(made).update(members)
    sys.modules[name] = made
    return made
