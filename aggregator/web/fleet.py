"""The start page: every node, and what it heard last."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from aggregator.domain.roles import Permission
from aggregator.services.catalogue import Services
from aggregator.services.detections import DetectionView
from aggregator.web.access import needs


def pages(services: Services) -> Blueprint:
    """The routes."""
    routes = Blueprint("fleet", __name__)

    @routes.get("/")
    @needs(Permission.SEE)
    def overview() -> ResponseReturnValue:
        nodes = services.fleet.nodes()
        last = {node.name: last_with_picture(services, node.name) for node in nodes}
        return render_template("fleet.html", nodes=nodes, last=last, alerts=services.drift.open_alerts())

    return routes


def last_with_picture(services: Services, node: str) -> DetectionView | None:
    """What ``node`` heard last; if its picture is still on its way, what it heard just before."""
    newest = services.detections.newest(3, node=node)
    return next((heard for heard in newest if heard.window_id is not None), newest[0] if newest else None)
