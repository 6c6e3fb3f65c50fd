"""Providers of OpenTelemetry that the program has set up; without one, nothing is loaded or done.

Only what was imported already is looked at: a program that sets up a provider has imported the API.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import Any

logger = logging.getLogger(__name__)

SCOPE = "lightmem_integrations"
"""Name of what made the spans and metrics, as backends show it."""

CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
"""The variable by which people opt in to content, as the convention names it."""

_ON_SPANS = {"true", "span_only", "span_and_event"}


def provider(signal: str, getter: str) -> Any:
    """The provider for traces or metrics; ``None`` if none, or one that keeps nothing, is set up.

    Args:
        signal: ``trace`` or ``metrics``.
        getter: Name of the function that returns it.
    """
    api = f"opentelemetry.{signal}"
    get = getattr(sys.modules.get(api), getter, None)  # absent too while another thread imports it
    if get is None:
        return None
    try:
        found = get()
    except Exception as error:  # noqa: BLE001 - a provider named in the environment may not load
        failed(error)
        return None
    return None if type(found).__module__.startswith(api) else found


def captures_content() -> bool:
    """True if texts and queries may be recorded on spans."""
    return os.environ.get(CAPTURE, "").lower() in _ON_SPANS


def failed(error: Exception) -> None:
    """Log that telemetry does not work, which is no reason for a call to fail."""
    logger.debug("Telemetry failed and was left out: %s", type(error).__name__)
