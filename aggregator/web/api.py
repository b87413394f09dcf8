"""The JSON API, version 1. ``docs/api.md`` describes each route and field."""

from dataclasses import asdict

from flask import Blueprint, Response, abort, jsonify, request
from flask.typing import ResponseReturnValue

from aggregator.domain.roles import Permission
from aggregator.services.catalogue import Services
from aggregator.services.detections import WindowView
from aggregator.web.access import needs, person
from aggregator.web.credentials import csrf_token
from aggregator.web.filters import read_filter, read_limit
from contract.audio import FEATURE_SCALE_DB, FEATURE_ZERO_POINT


def pages(services: Services) -> Blueprint:
    """The routes."""
    routes = Blueprint("api", __name__, url_prefix="/api/v1")

    @routes.get("/session")
    @needs(Permission.SEE)
    def session() -> ResponseReturnValue:
        who = person()
        # A program with a token needs no other one, and must not begin a session.
        token = None if who.by_token else csrf_token()
        return jsonify(csrf_token=token, reviewer=who.name, permissions=sorted(who.permissions))

    @routes.get("/nodes")
    @needs(Permission.SEE)
    def nodes() -> ResponseReturnValue:
        return jsonify(nodes=[asdict(node) for node in services.fleet.nodes()])

    @routes.get("/nodes/<name>")
    @needs(Permission.SEE)
    def node(name: str) -> ResponseReturnValue:
        detail = services.fleet.node(name)
        if detail is None:
            abort(404)
        return jsonify(asdict(detail))

    @routes.get("/detections")
    @needs(Permission.SEE)
    def detections() -> ResponseReturnValue:
        wanted = read_filter(request.args)
        page = services.detections.page(wanted.filter, request.args.get("cursor"), read_limit(request.args))
        return jsonify(items=[asdict(item) for item in page.items], older=page.older, newer=page.newer)

    @routes.get("/detections/<int:detection_id>")
    @needs(Permission.SEE)
    def detection(detection_id: int) -> ResponseReturnValue:
        found = services.detections.detection(detection_id)
        if found is None:
            abort(404)
        return jsonify(
            detection=asdict(found.detection),
            window=_window(found.window) if found.window else None,
            older_id=found.older_id,
            newer_id=found.newer_id,
        )

    @routes.get("/windows/<int:window_id>")
    @needs(Permission.SEE)
    def window(window_id: int) -> ResponseReturnValue:
        return jsonify(_window(_found(services, window_id)))

    @routes.get("/windows/<int:window_id>/features")
    @needs(Permission.HEAR)  # sound can be made of them
    def features(window_id: int) -> ResponseReturnValue:
        return _features(_found(services, window_id))

    @routes.get("/statistics")
    @needs(Permission.SEE)
    def statistics() -> ResponseReturnValue:
        return jsonify(asdict(services.statistics.summary()))

    @routes.get("/quarantine")
    @needs(Permission.SEE)
    def quarantine() -> ResponseReturnValue:
        return jsonify(
            items=[asdict(item) for item in services.statistics.quarantine(read_limit(request.args))]
        )

    return routes


def _found(services: Services, window_id: int) -> WindowView:
    window = services.detections.window(window_id)
    if window is None:
        abort(404)
    return window


def _window(window: WindowView) -> dict[str, object]:
    return {
        "id": window.id,
        "node": window.node,
        "model": window.model,
        "frontend_digest": window.frontend_digest,
        "reason": window.reason,
        "detection_id": window.detection_id,
        "start_s": window.start_s,
        "hop_ms": window.hop_ms,
        "step_ms": window.step_ms,
        "labels": window.labels,
        "frames": window.features.shape[0],
        "mel_bins": window.features.shape[1],
        "posteriors": [[round(float(value), 4) for value in step] for step in window.posteriors],
    }


def _features(window: WindowView) -> Response:
    frames, mel_bins = window.features.shape
    return Response(
        window.features.tobytes(),
        mimetype="application/octet-stream",
        headers={
            "X-Frames": str(frames),
            "X-Mel-Bins": str(mel_bins),
            "X-Hop-Ms": str(window.hop_ms),
            "X-Scale-Db": str(FEATURE_SCALE_DB),
            "X-Zero-Point": str(FEATURE_ZERO_POINT),
            "X-Frontend-Digest": window.frontend_digest,
            "Cache-Control": "private, max-age=86400, immutable",
        },
    )
