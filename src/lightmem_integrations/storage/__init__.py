"""Storage: the ledger (SQL, the truth) and the vector index (derived from it)."""
