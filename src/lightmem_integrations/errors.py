"""Every error that the library raises on purpose.

::

    LightMemError
    ├── ScopeError (ValueError)             whose memory is not clear: bad user, session or agent id
    ├── AuthenticationError                 a server was given no token, or one that is not valid
    ├── AccessError                         no grant on that space, or none to write there
    ├── InvalidTurnError (ValueError)       a turn that cannot be stored as it is
    │   └── TurnConflictError               the id is taken by a turn with other content
    ├── InvalidRequestError (ValueError)    an argument that makes no sense, such as k=0
    │   ├── NotFoundError                   the user has no such fact or open conflict
    │   └── InvalidImportError              a source of an import is damaged, or of another form
    ├── SettingsError (ValueError)          a setting out of its range
    ├── MissingExtraError (ImportError)     a package of an optional extra is not installed
    ├── ModelError
    │   ├── ModelUnavailableError           no weights for that model can be had here
    │   ├── ModelTimeoutError               a model did not answer in time
    │   └── ModelOutputError                a model returned something unusable: NaN, wrong shape
    └── StorageError
        ├── StoreLockedError                another process owns the folder
        ├── StoreClosedError                used after close()
        ├── ForkedProcessError              opened in a parent process, used in its child
        ├── IndexUnavailableError           the vector index does not answer
        ├── CopyMismatchError               a copy of a store lacks something of its source
        ├── EmbeddingMismatchError          the store was built with another embedder
        └── LedgerError                     the database refused or is of a newer version
            ├── ReadOnlyError               a write to a store that is open for reading only
            └── TransactionConflictError    the database undid a write for others' sake
"""

import sys

TROUBLESHOOTING = "docs/troubleshooting.md"
"""The page with a section for each error, from the root of the repository."""


class LightMemError(Exception):
    """Base of all errors of this library."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)
        if sys.version_info >= (3, 11):
            # Beneath the message, not in it: a model may be shown the message.
            self.add_note(f"Cause and remedy: {self.url}")

    @property
    def url(self) -> str:
        """Where its cause and remedy are explained."""
        return f"{TROUBLESHOOTING}#{type(self).__name__.lower()}"


class ScopeError(LightMemError, ValueError):
    """A user or session id is missing, blank, not a string, or a wildcard."""


class AuthenticationError(LightMemError):
    """A request to a server bears no token, or one that is unknown, expired or not valid."""


class AccessError(LightMemError):
    """A user has no grant on a space, or none to write there."""


class InvalidTurnError(LightMemError, ValueError):
    """A turn cannot be stored as it is; nothing of its batch was written."""


class TurnConflictError(InvalidTurnError):
    """A turn id of this session is already taken by a turn with other content."""


class InvalidRequestError(LightMemError, ValueError):
    """An argument of a call is out of its range or of the wrong type."""


class NotFoundError(InvalidRequestError):
    """The user, or the space, has no fact or open conflict with this id."""


class InvalidImportError(InvalidRequestError):
    """A source of an import is cut, damaged, of another form or version; nothing was imported."""


class SettingsError(LightMemError, ValueError):
    """A setting is out of its range."""


class MissingExtraError(LightMemError, ImportError):
    """A feature needs an optional extra that is not installed.

    Attributes:
        feature: What was asked for.
        extra: The extra of this package that brings it.
    """

    def __init__(self, feature: str, extra: str, package: str) -> None:
        self.feature = feature
        self.extra = extra
        super().__init__(
            f"{feature} needs the package {package!r}, which is not installed. "
            f"Install it with: pip install 'lightmem-integrations[{extra}]'"
        )


class ModelError(LightMemError):
    """A model could not be loaded or answered with something unusable."""


class ModelUnavailableError(ModelError):
    """No weights for the model can be had on this machine."""


class ModelTimeoutError(ModelError):
    """A model did not answer in the time that a setting gives it."""


class ModelOutputError(ModelError):
    """A model returned something unusable, such as NaN or a wrong shape."""


class StorageError(LightMemError):
    """The store cannot serve this call."""


class StoreLockedError(StorageError):
    """Another process owns this folder."""


class StoreClosedError(StorageError):
    """The store was used after it was closed."""

    def __init__(
        self, message: str = "The store was closed; open it again with LightMem(...)."
    ) -> None:
        super().__init__(message)


class ForkedProcessError(StorageError):
    """The store was opened in a parent process and is used in its child."""


class IndexUnavailableError(StorageError):
    """The vector index does not answer; the ledger is not affected."""


class CopyMismatchError(StorageError):
    """A copy of a store does not hold what its source does; it cannot be opened.

    Attributes:
        copied: What both hold, table by table.
    """

    def __init__(self, message: str, copied: object = None) -> None:
        self.copied = copied
        super().__init__(message)


class EmbeddingMismatchError(StorageError):
    """The store was built with another embedder than the one given."""


class LedgerError(StorageError):
    """The ledger refused an operation, or was written by a newer version."""


class ReadOnlyError(LedgerError):
    """The store is open for reading only; nothing was written."""


class TransactionConflictError(LedgerError):
    """The database undid a write for the sake of others beside it; it can be made again."""
