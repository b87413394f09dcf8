"""Where the fleet's broker is, as `aggregator broker config` has put it up."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aggregator.errors import StoreError
from aggregator.services.durable_files import in_words, replace
from contract.checks import sequence_of, text, whole
from contract.enrolment import DEFAULT_BROKER_PORT
from contract.errors import ContractError

FILE: Final = "broker.json"
_PORT: Final = whole(1, 65535)
_HOST: Final = text(255)


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerPlace:
    """A broker with certificates."""

    folder: str
    """Where its files are."""
    hosts: tuple[str, ...]
    """Names and addresses under which it answers; nodes are told the first."""
    port: int
    """For nodes."""
    inner_port: int
    """For the aggregator."""


def read(folder: Path) -> BrokerPlace | None:
    """What was kept in ``folder``; None if no broker with certificates was put up from here."""
    path = folder / FILE
    try:
        plain: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return BrokerPlace(
            folder=text(4000)("folder", plain["folder"]),
            hosts=sequence_of(_HOST, low=1, high=100)("hosts", plain["hosts"]),
            port=_PORT("port", plain["port"]),
            inner_port=_PORT("inner_port", plain["inner_port"]),
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, ContractError) as error:
        raise StoreError(f"{path} cannot be read: {error}") from error


def keep(folder: Path, place: BrokerPlace) -> None:
    """Remember it."""
    plain = {
        "folder": place.folder, "hosts": list(place.hosts), "port": place.port,
        "inner_port": place.inner_port,
    }  # fmt: skip
    path = folder / FILE
    try:
        replace(path, json.dumps(plain, indent=1).encode(), mode=0o644)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {in_words(error)}") from error


def port_for_nodes(folder: Path) -> int:
    """Where nodes connect."""
    found = read(folder)
    return found.port if found else DEFAULT_BROKER_PORT


def host_for_nodes(folder: Path) -> str:
    """What nodes are told; empty: wherever they find the aggregator."""
    found = read(folder)
    return found.hosts[0] if found else ""
