"""A certificate that a server makes for itself: it encrypts, and its fingerprint tells it from others."""

import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAYS: Final = 825
"""Browsers take none that lasts longer."""
RENEW_DAYS: Final = 30


def make(names: Sequence[str], now_s: float) -> tuple[bytes, bytes]:
    """Certificate and key, PEM, for host names and addresses; the first one is its name."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
    now = datetime.fromtimestamp(now_s, UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=DAYS))
        .add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return made.public_bytes(Encoding.PEM), secret


def holds(certificate: bytes, names: Sequence[str], now_s: float) -> bool:
    """Whether a certificate is for all of ``names`` and lasts for ``RENEW_DAYS``."""
    try:
        found = x509.load_pem_x509_certificate(certificate)
        known = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound):
        return False
    lasts = found.not_valid_after_utc - datetime.fromtimestamp(now_s, UTC) > timedelta(days=RENEW_DAYS)
    return lasts and all(_general(name) in known for name in names)


def fingerprint(certificate: bytes) -> str:
    """The SHA-256 of a PEM certificate, of a chain the first, as browsers show it. Raises ``ValueError``."""
    return x509.load_pem_x509_certificate(certificate).fingerprint(hashes.SHA256()).hex(":").upper()


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
