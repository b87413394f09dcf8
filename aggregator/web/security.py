"""Who gets in and what a browser may do: sessions, forgery tokens, headers.

Every route asks for a session unless it is marked ``open_to_all``; whatever changes something asks for the
session's token.
"""

import hmac
import secrets
from collections.abc import Callable
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from flask import Flask, Response, abort, current_app, redirect, request, session, url_for
from flask.sessions import SecureCookieSessionInterface
from werkzeug.wrappers import Response as AnyResponse

from aggregator.errors import AggregatorError
from aggregator.services.accounts import AccountService
from aggregator.web.problems import problem

View = TypeVar("View", bound=Callable[..., Any])

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
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

_FORGERY_HEADER: Final = "X-CSRF-Token"
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class _SessionCookies(SecureCookieSessionInterface):
    """The cookie is marked Secure exactly where the request came over TLS: a node's aggregator in a home
    network often has no certificate, and a cookie that never returns would lock everybody out."""

    def get_cookie_secure(self, app: Flask) -> bool:  # noqa: ARG002
        return request.is_secure


def open_to_all(view: View) -> View:
    """Marks a route that needs no session."""
    view.open_to_all = True  # type: ignore[attr-defined]
    return view


def for_programs(view: View) -> View:
    """Marks a route of nodes and commands: it looks at a token of its own, and never at cookies.

    Its answers carry no headers for browsers: a node that finds nothing new should hardly notice.
    """
    view.for_programs = True  # type: ignore[attr-defined]
    return open_to_all(view)


def protect(app: Flask, accounts: AccountService) -> None:
    """Put every route of ``app`` behind the session and its token, and headers on every response."""
    app.session_interface = _SessionCookies()
    app.before_request(lambda: _require_session(accounts))
    app.before_request(_require_token)
    app.after_request(_harden)
    app.jinja_env.globals["csrf_token"] = csrf_token
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


def _require_session(accounts: AccountService) -> AnyResponse | None:
    view = current_app.view_functions.get(request.endpoint or "")
    if request.endpoint == "static" or getattr(view, "open_to_all", False) or is_signed_in(accounts):
        return None
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
    if request.method in _SAFE_METHODS or _is_for_programs():
        return
    # A program that sends JSON has no form: docs/api.md says where it finds the token.
    sent = request.headers.get(_FORGERY_HEADER) or request.form.get("csrf_token", "")
    expected = session.get("csrf", "")
    if not expected or not hmac.compare_digest(sent.encode(), expected.encode()):
        abort(400, "The form was too old or came from elsewhere. Go back, reload the page and try again.")


def _is_for_programs() -> bool:
    return hasattr(current_app.view_functions.get(request.endpoint or ""), "for_programs")


def _harden(response: Response) -> Response:
    if _is_for_programs():
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
