"""Tells systemd how the agent is; does nothing where there is no systemd."""

import os
import socket


def notify(*lines: str) -> None:
    """Send lines such as ``READY=1`` to the service manager; see sd_notify(3)."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    # A name that begins with @ is an abstract one.
    target = "\0" + address[1:] if address.startswith("@") else address
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as link:
            link.sendto("\n".join(lines).encode(), target)
    except OSError:
        return  # a manager that does not listen is no reason to stop


def watchdog_s() -> float | None:
    """How often to tell systemd that all is well: half of what it waits for; ``None`` if it does not wait."""
    text = os.environ.get("WATCHDOG_USEC", "")
    meant = os.environ.get("WATCHDOG_PID", str(os.getpid()))
    if not text.isdigit() or meant != str(os.getpid()):
        return None
    return int(text) / 2e6
