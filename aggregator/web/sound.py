"""Stored windows as sound: for the play buttons, as files, and for programs."""

import io
from typing import Final

from flask import Blueprint, Response, request, send_file
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest

from aggregator.domain.roles import Permission
from aggregator.services.catalogue import Services
from aggregator.services.sound import Sound
from aggregator.services.sound_files import as_bytes, file_name
from aggregator.web.access import needs, person
from aggregator.web.filters import read_time

LONGEST_SPAN_S: Final = 600.0
"""A worker makes it fifty times as fast as it sounds; longer ones are for ``aggregator export-audio``."""

_TYPES: Final = {"wav": "audio/wav", "flac": "audio/flac"}


def pages(services: Services) -> Blueprint:
    """The routes."""
    routes = Blueprint("sound", __name__)
    sound = services.sound

    @routes.get("/api/v1/windows/<int:window_id>/audio.<any(wav, flac):kind>")
    @routes.get("/windows/<int:window_id>.<any(wav, flac):kind>")
    @needs(Permission.HEAR)
    def window(window_id: int, kind: str) -> ResponseReturnValue:
        return _file(sound.window(window_id, person().name), kind)

    @routes.get("/api/v1/detections/<int:detection_id>/audio.<any(wav, flac):kind>")
    @routes.get("/detections/<int:detection_id>.<any(wav, flac):kind>")
    @needs(Permission.HEAR)
    def detection(detection_id: int, kind: str) -> ResponseReturnValue:
        return _file(sound.detection(detection_id, person().name), kind)

    @routes.get("/api/v1/nodes/<name>/audio.<any(wav, flac):kind>")
    @routes.get("/nodes/<name>/audio.<any(wav, flac):kind>")
    @needs(Permission.HEAR)
    def span(name: str, kind: str) -> ResponseReturnValue:
        since_s, until_s = _time("since"), _time("until")
        return _file(sound.span(name, since_s, until_s, person().name, longest_s=LONGEST_SPAN_S), kind)

    return routes


def _file(sound: Sound, kind: str) -> Response:
    response = send_file(
        io.BytesIO(as_bytes(sound, kind)),
        mimetype=_TYPES[kind],
        download_name=file_name(sound, kind),
        as_attachment="download" in request.args,
        conditional=True,
        etag=False,
    )
    # What is deleted must not be heard again, and who listens again is recorded again.
    response.headers["Cache-Control"] = "no-store"
    return response


def _time(name: str) -> float:
    if name not in request.args:
        raise BadRequest(f"{name} is missing.")
    return read_time(request.args[name], name)
