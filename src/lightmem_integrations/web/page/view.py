"""What all views share: whose memory an address names, how it is shown, who may change it."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from lightmem_integrations.display import clipped, counted, literal, printable, sized
from lightmem_integrations.errors import InvalidRequestError
from lightmem_integrations.lightmem import LightMem
from lightmem_integrations.safety import short_repr
from lightmem_integrations.text.precision import Precision, date_words, iso_date
from lightmem_integrations.web.page.session import PROOF, Session

_UTC = dt.timezone.utc
FOLDER = Path(__file__).parent
FEW, MANY = 25, 50  # lines of a page: guesses

OF_STORE = (("/", "Users"), ("/spaces", "Spaces"), ("/audit", "Audit"), ("/metrics", "Metrics"))
"""Views of the whole store: address and name, in the order of the navigation."""
OF_USER = (
    ("/timeline", "Timeline"), ("/facts", "Facts"), ("/recall", "Recall"), ("/profile", "Profile"),
    ("/audit", "Audit"), ("/forget", "Forget"),
)  # fmt: skip
"""The same of one user's memory."""
_CHANGING = {"/forget"}  # not shown when reading only


@dataclass(frozen=True, slots=True)
class Page:
    """What a view works on.

    Attributes:
        memory: The memory that is looked at.
        read_only: Whether nothing may be changed.
        session: Of the person who looks.
    """

    memory: LightMem
    read_only: bool
    session: Session


def page_of(request: Request) -> Page:
    """The page that a request is for."""
    page: Page = request.app.state.page
    return page


def link(path: str, /, **parameters: object) -> str:
    """An address within the page; parameters that are empty or ``None`` are left out."""
    given = {name: each for name, each in parameters.items() if each not in (None, "")}
    return f"{path}?{urlencode(given)}" if given else path


def whose(request: Request, form: FormData | None = None) -> dict[str, Any]:
    """Whose memory an address or a form names: ``user_id``, and of a space's also ``space``.

    Raises:
        HTTPException: 404, of nobody of whom anything is stored.
        AccessError: The user may not read the space.
    """
    asked: Mapping[str, Any] = request.query_params if form is None else form
    user, space = asked.get("user"), asked.get("space")
    memory = page_of(request).memory
    if not isinstance(user, str) or not user.strip():
        raise HTTPException(404, "The address names no user.")
    named = {"user_id": user} | ({"space": space} if space else {})
    # Of a space this refuses who may not read it.
    if not memory.sessions(**named, limit=1) and not space and not memory.spaces.of(user_id=user):
        raise HTTPException(404, f"Nothing is stored of a user {literal(user)!r}.")
    return named


def addressed(named: Mapping[str, Any]) -> dict[str, Any]:
    """Whose memory it is, as the parameters of an address."""
    return {"user": named["user_id"], "space": named.get("space")}


def number(request: Request, name: str, default: int = 1) -> int:
    """A positive number in the address; the default for what is none."""
    given = request.query_params.get(name, "")
    return int(given) if given.isdecimal() and 0 < len(given) < 10 and int(given) else default  # noqa: PLR2004


def searched(request: Request, names: Iterable[str]) -> tuple[Sequence[str], dict[str, Any]]:
    """Of names a page of those that hold what is sought, and what a template shows about the list.

    Returns:
        The names; and ``sought``, how many were ``found``, the page that one is ``at``, the
        ``last`` one.
    """
    sought, at = request.query_params.get("q", "").strip(), number(request, "page")
    found = [each for each in names if sought.casefold() in each.casefold()]
    last = max(1, -(-len(found) // FEW))
    about = {"sought": sought, "found": len(found), "at": at, "last": last}
    return found[(at - 1) * FEW : at * FEW], about


def day_in(request: Request, text: str) -> dt.datetime:
    """The beginning of a day, such as 2026-05-01, or a moment, by the memory's time zone.

    Raises:
        InvalidRequestError: It is no day.
    """
    try:
        given = dt.datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise InvalidRequestError(
            f"{short_repr(text)} is no day; write one such as 2026-05-01."
        ) from error
    zone = page_of(request).memory.settings.timezone
    return given if given.tzinfo else given.replace(tzinfo=ZoneInfo(zone) if zone else _UTC)


def render(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """The page made of a template.

    Templates see ``values``; ``path``, ``user`` and ``space`` of the address; ``read_only``,
    ``proof``, ``place``; and ``here(name=value)``, this address with some parameters changed.
    """
    page, asked = page_of(request), request.query_params
    given = {
        "path": request.url.path,
        "user": asked.get("user", ""),
        "space": asked.get("space", ""),
        "read_only": page.read_only,
        "proof": page.session.proof,
        "of_store": OF_STORE,
        "of_user": [each for each in OF_USER if not (page.read_only and each[0] in _CHANGING)],
        "place": page.memory.place or "a temporary store",
        "here": lambda **changed: link(request.url.path, **{**asked, **changed}),
    }
    text = templates().get_template(template).render(given | values)
    return HTMLResponse(text, status)


def changes(
    view: Callable[[Request, FormData], Response],
) -> Callable[[Request], Awaitable[Response]]:
    """A view of a form that changes the memory: refused when reading only, or without proof."""

    @functools.wraps(view)
    async def checked(request: Request) -> Response:
        page = page_of(request)
        if page.read_only:
            raise HTTPException(403, "This page was opened for reading only.")
        async with request.form(max_files=0, max_fields=100) as form:
            if not page.session.proves(form.get(PROOF)):
                raise HTTPException(403, "The form is not from this page, or from an earlier one.")
            return await run_in_threadpool(view, request, form)

    return checked


def back_to(address: str, **parameters: object) -> RedirectResponse:
    """What follows a change: a view anew, so that to reload it changes nothing again."""
    return RedirectResponse(link(address, **parameters), 303)


def text_of(form: FormData, name: str) -> str:
    """A field of a form, without blanks around it; empty where it is missing."""
    given = form.get(name)
    return given.strip() if isinstance(given, str) else ""


@functools.cache
def templates() -> Environment:
    """The templates of all views, compiled at once: no view waits for that."""
    environment = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: Mapping[str, Callable[..., object]] = {
        "count": lambda given: f"{given:,}",
        "counted": counted,
        "clipped": clipped,
        "day": _day,
        "iso": iso_date,
        "line": literal,
        "moment": _moment,
        "said": printable,
        "size": sized,
    }
    environment.filters.update(filters)
    environment.globals.update(link=link)
    for name in environment.list_templates():
        environment.get_template(name)
    return environment


_TIME = Markup('<time datetime="{}">{}</time>')


def _day(given: dt.datetime | None, precision: Precision = "day") -> str:
    if given is None:
        return ""
    machine = given.isoformat() if precision == "day" else iso_date(given, precision)
    return _TIME.format(machine, date_words(given, precision))


def _moment(given: dt.datetime | None) -> str:
    return (
        ""
        if given is None
        else _TIME.format(given.isoformat(), f"{given.day} {given:%B %Y, %H:%M}")
    )
