"""The command that shows a memory in the browser."""

from __future__ import annotations

import contextlib
import secrets
import socket
import threading
import webbrowser
from typing import Annotated
from urllib.parse import urlencode

import typer

from lightmem_integrations.cli.options import ReadOnlyOption, StoreArgument, check_stored, existing
from lightmem_integrations.cli.output import JsonOption, print_json
from lightmem_integrations.errors import MissingExtraError, SettingsError

_HOST = "127.0.0.1"


def run(
    store: StoreArgument,
    *,
    user: Annotated[
        str | None,
        typer.Option("--user", "-u", help="Begin with this user's memory.", show_default=False),
    ] = None,
    read_only: ReadOnlyOption = False,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port on this machine; 0 for any that is free.")
    ] = 0,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")
    ] = True,
    as_json: JsonOption = False,
) -> None:
    """Look at a memory in the browser, correct it, forget. Served to this machine alone.

    Ends with Ctrl+C. The address holds a token; whoever has it can do what you can.
    """
    try:
        import uvicorn

        from lightmem_integrations.web.page.app import page
    except ModuleNotFoundError as error:
        raise MissingExtraError("The page", "ui", error.name or "starlette") from error
    from lightmem_integrations import LightMem

    with _listening(port) as listening, LightMem(existing(store), read_only=read_only) as memory:
        check_stored(memory, user)
        token = secrets.token_urlsafe(32)
        where = "/" if user is None else "/timeline"
        asked = {"token": token} | ({} if user is None else {"user": user})
        address = f"http://{_HOST}:{listening.getsockname()[1]}{where}?{urlencode(asked)}"
        config = uvicorn.Config(
            page(memory, token=token, read_only=read_only),
            log_level="warning",
            server_header=False,
            # A user's or a session's id may have 10,000 characters, each escaped as up to twelve:
            # more than the other parser reads.
            http="h11",
            h11_max_incomplete_event_size=512 * 1024,
            timeout_graceful_shutdown=5,  # seconds; a guess
        )
        if as_json:
            print_json({"address": address})
        else:
            typer.echo(f"{address}\nCtrl+C ends it.")
        if browser:
            # In a thread: a browser in a terminal would hold up the server that it asks.
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
        with contextlib.suppress(KeyboardInterrupt):  # what Ctrl+C is to uvicorn once it has ended
            uvicorn.Server(config).run(sockets=[listening])


def _listening(port: int) -> socket.socket:
    """A socket that takes connections from now on, so that the browser may come at once.

    Raises:
        SettingsError: The port is taken, or not for this user.
    """
    try:
        return socket.create_server((_HOST, port))
    except OSError as error:
        raise SettingsError(
            f"Port {port} of {_HOST} cannot be used ({error.strerror}). Pass another, or --port 0."
        ) from error
