"""Ends the connection of a node that was revoked, once the broker lets it in no more.

A broker reads the list of what is revoked for new connections; those that are open stay. But whoever connects
under the name of another takes its session over, and only this authority can give out such a certificate.
"""

import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from aggregator.errors import BrokerError
from aggregator.mqtt.caller import Caller, Door
from aggregator.services.authority import AuthorityService

PATIENCE_S: Final = 15.0
_BETWEEN_S: Final = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Eviction:
    """What came of it."""

    refused: bool
    """Whether the broker lets the node in no more."""
    seconds: float
    """Until then, and until its connection was ended."""


def find_door(hosts: Iterable[str], port: int, authority: bytes) -> Door:
    """Where the broker answers, of several hosts; ``BrokerError`` if it does nowhere."""
    failures = {}
    for host in dict.fromkeys(hosts):
        try:
            socket.create_connection((host, port), timeout=2.0).close()
        except OSError as error:
            failures[host] = error.strerror or str(error)
        else:
            return Door(host=host, port=port, authority=authority)
    tried = ", ".join(f"{host}:{port} ({why})" for host, why in failures.items())
    raise BrokerError(f"the broker answers nowhere: {tried}")


def takes_canary(door: Door, authority: AuthorityService) -> bool:
    """Whether the broker has not read the newest list: it lets in what that one names."""
    try:
        with Caller(door, authority.canary_path.read_bytes(), client_id="canary"):
            return True
    except BrokerError:
        return False


def evict(
    door: Door,
    authority: AuthorityService,
    node: str,
    *,
    patience_s: float = PATIENCE_S,
    sleep: Callable[[float], None] = time.sleep,
) -> Eviction:
    """Wait until the broker has read the newest list, then end what connection ``node`` has."""
    begun_s = time.monotonic()
    while takes_canary(door, authority):
        if time.monotonic() - begun_s > patience_s:
            return Eviction(refused=False, seconds=time.monotonic() - begun_s)
        sleep(_BETWEEN_S)
    take_over(door, authority, node)
    return Eviction(refused=True, seconds=time.monotonic() - begun_s)


def take_over(door: Door, authority: AuthorityService, node: str) -> None:
    """End the session of ``node``; what waited there for it is gone as well."""
    with Caller(door, authority.signed_in(node), client_id=node):
        pass
