"""What a node was told when it joined its fleet: kept beside its certificate, read with the settings."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from contract.checks import hexadecimal, name, real, sequence_of, text, truth, whole
from contract.enrolment import GENERATIONS_MOST
from contract.errors import ContractError
from contract.record import Record, checked
from edge_agent.errors import SettingsError

SCHEMA: Final = 1
DUE_SHARE: Final = 1 / 3
"""A certificate is renewed once no more than this share of its time is left."""
_FOLDER: Final = "enrolment"
_RECORD: Final = "enrolment.json"
_WALL: Final = real(0, 1e11)


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled(Record):
    """Who the node is in its fleet, and until when its certificate says so."""

    schema: int = checked(whole(SCHEMA, SCHEMA), "version of the file", default=SCHEMA)
    url: str = checked(text(500), "where it joined, and renews its certificate")
    node: str = checked(name, "its name")
    generation: int = checked(whole(1, GENERATIONS_MOST), "how often a node of that name has joined")
    site: str = checked(text(100, empty=True), "where it stands", default="")
    tags: tuple[str, ...] = checked(sequence_of(name, high=50), "words to group nodes by", default=())
    broker_host: str = checked(text(255), "where the broker is")
    broker_port: int = checked(whole(1, 65535), "its port")
    namespace: str = checked(name, "first part of every topic")
    serial: str = checked(hexadecimal(40), "serial number of the certificate")
    not_before_s: float = checked(_WALL, "the certificate is valid from then on")
    not_after_s: float = checked(_WALL, "and until then")
    confirmed: bool = checked(truth, "whether the aggregator knows that it lies here")
    trust_system: bool = checked(truth, "whether the system's authorities vouch for the aggregator too")

    def is_due(self, now_s: float) -> bool:
        """Whether it is to be renewed; never by a clock that cannot be right."""
        left_s = self.not_after_s - now_s
        return now_s >= self.not_before_s and left_s <= DUE_SHARE * (self.not_after_s - self.not_before_s)


def folder_in(state: Path) -> Path:
    """Where certificate and record lie, in a node's state folder."""
    return state / _FOLDER


def record_path(folder: Path) -> Path:
    """The record. Written last: a node without it has not joined."""
    return folder / _RECORD


def identity_path(folder: Path) -> Path:
    """Key and certificate, in one file: there is never one without the other."""
    return folder / "node.pem"


def authority_path(folder: Path) -> Path:
    """The certificate of the fleet's authority."""
    return folder / "authority.crt"


def root_path(folder: Path) -> Path:
    """The first root metadata of updates, if the fleet had any."""
    return folder / "root.json"


def read_enrolled(folder: Path) -> Enrolled | None:
    """The record in ``folder``; None if the node has not joined. ``SettingsError`` if it cannot be read."""
    path = record_path(folder)
    try:
        return Enrolled.from_plain(json.loads(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror or error}") from error
    except (ContractError, ValueError) as error:
        raise SettingsError(f"{path}: {error}; enrol the node anew") from error


def in_place_of_defaults(folder: Path, enrolled: Enrolled) -> dict[str, dict[str, Any]]:
    """Settings that hold unless the file says otherwise."""
    update: dict[str, Any] = {}
    if root_path(folder).exists():
        update["root"] = str(root_path(folder))
    if not enrolled.trust_system:
        update["ca_file"] = str(authority_path(folder))
    return {"node": {"site": enrolled.site, "tags": list(enrolled.tags)}, "update": update}


def above_the_file(folder: Path, enrolled: Enrolled) -> dict[str, dict[str, Any]]:
    """Settings that hold whatever the file says: a certificate is of no use to another node or broker."""
    return {
        "node": {"name": enrolled.node},
        "broker": {
            "host": enrolled.broker_host, "port": enrolled.broker_port, "namespace": enrolled.namespace,
            "username": "", "password_file": None, "ca_file": str(authority_path(folder)),
            "cert_file": str(identity_path(folder)), "key_file": None,
        },
    }  # fmt: skip
