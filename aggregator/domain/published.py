"""Bundles as the signed metadata lists them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from contract.checks import hexadecimal, name, optional, sequence_of, text, whole
from contract.errors import ContractError
from contract.manifest import Manifest

TARGET_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,180}\.bundle")
_DIGEST_DIGITS: Final = 12
_MOST_NODES: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A bundle that nodes may run, as long as the metadata that lists it is valid."""

    digest: str
    target: str
    """Its name in the signed metadata."""
    model: str
    labels: tuple[str, ...]
    frontend_digest: str
    size_bytes: int
    minimum_agent_version: str
    nodes: tuple[str, ...] | None
    """The only nodes that may run it; None: all."""
    published_s: float
    expires_s: float
    """Then the metadata must have been renewed."""

    @property
    def file_name(self) -> str:
        """How its file is called, in folders and addresses."""
        return f"{self.digest}.{self.target}"

    def allows(self, node: str) -> bool:
        """Whether ``node`` may run it."""
        return self.nodes is None or node in self.nodes


def target_name(manifest: Manifest, digest: str) -> str:
    """What a bundle is called in the signed metadata: safe as a file's name, and of one bundle only."""
    version = re.sub(r"[^a-z0-9._]+", "-", manifest.version.lower())
    return f"{manifest.name}-{version}-{digest[:_DIGEST_DIGITS]}.bundle"


def custom_of(manifest: Manifest, nodes: tuple[str, ...] | None, published_s: int) -> dict[str, Any]:
    """What is signed of a bundle beside its digest, so that a node can refuse it before it is fetched."""
    said: dict[str, Any] = {
        "model": manifest.model,
        "labels": list(manifest.labels),
        "frontend_digest": manifest.frontend_digest,
        "minimum_agent_version": manifest.minimum_agent_version,
        "published_s": published_s,
    }
    return said if nodes is None else said | {"nodes": list(nodes)}


def listed(targets: Mapping[str, Any], expires_s: float) -> tuple[Published, ...]:
    """What the targets of signed metadata list, newest first; ``ContractError`` if it is not our kind."""
    found = [_read(target, said, expires_s) for target, said in targets.items()]
    return tuple(sorted(found, key=lambda one: (-one.published_s, one.target)))


def _read(target: str, said: Any, expires_s: float) -> Published:
    if not TARGET_NAME.fullmatch(target) or ".." in target:
        raise ContractError(f"{target[:200]!r}: is no name of a bundle")
    try:
        custom, digest, size_bytes = said["custom"], said["hashes"]["sha256"], said["length"]
        return Published(
            digest=hexadecimal(64)("sha256", digest),
            target=target,
            model=text(120)("model", custom["model"]),
            labels=sequence_of(text(60), low=2, high=1000)("labels", custom["labels"]),
            frontend_digest=hexadecimal(64)("frontend_digest", custom["frontend_digest"]),
            size_bytes=whole(1, 2**53)("length", size_bytes),
            minimum_agent_version=text(40)("minimum_agent_version", custom["minimum_agent_version"]),
            nodes=optional(sequence_of(name, low=1, high=_MOST_NODES))("nodes", custom.get("nodes")),
            published_s=float(whole(0, 2**53)("published_s", custom["published_s"])),
            expires_s=expires_s,
        )
    except ContractError as error:
        raise ContractError(f"{target}: {error}") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise ContractError(f"{target}: what is signed of it is not complete") from error
