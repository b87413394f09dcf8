"""How an installation goes on from what lies on the disk. Pure."""

from dataclasses import dataclass
from enum import Enum


class Move(Enum):
    """What to do next."""

    DISCARD = "discard what was downloaded: it is longer than what was signed"
    DOWNLOAD = "download what is missing"
    VERIFY = "hash it, then move it into a slot"
    TEST = "let a child process try it"
    READY = "nothing: it may be put in service"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the disk says; so a kill between two moves only means to look again."""

    signed_bytes: int
    """Length of the bundle as signed."""
    part_bytes: int
    """Downloaded and not yet in a slot."""
    staged: bool
    """A slot, or the shipped bundle, has exactly this content."""
    tested: bool
    """It has passed its self-test on this node."""


def next_move(facts: Facts) -> Move:
    """The one move from here.

    >>> next_move(Facts(signed_bytes=10, part_bytes=4, staged=False, tested=False)).name
    'DOWNLOAD'
    """
    if facts.staged:
        return Move.READY if facts.tested else Move.TEST
    if facts.part_bytes > facts.signed_bytes:
        return Move.DISCARD
    return Move.VERIFY if facts.part_bytes == facts.signed_bytes else Move.DOWNLOAD
