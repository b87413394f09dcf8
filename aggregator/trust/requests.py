"""What nodes prove while they ask for a certificate: that they hold a key."""

import hashlib

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from aggregator.errors import TrustError
from aggregator.trust.certificates import PublicKey


def requested_key(request: bytes) -> PublicKey:
    """The key of a signing request (PKCS#10, DER), which proves that its sender holds it.

    Raises ``TrustError`` if it proves nothing, or is of another kind than P-256.
    """
    try:
        found = x509.load_der_x509_csr(request)
        key = found.public_key()
        proven = found.is_signature_valid
    except (ValueError, TypeError, InvalidSignature) as error:
        raise TrustError("the signing request cannot be read") from error
    except Exception as error:  # the library lists no others, and what comes in is a stranger's
        raise TrustError("the signing request cannot be read") from error
    if not isinstance(key, PublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise TrustError("the signing request is not for a key of the kind P-256")
    if not proven:
        raise TrustError("the signing request is not signed by its own key")
    return key


def digest_of_key(key: PublicKey) -> str:
    """By which a key is known."""
    content = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(content).hexdigest()


def check_signature(certificate: bytes, statement: bytes, signature: bytes) -> None:
    """Raise ``TrustError`` unless whoever holds the key of ``certificate`` (DER) signed ``statement``."""
    key = x509.load_der_x509_certificate(certificate).public_key()
    if not isinstance(key, PublicKey):
        raise TrustError("the certificate is not for a key of the kind P-256")
    try:
        key.verify(signature, statement, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise TrustError("not signed with the key of that certificate") from None
