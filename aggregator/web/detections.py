"""Past detections: pages of them, and each one in full."""

from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue

from aggregator.domain.roles import Permission
from aggregator.services.catalogue import Services
from aggregator.web.access import needs
from aggregator.web.filters import read_filter
from aggregator.web.window_chart import window_chart


def pages(services: Services) -> Blueprint:
    """The routes."""
    routes = Blueprint("detections", __name__)

    @routes.get("/detections")
    @needs(Permission.SEE)
    def index() -> ResponseReturnValue:
        wanted = read_filter(request.args)
        page = services.detections.page(wanted.filter, request.args.get("cursor"))
        nodes, labels = services.fleet.nodes(), services.detections.labels()
        return render_template("detections.html", page=page, wanted=wanted, nodes=nodes, labels=labels)

    @routes.get("/detections/<int:detection_id>")
    @needs(Permission.SEE)
    def detail(detection_id: int) -> ResponseReturnValue:
        found = services.detections.detection(detection_id)
        if found is None:
            abort(404)
        chart = window_chart(found.window, found.detection) if found.window else None
        return render_template("detection.html", detail=found, chart=chart)

    return routes
