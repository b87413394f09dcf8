"""Who may speak where only one may at a time: half duplex, so that no loudspeaker is heard by its own talk.

Pure; the caller brings the clock. A place (a node's microphone and loudspeaker) has one floor.
"""

from typing import Final

HOLD_S: Final = 1.0
"""Who has said nothing for so long has left the floor."""

TAIL_S: Final = 0.3
"""After somebody leaves, rooms and buffers still sound: nobody else may speak yet."""


class Floor:
    """Of one place. Speakers are known by any word of their own."""

    def __init__(self) -> None:
        self._speaker = ""
        self._heard_s = 0.0
        self._left = True

    def ask(self, speaker: str, now_s: float) -> bool:
        """Whether ``speaker`` may speak now. Asked with every packet; that is what keeps the floor."""
        if self.busy_for(speaker, now_s):
            return False
        self._speaker, self._heard_s, self._left = speaker, now_s, False
        return True

    def leave(self, speaker: str, now_s: float) -> None:
        """``speaker`` has ended; nothing happens if another one has the floor."""
        if self.speaker(now_s) == speaker:
            self._heard_s, self._left = now_s, True

    def speaker(self, now_s: float) -> str:
        """Who has the floor; nobody is ``""``."""
        return "" if self._left or now_s - self._heard_s >= HOLD_S else self._speaker

    def busy_for(self, listener: str, now_s: float) -> bool:
        """Whether somebody other than ``listener`` is heard, or was a moment ago."""
        wait_s = TAIL_S if self._left else HOLD_S
        return self._speaker not in ("", listener) and now_s - self._heard_s < wait_s
