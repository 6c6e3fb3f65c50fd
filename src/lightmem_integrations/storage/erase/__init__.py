"""Erasure: turns leave the ledger with everything that was made of them."""
