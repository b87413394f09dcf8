"""Whether the web process answers, for supervisors and load balancers."""

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from aggregator.services.catalogue import Services
from aggregator.web.security import open_to_all


def pages(services: Services) -> Blueprint:
    """The routes."""
    routes = Blueprint("health", __name__)

    @routes.get("/healthz")
    @open_to_all
    def healthz() -> ResponseReturnValue:
        # Asking for the password reads the database: an aggregator that cannot is not healthy.
        services.accounts.is_set()
        return jsonify(status="ok")

    return routes
