"""The dashboard and the JSON API: what the services know, as pages.

Server-rendered, usable without scripts and without any other host. A route reads the request, calls one
service and renders.
"""

from datetime import timedelta

from flask import Flask, request

from aggregator.services.catalogue import Services
from aggregator.web import (
    account,
    api,
    api_releases,
    api_rollouts,
    arrivals,
    dataset,
    deletion,
    deletion_api,
    detections,
    drift,
    drift_api,
    enrol,
    events,
    exports,
    fleet,
    formats,
    health,
    listening,
    live,
    node,
    ota,
    problems,
    releases,
    review,
    review_api,
    review_labels,
    rollouts,
    sampling,
    sampling_api,
    security,
    sign_in,
    sockets,
    sound,
    talk,
    training,
    users,
    windows,
)

_SESSION_DAYS = 30
_LARGEST_FORM_BYTES = 64_000


def create_app(services: Services) -> Flask:
    """The WSGI application over ``services``."""
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY=services.accounts.session_secret(),
        SESSION_COOKIE_NAME="soundpost",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        # An answer that arrives after the sign-out would bring the session back.
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=timedelta(days=_SESSION_DAYS),
        MAX_CONTENT_LENGTH=_LARGEST_FORM_BYTES,
        # A listener who is gone is noticed; one has nothing long to say.
        SOCK_SERVER_OPTIONS={"ping_interval": 10, "max_message_size": 1000},
    )
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    app.before_request(_allow_files)
    security.protect(app, services)
    sockets.install(app)
    formats.install(app)
    problems.install(app)
    for pages in (
        health.pages,
        sign_in.pages,
        account.pages,
        users.pages,
        fleet.pages,
        live.pages,
        listening.pages,
        talk.pages,
        events.pages,
        detections.pages,
        exports.pages,
        windows.pages,
        sound.pages,
        node.pages,
        sampling.pages,
        arrivals.pages,
        review.pages,
        review_labels.pages,
        dataset.pages,
        deletion.pages,
        drift.pages,
        training.pages,
        releases.pages,
        api.pages,
        review_api.pages,
        sampling_api.pages,
        deletion_api.pages,
        drift_api.pages,
        api_releases.pages,
        api_rollouts.pages,
        ota.pages,
        enrol.pages,
        rollouts.pages,
    ):
        app.register_blueprint(pages(services))
    return app


def _allow_files() -> None:
    """A file of labels, or of signed metadata with a bundle, may be larger than other forms."""
    if request.endpoint == "dataset.load":
        request.max_content_length = dataset.LARGEST_UPLOAD_BYTES
    elif request.endpoint == "ota.hand_in":
        request.max_content_length = ota.LARGEST_UPLOAD_BYTES
