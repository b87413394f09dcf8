"""Tells whoever started this program that it is ready: systemd, or the demonstration."""

import os
import socket


def tell_ready() -> None:
    """Send ``READY=1`` to the socket that ``NOTIFY_SOCKET`` names, if it names one; see sd_notify(3)."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    # A name that begins with @ is an abstract one.
    target = "\0" + address[1:] if address.startswith("@") else address
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as link:
            link.sendto(b"READY=1", target)
    except OSError:
        return  # a manager that does not listen is no reason to stop
