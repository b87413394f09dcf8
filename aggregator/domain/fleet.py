"""When a node counts as online.

A node's run is known by its boot. Once another boot has taken over, whatever still arrives of the earlier one
(above all a late last will) changes nothing.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """Which boot a node runs, and whether it is connected."""

    boot: str | None = None
    online: bool = False


def after_birth(presence: Presence, boot: str, *, superseded: bool, retained: bool) -> Presence:
    """A birth introduces its boot. A retained one may be old: it does not prove that the node is there.

    >>> after_birth(Presence(), "b1", superseded=False, retained=True)
    Presence(boot='b1', online=False)
    """
    if superseded:
        return presence
    if not retained:
        return Presence(boot=boot, online=True)
    return presence if presence.boot == boot else Presence(boot=boot)


def after_state(presence: Presence, boot: str, *, online: bool, superseded: bool) -> Presence:
    """A state speaks for its own boot only.

    >>> after_state(Presence(boot="b2", online=True), "b1", online=False, superseded=True)
    Presence(boot='b2', online=True)
    """
    return presence if superseded else Presence(boot=boot, online=online)


def after_heartbeat(presence: Presence, boot: str, *, superseded: bool) -> Presence:
    """A heartbeat proves that its boot runs now.

    >>> after_heartbeat(Presence(boot="b1"), "b1", superseded=False)
    Presence(boot='b1', online=True)
    """
    return presence if superseded else replace(presence, boot=boot, online=True)


def status(*, online: bool, last_heard_s: float | None, now_s: float, silent_after_s: float) -> str:
    """``online``, ``silent`` (connected, but not heard for ``silent_after_s``) or ``offline``.

    >>> status(online=True, last_heard_s=100.0, now_s=200.0, silent_after_s=30.0)
    'silent'
    """
    if not online:
        return "offline"
    if last_heard_s is None or now_s - last_heard_s > silent_after_s:
        return "silent"
    return "online"
