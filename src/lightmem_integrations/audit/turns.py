"""Checks of turns: what holds no word, or gives orders to a model."""

from __future__ import annotations

import re

from lightmem_integrations.text.own_words import overrides_instructions

LEAST_TERMS = 2
"""Index terms that a text has at least: "Thank you!" is no junk for being said again. A guess."""

_MARKUP = re.compile(r"<[^<>]*>|&#?\w{1,10};")
_WORD = re.compile(r"[^\W_]")


def junk_of(text: str) -> str:
    """What makes a text junk that recall may find, in words; empty where it is none."""
    if overrides_instructions(text):
        return "it orders a model to leave its instructions"
    if not _WORD.search(_MARKUP.sub(" ", text)):
        return "no word, only markup or signs"
    return ""
