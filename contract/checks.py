"""Checks of plain decoded values: each returns the value in its own type or raises ``ContractError``."""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from contract.errors import ContractError

T = TypeVar("T")
Check = Callable[[str, Any], T]

NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
HEX: Final = re.compile(r"[0-9a-f]+")


def text(limit: int = 200, *, empty: bool = False) -> Check[str]:
    """A printable string of at most ``limit`` characters."""

    def check(field: str, value: Any) -> str:
        if not isinstance(value, str):
            raise ContractError(f"{field}: expected text, got {type(value).__name__}")
        if len(value) > limit:
            raise ContractError(f"{field}: longer than {limit} characters")
        if not value and not empty:
            raise ContractError(f"{field}: must not be empty")
        if not value.isprintable():
            raise ContractError(f"{field}: holds characters that cannot be printed")
        return value

    return check


def printable(value: str, limit: int) -> str:
    """At most ``limit`` characters of ``value``, as ``text`` accepts them: a space for each unprintable."""
    return "".join(sign if sign.isprintable() else " " for sign in value)[:limit]


def name(field: str, value: Any) -> str:
    """An identifier: lower-case letters, digits, ``_`` and ``-``; at most 64, no dots."""
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise ContractError(f"{field}: must be 1 to 64 of a-z 0-9 _ - and not begin with _ or -")
    return value


def hexadecimal(length: int) -> Check[str]:
    """Exactly ``length`` lower-case hexadecimal digits."""

    def check(field: str, value: Any) -> str:
        if not isinstance(value, str) or len(value) != length or not HEX.fullmatch(value):
            raise ContractError(f"{field}: must be {length} lower-case hexadecimal digits")
        return value

    return check


def one_of(*choices: str) -> Check[str]:
    """One of the given words."""

    def check(field: str, value: Any) -> str:
        if not isinstance(value, str) or value not in choices:
            raise ContractError(f"{field}: must be one of {', '.join(choices)}")
        return value

    return check


def whole(low: int, high: int) -> Check[int]:
    """An integer from ``low`` to ``high``; a boolean is none."""

    def check(field: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ContractError(f"{field}: expected a whole number, got {type(value).__name__}")
        if not low <= value <= high:
            raise ContractError(f"{field}: must be from {low} to {high}")
        return value

    return check


def real(low: float, high: float) -> Check[float]:
    """A finite number from ``low`` to ``high``."""

    def check(field: str, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ContractError(f"{field}: expected a number, got {type(value).__name__}")
        # An integer may be too large for a float, so the range comes before the conversion.
        if not low <= value <= high or not math.isfinite(value):
            raise ContractError(f"{field}: must be a finite number from {low:g} to {high:g}")
        return float(value)

    return check


def truth(field: str, value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise ContractError(f"{field}: expected true or false, got {type(value).__name__}")
    return value


def octets(limit: int) -> Check[bytes]:
    """At most ``limit`` bytes."""

    def check(field: str, value: Any) -> bytes:
        if not isinstance(value, bytes):
            raise ContractError(f"{field}: expected bytes, got {type(value).__name__}")
        if len(value) > limit:
            raise ContractError(f"{field}: longer than {limit} bytes")
        return value

    return check


def optional(check: Check[T]) -> Check[T | None]:
    """Nothing, or what ``check`` accepts."""

    def checked(field: str, value: Any) -> T | None:
        return None if value is None else check(field, value)

    return checked


def sequence_of(check: Check[T], *, low: int = 0, high: int) -> Check[tuple[T, ...]]:
    """``low`` to ``high`` items that each pass ``check``, as a tuple."""

    def checked(field: str, value: Any) -> tuple[T, ...]:
        if not isinstance(value, list | tuple):
            raise ContractError(f"{field}: expected a list, got {type(value).__name__}")
        if not low <= len(value) <= high:
            raise ContractError(f"{field}: must hold {low} to {high} items, not {len(value)}")
        return tuple(check(f"{field}[{index}]", item) for index, item in enumerate(value))

    return checked


def mapping_of(check: Check[T], *, limit: int) -> Check[Mapping[str, T]]:
    """A map of at most ``limit`` short texts to values that pass ``check``."""
    key_check = text(100)

    def checked(field: str, value: Any) -> Mapping[str, T]:
        if not isinstance(value, Mapping):
            raise ContractError(f"{field}: expected a map, got {type(value).__name__}")
        if len(value) > limit:
            raise ContractError(f"{field}: must hold at most {limit} entries")
        return {key_check(f"{field} key", key): check(f"{field}.{key}", item) for key, item in value.items()}

    return checked
