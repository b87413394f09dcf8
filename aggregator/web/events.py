"""News for open pages, as server-sent events.

Each event carries ready-made HTML from the templates that the pages use, so that there is one description of
how a node or a detection looks. A connection begins with a snapshot: what came between the rendering of the
page and the connection is not missed, and a listener that was dropped catches up.
"""

import json
from collections.abc import Iterable, Iterator
from threading import BoundedSemaphore
from typing import Any, Final

from flask import Blueprint, Response, get_template_attribute, request, stream_with_context
from flask.typing import ResponseReturnValue

from aggregator.services.catalogue import Services
from aggregator.services.detections import DetectionView
from aggregator.services.fleet import NodeView
from aggregator.services.live import Listener, LiveChange
from aggregator.web.formats import spoken
from aggregator.web.live import SHOWN
from aggregator.web.problems import problem

HEARTBEAT_S: Final = 15.0
MOST_LISTENERS: Final = 48
"""Each holds a thread of the server; some must be left for everything else."""
_RETRY_MS: Final = 2000


def pages(services: Services) -> Blueprint:
    """The routes."""
    routes = Blueprint("events", __name__)
    seats = BoundedSemaphore(MOST_LISTENERS)

    @routes.get("/events")
    def stream() -> ResponseReturnValue:
        if not seats.acquire(blocking=False):
            return problem(503, "too many pages are open; this one tries again")
        cursor = request.headers.get("Last-Event-ID") or request.args.get("after")
        body = stream_with_context(_events(services, cursor))
        response = Response(body, mimetype="text/event-stream", headers={"X-Accel-Buffering": "no"})
        response.call_on_close(seats.release)
        return response

    return routes


def _events(services: Services, cursor: str | None) -> Iterator[str]:
    with services.live.listen(cursor) as listener:
        yield f"retry: {_RETRY_MS}\n\n"
        newest = services.detections.newest(SHOWN)
        drawn = [{"window": h.window_id, "detection": h.id} for h in newest if h.window_id is not None]
        yield _event(services.fleet.nodes(), reversed(newest), drawn)
        yield from _changes(listener)


def _changes(listener: Listener) -> Iterator[str]:
    while not listener.closed:
        change = listener.next(timeout_s=HEARTBEAT_S)
        # A comment keeps proxies from closing the line, and shows us that the reader has gone.
        yield ": still here\n\n" if change is None else _event_of(change)


def _event_of(change: LiveChange) -> str:
    return f"id: {change.cursor}\n" + _event(
        change.nodes,
        change.detections,
        [{"window": arrival.window_id, "detection": arrival.detection_id} for arrival in change.windows],
    )


def _event(
    nodes: Iterable[NodeView],
    detections: Iterable[DetectionView],
    windows: Iterable[dict[str, int]] = (),
) -> str:
    content: dict[str, Any] = {
        "nodes": [{"name": node.name, "html": _html("node_card", node)} for node in nodes],
        "detections": [
            {
                "id": heard.id,
                "node": heard.node,
                "label": spoken(heard.label),
                "row": _html("detection_row", heard),
                "tile": _html("last_heard", heard),
            }
            for heard in detections
        ],
        "windows": list(windows),
    }
    return f"event: change\ndata: {json.dumps(content)}\n\n"


def _html(macro: str, subject: NodeView | DetectionView) -> str:
    return str(get_template_attribute("parts.html", macro)(subject))
