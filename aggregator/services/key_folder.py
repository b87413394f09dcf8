"""The folder of whoever signs: sealed keys, the newest metadata that they signed, the token for uploads.

Further folders, such as of a stick that is plugged in only for this, may hold some of the keys.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from aggregator.errors import TrustError
from aggregator.services.durable_files import in_words, make_folder, replace
from aggregator.services.ota_files import OtaFiles
from aggregator.trust import keys, releases, roots
from aggregator.trust.hand_over import HandOver
from aggregator.trust.keys import SigningKey

TOKEN: Final = "publish.token"  # noqa: S105 - the name of a file
AskPassphrase = Callable[[str], str]
"""Gives the passphrase for the key of that name."""


class KeyFolder:
    """Keys lie in ``<name>.<key id>.pem``, so that no key ever takes the place of another one."""

    def __init__(self, folder: Path, also: Sequence[Path] = ()) -> None:
        self.folder = folder
        self._folders = (folder, *also)
        self._record = OtaFiles(folder)

    def key(self, name: str, keyid: str, ask: AskPassphrase) -> SigningKey | None:
        """The key of that id, opened with the passphrase that ``ask`` gives; None if it is not here."""
        path = self.path(name, keyid)
        sealed = None if path is None else _read(path)
        if sealed is None:
            return None
        key = keys.unseal(sealed, ask(name))
        if key.public.keyid != keyid:
            raise TrustError(f"{path} holds another key than its name says")
        return key

    def path(self, name: str, keyid: str) -> Path | None:
        """Where the file of that key is; None if it is not here."""
        candidates = (folder / _file_name(name, keyid) for folder in self._folders)
        return next((path for path in candidates if path.is_file()), None)

    def keep(self, key: SigningKey, passphrase: str) -> Path:
        """Write a key, readable by the owner alone; where."""
        path = self.folder / _file_name(key.name, key.public.keyid)
        self.write(path.name, key.sealed(passphrase))
        return path

    def write(self, name: str, content: bytes) -> None:
        """Put a file there, readable by the owner alone."""
        try:
            make_folder(self.folder, 0o700)
            replace(self.folder / name, content, mode=0o600)
        except OSError as error:
            raise TrustError(f"{self.folder / name} cannot be written: {in_words(error)}") from error

    def token(self) -> str:
        """What opens the aggregator for uploads."""
        content = _read(self.folder / TOKEN)
        if content is None:
            raise TrustError(f"{self.folder / TOKEN} is missing; `aggregator ota keys token` makes one")
        return content.decode("ascii", errors="replace").strip()

    def record(self) -> HandOver | None:
        """The newest metadata that was signed here or seen; None before there is any."""
        chain = [self._record.metadata(f"{at}.root.json") for at in sorted(self._record.versions("root"))]
        newest = self._record.versions("targets")
        targets = self._record.metadata(f"{newest[0]}.targets.json") if newest else None
        if targets is None or not chain:
            return None
        return HandOver(roots=tuple(one for one in chain if one is not None), targets=targets)

    def remember(self, said: HandOver) -> None:
        """Keep metadata, so that nobody can pass off older one as the newest."""
        roots.verified(said.roots)
        for at, content in enumerate(said.roots, start=1):
            self._record.write_metadata(f"{at}.root.json", content)
        self._record.write_metadata(f"{releases.version(said.targets)}.targets.json", said.targets)
        self._record.tidy(frozenset())


def newest(record: HandOver | None, offered: HandOver | None) -> HandOver:
    """What to sign on from: of what is remembered and what is offered, both verified, the newer.

    Raises ``TrustError`` if they belong to different fleets, or there is neither.
    """
    known = [one for one in (record, offered) if one is not None]
    if not known:
        raise TrustError("nothing to sign on from: give --url, or the file of `aggregator ota export`")
    chain = max((one.roots for one in known), key=len)
    for one in known:
        if one.roots != chain[: len(one.roots)]:
            raise TrustError("the root metadata is not the one of these keys: another fleet's, or forged")
    root = roots.verified(chain)
    valid = [one.targets for one in known if releases.is_vouched(root, one.targets)]
    if not valid:
        raise TrustError("there is no targets metadata that the newest root vouches for")
    return HandOver(roots=chain, targets=max(valid, key=releases.version))


def _file_name(name: str, keyid: str) -> str:
    return f"{name}.{keyid[:12]}.pem"


def _read(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(keys.LIMIT_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise TrustError(f"{path}: {error.strerror or error}") from error
