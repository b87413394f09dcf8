"""A sampling as a form, in words and units of people, with a sentence for each mistake. Pure."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from contract.errors import ContractError
from contract.sampling import MOST_PRIVATE, Sampling

MEGABYTE: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of the form, named as in ``Sampling``."""

    name: str
    words: str
    hint: str
    kind: str
    """``share`` (0 to 1), ``rate`` (an hour), ``megabytes`` (a day) or ``labels`` (one a line)."""


GROUPS: Final = (
    ("Near misses", (
        Field(name="near_miss_low", words="Posterior from", hint="up to the threshold", kind="share"),
        Field(name="near_miss_bytes_per_day", words="MB a day", hint="0: none", kind="megabytes"),
    )),
    ("Uncertain sound", (
        Field(name="uncertain_margin", words="Margin below", hint="of the two best; 0: never", kind="share"),
        Field(name="uncertain_entropy", words="Entropy above", hint="of the largest; 1: never", kind="share"),
        Field(name="uncertain_bytes_per_day", words="MB a day", hint="0: none", kind="megabytes"),
    )),
    ("By chance", (
        Field(name="random_per_hour", words="Windows an hour", hint="whatever is heard", kind="rate"),
        Field(name="random_bytes_per_day", words="MB a day", hint="0: none", kind="megabytes"),
    )),
    ("Around detections", (
        Field(name="detection_bytes_per_day", words="MB a day", hint="0: no limit", kind="megabytes"),
    )),
    ("Private", (
        Field(name="private", words="Labels", hint="one a line; their sound never leaves", kind="labels"),
        Field(name="private_least", words="Posterior from", hint="the lower, the more stays", kind="share"),
    )),
)  # fmt: skip
FIELDS: Final = tuple(field for _, fields in GROUPS for field in fields)
_MENDS: Final = {
    "share": "Write a number from 0 to 1, such as 0.3.",
    "rate": "Write a number from 0 to 360, such as 2.",
    "megabytes": "Write megabytes as a number from 0 to 1000000, such as 1.5.",
    "labels": f"Write one label a line, each of at most 60 characters, at most {MOST_PRIVATE} of them.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A form as it was filled in."""

    texts: Mapping[str, str]
    errors: Mapping[str, str]
    """Field → what to do about it."""
    sampling: Sampling | None
    """None if there are errors."""


def shown(sampling: Sampling) -> dict[str, str]:
    """The texts of a form that shows ``sampling``."""
    return {field.name: _text(field, getattr(sampling, field.name)) for field in FIELDS}


def read(form: Mapping[str, str]) -> Filled:
    """What a form says; each field must be there."""
    texts = {field.name: form.get(field.name, "") for field in FIELDS}
    values, errors = {}, {}
    checks = {field.name: field.metadata["check"] for field in dataclasses.fields(Sampling)}
    for field in FIELDS:
        try:
            values[field.name] = checks[field.name](field.name, _value(field, texts[field.name]))
        except (ContractError, ValueError, OverflowError):
            errors[field.name] = _MENDS[field.kind]
    return Filled(texts=texts, errors=errors, sampling=None if errors else Sampling(**values))


def _text(field: Field, value: float | tuple[str, ...]) -> str:
    if isinstance(value, tuple):
        return "\n".join(value)
    return f"{value / MEGABYTE:.6f}".rstrip("0").rstrip(".") if field.kind == "megabytes" else f"{value:.12g}"


def _value(field: Field, text: str) -> float | int | list[str]:
    if field.kind == "labels":
        return list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
    number = float(text.strip().replace(",", "."))
    return round(number * MEGABYTE) if field.kind == "megabytes" else number
