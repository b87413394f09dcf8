"""HTTPS: a certificate that is given, and one that the dashboard makes for itself."""

import ssl
import time
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregator.errors import SettingsError
from aggregator.services.web_certificate import web_certificate
from aggregator.settings import Settings, Web
from aggregator.trust import own_certificate
from tests.aggregator.web.hub import Hub

DAY_S = 86_400.0
NOW_S = 1_700_000_000.0


def test_plain_http_needs_none(tmp_path: Path) -> None:
    assert web_certificate(Web(), tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_its_own_is_made_once_and_anew_before_it_ends(tmp_path: Path) -> None:
    first = web_certificate(Web(https=True), tmp_path, NOW_S)
    assert first is not None
    assert first.own
    assert first.key.stat().st_mode & 0o777 == 0o600
    assert web_certificate(Web(https=True), tmp_path, NOW_S + 700 * DAY_S) == first
    later = web_certificate(Web(https=True), tmp_path, NOW_S + 800 * DAY_S)
    assert later is not None
    assert later.fingerprint != first.fingerprint


def test_another_name_needs_another_one(tmp_path: Path) -> None:
    first = web_certificate(Web(https=True), tmp_path, NOW_S)
    other = web_certificate(Web(https=True, host="10.0.0.7"), tmp_path, NOW_S)
    assert first != other
    assert web_certificate(Web(https=True, host="0.0.0.0"), tmp_path, NOW_S) == other


def test_without_its_key_it_is_made_anew(tmp_path: Path) -> None:
    web_certificate(Web(https=True), tmp_path, NOW_S)
    (tmp_path / "web.key").unlink()
    assert web_certificate(Web(https=True), tmp_path, NOW_S)
    (tmp_path / "web.crt").write_text("nonsense")
    assert web_certificate(Web(https=True), tmp_path, NOW_S)


@pytest.mark.parametrize("content", [b"", b"nonsense"])
def test_a_given_one_that_cannot_be_read_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.crt").write_bytes(content)
    given = Web(certificate_file=str(tmp_path / "a.crt"), key_file=str(tmp_path / "a.key"))
    with pytest.raises(SettingsError, match=r"web\.certificate_file"):
        web_certificate(given, tmp_path)


def test_certificate_and_key_belong_together() -> None:
    with pytest.raises(SettingsError, match="both or neither"):
        Settings(web=Web(certificate_file="a"))


@pytest.fixture(params=["own", "given"])
def hub(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hub]:
    """A dashboard over HTTPS, and a client that trusts its certificate and no other."""
    if request.param == "own":
        made = Hub(tmp_path / "hub", https=True)
        found = web_certificate(made.settings.web, made.settings.folder)
        assert found is not None
        trusted = found.certificate
    else:
        trusted = tmp_path / "given.crt"
        certificate, key = own_certificate.make(["127.0.0.1"], time.time())
        trusted.write_bytes(certificate)
        (tmp_path / "given.key").write_bytes(key)
        made = Hub(tmp_path / "hub", certificate_file=str(trusted), key_file=str(tmp_path / "given.key"))
    made.context = ssl.create_default_context(cafile=str(trusted))
    made.services.accounts.set("correct horse")
    made.start()
    yield made
    made.stop()


def test_the_dashboard_answers_over_https_and_marks_its_cookie(hub: Hub) -> None:
    assert hub.address.startswith("https://127.0.0.1:")
    with urllib.request.urlopen(f"{hub.address}/sign-in", context=hub.context) as answer:
        assert "Secure" in answer.headers["Set-Cookie"]
        assert "max-age" in answer.headers["Strict-Transport-Security"]
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"{hub.address}/healthz", context=old)
