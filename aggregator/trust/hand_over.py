"""The one file that goes between the aggregator and whoever signs: current metadata, bundles, changes.

JSON, so that people can look at it. Nothing in it is secret, and nothing in it is believed unless signed.
"""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any, Final

from aggregator.errors import TrustError
from aggregator.trust.limits import HAND_OVER_BYTES, METADATA_BYTES
from aggregator.trust.releases import Addition
from contract.bundle import LIMIT_BYTES as BUNDLE_LIMIT_BYTES
from contract.checks import name, optional, sequence_of, text, whole
from contract.errors import ContractError

SCHEMA: Final = 1
_MOST_ROOTS: Final = 256
_MOST_BUNDLES: Final = 4
_MOST_NODES: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver:
    """Metadata with what is to be changed, or has been."""

    roots: tuple[bytes, ...]
    """All, from version 1 on; the last may wait for signatures."""
    targets: bytes
    add: tuple[Addition, ...] = ()
    remove: tuple[str, ...] = ()
    """Names of targets."""
    signed: bool = True
    """Whether ``add`` and ``remove`` are in ``targets`` already."""


def write(said: HandOver) -> bytes:
    """The file's content."""
    plain = {
        "schema": SCHEMA,
        "signed": said.signed,
        "roots": [root.decode() for root in said.roots],
        "targets": said.targets.decode(),
        "add": [
            {"bundle": base64.b64encode(one.content).decode(), "nodes": _listed(one.nodes)}
            for one in said.add
        ],
        "remove": list(said.remove),
    }
    return json.dumps(plain, indent=1).encode()


def read(content: bytes) -> HandOver:
    """What a file says; ``TrustError`` if it is none of this kind. Bundles and signatures are not checked."""
    if len(content) > HAND_OVER_BYTES:
        raise TrustError(f"longer than {HAND_OVER_BYTES} bytes")
    try:
        plain = json.loads(content)
        whole(SCHEMA, SCHEMA)("schema", plain["schema"])
        metadata = text(METADATA_BYTES)
        return HandOver(
            roots=tuple(
                one.encode()
                for one in sequence_of(metadata, low=1, high=_MOST_ROOTS)("roots", plain["roots"])
            ),
            targets=metadata("targets", plain["targets"]).encode(),
            add=sequence_of(_addition, high=_MOST_BUNDLES)("add", plain["add"]),
            remove=sequence_of(text(200), high=1000)("remove", plain["remove"]),
            signed=plain["signed"] is True,
        )
    except ContractError as error:
        raise TrustError(f"not a file to sign or hand in: {error}") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise TrustError("not a file to sign or hand in") from error


def _addition(field: str, value: Any) -> Addition:
    try:
        content = base64.b64decode(value["bundle"], validate=True)
        nodes = optional(sequence_of(name, low=1, high=_MOST_NODES))(f"{field}.nodes", value["nodes"])
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise ContractError(f"{field}: holds no bundle") from error
    if len(content) > BUNDLE_LIMIT_BYTES:
        raise ContractError(f"{field}: a bundle is larger than {BUNDLE_LIMIT_BYTES} bytes")
    return Addition(content=content, nodes=nodes)


def _listed(nodes: tuple[str, ...] | None) -> list[str] | None:
    return None if nodes is None else list(nodes)
