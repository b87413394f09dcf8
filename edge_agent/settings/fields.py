"""Kinds of settings: how each is read from text (environment, flags) and checked. Pure."""

import dataclasses
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass
from pathlib import Path
from typing import Any, Final

from contract.checks import Check, mapping_of, name, one_of, optional, real, sequence_of, text, truth, whole
from contract.errors import ContractError

_TRUTHS: Final = {"true": True, "yes": True, "on": True, "1": True,
                  "false": False, "no": False, "off": False, "0": False}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What a setting may be."""

    check: Check[Any]
    from_text: Callable[[str], Any] = str
    form: str = "TEXT"
    """How a value is written, for ``--help``."""


def setting(kind: Kind, meaning: str, *, default: Any = MISSING) -> Any:
    """A dataclass field of ``kind``; ``meaning`` is what ``--help`` and the example file print."""
    return dataclasses.field(default=default, metadata={"kind": kind, "meaning": meaning})


def string(limit: int = 300) -> Kind:
    """Any printable text, also none at all."""
    return Kind(check=text(limit, empty=True))


def number(low: float, high: float) -> Kind:
    """A finite number in a range."""
    return Kind(check=real(low, high), from_text=float, form="NUMBER")


def integer(low: int, high: int) -> Kind:
    """A whole number in a range; ``1_000_000`` may be written so."""
    return Kind(check=whole(low, high), from_text=int, form="WHOLE")


def maybe_number(low: float, high: float) -> Kind:
    """A number, or nothing, which leaves the choice to the bundle."""
    return Kind(check=optional(real(low, high)), from_text=float, form="NUMBER")


def choice(*words: str) -> Kind:
    """One of some words."""
    return Kind(check=one_of(*words), form="|".join(words))


def _path(field: str, value: Any) -> Path | None:
    if value is None or isinstance(value, Path):
        return value
    written = text(4000, empty=True)(field, value)
    return Path(written).expanduser() if written else None


def _node_name(field: str, value: Any) -> str:
    return name(field, value)


def _usb_id(field: str, value: Any) -> str:
    written = text(9, empty=True)(field, value)
    if written and not re.fullmatch(r"[0-9a-fA-F]{4}:[0-9a-fA-F]{4}", written):
        raise ContractError(f"{field}: must be like 0d8c:0014")
    return written


def _thresholds(field: str, value: Any) -> Mapping[str, float]:
    return mapping_of(real(0, 1), limit=1000)(field, {} if value is None else value)


def _to_truth(written: str) -> bool:
    return _TRUTHS[written.strip().lower()]


def _to_words(written: str) -> list[str]:
    return [word.strip() for word in written.split(",") if word.strip()]


def _to_numbers(written: str) -> Mapping[str, float]:
    pairs = (pair.partition("=") for pair in written.split(",") if pair.strip())
    return {label.strip(): float(value) for label, _, value in pairs}


PATH: Final = Kind(check=_path, form="PATH")
NAME: Final = Kind(check=_node_name, form="NAME")
USB_ID: Final = Kind(check=_usb_id, form="VENDOR:PRODUCT")
TRUTH: Final = Kind(check=truth, from_text=_to_truth, form="true|false")
WORDS: Final = Kind(check=sequence_of(name, high=50), from_text=_to_words, form="A,B")
ARGUMENTS: Final = Kind(
    check=sequence_of(text(500), high=30), from_text=shlex.split, form="'PROGRAM ARGUMENT …'"
)
THRESHOLDS: Final = Kind(check=_thresholds, from_text=_to_numbers, form="LABEL=NUMBER,…")


class Section:
    """Mixin of every section: each value passes its kind's check, once, when made."""

    __slots__ = ()

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            kind: Kind = field.metadata["kind"]
            object.__setattr__(self, field.name, kind.check(field.name, getattr(self, field.name)))


def read_text(kind: Kind, field: str, written: str) -> Any:
    """The value that ``written`` stands for; ``ContractError`` if it stands for none."""
    try:
        return kind.from_text(written)
    except (ValueError, KeyError) as error:
        raise ContractError(f"{field}: {written[:60]!r} is not {kind.form}") from error
