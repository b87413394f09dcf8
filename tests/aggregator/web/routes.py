"""Every route of a dashboard, with an address that fits."""

from dataclasses import dataclass

from flask import Flask

ARGUMENTS = {
    "name": "attic", "detection_id": 1, "window_id": 1, "label_id": 1, "filename": "page.css",
    "training_id": 1, "release_id": 1, "snapshot_id": 1, "node": "attic", "kind": "wav",
    "rollout_id": 1, "order": "pause", "token_id": 1,
}  # fmt: skip
SAFE = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True)
class Route:
    """One method at one address."""

    endpoint: str
    method: str
    path: str
    socket: bool = False
    """Whether it is asked for a WebSocket."""

    @property
    def safe(self) -> bool:
        """Whether it changes nothing."""
        return self.method in SAFE


def routes(app: Flask) -> list[Route]:
    """All of ``app``."""
    found = []
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            path = rule.build({name: ARGUMENTS[name] for name in rule.arguments})
            assert path is not None
            methods = ["GET"] if rule.websocket else sorted(rule.methods or ())
            found += [Route(rule.endpoint, method, path[1], rule.websocket) for method in methods]
    return found
