"""The ledger's tables, with the columns that the steps in ``storage/migrations`` give them.

A new table or column takes:

1. a step of SQL in ``storage/migrations``, with the next number, for each database that it is new
   to, and for a table its line here;
2. whoever writes and reads it, in a module of ``storage``; what users say of a turn is a field of
   ``Turn`` in ``records/conversation.py``, checked by ``validation.py``, and goes through
   ``storage/turns.py``;
3. its erasure: rows that reference a user go with the user; what goes with single turns, episodes
   or facts is deleted in ``storage/erase``;
4. where it can be made anew of other columns, its name in ``storage/transfer/tables.py``; else it
   is exported, a table as a kind of record there, and what may stand in it beyond its type is a
   rule of ``transfer/check.py``;
5. if users are to see it: a method of ``LightMem`` with its twin to await, and, where nothing in
   this repository calls that, its name among vulture's in ``pyproject.toml``.

``sqlite3 ledger.sqlite .schema`` prints a store's tables whole. A row id is never given out twice
(AUTOINCREMENT): what outlived its row, such as an entry of the vector index, can never be taken for
somebody else's. A ``key`` is what ``key_of`` returns, a digest of this length, or a random public
id; times are seconds since 1970, UTC. Every row of knowledge carries its user, and every read asks
for it: no row of another user can come along, whatever its id.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Double, ForeignKey, LargeBinary, MetaData, Table

from lightmem_integrations.storage.column_types import WORDS, Scalar
from lightmem_integrations.storage.migrations.runner import STEPS

metadata = MetaData()

_TYPES: dict[str, Any] = {
    "INTEGER": BigInteger, "SMALLINT": BigInteger, "BIGINT": BigInteger, "DOUBLE": Double,
    "BOOLEAN": Boolean, "TEXT": WORDS, "VARCHAR": WORDS, "BLOB": LargeBinary, "": Scalar(),
}  # fmt: skip


def _read(database: sqlite3.Connection, name: str) -> Table:
    """A table as SQLite describes it; SQLAlchemy's own reflection takes several times as long."""
    references = database.execute(f"PRAGMA foreign_key_list({name})")
    to = {column: f"{table}.{target}" for _, _, table, column, target, *_ in references}
    columns = [
        Column(
            column,
            _TYPES[kind.partition("(")[0]],
            *([ForeignKey(to[column])] if column in to else []),
            nullable=not required,
            primary_key=bool(place),
        )
        for _, column, kind, required, _, place in database.execute(f"PRAGMA table_info({name})")
    ]
    return Table(name, metadata, *columns)


with closing(sqlite3.connect(":memory:")) as _database:
    for _step in STEPS["sqlite"].values():
        _database.executescript(_step)
    _listed = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    _tables = {_name: _read(_database, _name) for (_name,) in _database.execute(_listed).fetchall()}

# Values about the store itself, such as the version of its tables.
meta = _tables["meta"]
# ``searchable`` and ``terms`` count turns and words: BM25 needs both at every recall, and counting
# grows with the memory.
users = _tables["users"]
sessions = _tables["sessions"]
turns = _tables["turns"]
speakers = _tables["speakers"]
# Copied from ``turns.metadata``, for filters.
turn_metadata = _tables["turn_metadata"]
vectors = _tables["vectors"]
# What is still to do: turns to embed, sessions to consolidate.
work = _tables["work"]
# Who may read, and who may also write, the memory of a space: a row of ``users`` marked as one.
grants = _tables["grants"]

# Compared and swapped by whoever changes facts; what else was read at that number still holds.
# ``erased`` is the revision of the last erasure: who knows an older one must read everything anew.
revisions = _tables["revisions"]
episodes = _tables["episodes"]
# The turn is the key: it belongs to one episode at most, whoever tries.
episode_turns = _tables["episode_turns"]
# What the writer said about a fact's end is ``stated_to``; ``valid_to`` may be earlier, where a
# newer fact ends it.
facts = _tables["facts"]
# What one episode said of a fact, in its own words: what is left of a fact when another of its
# sources is forgotten.
assertions = _tables["assertions"]
evidence = _tables["evidence"]
# Two facts are linked where they mention one entity or come from one episode. The pairs
# themselves would grow with the square of what is known about somebody.
mentions = _tables["mentions"]
conflicts = _tables["conflicts"]
# A person said that what a turn seems to prove is not so. Holds no text, only a digest of it, and
# is erased with the turn.
refusals = _tables["refusals"]
episode_vectors = _tables["episode_vectors"]
fact_vectors = _tables["fact_vectors"]
leases = _tables["leases"]
failures = _tables["failures"]
quarantine = _tables["quarantine"]
# What was forgotten lately is not written down again by whoever still holds it, in any process.
tombstones = _tables["tombstones"]

namespaces = _tables["namespaces"]
# One row for each beginning of each namespace: what lies under a prefix is found by equality of
# its key, whatever characters its labels are made of and however the database sorts them.
namespace_prefixes = _tables["namespace_prefixes"]
# ``fields`` are the parts of the value that are searched by meaning, as JSON; NULL for none of it.
# ``embedded`` says whether those have their vectors: not yet, where the embedder failed or was
# replaced.
documents = _tables["documents"]
# ``indexed`` is ABSENT, WRITING or HELD, of document_vectors.py.
document_vectors = _tables["document_vectors"]

# Who speaks for a statement. One that is not shared (yet) stands nowhere but in its users' own
# facts: what is kept of it here is a digest. ``personal``: words of it name somebody or something
# in this user's memory; then nobody gets to read it.
shared_support = _tables["shared_support"]
# A row is there only while enough users speak for it; nothing is left of what was withdrawn.
shared_statements = _tables["shared_statements"]
# How far a user's memory has been looked at.
shared_seen = _tables["shared_seen"]
