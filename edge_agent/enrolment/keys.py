"""The node's key: made here, never leaves the node, signs what the node asks for."""

from dataclasses import dataclass, field
from typing import Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from contract.enrolment import Granted, to_bytes
from edge_agent.errors import EnrolmentError


@dataclass(frozen=True, slots=True)
class NodeKey:
    """A private key (P-256). It never shows in text."""

    _private: ec.EllipticCurvePrivateKey = field(repr=False)

    @classmethod
    def make(cls) -> Self:
        """A new one."""
        return cls(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def load(cls, pem: bytes) -> Self:
        """The one in a file's content."""
        try:
            private = load_pem_private_key(pem, None)
        except (ValueError, TypeError) as error:
            raise EnrolmentError("the node's key is damaged: enrol the node anew") from error
        if not isinstance(private, ec.EllipticCurvePrivateKey):
            raise EnrolmentError("the node's key is of another kind: enrol the node anew")
        return cls(private)

    @property
    def pem(self) -> bytes:
        """The content of its file."""
        return self._private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def is_same(self, other: Self) -> bool:
        """Whether ``other`` is this key."""
        return self._private.public_key() == other._private.public_key()

    def request(self) -> bytes:
        """A signing request (PKCS#10, DER). Its name says nothing: the aggregator gives the name."""
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "node")])
        made = x509.CertificateSigningRequestBuilder().subject_name(subject)
        return made.sign(self._private, hashes.SHA256()).public_bytes(Encoding.DER)

    def sign(self, statement: bytes) -> bytes:
        """Proves that the node holds it."""
        return self._private.sign(statement, ec.ECDSA(hashes.SHA256()))

    def check(self, granted: Granted, authority: bytes) -> None:
        """``EnrolmentError`` unless ``granted`` is for this key and node, by that authority (DER)."""
        try:
            issuer = x509.load_der_x509_certificate(authority)
            given = x509.load_der_x509_certificate(to_bytes(granted.certificate))
            given.verify_directly_issued_by(issuer)
            names = [one.value for one in given.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        except (ValueError, TypeError, InvalidSignature) as error:
            raise EnrolmentError("the certificate that came is not by the fleet's authority") from error
        if given.public_key() != self._private.public_key() or names != [granted.node]:
            raise EnrolmentError("the certificate that came is not this node's")


def serial_of(pem: bytes) -> str:
    """The serial number of the certificate in a file's content."""
    try:
        return f"{x509.load_pem_x509_certificate(pem).serial_number:040x}"
    except ValueError as error:
        raise EnrolmentError("the node's certificate is damaged: enrol the node anew") from error
