"""Keys: made, sealed with a passphrase, opened again. Ed25519.

A sealed key is encrypted PKCS#8 in PEM. Its password is not the passphrase itself but what scrypt makes of
it, for PKCS#8 alone makes guessing cheap. The line before it says name and salt.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from securesystemslib.signer import CryptoSigner, Key, SSlibKey

from aggregator.errors import TrustError

SHORTEST_PASSPHRASE: Final = 10
LIMIT_BYTES: Final = 4_000
_NAME_FIELD: Final = "x-soundpost-name"
COST = 2**15
"""What a guess at a passphrase costs: so many times a kilobyte of memory, and time in proportion."""

_HEAD: Final = re.compile(r"soundpost key ([a-z0-9-]{1,40}), scrypt ([0-9]{1,6}) ([0-9a-f]{32})\n")
_BLOCK: Final = 8


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that can sign. Its secret half never shows in text."""

    name: str
    _private: Ed25519PrivateKey = field(repr=False)

    @property
    def public(self) -> Key:
        """The half that metadata holds, with the key's name."""
        public = SSlibKey.from_crypto(self._private.public_key())
        public.unrecognized_fields[_NAME_FIELD] = self.name
        return public

    @property
    def signer(self) -> CryptoSigner:
        """What signs metadata."""
        return CryptoSigner(self._private, SSlibKey.from_crypto(self._private.public_key()))

    def sealed(self, passphrase: str) -> bytes:
        """The content of its file."""
        check_passphrase(passphrase)
        salt = secrets.token_bytes(16)
        encryption = BestAvailableEncryption(_password(passphrase, salt, COST))
        body = self._private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
        return f"soundpost key {self.name}, scrypt {COST} {salt.hex()}\n".encode() + body


def make(name: str) -> SigningKey:
    """A new key."""
    return SigningKey(name, Ed25519PrivateKey.generate())


def unseal(content: bytes, passphrase: str) -> SigningKey:
    """The key in a file's ``content``. Raises ``TrustError``, which tells neither key nor passphrase."""
    text = content[:LIMIT_BYTES].decode("ascii", errors="replace")
    head = _HEAD.match(text)
    if head is None:
        raise TrustError("this is no key file of Soundpost")
    try:
        body = text[head.end() :].encode("ascii")
        password = _password(passphrase, bytes.fromhex(head[3]), int(head[2]))
        private: Any = load_pem_private_key(body, password)
    except (ValueError, TypeError):
        raise TrustError(f"the passphrase does not open the key {head[1]}, or its file is damaged") from None
    if not isinstance(private, Ed25519PrivateKey):
        raise TrustError(f"the key {head[1]} is not of the kind Ed25519")
    return SigningKey(head[1], private)


def name_of(key: Key) -> str:
    """The name under which a key of the metadata was made.

    >>> name_of(make("root-1").public)
    'root-1'
    """
    return str(key.unrecognized_fields.get(_NAME_FIELD, "?"))


def check_passphrase(passphrase: str) -> None:
    """Raise ``TrustError`` for one that is too short."""
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise TrustError(f"a passphrase must have at least {SHORTEST_PASSPHRASE} characters")


def _password(passphrase: str, salt: bytes, cost: int) -> bytes:
    memory_bytes = 2**20 + 2 * 128 * _BLOCK * cost
    derived = hashlib.scrypt(
        passphrase.encode(), salt=salt, n=cost, r=_BLOCK, p=1, maxmem=memory_bytes, dklen=32
    )
    return derived.hex().encode()
