"""What each route asks for, written above it; a route above which nothing is written is closed.

``security`` reads the declarations before each request, and puts the person who asks where views find it.
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from flask import current_app, request

from aggregator.domain.roles import NOBODY, Permission, Person

View = TypeVar("View", bound=Callable[..., Any])

OPEN: Final = "open"
"""Whoever comes: the door itself, and what a load balancer asks."""
OF_PROGRAMS: Final = "of programs"
"""Nodes and commands, which show a token of their own."""
OF_ONESELF: Final = "of oneself"
"""Whoever signed in, whatever the role: one's own account. Tokens never reach it."""

_PERSON: Final = "soundpost.person"


def needs(permission: Permission) -> Callable[[View], View]:
    """Declares that a route is for those who have ``permission``. Stands below ``@routes.get(...)``."""
    return lambda view: _declare(view, permission)


def open_to_all(view: View) -> View:
    """Declares that a route needs no session."""
    return _declare(view, OPEN)


def of_oneself(view: View) -> View:
    """Declares a route of everybody who is signed in."""
    return _declare(view, OF_ONESELF)


def for_programs(view: View) -> View:
    """Declares a route of nodes and commands: it looks at a token of its own, and never at cookies.

    Its answers carry no headers for browsers: a node that finds nothing new should hardly notice.
    """
    return _declare(view, OF_PROGRAMS)


def declared(endpoint: str | None) -> Permission | str | None:
    """What the route of ``endpoint`` asks for; None if nobody has said."""
    if endpoint == "static":
        return OPEN
    view = current_app.view_functions.get(endpoint or "")
    asked: Permission | str | None = getattr(view, "asks_for", None)
    return asked


def is_for_programs() -> bool:
    """Whether the request is one of nodes or commands."""
    return declared(request.endpoint) == OF_PROGRAMS


def person() -> Person:
    """Who asks; ``NOBODY`` where nobody is signed in. Also within an answer that is written later."""
    found: Person = request.environ.get(_PERSON, NOBODY)
    return found


def recognised(who: Person) -> None:
    """It is ``who`` that asks."""
    # Not in ``g``: an answer that is streamed keeps the request, but gets another ``g``.
    request.environ[_PERSON] = who


def _declare(view: View, asked: Permission | str) -> View:
    view.asks_for = asked  # type: ignore[attr-defined]
    return view
