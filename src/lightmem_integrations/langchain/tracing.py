"""Trace policy: spans of the middleware hold no payload, where LangChain lets them be told so."""

from __future__ import annotations

from typing import Any

try:  # from langchain 1.4 on
    from langgraph.types import TracePolicy, omit_payload
except ImportError:  # pragma: no cover
    TRACE_POLICY: Any = None
else:
    TRACE_POLICY = TracePolicy(process_inputs=omit_payload, process_outputs=omit_payload)
