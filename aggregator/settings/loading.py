"""Where settings come from: a TOML file, then the environment, then flags; the last word wins."""

import dataclasses
import difflib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aggregator.errors import SettingsError
from aggregator.settings.values import Settings

ENVIRONMENT_PREFIX: Final = "SOUNDPOST_AGGREGATOR_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One thing that can be set."""

    section: str
    name: str
    kind: type
    default: Any
    meaning: str
    low: float | None
    high: float | None

    @property
    def path(self) -> str:
        """As messages name it."""
        return f"{self.section}.{self.name}"

    @property
    def variable(self) -> str:
        """As the environment names it."""
        return f"{ENVIRONMENT_PREFIX}{self.section}_{self.name}".upper()

    @property
    def flag(self) -> str:
        """As the command line names it."""
        return "--" + f"{self.section}-{self.name}".replace("_", "-")


def every_key() -> Iterator[Key]:
    """Everything that can be set."""
    for section in dataclasses.fields(Settings):
        content: Any = section.type
        for item in dataclasses.fields(content):
            kind: Any = item.type
            yield Key(section=section.name, name=item.name, kind=kind, default=item.default, **item.metadata)


def load(path: Path | None, environment: Mapping[str, str], flags: Mapping[str, str | None]) -> Settings:
    """The settings of a file (None: no file), the environment, and flags by ``Key.path`` (None: not given).

    Raises ``SettingsError`` that names the key and, for an unknown one, the nearest that exists.
    """
    values: dict[str, Any] = {} if path is None else _read(path)
    values.update(_from_environment(environment))
    values.update({name: text for name, text in flags.items() if text is not None})
    sections: dict[str, dict[str, Any]] = {section.name: {} for section in dataclasses.fields(Settings)}
    for item in every_key():
        if item.path in values:
            sections[item.section][item.name] = _typed(item, values[item.path])
    kinds: Any = {section.name: section.type for section in dataclasses.fields(Settings)}
    return Settings(**{name: kinds[name](**given) for name, given in sections.items()})


def as_environment(settings: Settings) -> dict[str, str]:
    """``settings`` for the environment of a child process: it needs no file and no flags."""
    return {item.variable: str(getattr(getattr(settings, item.section), item.name)) for item in every_key()}


def _read(path: Path) -> dict[str, Any]:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path}: {error}") from error
    values: dict[str, Any] = {}
    for section, content in tables.items():
        if not isinstance(content, dict):
            raise SettingsError(f"{path}: {section!r} stands outside any section, such as [broker]")
        values.update({f"{section}.{name}": value for name, value in content.items()})
    known = [item.path for item in every_key()]
    for name in values:
        if name not in known:
            raise SettingsError(f"{path}: unknown key {name}{_nearest(name, known)}")
    return values


def _from_environment(environment: Mapping[str, str]) -> dict[str, str]:
    known = {item.variable: item.path for item in every_key()}
    values: dict[str, str] = {}
    for variable, text in environment.items():
        if not variable.startswith(ENVIRONMENT_PREFIX):
            continue
        if variable not in known:
            raise SettingsError(f"unknown variable {variable}{_nearest(variable, list(known))}")
        values[known[variable]] = text
    return values


def _nearest(word: str, known: list[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else ""


def _typed(item: Key, value: Any) -> Any:
    wanted: Any = item.kind
    try:
        if wanted is bool:
            typed: Any = _truth(value)
        elif isinstance(value, str) or (wanted is float and type(value) is int) or type(value) is wanted:
            typed = wanted(value)
        else:
            raise ValueError("of another type")
    except ValueError as error:
        raise SettingsError(f"{item.path}: {value!r} is not {_WORDS[wanted]}") from error
    if (item.low is not None and not typed >= item.low) or (item.high is not None and not typed <= item.high):
        reach = f"at least {item.low:g}" if item.high is None else f"from {item.low:g} to {item.high:g}"
        raise SettingsError(f"{item.path}: must be {reach}, not {value!r}")
    return typed


_WORDS: Final[Mapping[type, str]] = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "text",
}


def _truth(value: Any) -> bool:
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in words:
        return words[value.lower()]
    raise ValueError("neither")
