"""What nodes may run: signed metadata and bundles, served as they lie, renewed when their time runs out.

Reading needs no cryptography: nodes verify. The modules of ``aggregator.trust`` are imported where something
is signed, so that ingest, which only reads, does without them.
"""

import fcntl
import hashlib
import hmac
import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from aggregator.domain.published import Published, listed
from aggregator.errors import StoreError, TrustError
from aggregator.services import secret_files
from aggregator.services.durable_files import hand_to_owner, make_folder
from aggregator.services.online_key import OnlineKeys
from aggregator.services.ota_files import OtaFiles
from aggregator.trust.lifetimes import Lifetimes
from contract.errors import ContractError

if TYPE_CHECKING:
    from aggregator.trust.acceptance import Accepted, Held
    from aggregator.trust.hand_over import HandOver

TIMESTAMP: Final = "timestamp.json"
_SECRET_BYTES: Final = 32

_log = logging.getLogger(__name__)


class OtaRepository:
    """Everything of OTA below ``folder``. Safe for use by many threads and processes."""

    def __init__(
        self,
        folder: Path,
        *,
        lifetimes: Lifetimes | None = None,
        passphrase_file: Path | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self._files = OtaFiles(folder)
        self._online = OnlineKeys(folder, passphrase_file)
        self._lifetimes = lifetimes or Lifetimes()
        self._now = now
        self._secret: str | None = None

    @property
    def is_set_up(self) -> bool:
        """Whether keys were made and handed in."""
        return self._files.metadata("1.root.json") is not None

    def metadata(self, name: str) -> bytes | None:
        """A file of metadata, as nodes ask for it; None if there is none of that name."""
        return self._files.metadata(name)

    def target(self, name: str) -> Path | None:
        """Where the bundle ``<digest>.<target>`` lies; None if there is none."""
        return self._files.target(name)

    def token(self, node: str) -> str:
        """What ``node`` shows to be given what it should run, 64 hexadecimal digits."""
        if self._secret is None:
            self._secret = secret_files.read_or_make(self._folder / "token.secret", _SECRET_BYTES)
        return hmac.new(self._secret.encode(), f"ota:{node}".encode(), hashlib.sha256).hexdigest()

    def published(self) -> tuple[Published, ...]:
        """What nodes may run, newest first; nothing before the first was published."""
        content = self._current_targets()
        if content is None:
            return ()
        try:
            signed = json.loads(content)["signed"]
            return listed(signed["targets"], _moment_s(signed["expires"]))
        except (ValueError, KeyError, TypeError, ContractError) as error:
            raise StoreError(f"{self._folder}: the metadata there is damaged: {error}") from error

    def expires_s(self, role: str) -> float | None:
        """When the newest ``root``, or the current ``targets``, expires; None before there is any."""
        content = self._newest(role) if role == "root" else self._current_targets()
        return None if content is None else _moment_s(_signed(content)["expires"])

    def export(self) -> "HandOver":
        """What whoever signs must know. Raises ``TrustError`` before keys were made."""
        from aggregator.trust.hand_over import HandOver

        held = self._held()
        if held.targets is None:
            raise TrustError("no keys were handed in yet: `aggregator ota keys init` makes them")
        return HandOver(roots=held.roots, targets=held.targets)

    def keep_online_key(self, sealed: bytes, passphrase: str) -> None:
        """Keep a new online key beside the one in force, until root names it."""
        self._online.keep(sealed, passphrase)

    def hand_in(self, handed: "HandOver") -> "Accepted":
        """Take what was signed, and tell nodes. ``TrustError`` if any of it does not hold: then none is."""
        from aggregator.trust import acceptance
        from aggregator.trust.roots import ONLINE, names

        with self._locked():
            accepted = acceptance.accept(self._held(), handed, self._now())
            online = names(accepted.root)[ONLINE]
            self._online.find(online)
            for name, content in accepted.bundles.items():
                self._files.write_target(name, content)
            # Targets before roots: after a power cut between them the former root vouches for former targets.
            self._files.write_metadata(f"{accepted.targets_version}.targets.json", accepted.targets)
            for version, content in accepted.roots.items():
                self._files.write_metadata(f"{version}.root.json", content)
            self._renew()
            self._online.tidy(online)
            self._files.tidy(frozenset(one.file_name for one in accepted.published))
        return accepted

    def refresh(self) -> bool:
        """Sign snapshot and timestamp again where their time runs out; whether anything was signed.

        Raises ``TrustError`` if the online key is missing or not the one in force.
        """
        if not self.is_set_up:
            return False
        with self._locked():
            return self._renew()

    def _renew(self) -> bool:
        from aggregator.trust import roots, upkeep

        held = self._held()
        if held.targets is None:
            raise StoreError(f"{self._folder}: the targets metadata is gone; hand it in again")
        served = upkeep.Served(
            root=held.roots[-1],
            targets=held.targets,
            snapshot=self._newest("snapshot"),
            timestamp=self._files.metadata(TIMESTAMP),
        )
        if upkeep.is_current(served, self._lifetimes, self._now()):
            return False
        key = self._online.find(roots.names(roots.verified(held.roots))[roots.ONLINE])
        for name, content in upkeep.renewed(served, key, self._lifetimes, self._now()).items():
            self._files.write_metadata(name, content)
            _log.info("signed %s", name)
        return True

    def _held(self) -> "Held":
        from aggregator.trust import releases, roots
        from aggregator.trust.acceptance import Held

        contents = [self._files.metadata(f"{at}.root.json") for at in sorted(self._files.versions("root"))]
        chain = tuple(one for one in contents if one is not None)
        if not chain:
            return Held()
        root = roots.verified(chain)
        for version in self._files.versions("targets"):
            content = self._files.metadata(f"{version}.targets.json")
            # One that is not vouched for was written, but its root was not, before the power went.
            if content is not None and releases.is_vouched(root, content):
                return Held(roots=chain, targets=content, bundles=self._files.targets())
        return Held(roots=chain, bundles=self._files.targets())

    def _current_targets(self) -> bytes | None:
        """The targets metadata that nodes are led to."""
        stamp = self._files.metadata(TIMESTAMP)
        if stamp is None:
            return None
        snapshot = self._files.metadata(f"{_led_to(stamp, 'snapshot.json')}.snapshot.json")
        if snapshot is None:
            return None
        return self._files.metadata(f"{_led_to(snapshot, 'targets.json')}.targets.json")

    def _newest(self, role: str) -> bytes | None:
        versions = self._files.versions(role)
        return self._files.metadata(f"{versions[0]}.{role}.json") if versions else None

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            make_folder(self._folder)
            with (self._folder / "lock").open("a") as file:
                hand_to_owner(self._folder / "lock")
                fcntl.flock(file, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise StoreError(f"{self._folder}: {error.strerror or error}") from error


def _led_to(content: bytes, name: str) -> int:
    return int(_signed(content)["meta"][name]["version"])


def _moment_s(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _signed(content: bytes) -> Any:
    try:
        return json.loads(content)["signed"]
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"metadata is damaged: {error}") from error
