"""The certificate of the dashboard: one that is given, or one that it makes for itself in the data folder."""

import os
import secrets
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aggregator.errors import SettingsError, StoreError
from aggregator.settings import Web
from aggregator.trust import own_certificate

_EVERYWHERE: Final = ("0.0.0.0", "::")  # noqa: S104


@dataclass(frozen=True, slots=True, kw_only=True)
class WebCertificate:
    """Where certificate and key lie, PEM."""

    certificate: Path
    key: Path
    own: bool
    """Whether the dashboard made it: browsers then ask their readers to compare the fingerprint."""
    fingerprint: str


def web_certificate(web: Web, folder: Path, now_s: float | None = None) -> WebCertificate | None:
    """The certificate to serve with; None for plain HTTP.

    The dashboard's own is made if there is none yet, and anew before it ends. ``SettingsError`` if a given
    one cannot be read.
    """
    if web.certificate_file:
        paths = Path(web.certificate_file).expanduser(), Path(web.key_file).expanduser()
        return _described(*paths, own=False)
    if not web.https:
        return None
    paths = folder / "web.crt", folder / "web.key"
    names = _names(web.host)
    if not _holds(*paths, names, time.time() if now_s is None else now_s):
        certificate, key = own_certificate.make(names, time.time() if now_s is None else now_s)
        _write(paths[1], key, 0o600)
        _write(paths[0], certificate, 0o644)
    return _described(*paths, own=True)


def _described(certificate: Path, key: Path, *, own: bool) -> WebCertificate:
    try:
        with key.open("rb"):
            mark = own_certificate.fingerprint(certificate.read_bytes())
    except (OSError, ValueError) as error:
        raise SettingsError(f"web.certificate_file, web.key_file: {error}") from error
    return WebCertificate(certificate=certificate, key=key, own=own, fingerprint=mark)


def _names(host: str) -> Sequence[str]:
    own = socket.gethostname()
    names = [own, f"{own}.local", "localhost", "127.0.0.1", "::1"]
    return names if host in (*_EVERYWHERE, *names) else [host, *names]


def _holds(certificate: Path, key: Path, names: Sequence[str], now_s: float) -> bool:
    try:
        return key.is_file() and own_certificate.holds(certificate.read_bytes(), names, now_s)
    except OSError:
        return False


def _write(path: Path, content: bytes, mode: int) -> None:
    """Whole or not at all, and from the beginning with its mode."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        raise StoreError(f"{path}: {error}") from error
