"""What an aggregator takes from whoever signs. The signatures are the authority, not who brings them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from tuf.api.metadata import Root, Targets

from aggregator.domain.published import Published
from aggregator.errors import TrustError
from aggregator.trust import releases, roots
from aggregator.trust.hand_over import HandOver
from aggregator.trust.lifetimes import is_expired


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What an aggregator has: all roots from version 1 on, the targets metadata, which bundles lie there."""

    roots: tuple[bytes, ...] = ()
    targets: bytes | None = None
    bundles: Collection[str] = ()
    """Names of files, ``<digest>.<target>``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What to write."""

    root: Root
    roots: Mapping[int, bytes]
    """New ones, by version."""
    targets: bytes
    targets_version: int
    published: tuple[Published, ...]
    bundles: Mapping[str, bytes]
    """New ones, by the name of their file."""
    changes: bool
    """Whether anything is new."""


def accept(held: Held, handed: HandOver, now_s: float) -> Accepted:
    """What becomes of ``held`` with what was ``handed`` in; ``TrustError`` says why it is not taken."""
    if not handed.signed:
        raise TrustError("this is not signed yet: `aggregator ota sign` does that")
    root = _root(held.roots, handed.roots, now_s)
    targets = releases.verified(root, handed.targets)
    if is_expired(targets.expires, now_s):
        raise TrustError(f"targets metadata expired on {targets.expires:%Y-%m-%d}: `aggregator ota renew`")
    same = _check_progress(held, handed.targets, targets)
    published = releases.published(targets)
    bundles = _bundles(published, handed, held.bundles)
    new = {at + 1: one for at, one in enumerate(handed.roots) if at >= len(held.roots)}
    return Accepted(
        root=root,
        roots=new,
        targets=handed.targets,
        targets_version=targets.version,
        published=published,
        bundles=bundles,
        changes=bool(new or bundles) or not same,
    )


def _root(held: Sequence[bytes], handed: Sequence[bytes], now_s: float) -> Root:
    if len(handed) < len(held):
        raise TrustError(f"made from root version {len(handed)}, but version {len(held)} is in force")
    if tuple(handed[: len(held)]) != tuple(held):
        raise TrustError("made from other root metadata than this aggregator's: another fleet's, or forged")
    root = roots.verified(handed)
    if is_expired(root.expires, now_s):
        raise TrustError(f"root metadata expired on {root.expires:%Y-%m-%d}: `aggregator ota renew --root`")
    return root


def _check_progress(held: Held, handed: bytes, targets: Targets) -> bool:
    """Whether the targets metadata is the one that is held; ``TrustError`` if it is older or another one."""
    if held.targets is None or held.targets == handed:
        return held.targets == handed
    before = releases.version(held.targets)
    if targets.version <= before:
        raise TrustError(
            f"targets metadata version {targets.version} was handed in, but version {before} is in force: "
            "somebody else has signed meanwhile; do it again from there"
        )
    return False


def _bundles(published: Sequence[Published], handed: HandOver, held: Collection[str]) -> dict[str, bytes]:
    """Those that are listed and not held; ``TrustError`` if some are nowhere, or not what is listed."""
    contents = {one.digest: one.content for one in handed.add}
    missing = [one.target for one in published if one.file_name not in held and one.digest not in contents]
    if missing:
        raise TrustError(
            f"listed, but their bundles are not here: {', '.join(missing)}. Hand in first what published "
            "them, or withdraw them with `aggregator ota withdraw`"
        )
    new: dict[str, bytes] = {}
    for one in published:
        if one.file_name in held:
            continue
        releases.check_content(one, contents[one.digest])
        new[one.file_name] = contents[one.digest]
    return new
