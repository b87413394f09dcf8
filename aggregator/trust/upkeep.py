"""Snapshot and timestamp: signed with the online key when what they vouch for changes or time runs out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, Targets, Timestamp

from aggregator.errors import TrustError
from aggregator.trust import envelopes, roots
from aggregator.trust.keys import SigningKey
from aggregator.trust.lifetimes import Lifetimes, expiry, is_due

T = TypeVar("T", Targets, Snapshot, Timestamp)


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What nodes are given; absent or unreadable parts are None."""

    root: bytes
    targets: bytes
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
        meta = {"targets.json": _meta(Targets, served.targets)}
        made = Snapshot(version=version, expires=expiry(now_s, lifetimes.snapshot_days), meta=meta)
        snapshot = envelopes.sign(Metadata(made), key)
        written[f"{version}.snapshot.json"] = snapshot
    if _timestamp(root, served, snapshot, lifetimes, now_s) is None:
        version = _next(_version(Timestamp, served.timestamp), now_s)
        expires = expiry(now_s, lifetimes.timestamp_days)
        stamp = Timestamp(version=version, expires=expires, snapshot_meta=_meta(Snapshot, snapshot))
        written["timestamp.json"] = envelopes.sign(Metadata(stamp), key)
    return written


def check_key(root: Root, key: SigningKey) -> None:
    """Raise ``TrustError`` if ``key`` is not the online key that ``root`` names."""
    wanted = roots.names(root)[roots.ONLINE]
    if key.public.keyid != wanted:
        raise TrustError(f"the online key is not the one that root version {root.version} names")


def _snapshot(root: Root, served: Served, lifetimes: Lifetimes, now_s: float) -> bytes | None:
    """The snapshot, if it still holds."""
    held = _held(root, Snapshot, served.snapshot, lifetimes.snapshot_days, now_s)
    fits = held is not None and held.meta.get("targets.json") == _meta(Targets, served.targets)
    return served.snapshot if fits else None


def _timestamp(
    root: Root, served: Served, snapshot: bytes, lifetimes: Lifetimes, now_s: float
) -> bytes | None:
    """The timestamp, if it still holds."""
    held = _held(root, Timestamp, served.timestamp, lifetimes.timestamp_days, now_s)
    fits = held is not None and held.snapshot_meta == _meta(Snapshot, snapshot)
    return served.timestamp if fits else None


def _held(root: Root, kind: type[T], content: bytes | None, days: float, now_s: float) -> T | None:
    """What ``content`` says, if ``root`` vouches for it and it need not be signed again yet."""
    if content is None:
        return None
    try:
        signed = envelopes.verified(root, kind, content)
    except TrustError:
        return None
    return None if is_due(signed.expires, days, now_s) else signed


def _meta(kind: type[T], content: bytes) -> MetaFile:
    """What the metadata above says of ``content``."""
    return MetaFile.from_data(_version(kind, content), content, ["sha256"])


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
