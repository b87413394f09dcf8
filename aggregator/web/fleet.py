"""The start page: every node, and what it heard last."""

from collections.abc import Sequence
from typing import Final

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from aggregator.domain.roles import Permission
from aggregator.services.catalogue import Services
from aggregator.services.detections import DetectionView
from aggregator.web.access import needs

_TRIED: Final = 3
"""So many of the latest detections of a node are looked at for one with a picture."""


def pages(services: Services) -> Blueprint:
    """The routes."""
    routes = Blueprint("fleet", __name__)

    @routes.get("/")
    @needs(Permission.SEE)
    def overview() -> ResponseReturnValue:
        nodes = services.fleet.nodes()
        newest = services.detections.last_of_each(_TRIED)
        last = {node.name: with_picture(newest.get(node.name, [])) for node in nodes}
        return render_template("fleet.html", nodes=nodes, last=last, alerts=services.drift.open_alerts())

    return routes


def last_with_picture(services: Services, node: str) -> DetectionView | None:
    """What ``node`` heard last; if its picture is still on its way, what it heard just before."""
    return with_picture(services.detections.newest(_TRIED, node=node))


def with_picture(newest: Sequence[DetectionView]) -> DetectionView | None:
    """The first that has one, else the first."""
    return next((heard for heard in newest if heard.window_id is not None), newest[0] if newest else None)
