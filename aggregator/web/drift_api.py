"""The JSON API of drift. ``docs/api.md`` describes each route and field."""

from dataclasses import asdict

from flask import Blueprint, abort, jsonify
from flask.typing import ResponseReturnValue

from aggregator.domain.roles import Permission
from aggregator.services.catalogue import Services
from aggregator.web.access import needs


def pages(services: Services) -> Blueprint:
    """The routes."""
    routes = Blueprint("drift_api", __name__, url_prefix="/api/v1/drift")

    @routes.get("")
    @needs(Permission.SEE)
    def index() -> ResponseReturnValue:
        return jsonify(
            nodes=[asdict(one) for one in services.drift.nodes()],
            alerts=[asdict(one) for one in services.drift.alerts()],
        )

    @routes.get("/<name>")
    @needs(Permission.SEE)
    def node(name: str) -> ResponseReturnValue:
        found = services.drift.node(name)
        if found is None:
            abort(404)
        return jsonify(node=asdict(found), alerts=[asdict(one) for one in services.drift.alerts(name)])

    return routes
