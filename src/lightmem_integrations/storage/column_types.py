"""Types of columns that two databases keep in different ways, and Python sees alike."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import Dialect, Text, TypeDecorator
from sqlalchemy.types import NullType, TypeEngine

_ESCAPE = "\x1a"  # SUB, which nobody types


class _Words(TypeDecorator[str]):
    """Text that may hold NUL, which PostgreSQL's cannot."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        if value is None or not ("\0" in value or _ESCAPE in value):
            return value
        return value.replace(_ESCAPE, _ESCAPE + "1").replace("\0", _ESCAPE + "0")

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        if value is None or _ESCAPE not in value:
            return value
        return value.replace(_ESCAPE + "0", "\0").replace(_ESCAPE + "1", _ESCAPE)


WORDS: TypeEngine[str] = Text().with_variant(_Words(), "postgresql")
"""Any text."""


class Scalar(TypeDecorator[Any]):
    """A number or a text that sorts among its like.

    SQLite keeps either in a column without a type. PostgreSQL keeps a text, a number as digits
    that sort as numbers do. A column beside it tells numbers and texts apart.
    """

    impl = NullType
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:  # noqa: D102
        return dialect.type_descriptor(WORDS if dialect.name == "postgresql" else NullType())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: D102
        if dialect.name != "postgresql" or not isinstance(value, (int, float)):
            return value
        return sortable(value)


def sortable(number: float) -> str:
    """A finite number as a text; two texts compare as the two numbers do, exactly."""
    if number == 0:
        return "1"
    exact = Decimal(number)
    digits = "".join(map(str, exact.as_tuple().digits)).rstrip("0")
    text = f"{exact.adjusted() + _BIAS:06d}{digits}"
    if number > 0:
        return "2" + text
    return "0" + text.translate(_NINES) + ":"  # behind every digit: -12 comes before -1


_BIAS = 500_000  # exponents of ten lie far within; Python's integers have 4,300 digits in JSON
_NINES = str.maketrans("0123456789", "9876543210")
