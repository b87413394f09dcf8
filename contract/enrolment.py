"""How a node joins a fleet: the token that a person carries, and what node and aggregator say over HTTPS.

A node asks below ``ROUTES``: once ``authority`` (public, checked against the token), once ``enrol`` with the
token, later ``renew`` and ``confirm``, which it signs with the key that it has.
"""

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from contract.checks import hexadecimal, name, optional, real, sequence_of, text, whole
from contract.errors import ContractError, EnrolmentError
from contract.record import Record, checked

SCHEMA: Final = 1
ROUTES: Final = "/enrol/v1"
DEFAULT_BROKER_PORT: Final = 8883
REQUEST_LIMIT_BYTES: Final = 16_000
ANSWER_LIMIT_BYTES: Final = 1_000_000
GENERATIONS_MOST: Final = 0xFFFF

_PREFIX: Final = "spn-"
_SECRET_BYTES: Final = 16
_DIGEST_BYTES: Final = 32
_WALL: Final = real(0, 1e11)
_SERIAL: Final = hexadecimal(40)


def _encoded(limit_bytes: int) -> Any:
    """DER or a file, in base64."""
    is_text = text(limit_bytes * 4 // 3 + 4)

    def check(field: str, value: Any) -> str:
        written = is_text(field, value)
        try:
            base64.b64decode(written, validate=True)
        except (binascii.Error, ValueError) as error:
            raise ContractError(f"{field}: is not base64") from error
        return written

    return check


_DER: Final = _encoded(4_000)
_SIGNATURE: Final = _encoded(200)


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What lets a node in once, and by what the node knows the fleet's authority."""

    secret: str
    """32 hexadecimal digits."""
    fingerprint: str
    """SHA-256 of the authority's certificate, in hexadecimal."""

    def __str__(self) -> str:
        content = bytes.fromhex(self.secret) + bytes.fromhex(self.fingerprint)
        return _PREFIX + base64.urlsafe_b64encode(content).decode()

    @property
    def digest(self) -> str:
        """What the aggregator keeps of the secret."""
        return digest_of_secret(self.secret)


def read_token(written: str) -> Token:
    """The token that a person typed or pasted; ``EnrolmentError`` if it is none.

    >>> token = Token(secret="00" * 16, fingerprint="ff" * 32)
    >>> read_token(str(token)) == token
    True
    """
    try:
        if not written.startswith(_PREFIX):
            raise ValueError(f"a token begins with {_PREFIX}")
        content = base64.b64decode(written.removeprefix(_PREFIX), altchars=b"-_", validate=True)
        if len(content) != _SECRET_BYTES + _DIGEST_BYTES:
            raise ValueError("it is too short or too long")
    except ValueError as error:
        raise EnrolmentError("this is no token of `aggregator node add`, or not all of one") from error
    return Token(secret=content[:_SECRET_BYTES].hex(), fingerprint=content[_SECRET_BYTES:].hex())


def digest_of_secret(secret: str) -> str:
    """What is kept of a secret, in the place of it."""
    return hashlib.sha256(f"soundpost enrol {secret}".encode()).hexdigest()


def to_text(content: bytes) -> str:
    """Bytes as the records here carry them."""
    return base64.b64encode(content).decode()


def to_bytes(written: str) -> bytes:
    """What ``to_text`` was given."""
    return base64.b64decode(written, validate=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrol(Record):
    """Asks to be let in."""

    schema: int = checked(whole(SCHEMA, SCHEMA), "version of the request", default=SCHEMA)
    secret: str = checked(hexadecimal(2 * _SECRET_BYTES), "of the token")
    request: str = checked(_DER, "certificate signing request (PKCS#10, DER, base64); its names are ignored")


@dataclass(frozen=True, slots=True, kw_only=True)
class Renew(Record):
    """Asks for a new certificate on a new key; signed with the key of the one that the node has."""

    schema: int = checked(whole(SCHEMA, SCHEMA), "version of the request", default=SCHEMA)
    serial: str = checked(_SERIAL, "serial number of the certificate that the node has")
    request: str = checked(_DER, "certificate signing request (PKCS#10, DER, base64)")
    signature: str = checked(_SIGNATURE, "over `renewal`, by the key of that certificate; ECDSA, SHA-256")


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirm(Record):
    """Says that a renewed certificate lies safely on the node: those before it may end."""

    schema: int = checked(whole(SCHEMA, SCHEMA), "version of the request", default=SCHEMA)
    serial: str = checked(_SERIAL, "serial number of the new certificate")
    signature: str = checked(_SIGNATURE, "over `confirmation`, by its key")


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted(Record):
    """A certificate, and what the node needs beside it. Answers ``Enrol`` and ``Renew``."""

    schema: int = checked(whole(SCHEMA, SCHEMA), "version of the answer", default=SCHEMA)
    node: str = checked(name, "name of the node: the common name of the certificate")
    generation: int = checked(
        whole(1, GENERATIONS_MOST), "how often a node of that name has joined; its boots begin with it"
    )
    site: str = checked(text(100, empty=True), "where it stands", default="")
    tags: tuple[str, ...] = checked(sequence_of(name, high=50), "words to group nodes by", default=())
    serial: str = checked(_SERIAL, "serial number of the certificate")
    certificate: str = checked(_DER, "the certificate (DER, base64)")
    authority: str = checked(_DER, "the authority's certificate (DER, base64)")
    not_before_s: float = checked(_WALL, "valid from then on")
    not_after_s: float = checked(_WALL, "and until then")
    broker_host: str = checked(
        text(255, empty=True), "where the broker is; empty: where the aggregator is", default=""
    )
    broker_port: int = checked(whole(1, 65535), "its port for nodes", default=DEFAULT_BROKER_PORT)
    namespace: str = checked(name, "first part of every topic")
    ota_root: str | None = checked(
        optional(_encoded(512_000)), "first root metadata of updates (base64); null: there is none yet",
        default=None,
    )  # fmt: skip


R = TypeVar("R", bound=Record)


def renewal(serial: str, request: str) -> bytes:
    """What a node signs that asks for another certificate in the place of ``serial``."""
    return f"soundpost renew v1\n{serial}\n{request}".encode()


def confirmation(serial: str) -> bytes:
    """What a node signs that has the certificate ``serial``."""
    return f"soundpost confirm v1\n{serial}".encode()


def write(record: Record) -> bytes:
    """As it is sent."""
    return json.dumps(record.to_plain(), separators=(",", ":"), ensure_ascii=False).encode()


def read(kind: type[R], content: bytes) -> R:
    """The ``kind`` that ``content`` holds; ``EnrolmentError`` if it holds none. Nothing else is raised."""
    limit = ANSWER_LIMIT_BYTES if kind is Granted else REQUEST_LIMIT_BYTES
    try:
        if len(content) > limit:
            raise ContractError(f"longer than {limit} bytes")
        return kind.from_plain(json.loads(content))
    except ContractError as error:
        raise EnrolmentError(f"{kind.__name__.lower()}: {error}") from error
    except (ValueError, RecursionError) as error:
        raise EnrolmentError(f"{kind.__name__.lower()}: is not JSON") from error
