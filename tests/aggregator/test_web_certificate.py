"""HTTPS: a certificate that is given, and one by the fleet's own authority."""

import ssl
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aggregator.errors import SettingsError
from aggregator.services.authority import AuthorityService
from aggregator.services.web_certificate import web_certificate
from aggregator.settings import Settings, Store, Web
from tests.aggregator.web.hub import Hub

DAY_S = 86_400.0
NOW_S = 1_700_000_000.0


def of(folder: Path, **web: Any) -> Settings:
    return Settings(store=Store(folder=str(folder)), web=Web(**web))


def test_plain_http_needs_none(tmp_path: Path) -> None:
    assert web_certificate(of(tmp_path)) is None
    assert list(tmp_path.iterdir()) == []


def test_the_fleets_own_is_made_once_and_anew_before_it_ends(tmp_path: Path) -> None:
    now_s = NOW_S
    settings = of(tmp_path, https=True)
    first = web_certificate(settings, lambda: now_s)
    assert first is not None
    assert first.own
    assert first.key.stat().st_mode & 0o777 == 0o600
    now_s += 400 * DAY_S
    assert web_certificate(settings, lambda: now_s) == first
    now_s += 200 * DAY_S
    later = web_certificate(settings, lambda: now_s)
    assert later is not None
    assert later.fingerprint != first.fingerprint


def test_another_name_needs_another_one(tmp_path: Path) -> None:
    first = web_certificate(of(tmp_path, https=True))
    other = web_certificate(of(tmp_path, https=True, host="10.0.0.7"))
    assert first != other
    assert web_certificate(of(tmp_path, https=True, host="10.0.0.7")) == other


@pytest.mark.parametrize("content", [b"", b"nonsense"])
def test_a_given_one_that_cannot_be_read_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.crt").write_bytes(content)
    given = of(tmp_path, certificate_file=str(tmp_path / "a.crt"), key_file=str(tmp_path / "a.key"))
    with pytest.raises(SettingsError, match=r"web\.certificate_file"):
        web_certificate(given)


def test_certificate_and_key_belong_together() -> None:
    with pytest.raises(SettingsError, match="both or neither"):
        Settings(web=Web(certificate_file="a"))


@pytest.fixture(params=["own", "given"])
def hub(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hub]:
    """A dashboard over HTTPS, and a client that trusts its certificate and no other."""
    if request.param == "own":
        made = Hub(tmp_path / "hub", https=True)
        trusted = AuthorityService(tmp_path / "hub" / "ca")
    else:
        trusted = AuthorityService(tmp_path / "elsewhere")
        given = str(trusted.server("given", ("127.0.0.1",)))
        made = Hub(tmp_path / "hub", certificate_file=given, key_file=given)
    trusted.authority()
    made.context = ssl.create_default_context(cafile=str(trusted.certificate_path))
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
