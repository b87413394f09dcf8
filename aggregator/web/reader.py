"""Who reads: there is one password for all, so people give their names where it is recorded."""

from typing import Final

from flask import request, session

ANONYMOUS: Final = "somebody at the dashboard"
LONGEST: Final = 64
_KEY: Final = "reader"


def reader_name() -> str:
    """The name that the form gives, else the one given last; it is remembered with the session."""
    given = " ".join(request.form.get("who", "").split())[:LONGEST]
    if given:
        session[_KEY] = given
    return given or known_name() or ANONYMOUS


def known_name() -> str:
    """The name given last; empty without one."""
    name = session.get(_KEY, "")
    return name if isinstance(name, str) else ""
