"""Commands that serve a memory: over HTTP to many users, over standard input and output to one."""

from __future__ import annotations

import ipaddress
import socket
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lightmem_integrations.cli.options import (
    ReadOnlyOption,
    StoreArgument,
    UserOption,
    WriterOption,
    existing,
    shown,
)
from lightmem_integrations.cli.process import ended_by_sigterm, log_shown, others_unheard
from lightmem_integrations.display import printable
from lightmem_integrations.errors import MissingExtraError, SettingsError

if TYPE_CHECKING:
    from lightmem_integrations import LightMem
    from lightmem_integrations.web.authentication import UserOf

PORT = 8765
_IDLE_SECONDS = 75  # as nginx; a proxy that keeps connections longer meets some that just closed
_GRACE_SECONDS = 30  # a guess: as long as container runtimes and supervisors wait, about


def serve(
    *,
    store: StoreArgument,
    tokens: Annotated[
        Path | None,
        typer.Option(
            "--tokens",
            help="File of hashed tokens, as `lightmem token add` makes it.",
            show_default=False,
        ),
    ] = None,
    jwt_key: Annotated[
        Path | None,
        typer.Option(
            "--jwt-key",
            help="File of the key that signs tokens (JWT): a public one (PEM), or a shared secret.",
            show_default=False,
        ),
    ] = None,
    jwt_jwks_url: Annotated[
        str | None,
        typer.Option(
            "--jwt-jwks-url",
            help="URL at which the issuer of tokens publishes its keys (JWKS).",
            show_default=False,
        ),
    ] = None,
    jwt_audience: Annotated[
        str, typer.Option("--jwt-audience", help="aud that such a token must have.")
    ] = "",
    jwt_issuer: Annotated[
        str, typer.Option("--jwt-issuer", help="iss that such a token must have.")
    ] = "",
    jwt_claim: Annotated[
        str, typer.Option("--jwt-claim", help="Claim of such a token that names the user.")
    ] = "sub",
    user: Annotated[
        str | None,
        typer.Option(
            "--user",
            "-u",
            help="Ask for no token: whoever reaches it on this machine is this user.",
            show_default=False,
        ),
    ] = None,
    host: Annotated[
        str, typer.Option("--host", help="Address to listen at. Elsewhere it needs tokens.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65_535)] = PORT,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-host",
            help="A name under which clients ask for it, besides the address. Can be repeated.",
            show_default=False,
        ),
    ] = None,
    requests_per_minute: Annotated[
        int | None,
        typer.Option("--requests-per-minute", min=1, help="Of one user.", show_default="1200"),
    ] = None,
    writer: WriterOption = None,
    read_only: ReadOnlyOption = False,
) -> None:
    """Serve a memory over HTTP: an API at /v1, and MCP at /mcp, to as many users as have a token.

    A folder without a store becomes one. SIGTERM and Ctrl-C end it once what it was asked for is
    answered. With a writer, it makes facts in the background.
    """
    try:
        import uvicorn

        from lightmem_integrations.web.limits import REQUESTS_PER_MINUTE
        from lightmem_integrations.web.security import LOOPBACK
        from lightmem_integrations.web.server import server
    except ModuleNotFoundError as error:
        raise MissingExtraError("lightmem serve", "server", error.name or "mcp") from error
    users = _users(tokens, jwt_key, jwt_jwks_url, jwt_audience, jwt_issuer, jwt_claim, user, host)
    with (
        log_shown(quiet=True),
        others_unheard(),
        ended_by_sigterm(),
        suppress(KeyboardInterrupt),
        _listening(host, port) as listening,
        _opened(store, writer, read_only=read_only) as memory,
    ):
        shown_host = f"[{host}]" if ":" in host else host
        app = server(
            memory,
            user_of=users,
            hosts=[*LOOPBACK, shown_host, *(allow_host or ())],
            requests_per_minute=requests_per_minute or REQUESTS_PER_MINUTE,
            read_only=read_only,
        )
        config = uvicorn.Config(
            app,
            lifespan="on",
            log_level="warning",
            access_log=False,  # paths and queries tell of memories
            server_header=False,
            # The other parser reads headers of any size, before anybody shows a token. In these an
            # id of 10,000 characters has room, escaped.
            http="h11",
            h11_max_incomplete_event_size=512 * 1024,
            timeout_graceful_shutdown=_GRACE_SECONDS,
            timeout_keep_alive=_IDLE_SECONDS,
        )
        place = f"http://{shown_host}:{listening.getsockname()[1]}"
        typer.echo(printable(f"Serving {shown(store)} at {place}: /v1, /mcp, /openapi.json"))
        uvicorn.Server(config).run(sockets=[listening])


def stdio(
    *,
    store: StoreArgument,
    user: UserOption,
    writer: WriterOption = None,
    read_only: ReadOnlyOption = False,
) -> None:
    """Serve a user's memory to one client over standard input and output (MCP).

    How desktop clients start a server. A folder without a store becomes one.
    """
    from lightmem_integrations.safety import check_user_id

    try:
        from lightmem_integrations.web.mcp.stdio import protocol_output
        from lightmem_integrations.web.mcp.stdio import serve as serve_stdio
    except ModuleNotFoundError as error:
        raise MissingExtraError("lightmem mcp", "server", error.name or "mcp") from error
    check_user_id(user)
    with (
        log_shown(quiet=True),
        others_unheard(),
        protocol_output() as output,
        _opened(store, writer, read_only=read_only) as memory,
    ):
        serve_stdio(memory, user, output, read_only=read_only)


def _opened(store: Path, writer: str | None, *, read_only: bool) -> LightMem:
    from lightmem_integrations import LightMem, Settings
    from lightmem_integrations.cli.language_model import language_model

    if read_only:
        if writer is not None:
            raise SettingsError("--read-only writes no facts. Leave out --writer, or --read-only.")
        return LightMem(existing(store), read_only=True)
    model = None if writer is None else language_model(writer)
    return LightMem(
        store, writer=model, settings=Settings(background_consolidation=model is not None)
    )


def _users(
    tokens: Path | None,
    key_file: Path | None,
    jwks_url: str | None,
    audience: str,
    issuer: str,
    claim: str,
    user: str | None,
    host: str,
) -> UserOf | str:
    """Who may come in, as the one option says that was given.

    Raises:
        SettingsError: None was given or several, or a memory would be open to a network.
    """
    from lightmem_integrations.safety import check_user_id
    from lightmem_integrations.web.signed_tokens import SignedTokens
    from lightmem_integrations.web.tokens import TokenFile

    signed = key_file is not None or jwks_url is not None
    if (tokens is not None) + signed + (user is not None) != 1:
        raise SettingsError(
            "Say who may come in, by one of: --tokens FILE (make it with `lightmem token add FILE "
            "--user USER`), --jwt-key or --jwt-jwks-url, or, on this machine alone, --user USER."
        )
    if tokens is not None:
        return TokenFile(tokens)
    if signed:
        return SignedTokens(
            key_file=key_file, jwks_url=jwks_url, audience=audience, issuer=issuer, claim=claim
        )
    if not _is_loopback(host):
        raise SettingsError(
            f"--host is {host!r}, which others reach, and --user asks nobody who they are. Give "
            "each user a token, with --tokens, or leave out --host."
        )
    return check_user_id(user)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _listening(host: str, port: int) -> socket.socket:
    """The port, before a store is opened for nothing."""
    try:
        found, *_ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return socket.create_server(found[4][:2], family=found[0])
    except OSError as error:
        raise SettingsError(
            f"Nothing can listen at {host} port {port}: {error.strerror or error}. Name another "
            "with --port."
        ) from error
