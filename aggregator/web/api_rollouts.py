"""The JSON API of rollouts, version 1. ``docs/api.md`` describes each route and field."""

from dataclasses import asdict
from typing import Final

from flask import Blueprint, abort, jsonify, request
from flask.typing import ResponseReturnValue

from aggregator.domain.roles import Permission
from aggregator.services.catalogue import Services
from aggregator.web.access import needs, person
from aggregator.web.filters import read_limit

ORDERS: Final = ("pause", "resume", "halt", "cancel", "retry")


def pages(services: Services) -> Blueprint:
    """The routes."""
    routes = Blueprint("api_rollouts", __name__, url_prefix="/api/v1")
    rollouts = services.rollouts

    @routes.get("/rollouts")
    @needs(Permission.SEE)
    def index() -> ResponseReturnValue:
        return jsonify(items=[asdict(one) for one in rollouts.every(read_limit(request.args))])

    @routes.get("/rollouts/<int:rollout_id>")
    @needs(Permission.SEE)
    def detail(rollout_id: int) -> ResponseReturnValue:
        wanted = request.args
        found = rollouts.detail(
            rollout_id, state=wanted.get("state", ""), wave=wanted.get("wave", type=int),
            node=wanted.get("node", ""), limit=read_limit(wanted),
        )  # fmt: skip
        return jsonify(
            rollout=asdict(found.view),
            nodes=[asdict(one) for one in found.members],
            nodes_left=found.members_left,
        )

    @routes.post("/rollouts/<int:rollout_id>/<order>")
    @needs(Permission.ROLLOUT)
    def steer(rollout_id: int, order: str) -> ResponseReturnValue:
        if order not in ORDERS:
            abort(404)
        view = getattr(rollouts, order)(rollout_id, person().name, request.form.get("reason", ""))
        return jsonify(asdict(view))

    @routes.post("/rollouts/<int:rollout_id>/rollback")
    @needs(Permission.ROLLOUT)
    def roll_back(rollout_id: int) -> ResponseReturnValue:
        form = request.form
        made = rollouts.roll_back(
            rollout_id, person().name, release=form.get("release", ""), reason=form.get("reason", "")
        )
        return jsonify(items=[asdict(one) for one in made])

    @routes.get("/pins")
    @needs(Permission.SEE)
    def pins() -> ResponseReturnValue:
        return jsonify(items=[asdict(one) for one in services.pins.pins()])

    return routes
