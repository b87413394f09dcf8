"""The JSON API of deletions. ``docs/api.md`` describes each route and field."""

from dataclasses import asdict

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from aggregator.domain.roles import Permission
from aggregator.services.catalogue import Services
from aggregator.web.access import needs, person
from aggregator.web.deletion import read_until


def pages(services: Services) -> Blueprint:
    """The routes."""
    routes = Blueprint("deletion_api", __name__, url_prefix="/api/v1")
    deletion = services.deletion

    @routes.get("/deletions")
    @needs(Permission.SEE)
    def index() -> ResponseReturnValue:
        return jsonify(items=[asdict(one) for one in deletion.newest()])

    @routes.delete("/windows/<int:window_id>")
    @needs(Permission.DELETE)
    def window(window_id: int) -> ResponseReturnValue:
        return jsonify(asdict(deletion.delete_window(window_id, person().name)))

    @routes.get("/nodes/<name>/data")
    @needs(Permission.DELETE)
    def plan(name: str) -> ResponseReturnValue:
        return jsonify(asdict(deletion.plan_node(name, _until())))

    @routes.delete("/nodes/<name>/data")
    @needs(Permission.DELETE)
    def node(name: str) -> ResponseReturnValue:
        return jsonify(asdict(deletion.delete_node_data(name, person().name, _until())))

    return routes


def _until() -> float | None:
    return read_until(request.args.get("until", ""))
