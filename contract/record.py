"""Frozen values whose fields carry their own check, unit and meaning.

A ``Record`` checks itself once, when made, whether from Python or from decoded bytes: there is no second,
weaker way in. ``from_plain`` adds what only a decoder can get wrong: missing and unknown fields.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import MISSING, dataclass
from typing import Any, Self, TypeVar

from contract.checks import Check
from contract.errors import ContractError


def checked(check: Check[Any], meaning: str, *, default: Any = MISSING) -> Any:
    """A dataclass field that must pass ``check``; ``meaning`` is what the reference prints."""
    return dataclasses.field(default=default, metadata={"check": check, "meaning": meaning})


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Base of every value that crosses the wire or lies in a manifest."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = field.metadata["check"](field.name, getattr(self, field.name))
            object.__setattr__(self, field.name, value)

    @classmethod
    def from_plain(cls, plain: Any) -> Self:
        """The record that ``plain``, a decoded map, describes; ``ContractError`` if it describes none."""
        if not isinstance(plain, Mapping):
            raise ContractError(f"expected a map, got {type(plain).__name__}")
        fields = {field.name: field for field in dataclasses.fields(cls)}
        unknown = [repr(key)[:40] for key in plain if key not in fields]
        if unknown:
            raise ContractError(f"unknown field {unknown[0]}")
        for name, field in fields.items():
            # Whoever makes a record in Python need not repeat its schema; bytes must say theirs.
            if name not in plain and (field.default is MISSING or name == "schema"):
                raise ContractError(f"missing field {name!r}")
        return cls(**plain)

    def to_plain(self) -> dict[str, Any]:
        """The record as a map of plain values, ready for JSON or CBOR."""
        return {field.name: _plain(getattr(self, field.name)) for field in dataclasses.fields(self)}


R = TypeVar("R", bound=Record)


def nested(kind: type[R]) -> Check[R]:
    """Accepts a ``kind`` or a map that describes one."""

    def check(field: str, value: Any) -> R:
        if isinstance(value, kind):
            return value
        try:
            return kind.from_plain(value)
        except ContractError as error:
            raise ContractError(f"{field}: {error}") from error

    return check


def _plain(value: Any) -> Any:
    if isinstance(value, Record):
        return value.to_plain()
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value
