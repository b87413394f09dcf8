"""What drifted: the fleet at a glance, and every alert."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from aggregator.domain.roles import Permission
from aggregator.services.catalogue import Services
from aggregator.web.access import needs
from aggregator.web.drift_chart import drift_picture


def pages(services: Services) -> Blueprint:
    """The routes."""
    routes = Blueprint("drift", __name__)

    @routes.get("/drift")
    @needs(Permission.SEE)
    def index() -> ResponseReturnValue:
        views = services.drift.nodes()
        return render_template(
            "drift.html",
            pictures=[(view.node, drift_picture(view)) for view in views],
            alerts=services.drift.alerts(),
        )

    return routes
