"""Detections as they come."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from aggregator.domain.roles import Permission
from aggregator.services.catalogue import Services
from aggregator.web.access import needs

SHOWN = 30
"""Detections on the page when it is opened."""


def pages(services: Services) -> Blueprint:
    """The routes."""
    routes = Blueprint("live", __name__)

    @routes.get("/live")
    @needs(Permission.SEE)
    def stream() -> ResponseReturnValue:
        return render_template("live.html", detections=services.detections.newest(SHOWN))

    return routes
