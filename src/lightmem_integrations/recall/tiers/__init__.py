"""Turns and facts together, as hits."""
