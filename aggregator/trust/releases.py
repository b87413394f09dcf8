"""Targets metadata: the list of bundles that nodes may run."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from tuf.api.metadata import Metadata, Root, TargetFile, Targets

from aggregator.domain.published import Published, custom_of, listed, target_name
from aggregator.errors import TrustError
from aggregator.trust import envelopes
from aggregator.trust.keys import SigningKey
from aggregator.trust.lifetimes import Lifetimes, expiry
from contract.bundle import Bundle, read_bundle
from contract.errors import ContractError


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """A bundle to be listed."""

    content: bytes
    nodes: tuple[str, ...] | None = None
    """The only nodes that may run it; None: all."""

    @property
    def digest(self) -> str:
        """Of its content."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def model(self) -> str:
        """What its content says that it is; ``TrustError`` if that is no bundle."""
        return _bundle(self.content).manifest.model


def first(lifetimes: Lifetimes, now_s: float, key: SigningKey) -> bytes:
    """Version 1, that lists nothing."""
    return envelopes.sign(Metadata(Targets(version=1, expires=expiry(now_s, lifetimes.targets_days))), key)


def changed(
    current: bytes,
    key: SigningKey,
    lifetimes: Lifetimes,
    now_s: float,
    *,
    add: Sequence[Addition] = (),
    remove: Collection[str] = (),
) -> bytes:
    """The next version: with ``add``, without the targets named in ``remove``, valid anew.

    Raises ``TrustError`` for what is no bundle, or is not listed.
    """
    targets = envelopes.read(Targets, current).signed
    for target in remove:
        if targets.targets.pop(target, None) is None:
            raise TrustError(f"{target} is not published")
    for addition in add:
        made = _target(addition, now_s)
        targets.targets[made.path] = made
    targets.version += 1
    targets.expires = expiry(now_s, lifetimes.targets_days)
    return envelopes.sign(Metadata(targets), key)


def verified(root: Root, content: bytes) -> Targets:
    """Targets metadata that ``root`` vouches for; its expiry is not looked at. Raises ``TrustError``."""
    targets = envelopes.verified(root, Targets, content)
    if targets.delegations is not None:
        raise TrustError("targets metadata hands on to further keys: Soundpost does not do that")
    return targets


def is_vouched(root: Root, content: bytes) -> bool:
    """Whether ``root`` vouches for targets metadata."""
    try:
        verified(root, content)
    except TrustError:
        return False
    return True


def published(targets: Targets) -> tuple[Published, ...]:
    """What it lists, newest first. Raises ``TrustError``."""
    plain = {path: target.to_dict() for path, target in targets.targets.items()}
    try:
        return listed(plain, targets.expires.timestamp())
    except ContractError as error:
        raise TrustError(f"targets metadata, version {targets.version}: {error}") from error


def version(content: bytes) -> int:
    """The version of targets metadata, verified or not."""
    return envelopes.read(Targets, content).signed.version


def check_content(one: Published, content: bytes) -> None:
    """Raise ``TrustError`` unless ``content`` is the bundle that is listed, and says the same of itself."""
    try:
        bundle = read_bundle(content)
    except ContractError as error:
        raise TrustError(f"{one.target}: {error}") from error
    manifest = bundle.manifest
    promised = (one.digest, one.size_bytes, one.model, one.labels, one.frontend_digest)
    found = (bundle.digest, len(content), manifest.model, manifest.labels, manifest.frontend_digest)
    if promised != found:
        raise TrustError(f"{one.target}: the bundle is not the one that is listed")


def _bundle(content: bytes) -> Bundle:
    try:
        return read_bundle(content)
    except ContractError as error:
        raise TrustError(f"not a bundle to publish: {error}") from error


def _target(addition: Addition, now_s: float) -> TargetFile:
    bundle = _bundle(addition.content)
    path = target_name(bundle.manifest, bundle.digest)
    target = TargetFile.from_data(path, addition.content, ["sha256"])
    target.unrecognized_fields["custom"] = custom_of(bundle.manifest, addition.nodes, int(now_s))
    return target
