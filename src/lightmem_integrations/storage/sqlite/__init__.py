"""Ledgers in SQLite, and the folders in which they lie."""
