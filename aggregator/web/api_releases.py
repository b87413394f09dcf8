"""The JSON API of trainings and releases, version 1. ``docs/api.md`` describes each route and field."""

from dataclasses import asdict
from typing import Any, Final

from flask import Blueprint, abort, jsonify
from flask.typing import ResponseReturnValue

from aggregator.domain.roles import Permission
from aggregator.services.catalogue import Services
from aggregator.services.release_views import ReleaseView
from aggregator.services.retrain import TrainingView
from aggregator.web.access import needs
from aggregator.web.releases import compared

_SHOWN: Final = 100


def pages(services: Services) -> Blueprint:
    """The routes."""
    routes = Blueprint("api_releases", __name__, url_prefix="/api/v1")

    @routes.get("/trainings")
    @needs(Permission.SEE)
    def trainings() -> ResponseReturnValue:
        newest = services.retrain.newest(_SHOWN)
        return jsonify(items=[_training(one) for one in newest], missing=services.retrain.missing())

    @routes.get("/trainings/<int:training_id>")
    @needs(Permission.SEE)
    def training(training_id: int) -> ResponseReturnValue:
        return jsonify(_training(services.retrain.get(training_id)))

    @routes.get("/snapshots/<int:snapshot_id>")
    @needs(Permission.SEE)
    def snapshot(snapshot_id: int) -> ResponseReturnValue:
        found = services.snapshots.find(snapshot_id)
        if found is None:
            abort(404)
        return jsonify(asdict(found))

    @routes.get("/releases")
    @needs(Permission.SEE)
    def releases() -> ResponseReturnValue:
        return jsonify(items=[_release(one) for one in services.releases.every()])

    @routes.get("/releases/<int:release_id>")
    @needs(Permission.SEE)
    def release(release_id: int) -> ResponseReturnValue:
        detail = services.releases.detail(release_id)
        return jsonify(
            release=_release(detail.view),
            parent_id=detail.view.parent_id,
            children=[one.id for one in detail.children],
            verdict=detail.verdict.to_plain() if detail.verdict else None,
            decisions=[asdict(one) for one in detail.decisions],
        )

    @routes.get("/releases/compare")
    @needs(Permission.SEE)
    def compare() -> ResponseReturnValue:
        found = services.releases.compare(*compared())
        return jsonify(
            candidate=_release(found.candidate),
            incumbent=_release(found.incumbent),
            same_snapshot=found.same_snapshot,
            verdict=found.verdict.to_plain(),
        )

    return routes


def _training(view: TrainingView) -> dict[str, Any]:
    hidden = ("pid", "pid_ticks")
    return {name: value for name, value in asdict(view).items() if name not in hidden}


def _release(view: ReleaseView) -> dict[str, Any]:
    return asdict(view) | {"model": view.model}
