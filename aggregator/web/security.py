"""Who gets in and what a browser may do: sessions, forgery tokens, headers.

Every route asks for what is declared above it (``access``); whatever changes something asks for the session's
token.
"""

import hmac
import secrets
from typing import Final
from urllib.parse import urlsplit

from flask import Flask, Response, abort, g, redirect, request, session, url_for
from flask.sessions import SecureCookieSessionInterface
from werkzeug.wrappers import Response as AnyResponse

from aggregator.domain.roles import Permission
from aggregator.errors import AggregatorError
from aggregator.services.accounts import AccountService
from aggregator.web import access
from aggregator.web.access import Person
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

ADMIN: Final = "admin"
_REFUSED: Final = "Your role does not allow that. An administrator can change it."
_UNDECLARED: Final = "Nobody has said who may open this address, so nobody may."
_FORGERY_HEADER: Final = "X-CSRF-Token"
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class _SessionCookies(SecureCookieSessionInterface):
    """The cookie is marked Secure exactly where the request came over TLS: a node's aggregator in a home
    network often has no certificate, and a cookie that never returns would lock everybody out."""

    def get_cookie_secure(self, app: Flask) -> bool:  # noqa: ARG002
        return request.is_secure


def protect(app: Flask, accounts: AccountService) -> None:
    """Put every route of ``app`` behind the session and its token, and headers on every response."""
    app.session_interface = _SessionCookies()
    app.before_request(lambda: _require_permission(accounts))
    app.before_request(_require_token)
    app.after_request(_harden)
    app.jinja_env.globals["csrf_token"] = csrf_token
    app.jinja_env.globals["may"] = lambda permission: access.person().may(permission)
    app.jinja_env.globals["is_signed_in"] = lambda: _shows_navigation(accounts)


def sign_in(accounts: AccountService) -> None:
    """Begin a session; what an earlier one held is gone."""
    session.clear()
    session.permanent = True
    session["version"] = accounts.session_version()
    csrf_token()


def sign_out() -> None:
    """End the session."""
    session.clear()


def is_signed_in(accounts: AccountService) -> bool:
    """Whether the request carries a session that began with the password of today."""
    version = session.get("version")
    return isinstance(version, str) and hmac.compare_digest(version, accounts.session_version())


def csrf_token() -> str:
    """The token that a form must send back; made on first use."""
    if "csrf" not in session:
        session["csrf"] = secrets.token_urlsafe(24)
    token: str = session["csrf"]
    return token


def safe_target(target: str | None) -> str:
    """``target`` if it is a path on this server, else the start page: nobody is sent elsewhere."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return url_for("fleet.overview")
    parts = urlsplit(target)
    return url_for("fleet.overview") if parts.scheme or parts.netloc or "\\" in target else target


def _shows_navigation(accounts: AccountService) -> bool:
    try:
        return is_signed_in(accounts)
    except AggregatorError:
        # The page that says that the database is away must not need it.
        return False


def _require_permission(accounts: AccountService) -> AnyResponse | None:
    asked = access.declared(request.endpoint)
    if asked in (access.OPEN, access.OF_PROGRAMS):
        return None
    if not is_signed_in(accounts):
        return _to_the_door(accounts)
    g.person = Person(name=ADMIN, permissions=frozenset(Permission))
    if request.endpoint is None or asked == access.OF_ONESELF:
        return None  # no route, no secret: whoever is signed in is told that there is nothing here
    if asked is None:
        abort(403, _UNDECLARED)
    if not g.person.may(asked):
        abort(403, _REFUSED)
    return None


def _to_the_door(accounts: AccountService) -> AnyResponse:
    of_a_page = request.headers.get("Sec-Fetch-Dest", "document") == "document"
    if request.path.startswith(("/api/", "/ota/")) or not of_a_page:
        # The sign-in form begins a session: only a reader may ask for it, not a picture or a stream.
        return problem(401, "sign in first: this address needs the session cookie")
    if not accounts.is_set():
        return redirect(url_for("sign_in.setup"))
    if request.method not in _SAFE_METHODS or request.path == "/":
        return redirect(url_for("sign_in.form"))
    return redirect(url_for("sign_in.form", next=request.full_path.rstrip("?")))


def _require_token() -> None:
    if request.method in _SAFE_METHODS or access.is_for_programs():
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
