"""WebSockets: browsers open them to any host and send its cookies, so only pages of ours may."""

from urllib.parse import urlsplit

from flask import abort, request


def refuse_strangers() -> None:
    """Before each request of a blueprint that has some."""
    origin = request.headers.get("Origin")
    upgrades = request.headers.get("Upgrade", "").lower() == "websocket"
    if upgrades and origin is not None and urlsplit(origin).netloc != request.host:
        abort(403)
