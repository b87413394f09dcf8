"""Whether the web process answers, for supervisors and load balancers; and what every browser asks for."""

from flask import Blueprint, current_app, jsonify
from flask.typing import ResponseReturnValue

from aggregator.services.catalogue import Services
from aggregator.web.access import open_to_all


def pages(services: Services) -> Blueprint:
    """The routes."""
    routes = Blueprint("health", __name__)

    @routes.get("/healthz")
    @open_to_all
    def healthz() -> ResponseReturnValue:
        # Asking for the password reads the database: an aggregator that cannot is not healthy.
        services.accounts.is_set()
        return jsonify(status="ok")

    @routes.get("/favicon.ico")
    @open_to_all
    def icon() -> ResponseReturnValue:
        return current_app.send_static_file("icon.svg")

    return routes
