"""The chain of the audit log: each entry's hash covers the one before it. Pure."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

BEGIN: Final = "0" * 64
"""What the first entry follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Who did what."""

    id: int
    at_s: float
    who: str
    action: str
    details: str
    """JSON."""
    previous: str
    hash: str


def canonical(details: Mapping[str, Any]) -> str:
    """The one way in which details are written."""
    return json.dumps(details, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def sealed(previous: str, at_s: float, who: str, action: str, details: str) -> str:
    """The hash of an entry that follows ``previous``."""
    content = json.dumps([previous, at_s, who, action, details], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


def first_broken(entries: Iterable[Entry], previous: str = BEGIN) -> tuple[int | None, str]:
    """The first entry that is not what was written, or does not follow the one before; and the last hash."""
    for entry in entries:
        right = sealed(entry.previous, entry.at_s, entry.who, entry.action, entry.details)
        if entry.previous != previous or entry.hash != right:
            return entry.id, previous
        previous = entry.hash
    return None, previous
