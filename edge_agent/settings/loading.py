"""Settings from a TOML file, enrolment, environment, flags; the later wins, the unknown is refused."""

import argparse
import dataclasses
import difflib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import MISSING
from pathlib import Path
from typing import Any, Final

from contract.errors import ContractError
from edge_agent.errors import SettingsError
from edge_agent.settings.enrolled import above_the_file, folder_in, in_place_of_defaults, read_enrolled
from edge_agent.settings.fields import Kind, read_text
from edge_agent.settings.values import SECTIONS, NodeSettings, Settings

PREFIX: Final = "SOUNDPOST"
_LIMIT_BYTES: Final = 1_000_000

Plain = dict[str, dict[str, Any]]


def every_setting() -> Iterator[tuple[str, str, Kind, str, Any]]:
    """Section, key, kind, meaning and default of each setting, in the order of the example file."""
    for section, values in SECTIONS.items():
        for field in dataclasses.fields(values):  # type: ignore[arg-type]
            default = None if field.default is MISSING else field.default
            yield section, field.name, field.metadata["kind"], field.metadata["meaning"], default


def add_flags(parser: argparse.ArgumentParser) -> None:
    """One flag for every setting, beside ``--config``."""
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="settings in TOML; see agent.example.toml"
    )
    groups = {
        section: parser.add_argument_group(f"[{section}]", (values.__doc__ or "").split("\n")[0])
        for section, values in SECTIONS.items()
    }
    for section, key, kind, meaning, default in every_setting():
        shown = "" if default in (None, "", (), {}) else f" (default: {_shown(default)})"
        groups[section].add_argument(
            flag(section, key), dest=f"{section}.{key}", metavar=kind.form, help=f"{meaning}{shown}"
        )


def flag(section: str, key: str) -> str:
    """The flag that sets a key.

    >>> flag("outbox", "limit_bytes")
    '--outbox-limit-bytes'
    """
    return f"--{section}-{key.replace('_', '-')}"


def variable(section: str, key: str) -> str:
    """The environment variable that sets a key.

    >>> variable("outbox", "limit_bytes")
    'SOUNDPOST_OUTBOX_LIMIT_BYTES'
    """
    return f"{PREFIX}_{section}_{key}".upper()


def load_settings(config: Path | None, environment: Mapping[str, str], flags: Mapping[str, Any]) -> Settings:
    """The settings; ``SettingsError`` names the first key that is unknown or not acceptable.

    What the node was told when it joined a fleet stands above the file, below environment and flags.

    ``flags`` is ``vars()`` of what ``add_flags`` parsed; other entries are not looked at.
    """
    of_file = _read_file(config) if config is not None else {}
    of_call = _from_environment(environment)
    given = {name: text for name, text in flags.items() if "." in name and text is not None}
    _overlay(of_call, _from_texts({name: (flag(*name.split(".")), text) for name, text in given.items()}))
    folder = folder_in(_state(of_file, of_call))
    enrolled = read_enrolled(folder)
    plain: Plain = {}
    if enrolled is not None:
        _overlay(plain, in_place_of_defaults(folder, enrolled))
    _overlay(plain, of_file)
    if enrolled is not None:
        _overlay(plain, above_the_file(folder, enrolled))
    _overlay(plain, of_call)
    sections: dict[str, Any] = {}
    for section, values in SECTIONS.items():
        try:
            sections[section] = values(**plain.get(section, {}))
        except ContractError as error:
            raise SettingsError(f"[{section}] {error}") from error
    return Settings(**sections, enrolled=enrolled)


def _state(of_file: Plain, of_call: Plain) -> Path:
    """The state folder, which says whether the node has joined a fleet."""
    said = {**of_file.get("node", {}), **of_call.get("node", {})}
    try:
        return NodeSettings(state=said.get("state")).state_path
    except ContractError as error:
        raise SettingsError(f"[node] {error}") from error


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _read_file(path: Path) -> Plain:
    try:
        with path.open("rb") as file:
            content = file.read(_LIMIT_BYTES + 1)
        plain = tomllib.loads(content.decode("utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror or error}") from error
    except ValueError as error:
        raise SettingsError(f"{path}: not TOML: {error}") from error
    for section, keys in plain.items():
        if section not in SECTIONS:
            raise SettingsError(f"{path}: unknown section [{section}]{_nearest(section, SECTIONS)}")
        if not isinstance(keys, dict):
            raise SettingsError(f"{path}: {section} is a section, write [{section}] and its keys below")
        known = [name for part, name, *_ in every_setting() if part == section]
        for key in keys:
            if key not in known:
                raise SettingsError(f"{path}: unknown key {key!r} in [{section}]{_nearest(key, known)}")
    return plain


def _from_environment(environment: Mapping[str, str]) -> Plain:
    known = {variable(section, key): f"{section}.{key}" for section, key, *_ in every_setting()}
    ours = tuple(f"{PREFIX}_{section}_".upper() for section in SECTIONS)
    found = {}
    for name, text in environment.items():
        if name in known:
            found[known[name]] = (name, text)
        elif name.startswith(ours):
            raise SettingsError(f"environment: unknown variable {name}{_nearest(name, known)}")
    return _from_texts(found)


def _from_texts(found: Mapping[str, tuple[str, str]]) -> Plain:
    """``found`` maps section.key to where it stood and its text."""
    plain: Plain = {}
    kinds = {f"{section}.{key}": kind for section, key, kind, *_ in every_setting()}
    for name, (origin, text) in found.items():
        section, key = name.split(".")
        try:
            plain.setdefault(section, {})[key] = read_text(kinds[name], origin, text)
        except ContractError as error:
            raise SettingsError(str(error)) from error
    return plain


def _overlay(below: Plain, above: Plain) -> None:
    for section, keys in above.items():
        below.setdefault(section, {}).update(keys)


def _nearest(word: str, known: Any) -> str:
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(sorted(known))}"
