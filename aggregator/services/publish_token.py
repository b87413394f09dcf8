"""The token that opens the aggregator for whoever signs. It keeps strangers out; signatures do the rest."""

import hashlib
import hmac
import secrets
from pathlib import Path
from typing import Final

from aggregator.errors import StoreError
from aggregator.services.durable_files import in_words, replace

FILE: Final = "publish.sha256"
_BYTES: Final = 32


def make() -> str:
    """A new token."""
    return secrets.token_hex(_BYTES)


def digest_of(token: str) -> str:
    """What the aggregator keeps of it."""
    return hashlib.sha256(token.encode()).hexdigest()


def keep(folder: Path, digest: str) -> None:
    """Let ``folder`` open to the token of that digest, and to no other."""
    try:
        replace(folder / FILE, f"{digest}\n".encode(), mode=0o600)
    except OSError as error:
        raise StoreError(f"{folder / FILE} cannot be written: {in_words(error)}") from error


def fits(folder: Path, token: str) -> bool:
    """Whether ``token`` opens ``folder``."""
    try:
        kept = (folder / FILE).read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return False
    except (OSError, ValueError) as error:
        raise StoreError(f"{folder / FILE}: {error}") from error
    return bool(kept) and hmac.compare_digest(digest_of(token), kept)
