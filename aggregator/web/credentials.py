"""By what a request is recognised: the session of a browser, or the token of a program."""

import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from flask import request, session

from aggregator.domain.roles import Permission, Person
from aggregator.errors import StoreError
from aggregator.services.catalogue import Services
from aggregator.services.tokens import PREFIX

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
WORTH_S: Final = 5.0
_SESSION: Final = "session"
_LOOPBACK: Final = ("127.0.0.1", "::1")
_LONGEST_ADDRESS: Final = 45


def sign_in(cookie: str) -> None:
    """Let the browser carry the session that ``cookie`` stands for; what an earlier one held is gone."""
    session.clear()
    session.permanent = True
    session[_SESSION] = cookie
    csrf_token()


def sign_out() -> None:
    """Let the browser forget its session."""
    session.clear()


def csrf_token() -> str:
    """The token that a form must send back; made on first use."""
    if "csrf" not in session:
        session["csrf"] = secrets.token_urlsafe(24)
    token: str = session["csrf"]
    return token


def current_session() -> str:
    """What the browser carries; empty without a session."""
    carried = session.get(_SESSION)
    return carried if isinstance(carried, str) else ""


def shown_token() -> str | None:
    """The token that a program shows; None if it shows none.

    Players of sound know only names and passwords: they may send a token as the password. A browser would go
    on to send it by itself, also for a form of another site, so that way opens nothing that changes things.
    """
    sent = request.authorization
    if sent is not None and sent.type == "basic" and (sent.password or "").startswith(PREFIX):
        return sent.password if request.method in SAFE_METHODS else ""
    shown = request.headers.get("Authorization", "")
    return shown[7:].strip() if shown[:7].lower() == "bearer " else None


def client() -> str:
    """The address that asks; of what a proxy on this machine passes on, the one that the proxy names."""
    address = request.remote_addr or ""
    passed = request.headers.get("X-Forwarded-For", "") if address in _LOOPBACK else ""
    return passed.rsplit(",", 1)[-1].strip()[:_LONGEST_ADDRESS] or address


def person(services: Services) -> Person | None:
    """Who asks; None if it is nobody that is known. No session makes a token good that does not hold."""
    return _known(services, shown_token(), current_session())


def still(services: Services, permission: Permission) -> Callable[[], bool]:
    """A question for answers that take long: whether who asked may still have them.

    Call it within the request, and ask it as often as you like: that a session or token has ended, or that a
    role was taken away, is noticed after ``WORTH_S``. While the database is away it keeps to what it knew.
    """
    token, cookie = shown_token(), current_session()
    known, known_s = True, time.monotonic()

    def may() -> bool:
        nonlocal known, known_s
        if time.monotonic() - known_s > WORTH_S:
            with suppress(StoreError):
                found = _known(services, token, cookie)
                known = found is not None and found.may(permission)
            known_s = time.monotonic()
        return known

    return may


def _known(services: Services, token: str | None, cookie: str) -> Person | None:
    if token is not None:
        return services.tokens.person(token)
    return services.accounts.session(cookie) if cookie else None
