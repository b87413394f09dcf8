"""What one step of an installation came to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The bundle lies whole, signed and self-tested at ``path``: it may be put in service."""

    digest: str
    path: Path
    custom: Mapping[str, Any] = field(default_factory=dict)
    """What the signed metadata says of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """It is not taken; the same attempt is not begun again."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Not now: call again after ``seconds``. What has been downloaded is kept."""

    seconds: float
    reason: str


Outcome: TypeAlias = Ready | Refused | Waiting
