"""What commands have in common that go on until they are told to end."""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def log_shown(*, quiet: bool) -> Iterator[None]:
    """Show on the standard error stream what the package logs."""
    ours = logging.getLogger("lightmem_integrations")
    level, shown = ours.level, logging.StreamHandler(sys.stderr)
    shown.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    ours.addHandler(shown)
    ours.setLevel(logging.WARNING if quiet else logging.INFO)
    try:
        yield
    finally:
        ours.removeHandler(shown)
        ours.setLevel(level)


@contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """Let SIGTERM do what Ctrl-C does."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def others_unheard() -> Iterator[None]:
    """Show nothing that other libraries log: the MCP SDK's lines quote what it was sent.

    It also logs by the root logger, which would begin to show every line of ours again.
    """
    root, unheard = logging.getLogger(), logging.NullHandler()
    root.addHandler(unheard)
    try:
        yield
    finally:
        root.removeHandler(unheard)
