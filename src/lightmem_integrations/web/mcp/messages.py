"""Messages of JSON-RPC before the SDK reads them: one that it would not answer is answered here."""

from __future__ import annotations

import json

from mcp.types import INVALID_REQUEST, PARSE_ERROR, JSONRPCMessage, JSONRPCNotification
from pydantic import ValidationError

_MEND = "Send JSON in UTF-8, less deeply nested, and without half of a surrogate pair."
_NO_MESSAGE = (
    "It is no message of JSON-RPC 2.0. Send an object with jsonrpc, method and, for an answer, an "
    "id that is a string or a whole number."
)


def error_answer(message: str | bytes) -> str | None:
    """The answer to what is no message, as JSON on one line; ``None`` for one that the SDK takes.

    It has the id of the request where that can be read, so that no client waits for ever.
    """
    try:
        read = JSONRPCMessage.model_validate_json(message).root
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        if first["type"] in ("json_invalid", "string_unicode"):
            return _answer(message, PARSE_ERROR, f"{first['msg']}. {_MEND}")
        return _answer(message, INVALID_REQUEST, _NO_MESSAGE)
    # The SDK takes a request whose id is none, such as 1.5, for one that wants no answer.
    if isinstance(read, JSONRPCNotification) and (read.model_extra or {}).get("id") is not None:
        return _answer(message, INVALID_REQUEST, _NO_MESSAGE)
    return None


def request_id(message: str | bytes) -> tuple[bool, str]:
    """Whether a message asks, and its id as JSON; empty for one that has none."""
    try:
        read = json.loads(message)
    except (ValueError, RecursionError):
        return False, ""
    if not isinstance(read, dict) or type(read.get("id")) not in (str, int):
        return False, ""
    return "method" in read, json.dumps(read["id"])


def _answer(message: str | bytes, code: int, reason: str) -> str:
    error = json.dumps({"code": code, "message": reason})
    return f'{{"jsonrpc":"2.0","id":{request_id(message)[1] or "null"},"error":{error}}}'
