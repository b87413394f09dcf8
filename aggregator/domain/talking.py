"""Who may talk to whom, and in which codec. Pure."""

from collections.abc import Sequence
from typing import Final

OFF: Final = "off"
PEOPLE: Final = "people"
NODES: Final = "nodes"
LEVELS: Final = (OFF, PEOPLE, NODES)
"""Whom an operator lets talk to a node: nobody, people here who have the permission, or also other nodes."""


def refusal(node: str, level: str, understood: Sequence[str], *, online: bool, from_node: str | None) -> str:
    """Why nobody may talk to ``node`` so; empty if somebody may.

    ``understood`` are the codecs in which its owner lets people talk through it.
    """
    if not understood:
        return f"the owner of {node} does not let people talk through it: [talk] allowed in its agent.toml"
    if level == OFF:
        return f"nobody may talk to {node} until that is allowed on its page"
    if from_node is not None and level != NODES:
        return f"only people at the dashboard may talk to {node}"
    if from_node == node:
        return f"{node} need not talk to itself"
    if not online:
        return f"{node} is not connected"
    return ""


def chosen(spoken: Sequence[str], understood: Sequence[str]) -> str:
    """The first codec of who speaks that the other one understands; empty if there is none.

    >>> chosen(["opus", "26k", "15k"], ["15k", "26k"])
    '26k'
    """
    return next((codec for codec in spoken if codec in understood), "")
