"""A small store in PostgreSQL as SQL, for the tests that open stores of earlier schema steps.

``python scripts/dump_of_postgresql.py`` printed ``tests/data/ledger_version_16_postgresql.sql``
when 16 was the last step. Run it again for a later one, once that is released, and before the next.
"""

from __future__ import annotations

import re
import subprocess
from importlib.machinery import SourceFileLoader
from pathlib import Path

from sqlalchemy import make_url

from lightmem_integrations import LightMem, Settings, Turn
from lightmem_integrations.testing import HashEmbedder, ScriptedWriter

_SUPPORT = Path(__file__).parents[1] / "tests" / "support" / "postgresql.py"


def main() -> None:
    """Fill a store, and print it."""
    support = SourceFileLoader("postgresql_of_tests", str(_SUPPORT)).load_module()
    with support.PostgresServer() as server:
        _fill(server.url())
        url = make_url(server.url()).set(drivername="postgresql").render_as_string()
        program = support._of_the_wheel() / "pg_dump"
        asked = [
            program,
            "--schema=lightmem",
            "--no-owner",
            "--inserts",
            "--rows-per-insert=50",
            url,
        ]
        written = subprocess.run(asked, check=True, capture_output=True, text=True).stdout  # noqa: S603
    # What only psql reads, and what says when it was.
    print(re.sub(r"\n{3,}", "\n\n", re.sub(r"(?m)^(\\|--).*\n", "", written)).strip())


def _fill(url: str) -> None:
    settings = Settings(background_indexing=False)
    with LightMem(
        url, embedder=HashEmbedder(16), writer=ScriptedWriter(), settings=settings
    ) as memory:
        for user, session, *texts in (
            ("ann", "spring", "I feed the heron by the river.", "Ann.home = Porto"),
            ("ann", "summer", "The heron came back.", "Ann.home = Lisbon"),
            ("bob", "spring", "I cannot stand the heron.", "Bob.home = Ghent"),
        ):
            said = [Turn(role="user", text=text, metadata={"place": session}) for text in texts]
            memory.add(said, user_id=user, session_id=session)
        memory.index_pending()
        memory.consolidate(final=True)
        memory.add(Turn(role="user", text="A stork nests on the roof."), user_id="ann")


if __name__ == "__main__":
    main()
