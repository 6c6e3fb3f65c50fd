"""Session of the one person who has the page's address: a token, a cookie, a proof for forms.

The token in the address that the command prints is turned into a cookie which scripts cannot read
and other sites cannot make a browser send. Forms carry a proof besides, which no other site knows.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import RedirectResponse

TOKEN = "token"  # noqa: S105 - the name of the parameter
PROOF = "proof"


@dataclass(frozen=True, slots=True)
class Session:
    """What follows from the token of a page.

    Attributes:
        token: Random; in the address.
    """

    token: str

    @property
    def cookie(self) -> str:
        """Name of the cookie: pages on other ports of this machine get the same cookies."""
        return f"lightmem-{self._derived('name')[:8]}"

    @property
    def proof(self) -> str:
        """Proof that a form is the page's own."""
        return self._derived("form")

    def knows(self, request: Request) -> bool:
        """Whether the request comes with the session's cookie."""
        return _same(request.cookies.get(self.cookie, ""), self._derived("cookie"))

    def opens(self, given: str) -> bool:
        """Whether this is the token."""
        return _same(given, self.token)

    def proves(self, given: object) -> bool:
        """Whether a form with this proof is the page's own."""
        return isinstance(given, str) and _same(given, self.proof)

    def begin(self, request: Request) -> RedirectResponse:
        """The same address without the token, which neither history nor bookmark shall keep."""
        kept = [each for each in request.query_params.multi_items() if each[0] != TOKEN]
        path = request.url.path
        path = path if not path.startswith("//") else "/"  # that would name another host
        response = RedirectResponse(f"{path}?{urlencode(kept)}" if kept else path, 303)
        response.set_cookie(
            self.cookie, self._derived("cookie"), httponly=True, samesite="strict", path="/"
        )
        return response

    def _derived(self, what: str) -> str:
        return hmac.new(self.token.encode(), what.encode(), hashlib.sha256).hexdigest()


def token_in(parameters: QueryParams) -> str | None:
    """The token in an address, if it has one."""
    return parameters.get(TOKEN)


def _same(given: str, known: str) -> bool:
    return hmac.compare_digest(given.encode(errors="replace"), known.encode())
