"""Who decides: there is one password for all, so people give their names where it is recorded."""

from typing import Final

from flask import request

from aggregator.web import reviewer

ANONYMOUS: Final = "somebody at the dashboard"


def reader_name() -> str:
    """The name that the form gives, else the one given last; ``ReviewError`` says what does not suit."""
    given = request.form.get("who", "").strip()
    return reviewer.become(given) if given else reviewer.current() or ANONYMOUS


def known_name() -> str:
    """The name given last, here or while reviewing; empty without one."""
    return reviewer.current()
