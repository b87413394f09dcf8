"""Whom the broker lets in: looks at versions of TLS and at certificates."""

import contextlib
import socket
import ssl
import time
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from aggregator.broker_check.finding import Finding
from aggregator.errors import BrokerError
from aggregator.mqtt.caller import ANSWER_S, Caller, Door
from aggregator.mqtt.eviction import takes_canary
from aggregator.services.authority import AuthorityService
from aggregator.trust import certificates

REGENERATE: Final = "`aggregator broker config` writes a configuration that does"
_SHORT_S: Final = 30 * 86_400.0
_DAY_S: Final = 86_400.0


def version(door: Door) -> Finding:
    """Which TLS the broker speaks, and until when its certificate is valid."""
    context = door.context(None)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    try:
        with _connected(door, context) as stream:
            spoken, shown = stream.version(), stream.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        mend = f"the name must be among the hosts of `broker config`: {door.host}"
        return Finding(what="server", ok=False, says=error.verify_message or str(error), mend=mend)
    except OSError as error:
        raise BrokerError(f"{door.host}:{door.port}: {error}") from error
    until_s = ssl.cert_time_to_seconds(str(shown["notAfter"]))
    says = f"{spoken}, certificate of this fleet until {datetime.fromtimestamp(until_s, UTC):%Y-%m-%d}"
    soon = until_s - time.time() < _SHORT_S
    return Finding(what="server", ok=not soon, says=says, mend="aggregator broker refresh" if soon else "")


def old_versions(door: Door, authority: AuthorityService) -> Finding:
    """Whether TLS before 1.2 is refused."""
    context = door.context(authority.signed_in("check"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that is what is tried
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    try:
        with _connected(door, context) as stream:
            return Finding(what="old TLS", ok=False, says=f"{stream.version()} is spoken", mend=REGENERATE)
    except OSError:
        return Finding(what="old TLS", ok=True, says="refused before 1.2")


def stranger(door: Door) -> Finding:
    """Whether somebody without a certificate is refused."""
    return _refused(door, "anonymous", None, "without a certificate")


def other_authority(door: Door) -> Finding:
    """Whether a certificate of another authority is refused."""
    other, key = certificates.make_authority(time.time()), certificates.make_key()
    issued = other.issue("aggregator", key.public_key(), time.time(), 1.0)
    return _refused(door, "wrong authority", certificates.together(key, issued), "of another authority")


def expired(door: Door, authority: AuthorityService) -> Finding:
    """Whether a certificate that has expired is refused."""
    key, then_s = certificates.make_key(), time.time() - 10 * _DAY_S
    issued = authority.authority().issue("check", key.public_key(), then_s, 1.0)
    return _refused(door, "expired", certificates.together(key, issued), "that has expired")


def revoked(door: Door, authority: AuthorityService) -> Finding:
    """Whether the broker has read the newest list of what is revoked."""
    if takes_canary(door, authority):
        mend = "aggregator broker refresh, and see that it runs whenever the list changes"
        return Finding(what="revoked", ok=False, says="the newest list has not been read", mend=mend)
    return Finding(what="revoked", ok=True, says="refused by the newest list")


def _refused(door: Door, what: str, identity: bytes | None, words: str) -> Finding:
    try:
        with Caller(door, identity, client_id="check"):
            return Finding(what=what, ok=False, says=f"somebody {words} is let in", mend=REGENERATE)
    except BrokerError:
        return Finding(what=what, ok=True, says="refused")


@contextlib.contextmanager
def _connected(door: Door, context: ssl.SSLContext) -> Iterator[ssl.SSLSocket]:
    with (
        socket.create_connection((door.host, door.port), timeout=ANSWER_S) as line,
        context.wrap_socket(line, server_hostname=door.host) as stream,
    ):
        yield stream
