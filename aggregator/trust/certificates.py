"""The fleet's certificate authority: it is made, it issues, and it lists what is revoked (X.509)."""

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from aggregator.errors import TrustError

AUTHORITY_DAYS: Final = 20 * 365.0
_EARLIER: Final = timedelta(days=1)
"""Valid from before now: a node's clock may be behind."""
_NAME: Final = "Soundpost fleet"

PrivateKey = ec.EllipticCurvePrivateKey
PublicKey = ec.EllipticCurvePublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """One that was issued."""

    der: bytes
    serial: str
    """40 hexadecimal digits."""
    not_before_s: float
    not_after_s: float


@dataclass(frozen=True, slots=True)
class Authority:
    """What issues. Its secret half never shows in text."""

    certificate: x509.Certificate
    _key: PrivateKey = field(repr=False)

    @property
    def der(self) -> bytes:
        """The certificate that nodes are given."""
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> bytes:
        """The same, as brokers and browsers read it."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, in hexadecimal."""
        return self.certificate.fingerprint(hashes.SHA256()).hex()

    @property
    def key_pem(self) -> bytes:
        """The content of its key's file."""
        return _pem(self._key)

    def issue(self, name: str, key: PublicKey, now_s: float, days: float) -> Certificate:
        """Lets whoever holds ``key`` sign in as ``name``."""
        builder = self._leaf(name, key, now_s, days, ExtendedKeyUsageOID.CLIENT_AUTH)
        return _issued(builder.sign(self._key, hashes.SHA256()))

    def issue_server(self, hosts: Sequence[str], key: PublicKey, now_s: float, days: float) -> Certificate:
        """Lets whoever holds ``key`` answer under those names and addresses."""
        alternatives = x509.SubjectAlternativeName([_host(one) for one in hosts])
        builder = self._leaf(hosts[0][:64], key, now_s, days, ExtendedKeyUsageOID.SERVER_AUTH)
        return _issued(builder.add_extension(alternatives, critical=False).sign(self._key, hashes.SHA256()))

    def revocations(self, revoked: Iterable[tuple[str, float]], now_s: float, days: float) -> bytes:
        """The list of ``revoked`` serial numbers and since when, as brokers read it (PEM)."""
        moment = _moment(now_s)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(moment - _EARLIER)
            .next_update(moment + timedelta(days=days))
            .add_extension(_by(self._key.public_key()), critical=False)
            .add_extension(x509.CRLNumber(int(now_s * 1000)), critical=False)
        )
        for serial, at_s in revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(int(serial, 16))
            builder = builder.add_revoked_certificate(entry.revocation_date(_moment(at_s)).build())
        return builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM)

    def _leaf(
        self, name: str, key: PublicKey, now_s: float, days: float, use: x509.ObjectIdentifier
    ) -> x509.CertificateBuilder:
        moment = _moment(now_s)
        return (
            x509.CertificateBuilder()
            .subject_name(_called(name))
            .issuer_name(self.certificate.subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(moment - _EARLIER)
            .not_valid_after(moment + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_data=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([use]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(_by(self._key.public_key()), critical=False)
        )


def make_authority(now_s: float, days: float = AUTHORITY_DAYS) -> Authority:
    """A new one, which vouches for itself."""
    key = make_key()
    moment = _moment(now_s)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_called(_NAME))
        .issuer_name(_called(_NAME))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment - _EARLIER)
        .not_valid_after(moment + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_data=False), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return Authority(builder.sign(key, hashes.SHA256()), key)


def load_authority(certificate: bytes, key: bytes) -> Authority:
    """The one whose files these are (PEM); ``TrustError`` if they are damaged, or do not belong together."""
    try:
        found = x509.load_pem_x509_certificate(certificate)
        private = load_pem_private_key(key, None)
    except (ValueError, TypeError) as error:
        raise TrustError("the files of the certificate authority are damaged") from error
    if not isinstance(private, PrivateKey) or private.public_key() != found.public_key():
        raise TrustError("certificate and key of the certificate authority do not belong together")
    return Authority(found, private)


def make_key() -> PrivateKey:
    """A new private key (P-256, which every TLS library knows)."""
    return ec.generate_private_key(ec.SECP256R1())


def together(key: PrivateKey, certificate: Certificate) -> bytes:
    """Key and certificate in one file (PEM), which is there whole or not at all."""
    return _pem(key) + x509.load_der_x509_certificate(certificate.der).public_bytes(Encoding.PEM)


def expiry_s(pem: bytes) -> float:
    """Until when the first certificate of a file is valid; ``TrustError`` if there is none."""
    try:
        return x509.load_pem_x509_certificate(pem).not_valid_after_utc.timestamp()
    except ValueError as error:
        raise TrustError("a certificate is damaged") from error


def fingerprint(pem: bytes) -> str:
    """SHA-256 of the first certificate of a file, as browsers show it. Raises ``ValueError``."""
    return x509.load_pem_x509_certificate(pem).fingerprint(hashes.SHA256()).hex(":").upper()


def revoked_in(pem: bytes) -> frozenset[str]:
    """Serial numbers in a list of revoked certificates; none in one that is damaged."""
    try:
        return frozenset(f"{one.serial_number:040x}" for one in x509.load_pem_x509_crl(pem))
    except ValueError:
        return frozenset()


def _issued(certificate: x509.Certificate) -> Certificate:
    return Certificate(
        der=certificate.public_bytes(Encoding.DER),
        serial=f"{certificate.serial_number:040x}",
        not_before_s=certificate.not_valid_before_utc.timestamp(),
        not_after_s=certificate.not_valid_after_utc.timestamp(),
    )


def _host(written: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(written))
    except ValueError:
        pass
    try:
        return x509.DNSName(written)
    except ValueError as error:
        raise TrustError(f"{written!r} is neither a name nor an address of a host") from error


def _by(key: PublicKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key)


def _called(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _usage(*, signs_data: bool) -> x509.KeyUsage:
    """Either for connections, or for certificates and lists of revoked ones."""
    return x509.KeyUsage(
        digital_signature=signs_data, key_cert_sign=not signs_data, crl_sign=not signs_data,
        content_commitment=False, key_encipherment=False, data_encipherment=False, key_agreement=False,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)


def _pem(key: PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
