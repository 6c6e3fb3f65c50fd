"""JSON Web Tokens that somebody else signs: whose memory a request is about."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from lightmem_integrations.errors import AuthenticationError, ScopeError, SettingsError
from lightmem_integrations.safety import check_user_id
from lightmem_integrations.web.security import LOOPBACK
from lightmem_integrations.web.tokens import check_private

# Fixed here and by the kind of key: what a token says of itself picks neither "none", nor a public
# key for a shared secret.
_PUBLIC_KEY: tuple[str, ...] = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
)  # fmt: skip
_SHARED_SECRET: tuple[str, ...] = ("HS256",)

_SECRET_BYTES = 32  # RFC 7518, 3.2: as long as the hash
_FETCH_SECONDS = 5.0  # a guess: a request waits for the keys, at most every 30 seconds
_PAUSE_SECONDS = 10.0  # a guess: how long an issuer that failed is asked nothing


class SignedTokens:
    """Users by tokens that are signed, not expired, and meant for this server.

    Args:
        key_file: File of the public key (PEM), or of a shared secret, which nobody else may read.
        jwks_url: Where the issuer publishes its public keys, instead of ``key_file``.
        audience: ``aud`` that a token must have: this server's name at the issuer.
        issuer: ``iss`` that a token must have.
        claim: The claim that names the user.

    Raises:
        SettingsError: The key is none, the URL is not HTTPS, or an argument is missing.
    """

    def __init__(
        self,
        *,
        key_file: str | os.PathLike[str] | None = None,
        jwks_url: str | None = None,
        audience: str,
        issuer: str,
        claim: str = "sub",
    ) -> None:
        if (key_file is None) == (jwks_url is None):
            raise SettingsError("Name either the file of a key or the URL of a key set (JWKS).")
        if not (audience and issuer and claim):
            raise SettingsError(
                "A signed token is only taken for its audience and its issuer: name both, and the "
                "claim with the user. Another service's tokens would open memories otherwise."
            )
        self._key_of: Callable[[str], Any]
        if key_file is None:
            self._algorithms = _PUBLIC_KEY
            keys = _KeySet(_checked_url(str(jwks_url)), timeout=_FETCH_SECONDS)
            self._key_of = keys.get_signing_key_from_jwt
        else:
            key, self._algorithms = _read_key(Path(key_file))
            self._key_of = lambda _: key
        self._claim = claim
        self._expected: dict[str, Any] = {
            "audience": audience,
            "issuer": issuer,
            "options": {"require": ["exp", "aud", "iss", claim]},
        }

    def __call__(self, token: str) -> str:
        """The user whom a token names.

        Raises:
            AuthenticationError: It is not valid, or names nobody.
            SettingsError: The issuer's keys cannot be fetched.
        """
        try:
            key = self._key_of(token)
            claims = jwt.decode(token, key, algorithms=list(self._algorithms), **self._expected)
            return check_user_id(claims[self._claim])
        except jwt.PyJWKClientConnectionError as error:
            raise SettingsError(f"The issuer's keys cannot be fetched: {error}") from error
        except jwt.ExpiredSignatureError as error:
            raise AuthenticationError("The bearer token has expired.") from error
        # TypeError, ValueError: of keys and claims of another kind than the algorithm has.
        except (jwt.PyJWTError, ScopeError, TypeError, ValueError) as error:
            raise AuthenticationError("The bearer token is not valid here.") from error


class _KeySet(jwt.PyJWKClient):
    """Keys that an issuer publishes; one that has just failed is asked nothing for a while."""

    _not_before = float("-inf")

    def fetch_data(self) -> Any:
        """The key set, as the issuer gives it."""
        if time.monotonic() < self._not_before:
            raise jwt.PyJWKClientConnectionError("the last try has just failed")
        self._not_before = time.monotonic() + _PAUSE_SECONDS
        try:
            found = super().fetch_data()
        except RecursionError as error:
            raise jwt.PyJWKClientConnectionError("they are nested too deeply") from error
        self._not_before = float("-inf")
        return found


def _read_key(path: Path) -> tuple[Any, tuple[str, ...]]:
    try:
        with path.open("rb") as file:
            content = file.read()
            if b"-----BEGIN" not in content:
                check_private(path, file.fileno())
    except OSError as error:
        raise SettingsError(f"The key {str(path)!r} cannot be read: {error}") from error
    if b"-----BEGIN" in content:
        try:
            return load_pem_public_key(content), _PUBLIC_KEY
        except ValueError as error:
            raise SettingsError(
                f"{str(path)!r} holds no public key. Pass the public half, a file with "
                "-----BEGIN PUBLIC KEY-----; nobody but the issuer needs the private one."
            ) from error
    secret = content.strip()
    if len(secret) < _SECRET_BYTES:
        raise SettingsError(
            f"The secret in {str(path)!r} has {len(secret)} bytes; take {_SECRET_BYTES} or more: "
            "openssl rand -base64 48"
        )
    return secret, _SHARED_SECRET


def _checked_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK):
        return url
    raise SettingsError(
        f"The key set's URL is {url!r}; it must be https://, so that nobody can put in other keys."
    )
