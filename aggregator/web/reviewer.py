"""Who is reviewing: a name that people type once, kept in their session."""

from flask import session

from aggregator.domain.label_names import reviewer_name


def current() -> str:
    """The name of this session's reviewer; empty if none was given."""
    name = session.get("reviewer")
    return name if isinstance(name, str) else ""


def become(text: str) -> str:
    """Take a name for this session; ``ReviewError`` says what does not suit."""
    name = reviewer_name(text)
    session["reviewer"] = name
    return name
