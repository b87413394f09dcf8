"""News for open pages, as server-sent events.

Each event carries ready-made HTML from the templates that the pages use, so that there is one description of
how a node or a detection looks. A connection begins with a snapshot: what came between the rendering of the
page and the connection is not missed, and a listener that was dropped catches up.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from threading import BoundedSemaphore
from typing import Any, Final

from flask import Blueprint, Response, copy_current_request_context, get_template_attribute, request
from flask.typing import ResponseReturnValue

from aggregator.domain.roles import Permission
from aggregator.services.catalogue import Services
from aggregator.services.detections import DetectionView
from aggregator.services.fleet import NodeView
from aggregator.services.live import LiveChange
from aggregator.web import credentials
from aggregator.web.access import needs
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
    @needs(Permission.SEE)
    def stream() -> ResponseReturnValue:
        if not seats.acquire(blocking=False):
            return problem(503, "too many pages are open; this one tries again")
        cursor = request.headers.get("Last-Event-ID") or request.args.get("after")
        # The stream outlives the request, and the templates need it to write addresses.
        may = credentials.still(services, Permission.SEE)
        body = _events(services, cursor, copy_current_request_context(_event), may)
        response = Response(body, mimetype="text/event-stream", headers={"X-Accel-Buffering": "no"})
        response.call_on_close(seats.release)
        return response

    return routes


def _events(
    services: Services, cursor: str | None, event: Callable[..., str], may: Callable[[], bool]
) -> Iterator[str]:
    with services.live.listen(cursor) as listener:
        yield f"retry: {_RETRY_MS}\n\n"
        newest = services.detections.newest(SHOWN)
        drawn = [{"window": h.window_id, "detection": h.id} for h in newest if h.window_id is not None]
        yield event(services.fleet.nodes(), reversed(newest), drawn)
        while not listener.closed and may():
            change = listener.next(timeout_s=HEARTBEAT_S)
            # A comment keeps proxies from closing the line, and shows us that the reader has gone.
            yield ": still here\n\n" if change is None else _with_cursor(change, event)


def _with_cursor(change: LiveChange, event: Callable[..., str]) -> str:
    arrivals = [{"window": one.window_id, "detection": one.detection_id} for one in change.windows]
    return f"id: {change.cursor}\n" + event(change.nodes, change.detections, arrivals)


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
