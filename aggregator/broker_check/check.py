"""Looks at a broker from outside, as nodes, strangers and the aggregator."""

import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from aggregator.broker_check import doors, rights
from aggregator.broker_check.finding import Finding
from aggregator.errors import BrokerError
from aggregator.mqtt.caller import Door
from aggregator.services.authority import AuthorityService

__all__ = ["Check", "Finding", "check"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What is looked at, and as whom."""

    nodes: Door
    """Where nodes connect."""
    inner: Door
    """Where the aggregator connects."""
    authority: AuthorityService
    namespace: str


def check(what: Check) -> Iterator[Finding]:
    """Every look, one after the other. Nothing that a node could see or store is left behind."""
    tag = secrets.token_hex(4)
    pair = rights.Pair(a=f"check-{tag}-a", b=f"check-{tag}-b", namespace=what.namespace)
    nodes, inner, authority = what.nodes, what.inner, what.authority
    looks: Mapping[str, Callable[[], Finding]] = {
        "server": lambda: doors.version(nodes),
        "old TLS": lambda: doors.old_versions(nodes, authority),
        "anonymous": lambda: doors.stranger(nodes),
        "wrong authority": lambda: doors.other_authority(nodes),
        "expired": lambda: doors.expired(nodes, authority),
        "revoked": lambda: doors.revoked(nodes, authority),
        "client ids": lambda: rights.names(nodes, authority, pair),
        "writing": lambda: rights.writing(nodes, authority, pair),
        "reading": lambda: rights.reading(nodes, inner, authority, pair),
        "size": lambda: rights.sizes(nodes, authority, pair),
    }
    for name, look in looks.items():
        try:
            yield look()
        except BrokerError as error:
            yield Finding(what=name, ok=False, says=str(error), mend="is it running, with these files?")
