"""Clients of a Chroma server, none of whose requests waits without end."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Late
from typing import TYPE_CHECKING

from lightmem_integrations.storage.chroma.generations import chroma_settings

if TYPE_CHECKING:
    from chromadb.api import ClientAPI

REQUEST_SECONDS = 10.0
"""Seconds that a server may take for one request: a guess."""


def connect(
    host: str, port: int, *, ssl: bool, headers: Mapping[str, str] | None, seconds: float
) -> ClientAPI:
    """A client of a server, each of whose requests is limited.

    Raises:
        TimeoutError: The server does not answer in time.
    """
    answer: Future[ClientAPI] = Future()

    def ask() -> None:
        import chromadb

        try:
            client = chromadb.HttpClient(
                host=host,
                port=port,
                ssl=ssl,
                headers=dict(headers) if headers else None,
                settings=chroma_settings(),
            )
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            answer.set_exception(error)
        else:
            answer.set_result(client)

    # Chroma asks the server while it makes the client, before anybody can set a limit.
    threading.Thread(target=ask, name="lightmem-connect", daemon=True).start()
    try:
        client = answer.result(seconds)
    except Late:
        raise TimeoutError(f"{host}:{port} gave no answer within {seconds:g} s") from None
    limit_requests(client, seconds)
    return client


def limit_requests(client: ClientAPI, seconds: float) -> None:
    """Limit the requests of a client, if it makes any and nobody has limited them."""
    import httpx

    session = getattr(getattr(client, "_server", None), "_session", None)
    if isinstance(session, httpx.Client) and session.timeout == httpx.Timeout(None):
        session.timeout = httpx.Timeout(seconds)
