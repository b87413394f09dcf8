"""Root metadata: which keys speak for which role, and how one root hands over to the next."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from securesystemslib.signer import Key
from tuf.api.metadata import Metadata, Role, Root

from aggregator.errors import TrustError
from aggregator.trust import envelopes
from aggregator.trust.keys import SigningKey, name_of
from aggregator.trust.lifetimes import Lifetimes, expiry

ROOT_KEYS: Final = ("root-1", "root-2", "root-3")
TARGETS: Final = "targets"
ONLINE: Final = "online"
OFFLINE_KEYS: Final = (*ROOT_KEYS, TARGETS)
KEYS: Final = (*OFFLINE_KEYS, ONLINE)
THRESHOLD: Final = 2
"""So many root keys must sign a root."""

ROLES_OF: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(ROOT_KEYS, ("root",)),
    TARGETS: ("targets",),
    ONLINE: ("snapshot", "timestamp"),
}


def first(keys: Mapping[str, Key], lifetimes: Lifetimes, now_s: float) -> bytes:
    """Root version 1 with a key for each name in ``KEYS``, not signed yet."""
    root = Root(
        version=1,
        expires=expiry(now_s, lifetimes.root_days),
        roles={
            "root": Role([], THRESHOLD), "targets": Role([], 1),
            "snapshot": Role([], 1), "timestamp": Role([], 1),
        },
        consistent_snapshot=True,
    )  # fmt: skip
    for name in KEYS:
        for role in ROLES_OF[name]:
            root.add_key(keys[name], role)
    return envelopes.write(Metadata(root))


def following(current: bytes, new: Mapping[str, Key], lifetimes: Lifetimes, now_s: float) -> bytes:
    """The next root, not signed yet: ``new`` keys take the place of those of the same name."""
    root = read(current)
    held = names(root)
    for name, key in new.items():
        for role in ROLES_OF[name]:
            root.revoke_key(held[name], role)
            root.add_key(key, role)
    root.version += 1
    root.expires = expiry(now_s, lifetimes.root_days)
    return envelopes.write(Metadata(root))


def signed(previous: bytes | None, draft: bytes, keys: Iterable[SigningKey]) -> bytes:
    """``draft`` with the signatures of those of ``keys`` that count: in it, or in the root before it."""
    root = envelopes.read(Root, draft)
    counting = set(root.signed.roles["root"].keyids)
    if previous is not None:
        counting |= set(envelopes.read(Root, previous).signed.roles["root"].keyids)
    return envelopes.sign(root, *(key for key in keys if key.public.keyid in counting))


def verified(roots: Sequence[bytes]) -> Root:
    """The last of a chain of roots, each signed as the one before it and it itself ask for.

    Raises ``TrustError``. Expiry is not looked at: an old root leads to a new one all the same.
    """
    if not roots:
        raise TrustError("there is no root metadata: `aggregator ota keys init` makes it")
    before: Root | None = None
    for content in roots:
        before = _follows(before, envelopes.read(Root, content))
    assert before is not None  # noqa: S101
    return before


def read(content: bytes) -> Root:
    """The root in ``content``, not verified."""
    return envelopes.read(Root, content).signed


def lacking(chain: Sequence[bytes]) -> str:
    """What the last of a chain of roots lacks before anybody accepts it; empty if it is accepted."""
    if len(chain) > 1:
        verified(chain[:-1])
    try:
        verified(chain)
    except TrustError as error:
        return str(error)
    return ""


def changes(chain: Sequence[bytes]) -> list[str]:
    """What the last of a chain of roots changes, in sentences."""
    if len(chain) < 2:
        return []
    before, after = (read(one) for one in chain[-2:])
    held = names(before)
    changed = [
        f"{name}: {keyid[:12]} takes the place of {held[name][:12]}"
        for name, keyid in names(after).items()
        if keyid != held[name]
    ]
    return [*changed, f"root version {after.version} is valid until {after.expires:%Y-%m-%d}"]


def root_keys(*contents: bytes) -> list[tuple[str, str]]:
    """Names and ids of all root keys that those roots name, each id once."""
    found = {keyid: name for one in contents for name, keyid in names(read(one)).items() if name in ROOT_KEYS}
    return [(name, keyid) for keyid, name in found.items()]


def names(root: Root) -> dict[str, str]:
    """Which key, by its id, a root names for each of ``KEYS``; ``TrustError`` if it is not laid out so."""
    found = {name_of(root.keys[keyid]): keyid for role in root.roles.values() for keyid in role.keyids}
    laid_out = all(
        found.get(name) in root.roles[role].keyids for name in KEYS for role in ROLES_OF.get(name, ())
    )
    if set(found) != set(KEYS) or not laid_out:
        raise TrustError(f"root version {root.version} is not laid out as Soundpost does it")
    thresholds = {role: root.roles[role].threshold for role in ("root", "targets", "snapshot", "timestamp")}
    if thresholds != {"root": THRESHOLD, "targets": 1, "snapshot": 1, "timestamp": 1}:
        raise TrustError(f"root version {root.version} asks for other numbers of signatures than Soundpost's")
    return found


def _follows(before: Root | None, candidate: Metadata[Root]) -> Root:
    root = candidate.signed
    if before is not None and root.version != before.version + 1:
        raise TrustError(f"after root version {before.version} comes version {root.version}: one is missing")
    result = root.get_root_verification_result(before, candidate.signed_bytes, candidate.signatures)
    for asking, part in ((before or root, result.first), (root, result.second)):
        if not part.verified:
            raise TrustError(
                f"root version {root.version} is signed by {len(part.signed)} of the {part.threshold} "
                f"root keys that version {asking.version} asks for"
            )
    names(root)
    return root
