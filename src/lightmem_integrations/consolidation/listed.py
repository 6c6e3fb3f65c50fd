"""Facts, episodes and conflicts as tuples that print as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightmem_integrations.consolidation.records import Conflict, Episode, Fact

if TYPE_CHECKING:
    from rich.table import Table


class Facts(tuple[Fact, ...]):
    """Facts, oldest first. Prints as a table with rich and in notebooks."""

    __slots__ = ()

    def __rich__(self) -> Table:
        """These facts as a table for a terminal."""
        from lightmem_integrations import rendering_knowledge as rendering

        return rendering.as_table(rendering.facts_grid(self))

    def _repr_html_(self) -> str:
        from lightmem_integrations import rendering_knowledge as rendering

        return rendering.as_html(rendering.facts_grid(self))


class Episodes(tuple[Episode, ...]):
    """Episodes, oldest first. Prints as a table with rich and in notebooks."""

    __slots__ = ()

    def __rich__(self) -> Table:
        """These episodes as a table for a terminal."""
        from lightmem_integrations import rendering_knowledge as rendering

        return rendering.as_table(rendering.episodes_grid(self))

    def _repr_html_(self) -> str:
        from lightmem_integrations import rendering_knowledge as rendering

        return rendering.as_html(rendering.episodes_grid(self))


class Conflicts(tuple[Conflict, ...]):
    """Conflicts, oldest first. Prints as a table with rich and in notebooks."""

    __slots__ = ()

    def __rich__(self) -> Table:
        """These conflicts as a table for a terminal."""
        from lightmem_integrations import rendering_knowledge as rendering

        return rendering.as_table(rendering.conflicts_grid(self))

    def _repr_html_(self) -> str:
        from lightmem_integrations import rendering_knowledge as rendering

        return rendering.as_html(rendering.conflicts_grid(self))
