"""How a setting is written down: its default, what ``--help`` says of it, and its range."""

from dataclasses import field
from typing import TypeVar

T = TypeVar("T")


def key(default: T, meaning: str, *, low: float | None = None, high: float | None = None) -> T:
    """A setting with its default, what ``--help`` says of it, and its range."""
    made: T = field(default=default, metadata={"meaning": meaning, "low": low, "high": high})
    return made
