"""Snapshot and timestamp: signed with the online key when what they vouch for changes or time runs out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, Timestamp

from aggregator.errors import TrustError
from aggregator.trust import envelopes, roots
from aggregator.trust.keys import SigningKey
from aggregator.trust.lifetimes import Lifetimes, expiry, is_due

T = TypeVar("T", Snapshot, Timestamp)


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What nodes are given; absent or unreadable parts are None."""

    root: bytes
    targets: bytes
    targets_version: int
    snapshot: bytes | None = None
    timestamp: bytes | None = None


def is_current(served: Served, lifetimes: Lifetimes, now_s: float) -> bool:
    """Whether nothing has to be signed. Needs no key."""
    root = envelopes.read(Root, served.root).signed
    snapshot = _snapshot(root, served, lifetimes, now_s)
    return snapshot is not None and _timestamp(root, served, snapshot, lifetimes, now_s) is not None


def renewed(served: Served, key: SigningKey, lifetimes: Lifetimes, now_s: float) -> Mapping[str, bytes]:
    """What to write so that nodes find everything in force, by file name, in this order.

    Raises ``TrustError`` if ``key`` is not the online key that root names.
    """
    root = envelopes.read(Root, served.root).signed
    check_key(root, key)
    written: dict[str, bytes] = {}
    snapshot = _snapshot(root, served, lifetimes, now_s)
    if snapshot is None:
        version = _next(_version(Snapshot, served.snapshot), now_s)
        meta = MetaFile.from_data(served.targets_version, served.targets, ["sha256"])
        made = Snapshot(
            version=version, expires=expiry(now_s, lifetimes.snapshot_days), meta={"targets.json": meta}
        )
        snapshot = envelopes.sign(Metadata(made), key)
        written[f"{version}.snapshot.json"] = snapshot
    if _timestamp(root, served, snapshot, lifetimes, now_s) is None:
        version = _next(_version(Timestamp, served.timestamp), now_s)
        meta = MetaFile.from_data(_version(Snapshot, snapshot), snapshot, ["sha256"])
        stamp = Timestamp(
            version=version, expires=expiry(now_s, lifetimes.timestamp_days), snapshot_meta=meta
        )
        written["timestamp.json"] = envelopes.sign(Metadata(stamp), key)
    return written


def check_key(root: Root, key: SigningKey) -> None:
    """Raise ``TrustError`` if ``key`` is not the online key that ``root`` names."""
    wanted = roots.names(root)[roots.ONLINE]
    if key.public.keyid != wanted:
        raise TrustError(f"the online key is not the one that root version {root.version} names")


def _snapshot(root: Root, served: Served, lifetimes: Lifetimes, now_s: float) -> bytes | None:
    """The snapshot, if it still holds."""
    if served.snapshot is None:
        return None
    try:
        metadata = envelopes.read(Snapshot, served.snapshot)
        envelopes.verify(root, metadata)
    except TrustError:
        return None
    meta = metadata.signed.meta.get("targets.json")
    fits = meta == MetaFile.from_data(served.targets_version, served.targets, ["sha256"])
    due = is_due(metadata.signed.expires, lifetimes.snapshot_days, now_s)
    return served.snapshot if fits and not due else None


def _timestamp(
    root: Root, served: Served, snapshot: bytes, lifetimes: Lifetimes, now_s: float
) -> bytes | None:
    """The timestamp, if it still holds."""
    if served.timestamp is None:
        return None
    try:
        metadata = envelopes.read(Timestamp, served.timestamp)
        envelopes.verify(root, metadata)
    except TrustError:
        return None
    wanted = MetaFile.from_data(_version(Snapshot, snapshot), snapshot, ["sha256"])
    fits = metadata.signed.snapshot_meta == wanted
    due = is_due(metadata.signed.expires, lifetimes.timestamp_days, now_s)
    return served.timestamp if fits and not due else None


def _version(kind: type[T], content: bytes | None) -> int:
    """The version in ``content``; 0 if there is none to read."""
    if content is None:
        return 0
    try:
        return envelopes.read(kind, content).signed.version
    except TrustError:
        return 0


def _next(version: int, now_s: float) -> int:
    # Not merely one more: an aggregator restored from a backup must not count what nodes have seen already.
    return max(version + 1, int(now_s))
