"""What a reader sees when something is missing or went wrong: a page, or a JSON problem object (RFC 9457)."""

import json
from typing import Final

from flask import Flask, Response, render_template, request
from werkzeug.exceptions import HTTPException

from aggregator.errors import (
    AggregatorError,
    BusyError,
    CommandError,
    CursorError,
    DeletionError,
    DeliveryRefusedError,
    EnrolmentRefusedError,
    LabelError,
    LabelFileError,
    ListeningError,
    PasswordError,
    PolicyError,
    ReleaseError,
    ReviewError,
    RolloutError,
    SoundError,
    TalkError,
    TokenError,
    TooManyAttemptsError,
    TrainingError,
    TrustError,
    UnknownNodeError,
    UnknownOtaFileError,
    UnknownReleaseError,
    UnknownRolloutError,
    UnknownTokenError,
    UnknownTrainingError,
    UnknownUserError,
    UnknownWindowError,
    UserError,
)
from aggregator.web.formats import sentence

_TITLES: Final = {
    400: "That did not work",
    401: "Not signed in",
    403: "Not allowed",
    404: "Nothing here",
    405: "Not possible here",
    413: "Too large",
    429: "Too many attempts",
    500: "Something broke",
    503: "Not available at the moment",
}
_HINTS: Final = {
    404: "There is no page or object at this address. It may have been removed, or never been there.",
    405: "This address exists, but not for that kind of request.",
    500: "The fault is ours, and its cause is in the aggregator’s log. Nothing that nodes sent is lost.",
}
_STATUS_OF_ERROR: Final[tuple[tuple[type[AggregatorError], int], ...]] = (
    (CursorError, 400),
    (CommandError, 400),
    (LabelError, 400),
    (ReviewError, 400),
    (LabelFileError, 400),
    (PolicyError, 400),
    (DeletionError, 400),
    (SoundError, 400),
    (ListeningError, 400),
    (TalkError, 400),
    (ReleaseError, 400),
    (RolloutError, 400),
    (TrainingError, 400),
    (TrustError, 400),
    (UserError, 400),
    (TokenError, 400),
    (PasswordError, 400),
    (DeliveryRefusedError, 403),
    (EnrolmentRefusedError, 403),
    (TooManyAttemptsError, 429),
    (UnknownUserError, 404),
    (UnknownTokenError, 404),
    (UnknownOtaFileError, 404),
    (BusyError, 429),
    (UnknownNodeError, 404),
    (UnknownWindowError, 404),
    (UnknownReleaseError, 404),
    (UnknownRolloutError, 404),
    (UnknownTrainingError, 404),
    (AggregatorError, 503),
)


def install(app: Flask) -> None:
    """Answer every error of ``app`` in the reader's language."""
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(AggregatorError, _own_error)
    app.register_error_handler(500, lambda _: _answer(500, _HINTS[500]))


def problem(status: int, detail: str) -> Response:
    """A JSON problem object."""
    body = {"type": "about:blank", "title": _title(status), "status": status, "detail": detail}
    return Response(json.dumps(body), status, mimetype="application/problem+json")


def _http_error(error: HTTPException) -> Response:
    status = error.code or 500
    response = _answer(status, _HINTS.get(status) or error.description or "")
    if isinstance(allowed := getattr(error, "valid_methods", None), list):
        response.headers["Allow"] = ", ".join(sorted(allowed))
    return response


def _own_error(error: AggregatorError) -> Response:
    status = next(status for kind, status in _STATUS_OF_ERROR if isinstance(error, kind))
    response = _answer(status, sentence(error))
    if isinstance(error, BusyError | TooManyAttemptsError):
        response.headers["Retry-After"] = f"{error.retry_after_s:.0f}"
    return response


def _answer(status: int, detail: str) -> Response:
    # A script of ours asks for JSON and shows the detail itself.
    if (
        request.path.startswith(("/api/", "/ota/", "/enrol/"))
        or request.accept_mimetypes.best == "application/json"
    ):
        return problem(status, detail)
    return Response(
        render_template("problem.html", status=status, title=_title(status), detail=detail), status
    )


def _title(status: int) -> str:
    return _TITLES.get(status, "That did not work")
