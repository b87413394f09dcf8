"""The fleet's certificate authority on disk: made on first use, its key readable by the owner alone."""

import fcntl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aggregator.errors import StoreError
from aggregator.services.durable_files import hand_to_owner, in_words, make_folder, replace

if TYPE_CHECKING:
    from aggregator.trust.certificates import Authority

AGGREGATOR: Final = "aggregator"
"""As whom the aggregator signs in at the broker."""
CANARY: Final = "canary"
"""The name of a certificate that is always revoked: a broker that takes it has not read the newest list."""
OWN_DAYS: Final = 730.0
LIST_DAYS: Final = 7_300.0
"""A broker lets nobody in by a list that has expired, so lists hardly do; they are replaced, not awaited."""
DUE_SHARE: Final = 1 / 3
_PASSING_DAYS: Final = 1 / 144
_DAY_S: Final = 86_400.0


class AuthorityService:
    """Everything of certificates below ``folder``. Safe for use by many threads and processes."""

    def __init__(self, folder: Path, *, now: Callable[[], float] = time.time) -> None:
        self.folder = folder
        self._now = now
        self._made: Authority | None = None

    @property
    def certificate_path(self) -> Path:
        """The authority's certificate, which everybody may have."""
        return self.folder / "authority.crt"

    @property
    def list_path(self) -> Path:
        """What is revoked."""
        return self.folder / "revoked.crl"

    @property
    def canary_path(self) -> Path:
        """Key and certificate that every broker should refuse."""
        return self.folder / "canary.pem"

    @property
    def is_made(self) -> bool:
        """Whether it was ever used."""
        return self.certificate_path.exists()

    def authority(self) -> "Authority":
        """It; made if there is none, by whichever process is first."""
        if self._made is None:
            with self._locked():
                self._made = self._load_or_make()
        return self._made

    def own(self, name: str) -> Path:
        """Key and certificate of the aggregator as ``name``: made, and made anew before they expire."""
        path = self.folder / f"{name}.pem"
        if self._due(path):
            self._write(path, self.signed_in(name, OWN_DAYS))
        return path

    def server(self, name: str, hosts: Sequence[str]) -> Path:
        """Key and certificate of a server that answers under ``hosts``, likewise, and anew if they change."""
        from aggregator.trust import certificates

        path, listed = self.folder / f"{name}.pem", self.folder / f"{name}.hosts"
        wanted = "".join(f"{host}\n" for host in hosts)
        if self._due(path) or not listed.exists() or listed.read_text() != wanted:
            key = certificates.make_key()
            issued = self.authority().issue_server(hosts, key.public_key(), self._now(), OWN_DAYS)
            self._write(path, certificates.together(key, issued))
            self._write(listed, wanted.encode())
        return path

    def signed_in(self, name: str, days: float = _PASSING_DAYS) -> bytes:
        """A new key with a certificate as ``name``, in one file (PEM); without ``days`` for ten minutes."""
        from aggregator.trust import certificates

        key = certificates.make_key()
        return certificates.together(key, self.authority().issue(name, key.public_key(), self._now(), days))

    def publish(self, read_revoked: Callable[[], Sequence[tuple[str, float]]]) -> bool:
        """Let the list say what is revoked (serial number, since when); whether it did not already.

        It is read when it is this caller's turn: who read earlier and wrote later would take out what
        somebody else has put on the list meanwhile.
        """
        from aggregator.trust import certificates

        with self._locked():
            self._made = self._load_or_make()
            revoked = read_revoked()
            known = frozenset(serial for serial, _ in revoked)
            listed = _read(self.list_path)
            # One more than those is the canary.
            if listed and known < (found := certificates.revoked_in(listed)) and len(found) == len(known) + 1:
                return False
            key, now_s = certificates.make_key(), self._now()
            canary = self._made.issue(CANARY, key.public_key(), now_s, LIST_DAYS)
            self._write(self.canary_path, certificates.together(key, canary))
            content = self._made.revocations([*revoked, (canary.serial, now_s)], now_s, LIST_DAYS)
            self._write(self.list_path, content, mode=0o644)
        return True

    def _due(self, path: Path) -> bool:
        from aggregator.trust import certificates

        content = _read(path)
        if not content:
            return True
        return certificates.expiry_s(content) - self._now() < OWN_DAYS * _DAY_S * DUE_SHARE

    def _load_or_make(self) -> "Authority":
        from aggregator.trust import certificates

        key_path = self.folder / "authority.key"
        key, certificate = _read(key_path), _read(self.certificate_path)
        if key and certificate:
            return certificates.load_authority(certificate, key)
        if certificate:
            raise StoreError(f"{key_path} is gone: restore it, or every node must enrol anew")
        made = certificates.make_authority(self._now())
        # The certificate last: a power cut between the two leaves a key that vouches for nothing yet.
        self._write(key_path, made.key_pem)
        self._write(self.certificate_path, made.pem, mode=0o644)
        return made

    def _write(self, path: Path, content: bytes, mode: int = 0o600) -> None:
        try:
            replace(path, content, mode=mode)
        except OSError as error:
            raise StoreError(f"{path} cannot be written: {in_words(error)}") from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            make_folder(self.folder)
            with (self.folder / "lock").open("a") as file:
                hand_to_owner(self.folder / "lock")
                fcntl.flock(file, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise StoreError(f"{self.folder}: {error.strerror or error}") from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror or error}") from error
