"""Bearer tokens in a file: whose memory a request is about. Only hashes of them are kept."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import os
import re
import secrets
import stat
from dataclasses import asdict, dataclass
from pathlib import Path

from lightmem_integrations.errors import AuthenticationError, SettingsError
from lightmem_integrations.safety import check_user_id

_RANDOM_BYTES = 32  # 256 bits, as the hash has: nobody guesses one
_TELLING = 8  # hexadecimal digits of a hash that tell tokens apart for people: a guess
_HASH = re.compile("[0-9a-f]{64}")
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True)
class TokenEntry:
    """One line of a token file: the hash of a token, and whose it is.

    Attributes:
        user_id: Whose memory it opens.
        sha256: SHA-256 of the token, in hexadecimal digits.
        made: The day when it was made.
    """

    user_id: str
    sha256: str
    made: str

    @property
    def name(self) -> str:
        """What tells it from other tokens of the user, and opens nothing."""
        return self.sha256[:_TELLING]


class TokenFile:
    """Users by their tokens, as a file says that lists the hashes; read again when it changes.

    Args:
        path: The file, as ``lightmem token add`` writes it.

    Raises:
        SettingsError: It cannot be read, others than its owner may read it, or it is damaged.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        self._entries: tuple[TokenEntry, ...] = ()
        self._seen: tuple[int, ...] = ()
        self._refresh()

    def __call__(self, token: str) -> str:
        """The user whose token it is.

        Raises:
            AuthenticationError: It is nobody's.
            SettingsError: The file can no longer be read; then nobody is let in.
        """
        self._refresh()
        given = _hash(token)
        user_id = None
        for entry in self._entries:  # all of them, each in the same time: timing tells nothing
            if hmac.compare_digest(entry.sha256, given):
                user_id = entry.user_id
        if user_id is None:
            raise AuthenticationError("The bearer token is not known, or was revoked.")
        return user_id

    def _refresh(self) -> None:
        try:
            found = self._path.stat()
        except OSError as error:
            raise _unreadable(self._path, error) from error
        # Changes of the permissions alone show in the ctime.
        seen = (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)
        if seen != self._seen:
            self._entries = read_tokens(self._path)
            self._seen = seen


def read_tokens(path: Path) -> tuple[TokenEntry, ...]:
    """The entries of a token file.

    Raises:
        SettingsError: It cannot be read, others than its owner may read it, or it is damaged.
    """
    try:
        with path.open(encoding="utf-8") as file:
            check_private(path, file.fileno())
            lines = file.read().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from error
    return tuple(_entry(path, number, line) for number, line in enumerate(lines, 1) if line.strip())


def add_token(path: Path, user_id: str) -> str:
    """Make a token for a user, and add its hash to a file, which is made if need be.

    Returns:
        The token. It is kept nowhere.

    Raises:
        ScopeError: ``user_id`` names nobody.
        SettingsError: The file cannot be written, or others than its owner may read it.
    """
    check_user_id(user_id)
    token = secrets.token_urlsafe(_RANDOM_BYTES)
    today = dt.datetime.now(dt.timezone.utc).date().isoformat()
    line = json.dumps(asdict(TokenEntry(user_id, _hash(token), today)))
    try:
        if path.exists():
            read_tokens(path)
            if path.read_bytes()[-1:] not in (b"", b"\n"):  # somebody's editor left it out
                line = f"\n{line}"
        # In one write at the end, so that two that add at once lose nothing.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            check_private(path, descriptor)
            file.write(f"{line}\n")
    except OSError as error:
        raise _unreadable(path, error) from error
    return token


def remove_tokens(path: Path, user_id: str, name: str | None = None) -> int:
    """Revoke a user's tokens, or the one of a name; returns how many that were.

    Raises:
        SettingsError: The file cannot be read or written.
    """
    path = path.resolve()  # in place of a link, it would still stand where the link leads to
    entries = read_tokens(path)
    kept = [one for one in entries if one.user_id != user_id or name not in (None, one.name)]
    beside = path.with_name(f"{path.name}.new")
    try:
        beside.unlink(missing_ok=True)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write("".join(f"{json.dumps(asdict(one))}\n" for one in kept))
        beside.replace(path)
    except OSError as error:
        raise _unreadable(path, error) from error
    return len(entries) - len(kept)


def check_private(path: Path, descriptor: int) -> None:
    """Refuse an open file with a secret that others than its owner may read or write.

    Raises:
        SettingsError: They may.
    """
    mode = os.fstat(descriptor).st_mode
    if os.name == "posix" and mode & _OTHERS:
        raise SettingsError(
            f"{str(path)!r} can be read or written by others ({stat.filemode(mode)}). Let only its "
            f"owner: chmod 600 {path}"
        )


def _entry(path: Path, number: int, line: str) -> TokenEntry:
    try:
        entry = TokenEntry(**json.loads(line))
        check_user_id(entry.user_id)
        if _HASH.fullmatch(entry.sha256):
            return entry
        reason = "its sha256 is none"
    except (TypeError, ValueError) as error:  # no JSON, other fields, no user
        reason = str(error)
    raise SettingsError(
        f"Line {number} of {str(path)!r} is no token's: {reason}. Remove it, and make a new one: "
        f"lightmem token add {path} --user USER"
    )


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _unreadable(path: Path, error: Exception) -> SettingsError:
    return SettingsError(
        f"The token file {str(path)!r} cannot be used: {error}. Make one with: "
        f"lightmem token add {path} --user USER"
    )
