"""The life of a training, as pure transitions."""

from collections.abc import Mapping
from typing import Final

from aggregator.errors import TrainingError

WAITING, FREEZING, LEARNING, JUDGING = "waiting", "freezing", "learning", "judging"
FINISHED, FAILED, CANCELLED, INTERRUPTED = "finished", "failed", "cancelled", "interrupted"

ACTIVE: Final = (FREEZING, LEARNING, JUDGING)
"""A process works on it, or did until it was killed."""
ENDED: Final = (FINISHED, FAILED, CANCELLED, INTERRUPTED)
STATES: Final = (WAITING, *ACTIVE, *ENDED)

_NEXT: Final[Mapping[str, tuple[str, ...]]] = {
    WAITING: (FREEZING, CANCELLED),
    FREEZING: (LEARNING, FAILED, CANCELLED, INTERRUPTED),
    LEARNING: (JUDGING, FAILED, CANCELLED, INTERRUPTED),
    JUDGING: (FINISHED, FAILED, CANCELLED, INTERRUPTED),
}


def move(state: str, to: str) -> str:
    """``to``, if a training may go there from ``state``; ``TrainingError`` otherwise.

    A step that is begun again after a restart stays where it is.

    >>> move("learning", "judging")
    'judging'
    """
    if state == to and state in ACTIVE:
        return to
    if to not in _NEXT.get(state, ()):
        raise TrainingError(f"a training that is {state} cannot become {to}")
    return to


def after_restart(state: str, *, attempts: int, attempts_most: int, cancel_asked: bool) -> str:
    """What becomes of a training whose process is gone: it stays active and goes on, or it ends.

    >>> after_restart("learning", attempts=1, attempts_most=3, cancel_asked=False)
    'learning'
    >>> after_restart("learning", attempts=3, attempts_most=3, cancel_asked=False)
    'interrupted'
    """
    if state not in ACTIVE:
        return state
    if cancel_asked:
        return CANCELLED
    # One that takes the whole program down with it must not do so for ever.
    return state if attempts < attempts_most else INTERRUPTED
