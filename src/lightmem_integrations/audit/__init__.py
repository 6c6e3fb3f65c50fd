"""Audit of what is remembered: duplicates, what lacks support, what is stale or never recalled."""
