"""Metadata as bytes: read strictly, written without blanks."""

from typing import TypeVar

from tuf.api.exceptions import RepositoryError, UnsignedMetadataError
from tuf.api.metadata import Metadata, Root, Snapshot, Targets, Timestamp
from tuf.api.serialization.json import JSONSerializer

from aggregator.errors import TrustError
from aggregator.trust.keys import SigningKey
from aggregator.trust.limits import METADATA_BYTES

T = TypeVar("T", Root, Timestamp, Snapshot, Targets)


def read(kind: type[T], content: bytes) -> Metadata[T]:
    """The metadata in ``content``, not verified yet; ``TrustError`` if it is none of that kind."""
    if len(content) > METADATA_BYTES:
        raise TrustError(f"{kind.type} metadata is longer than {METADATA_BYTES} bytes")
    try:
        found: Metadata[T] = Metadata.from_bytes(content)
    except (RepositoryError, ValueError, RecursionError) as error:
        raise TrustError(f"what should be {kind.type} metadata cannot be read") from error
    if found.signed.type != kind.type:
        raise TrustError(f"what should be {kind.type} metadata is of the kind {found.signed.type}")
    return found


def write(metadata: Metadata[T]) -> bytes:
    """Its bytes."""
    return metadata.to_bytes(JSONSerializer(compact=True))


def sign(metadata: Metadata[T], *keys: SigningKey) -> bytes:
    """Its bytes with signatures of ``keys`` beside those that it has."""
    for key in keys:
        metadata.sign(key.signer, append=True)
    return write(metadata)


def verified(root: Root, kind: type[T], content: bytes) -> T:
    """What ``content`` says; ``TrustError`` unless those keys signed it that ``root`` names for its role."""
    metadata = read(kind, content)
    role = metadata.signed.type
    try:
        root.verify_delegate(role, metadata.signed_bytes, metadata.signatures)
    except (UnsignedMetadataError, ValueError) as error:
        raise TrustError(
            f"{role} metadata, version {metadata.signed.version}: is not signed by the key that root "
            f"version {root.version} names for it"
        ) from error
    return metadata.signed
