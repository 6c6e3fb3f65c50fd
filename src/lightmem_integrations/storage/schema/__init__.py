"""The ledger's tables.

A new table or column takes:

1. its declaration in the module of this folder that says what it is about;
2. a step of SQL in ``storage/migrations``, with the next number; a test compares the two;
3. whoever writes and reads it, in a module of ``storage``;
4. its erasure: rows that reference a user go with the user; what goes with single turns, episodes
   or facts is deleted in ``storage/erase``;
5. if users are to see it: a method of ``LightMem`` with its twin to await, and, where nothing in
   this repository calls that, its name among vulture's in ``pyproject.toml``.
"""
