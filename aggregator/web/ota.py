"""What nodes fetch: metadata, what they should run, bundles. And the way in for what was signed elsewhere.

No route here knows sessions. Metadata is public, nodes show their token, whoever signs shows another one.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from functools import partial
from io import BufferedReader
from typing import Final

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.wsgi import FileWrapper

from aggregator.errors import CommandError, UnknownOtaFileError
from aggregator.services.catalogue import Services
from aggregator.services.ota_delivery import Delivered
from aggregator.services.ota_publishing import LARGEST_UPLOAD_BYTES
from aggregator.web.access import for_programs
from aggregator.web.problems import problem
from contract import topics, wire

__all__ = ["LARGEST_UPLOAD_BYTES", "pages"]

_ETAG_DIGITS: Final = 16
_BEARER: Final = "Bearer "
_NODE: Final = "show the node's token: Authorization: Bearer …"
_SIGNER: Final = "show the token for uploads: Authorization: Bearer …"


def pages(services: Services) -> Blueprint:
    """The routes."""
    routes = Blueprint("ota", __name__, url_prefix="/ota/v1")

    @routes.get("/metadata/<name>")
    @for_programs
    def metadata(name: str) -> ResponseReturnValue:
        content = services.ota_delivery.metadata(name)
        if content is None:
            return _nothing()
        return _answer(content)

    @routes.get("/nodes/<node>/desired")
    @for_programs
    def desired(node: str) -> ResponseReturnValue:
        if not services.ota_delivery.knows(node, _token()):
            return _unauthorised(_NODE)
        wanted = services.ota_delivery.desired(node)
        return _nothing() if wanted is None else _answer(wire.encode(topics.DESIRED, wanted))

    @routes.get("/nodes/<node>/targets/<name>")
    @for_programs
    def target(node: str, name: str) -> ResponseReturnValue:
        if not services.ota_delivery.knows(node, _token()):
            return _unauthorised(_NODE)
        return _download(services, node, services.ota_delivery.target(node, name))

    @routes.get("/export")
    @for_programs
    def export() -> ResponseReturnValue:
        if not services.ota_publishing.opens(_token()):
            return _unauthorised(_SIGNER)
        return _json(services.ota_publishing.export(_release()))

    @routes.post("/hand-in")
    @for_programs
    def hand_in() -> ResponseReturnValue:
        if not services.ota_publishing.opens(_token()):
            return _unauthorised(_SIGNER)
        published = services.ota_publishing.hand_in(request.get_data(cache=False))
        return jsonify(published=[asdict(one) for one in published])

    return routes


def _token() -> str:
    sent = request.headers.get("Authorization", "")
    return sent.removeprefix(_BEARER).strip() if sent.startswith(_BEARER) else ""


def _unauthorised(detail: str) -> Response:
    response = problem(401, detail)
    response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _release() -> int | None:
    sent = request.args.get("release")
    if sent is None:
        return None
    if not sent.isdecimal() or len(sent) > 9:
        raise CommandError("release: must be the number of a release")
    return int(sent)


def _answer(content: bytes) -> Response:
    """JSON that is not sent again to whoever has it."""
    response = _json(content)
    response.set_etag(hashlib.sha256(content).hexdigest()[:_ETAG_DIGITS])
    response.make_conditional(request)
    return response


def _nothing() -> Response:
    """How a node learns that there is no newer root, or that nothing is asked of it: it costs little."""
    response = Response(status=404)
    del response.headers["Content-Type"]
    return response


def _json(content: bytes) -> Response:
    return Response(content, mimetype="application/json", headers={"Cache-Control": "no-cache"})


def _download(services: Services, node: str, delivered: Delivered) -> Response:
    """The bundle, or the range of it that was asked for, no faster than allowed."""
    bandwidth = services.ota_delivery.bandwidth
    bandwidth.enter()
    try:
        file = _opened(delivered)
        body = FileWrapper(file, bandwidth.chunk_bytes)
        response = Response(body, mimetype="application/octet-stream", direct_passthrough=True)
        response.call_on_close(bandwidth.leave)
        response.call_on_close(file.close)
    except BaseException:
        bandwidth.leave()
        raise
    response.content_length = delivered.published.size_bytes
    response.set_etag(delivered.published.digest)
    try:
        response.make_conditional(request, accept_ranges=True, complete_length=delivered.published.size_bytes)
    except BaseException:
        response.close()
        raise
    response.response = _paced(response.iter_encoded(), partial(bandwidth.wait, node))
    response.direct_passthrough = False  # else nobody would call what stands in call_on_close
    return response


def _opened(delivered: Delivered) -> BufferedReader:
    try:
        return delivered.path.open("rb")
    except FileNotFoundError as error:
        raise UnknownOtaFileError("it was withdrawn at this moment") from error


def _paced(chunks: Iterable[bytes], wait: Callable[[int], None]) -> Iterator[bytes]:
    for chunk in chunks:
        wait(len(chunk))
        yield chunk
