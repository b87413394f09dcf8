"""The certificate authority: what it makes holds, what strangers send it is refused, its key is private."""

import fcntl
import ssl
import threading
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from aggregator.errors import StoreError, TrustError
from aggregator.services.authority import AuthorityService
from aggregator.trust import certificates
from aggregator.trust.requests import check_signature, digest_of_key, requested_key

NOW_S = 1_800_000_000.0
DAY_S = 86_400.0


def request(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    made = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    return made.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def test_what_it_issues_is_for_that_name_and_key_and_time() -> None:
    authority, key = certificates.make_authority(NOW_S), certificates.make_key()
    made = authority.issue("attic", key.public_key(), NOW_S, 90.0)
    read = x509.load_der_x509_certificate(made.der)
    read.verify_directly_issued_by(authority.certificate)
    assert read.subject.rfc4514_string() == "CN=attic"
    assert read.public_key() == key.public_key()
    assert (made.not_before_s, made.not_after_s) == (NOW_S - DAY_S, NOW_S + 90 * DAY_S)
    assert int(made.serial, 16) == read.serial_number
    assert not read.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    use = read.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert [one._name for one in use] == ["clientAuth"]


def test_two_certificates_never_share_a_number() -> None:
    authority, key = certificates.make_authority(NOW_S), certificates.make_key().public_key()
    made = [authority.issue("attic", key, NOW_S, 1.0).serial for _ in range(50)]
    assert len(set(made)) == 50


def test_the_list_says_what_is_revoked() -> None:
    authority = certificates.make_authority(NOW_S)
    listed = authority.revocations([("00" * 19 + "2a", NOW_S)], NOW_S, 10.0)
    assert certificates.revoked_in(listed) == {"00" * 19 + "2a"}
    assert x509.load_pem_x509_crl(listed).is_signature_valid(authority.certificate.public_key())  # type: ignore[arg-type]
    assert certificates.revoked_in(b"damaged") == frozenset()


def test_a_request_proves_that_its_sender_holds_the_key() -> None:
    key = certificates.make_key()
    good = request(key)
    assert digest_of_key(requested_key(good)) == digest_of_key(key.public_key())
    forged = good[:-1] + bytes([good[-1] ^ 1])
    with pytest.raises(TrustError):
        requested_key(forged)


@pytest.mark.parametrize(
    "key",
    [rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP384R1())],
    ids=["rsa", "p384"],
)
def test_other_kinds_of_keys_are_refused(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> None:
    with pytest.raises(TrustError, match="P-256"):
        requested_key(request(key))


@given(st.binary(max_size=400), st.integers(0, 400))
def test_no_request_escapes(noise: bytes, at: int) -> None:
    good = request(_KEY)
    for content in (noise, good[:at], good[:at] + noise + good[at:]):
        try:
            requested_key(content)
        except TrustError:
            pass


_KEY = certificates.make_key()


def test_a_signature_is_of_that_key_and_statement_alone() -> None:
    authority, key = certificates.make_authority(NOW_S), certificates.make_key()
    made = authority.issue("attic", key.public_key(), NOW_S, 1.0)
    signed = key.sign(b"statement", ec.ECDSA(hashes.SHA256()))
    check_signature(made.der, b"statement", signed)
    other = authority.issue("attic", certificates.make_key().public_key(), NOW_S, 1.0)
    for certificate, statement, signature in (
        (other.der, b"statement", signed), (made.der, b"another", signed), (made.der, b"statement", b""),
    ):  # fmt: skip
        with pytest.raises(TrustError, match="not signed"):
            check_signature(certificate, statement, signature)


def test_it_is_made_once_whoever_comes_first(tmp_path: Path) -> None:
    services = [AuthorityService(tmp_path / "ca") for _ in range(6)]
    threads = [threading.Thread(target=one.authority) for one in services]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({one.authority().fingerprint for one in services}) == 1
    assert AuthorityService(tmp_path / "ca").authority().fingerprint == services[0].authority().fingerprint


def test_nobody_else_reads_its_keys(tmp_path: Path) -> None:
    service = AuthorityService(tmp_path / "ca")
    service.publish(lambda: [])
    service.own("aggregator")
    service.server("web", ("hub",))
    for path in (tmp_path / "ca").iterdir():
        secret = path.suffix in (".key", ".pem")
        assert secret == (b"PRIVATE KEY" in path.read_bytes()), path
        if secret:
            assert path.stat().st_mode & 0o777 == 0o600, path
    assert "PRIVATE" not in repr(service.authority())
    assert repr(service.authority()._key) not in repr(service.authority())


def test_a_key_that_is_gone_is_not_made_anew(tmp_path: Path) -> None:
    AuthorityService(tmp_path).authority()
    (tmp_path / "authority.key").unlink()
    with pytest.raises(StoreError, match="restore it"):
        AuthorityService(tmp_path).authority()


def test_own_certificates_are_made_anew_before_they_expire(tmp_path: Path) -> None:
    now_s = NOW_S
    service = AuthorityService(tmp_path, now=lambda: now_s)
    first = service.own("aggregator").read_bytes()
    assert service.own("aggregator").read_bytes() == first
    now_s += 500 * DAY_S
    second = service.own("aggregator").read_bytes()
    assert second != first
    web = service.server("web", ("hub",)).read_bytes()
    assert service.server("web", ("hub",)).read_bytes() == web
    assert service.server("web", ("hub", "192.0.2.10")).read_bytes() != web


def test_the_list_is_written_only_when_it_says_something_new(tmp_path: Path) -> None:
    service = AuthorityService(tmp_path)
    one = ("00" * 19 + "2a", NOW_S)
    assert service.publish(lambda: [])
    assert not service.publish(lambda: [])
    assert service.publish(lambda: [one])
    assert not AuthorityService(tmp_path).publish(lambda: [one])
    assert service.publish(lambda: [])


def test_what_it_makes_is_read_by_tls(tmp_path: Path) -> None:
    service = AuthorityService(tmp_path)
    context = ssl.create_default_context(cadata=service.authority().pem.decode())
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    context.load_cert_chain(service.own("aggregator"))
    context.load_cert_chain(service.server("web", ("hub.example", "192.0.2.10", "::1")))


def test_what_is_revoked_is_read_when_nobody_else_can_write_the_list(tmp_path: Path) -> None:
    """Else a reading from before a revocation could be written after it, and let somebody in again."""
    service = AuthorityService(tmp_path)

    def read() -> list[tuple[str, float]]:
        with (tmp_path / "lock").open("a") as file, pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return []

    assert service.publish(read)
