"""Who gets in and what a browser may do: sessions, forgery tokens, headers.

Every route asks for what is declared above it (``access``); whatever changes something asks for the session's
token.
"""

import hmac
from typing import Final
from urllib.parse import urlsplit

from flask import Flask, Response, abort, redirect, request, session, url_for
from flask.sessions import SecureCookieSessionInterface
from werkzeug.wrappers import Response as AnyResponse

from aggregator.services.accounts import AccountService
from aggregator.services.catalogue import Services
from aggregator.web import access, credentials
from aggregator.web.problems import problem

CONTENT_POLICY: Final = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "media-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)
HEADERS: Final = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(self)",
}

_SCOPE_REFUSED: Final = "This token does not allow that."
_ELSEWHERE: Final = "A page of another address may not open this."
_REFUSED: Final = "Your role does not allow that. An administrator can change it."
_UNDECLARED: Final = "Nobody has said who may open this address, so nobody may."
_FORGERY_HEADER: Final = "X-CSRF-Token"


class _SessionCookies(SecureCookieSessionInterface):
    """The cookie is marked Secure exactly where the request came over TLS: a node's aggregator in a home
    network often has no certificate, and a cookie that never returns would lock everybody out."""

    def get_cookie_secure(self, app: Flask) -> bool:  # noqa: ARG002
        return request.is_secure


def protect(app: Flask, services: Services) -> None:
    """Ask of every request to ``app`` what its route needs and its token, and harden every answer."""
    app.session_interface = _SessionCookies()
    app.before_request(lambda: _require_permission(services))
    app.before_request(_require_token)
    app.after_request(_harden)
    app.jinja_env.globals["csrf_token"] = credentials.csrf_token
    app.jinja_env.globals["person"] = access.person
    app.jinja_env.globals["may"] = lambda permission: access.person().may(permission)


def safe_target(target: str | None) -> str:
    """``target`` if it is a path on this server, else the start page: nobody is sent elsewhere."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return url_for("fleet.overview")
    parts = urlsplit(target)
    return url_for("fleet.overview") if parts.scheme or parts.netloc or "\\" in target else target


def _require_permission(services: Services) -> AnyResponse | None:
    asked = access.declared(request.endpoint)
    if asked in (access.OPEN, access.OF_PROGRAMS):
        return None
    person = credentials.person(services)
    if person is None:
        return _to_the_door(services.accounts)
    access.recognised(person)
    if _from_elsewhere():
        abort(403, _ELSEWHERE)
    if request.endpoint is None:
        return None  # no route, no secret: whoever is known is told that there is nothing here
    if asked is None:
        abort(403, _UNDECLARED)
    if person.by_token if asked == access.OF_ONESELF else not person.may(asked):
        abort(403, _SCOPE_REFUSED if person.by_token else _REFUSED)
    return None


def _from_elsewhere() -> bool:
    """Whether a page of another site opens a socket: no form's token protects these."""
    if request.headers.get("Upgrade", "").lower() != "websocket":
        return False
    origin = request.headers.get("Origin")
    if origin is None:
        return not access.person().by_token
    return urlsplit(origin).netloc != request.host


def _to_the_door(accounts: AccountService) -> AnyResponse:
    if not _for_a_reader():
        # The sign-in form begins a session: only a reader may ask for it, not a picture or a stream.
        answer = problem(401, "sign in first: this address needs the session cookie, or a token that holds")
        # A browser would ask its reader for a name and a password.
        answer.headers["WWW-Authenticate"] = "Bearer" if request.cookies else 'Basic realm="Soundpost"'
        return answer
    if not accounts.is_set():
        return redirect(url_for("sign_in.setup"))
    if request.method not in credentials.SAFE_METHODS or request.path == "/":
        return redirect(url_for("sign_in.form"))
    return redirect(url_for("sign_in.form", next=request.full_path.rstrip("?")))


def _for_a_reader() -> bool:
    """Whether a page is asked for."""
    if credentials.shown_token() is not None or request.path.startswith(("/api/", "/ota/")):
        return False
    takes = request.headers.get("Accept", "text/html")
    return request.headers.get("Sec-Fetch-Dest", "document") == "document" and "text/html" in takes


def _require_token() -> None:
    if request.method in credentials.SAFE_METHODS or access.is_for_programs() or access.person().by_token:
        return
    # A program that sends JSON has no form: docs/api.md says where it finds the token.
    sent = request.headers.get(_FORGERY_HEADER) or request.form.get("csrf_token", "")
    expected = session.get("csrf", "")
    if not expected or not hmac.compare_digest(sent.encode(), expected.encode()):
        abort(400, "The form was too old or came from elsewhere. Go back, reload the page and try again.")


def _harden(response: Response) -> Response:
    if access.is_for_programs():
        if response.content_length or response.is_streamed:
            response.headers["X-Content-Type-Options"] = "nosniff"
            response.headers.setdefault("Cache-Control", "no-store")
        return response
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.endpoint == "static":
        response.headers["Cache-Control"] = "no-cache"
    else:
        response.headers.setdefault("Cache-Control", "no-store")
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    return response
