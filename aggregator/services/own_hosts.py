"""Names and addresses under which this machine is asked for. Pure."""

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

_EVERY: Final = ("0.0.0.0", "::", "")  # noqa: S104 - compared with, not bound to
_LOCAL: Final = ("localhost", "127.0.0.1", "::1")
_NAME: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.:_-]{0,253}[A-Za-z0-9])?")


def own_hosts(name: str, given: Iterable[str]) -> tuple[str, ...]:
    """Those ``given``, then the machine's own ``name``, then those of every machine; each once.

    >>> own_hosts("hub", ["192.0.2.10", "0.0.0.0", "hub"])
    ('192.0.2.10', 'hub', 'localhost', '127.0.0.1', '::1')
    """
    wanted = [*given, name, *_LOCAL]
    kept = [one for one in wanted if one not in _EVERY and (_NAME.fullmatch(one) or one in _LOCAL)]
    return tuple(dict.fromkeys(kept))


def host_of(address: str) -> str:
    """The host of an address; empty if there is none.

    >>> host_of("https://hub.example:8443/x")
    'hub.example'
    """
    return urlsplit(address).hostname or ""
