"""The certificate of the dashboard: one that is given, or one by the fleet's own authority."""

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from aggregator.errors import SettingsError
from aggregator.services import broker_place
from aggregator.services.authority import AuthorityService
from aggregator.services.own_hosts import host_of, own_hosts
from aggregator.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class WebCertificate:
    """Where certificate and key lie, PEM; in one file, if it is the fleet's own."""

    certificate: Path
    key: Path
    own: bool
    """Whether the fleet's authority made it: browsers then ask their readers to compare the fingerprint."""
    fingerprint: str


def web_certificate(settings: Settings, now: Callable[[], float] = time.time) -> WebCertificate | None:
    """The certificate to serve with; None for plain HTTP.

    The fleet's own is made if there is none yet, and anew before it ends. ``SettingsError`` if a given one
    cannot be read.
    """
    web = settings.web
    if web.certificate_file:
        return _described(Path(web.certificate_file).expanduser(), Path(web.key_file).expanduser(), own=False)
    if not web.https:
        return None
    authority = AuthorityService(settings.folder / "ca", now=now)
    path = authority.server("web", web_hosts(settings, authority.folder))
    return _described(path, path, own=True)


def web_hosts(settings: Settings, folder: Path) -> tuple[str, ...]:
    """Under which names and addresses the dashboard may be asked for; ``folder`` is the authority's."""
    place, name = broker_place.read(folder), socket.gethostname()
    given = (host_of(settings.ota.url), settings.web.host, *(place.hosts if place else ()))
    return own_hosts(name, (*given, name, f"{name}.local"))


def _described(certificate: Path, key: Path, *, own: bool) -> WebCertificate:
    from aggregator.trust.certificates import fingerprint

    try:
        with key.open("rb"):
            mark = fingerprint(certificate.read_bytes())
    except (OSError, ValueError) as error:
        raise SettingsError(f"web.certificate_file, web.key_file: {error}") from error
    return WebCertificate(certificate=certificate, key=key, own=own, fingerprint=mark)
