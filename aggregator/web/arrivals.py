"""What arrived: counts, delays, and the messages that could not be read."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from aggregator.domain.roles import Permission
from aggregator.services.catalogue import Services
from aggregator.web.access import needs


def pages(services: Services) -> Blueprint:
    """The routes."""
    routes = Blueprint("arrivals", __name__)

    @routes.get("/arrivals")
    @needs(Permission.SEE)
    def page() -> ResponseReturnValue:
        told, refused = services.statistics.summary(), services.statistics.quarantine()
        return render_template("arrivals.html", told=told, refused=refused)

    return routes
