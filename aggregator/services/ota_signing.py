"""What whoever holds the keys does: begin, publish, withdraw, renew, change keys, sign what others prepared.

Each gives what is to be handed in; nothing here reaches an aggregator.
"""

import secrets
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Final

from aggregator.errors import TrustError
from aggregator.services.key_folder import AskPassphrase, KeyFolder
from aggregator.trust import keys, releases, roots
from aggregator.trust.hand_over import HandOver
from aggregator.trust.keys import SigningKey
from aggregator.trust.lifetimes import Lifetimes
from aggregator.trust.releases import Addition

_PASSPHRASE_BYTES: Final = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlineSecret:
    """A new online key on its way to the aggregator."""

    keyid: str
    sealed: bytes
    passphrase: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What was signed, and what else the aggregator needs."""

    handed: HandOver
    online: OnlineSecret | None = None
    lacking: str = ""
    """What a root still lacks before anybody accepts it; empty: nothing."""


class Signing:
    """Signs with the keys in a folder: ``ask`` gives the passphrase of a key, ``choose`` a new one."""

    def __init__(
        self,
        folder: KeyFolder,
        ask: AskPassphrase,
        choose: AskPassphrase,
        lifetimes: Lifetimes | None = None,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self._ask = ask
        self._choose = choose
        self._lifetimes = lifetimes or Lifetimes()
        self._now = now

    def begin(self) -> Change:
        """Make every key, and metadata that lists nothing. Raises ``TrustError`` if that was done before."""
        if self._folder.record() is not None:
            raise TrustError(f"{self._folder.folder} holds keys already; `ota keys rotate` changes them")
        made = {name: keys.make(name) for name in roots.KEYS}
        for name in roots.OFFLINE_KEYS:
            self._folder.keep(made[name], self._choose(name))
        draft = roots.first({name: key.public for name, key in made.items()}, self._lifetimes, self._now())
        root = roots.signed(None, draft, (made[name] for name in roots.ROOT_KEYS))
        handed = HandOver(
            roots=(root,), targets=releases.first(self._lifetimes, self._now(), made[roots.TARGETS])
        )
        return Change(handed=handed, online=_on_its_way(made[roots.ONLINE]))

    def publish(self, base: HandOver, add: Sequence[Addition] = (), remove: Collection[str] = ()) -> Change:
        """List bundles, or list them no more; with neither, only be valid for longer."""
        key = self._targets_key(base.roots[-1])
        targets = releases.changed(
            base.targets, key, self._lifetimes, self._now(), add=add, remove=remove
        )  # fmt: skip
        return Change(
            handed=HandOver(roots=base.roots, targets=targets, add=tuple(add), remove=tuple(remove))
        )

    def rotate(self, base: HandOver, names: Collection[str]) -> Change:
        """A new root with new keys in the places of ``names``; with none, only valid for longer.

        Signed with every root key that is here, old and new. Raises ``TrustError`` if there is none.
        """
        new = {name: keys.make(name) for name in names}
        for name in sorted(set(new) - {roots.ONLINE}):
            self._folder.keep(new[name], self._choose(name))
        before = base.roots[-1]
        draft = roots.following(
            before, {name: key.public for name, key in new.items()}, self._lifetimes, self._now()
        )
        draft = roots.signed(before, draft, new.values())
        targets = base.targets
        if roots.TARGETS in new:
            targets = releases.changed(targets, new[roots.TARGETS], self._lifetimes, self._now())
        handed = HandOver(roots=(*base.roots, draft), targets=targets)
        online = _on_its_way(new[roots.ONLINE]) if roots.ONLINE in new else None
        return replace(self._root_signed(handed), online=online)

    def sign(self, said: HandOver) -> Change:
        """Do what a file asks for: list and remove bundles, add signatures to a root that lacks some."""
        change = Change(handed=said)
        if roots.lacking(said.roots):
            change = self._root_signed(said)
        if not said.signed:
            change = self.publish(said, said.add, said.remove)
        return change

    def _root_signed(self, handed: HandOver) -> Change:
        *before, draft = handed.roots
        previous = before[-1] if before else None
        found = [
            key
            for name, keyid in roots.root_keys(*([previous] if previous else []), draft)
            if (key := self._folder.key(name, keyid, self._ask)) is not None
        ]
        chain = (*before, roots.signed(previous, draft, found))
        return Change(handed=replace(handed, roots=chain), lacking=roots.lacking(chain))

    def _targets_key(self, root: bytes) -> SigningKey:
        keyid = roots.names(roots.read(root))[roots.TARGETS]
        key = self._folder.key(roots.TARGETS, keyid, self._ask)
        if key is None:
            raise TrustError(f"the targets key ({keyid[:12]}) is not in {self._folder.folder}")
        return key


def _on_its_way(key: SigningKey) -> OnlineSecret:
    passphrase = secrets.token_urlsafe(_PASSPHRASE_BYTES)
    return OnlineSecret(keyid=key.public.keyid, sealed=key.sealed(passphrase), passphrase=passphrase)
