"""Spectrograms as PNG. A stored window never changes, but it may be deleted: browsers keep it for a day."""

from flask import Blueprint, Response, abort, request
from flask.typing import ResponseReturnValue

from aggregator.domain.roles import Permission
from aggregator.services.catalogue import Services
from aggregator.web.access import needs
from aggregator.web.spectrogram import SIZES, colour_bar, draw

_FOR_A_DAY = "private, max-age=86400, immutable"


def pages(services: Services) -> Blueprint:
    """The routes."""
    routes = Blueprint("windows", __name__)

    @routes.get("/windows/<int:window_id>.png")
    @needs(Permission.SEE)
    def picture(window_id: int) -> ResponseReturnValue:
        size = request.args.get("size", "full")
        if size not in SIZES:
            abort(400, f"size must be one of {', '.join(SIZES)}")
        window = services.detections.window(window_id)
        if window is None:
            abort(404)
        return _kept(draw(window.features, size))

    @routes.get("/windows/scale.png")
    @needs(Permission.SEE)
    def scale() -> ResponseReturnValue:
        return _kept(colour_bar())

    return routes


def _kept(content: bytes) -> Response:
    response = Response(content, mimetype="image/png", headers={"Cache-Control": _FOR_A_DAY})
    response.add_etag()
    response.make_conditional(request)
    return response
