"""The one key that the aggregator holds: it signs snapshot and timestamp, which say what is current."""

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aggregator.errors import StoreError, TrustError
from aggregator.services.durable_files import in_words, replace

if TYPE_CHECKING:
    from aggregator.trust.keys import SigningKey

_OTHERS: Final = stat.S_IROTH | stat.S_IWOTH
_LIMIT_BYTES: Final = 4_000


class OnlineKeys:
    """Sealed keys below ``folder``, each beside its passphrase unless ``passphrase_file`` holds that.

    While a key is being changed there are two, and root says which is in force.
    """

    def __init__(self, folder: Path, passphrase_file: Path | None = None) -> None:
        self._folder = folder
        self._passphrase_file = passphrase_file

    def find(self, keyid: str) -> "SigningKey":
        """The key of that id; ``TrustError`` if it is not here or cannot be opened."""
        path = self._folder / _file_name(keyid)
        try:
            sealed = path.read_bytes()
        except FileNotFoundError:
            raise TrustError(
                f"the online key {keyid[:12]}, which root names, is not here: hand in the folder in which "
                "`aggregator ota keys` wrote it"
            ) from None
        except OSError as error:
            raise StoreError(f"{path}: {error.strerror or error}") from error
        return _opened(
            sealed, read_passphrase(self._passphrase_file or path.with_suffix(".passphrase")), keyid
        )

    def keep(self, sealed: bytes, passphrase: str) -> None:
        """Put a key there, readable by the owner alone. ``TrustError`` if the passphrase does not fit."""
        from aggregator.trust.keys import unseal

        path = self._folder / _file_name(unseal(sealed, passphrase).public.keyid)
        try:
            if self._passphrase_file is None:
                replace(path.with_suffix(".passphrase"), passphrase.encode(), mode=0o600)
            replace(path, sealed, mode=0o600)
        except OSError as error:
            raise StoreError(f"{path} cannot be written: {in_words(error)}") from error

    def tidy(self, keyid: str) -> None:
        """Remove all other keys."""
        for path in self._others(keyid):
            path.unlink(missing_ok=True)

    def _others(self, keyid: str) -> Iterator[Path]:
        for path in self._folder.glob("online.*"):
            if path.stem != Path(_file_name(keyid)).stem:
                yield path


def read_passphrase(path: Path) -> str:
    """The first line of ``path``. Raises ``TrustError`` if everybody may read it."""
    try:
        if path.stat().st_mode & _OTHERS:
            raise TrustError(f"{path}: everybody on this machine may read this passphrase; chmod 600 it")
        with path.open(encoding="utf-8") as file:
            return file.readline(_LIMIT_BYTES).rstrip("\r\n")
    except (OSError, ValueError) as error:
        raise TrustError(f"the passphrase cannot be read from {path}: {error}") from error


def _opened(sealed: bytes, passphrase: str, keyid: str) -> "SigningKey":
    from aggregator.trust.keys import unseal

    key = unseal(sealed, passphrase)
    if key.public.keyid != keyid:
        raise TrustError(f"the online key here is another one than root names ({keyid[:12]})")
    return key


def _file_name(keyid: str) -> str:
    return f"online.{keyid[:12]}.pem"
