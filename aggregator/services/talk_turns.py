"""Turns that are running: one at each place at a time, ended by their speaker, by silence, or by who listens.

Nothing here opens a file, a database or a socket; the caller brings the clock.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from contract.floor import HOLD_S, Floor
from contract.voice import Heard, Turn

LAST_WORD_S: Final = 2.0
"""So long after its end it is waited for what was heard of a turn."""


@dataclass(slots=True, kw_only=True, eq=False)
class Running:
    """A turn."""

    session: str
    who: str
    """For people: a name, or ``node attic``."""
    to: str
    from_node: str | None
    codec: str
    packet_ms: int
    tell: Callable[[Turn], None]
    """What becomes of it, for who speaks."""
    begun_s: float
    said_s: float
    packets: int = 0
    payload_bytes: int = 0
    ended_s: float | None = None
    reason: str = ""
    heard: Heard | None = field(default=None)

    @property
    def places(self) -> tuple[str, ...]:
        """Where nobody else may speak meanwhile."""
        return (self.to,) if self.from_node is None else (self.to, self.from_node)


class Turns:
    """All that run. Not safe for use by many threads."""

    def __init__(self) -> None:
        self._running: dict[str, Running] = {}
        self._floors: dict[str, Floor] = {}

    @property
    def any(self) -> bool:
        """Whether somebody talks, or has just done so."""
        return bool(self._running)

    def of(self, session: str) -> Running | None:
        """The turn of a session."""
        return self._running.get(session)

    def begin(self, turn: Running, now_s: float) -> str:
        """Why ``turn`` cannot begin, for people; empty if it has."""
        if turn.session in self._running:
            return "this session is running already"
        for place in turn.places:
            if self._floor(place).busy_for(turn.session, now_s):
                holder = self._running.get(self._floor(place).speaker(now_s))
                return f"{holder.who if holder else 'somebody'} is talking there, wait for the end"
        self._hold(turn, now_s)
        self._running[turn.session] = turn
        return ""

    def say(self, turn: Running, payload_bytes: int, now_s: float) -> bool:
        """One packet more of it; whether it is to be passed on."""
        if turn.ended_s is not None:
            return False
        turn.packets, turn.said_s = turn.packets + 1, now_s
        turn.payload_bytes += payload_bytes
        self._hold(turn, now_s)
        return True

    def end(self, turn: Running, now_s: float, reason: str = "") -> bool:
        """Its speaker has ended, or must; whether that is news."""
        if turn.ended_s is not None:
            return False
        turn.ended_s, turn.reason = now_s, reason
        for place in turn.places:
            self._floor(place).leave(turn.session, now_s)
        return True

    def hear(self, turn: Running, heard: Heard) -> None:
        """How it arrives."""
        turn.heard = heard

    def silent(self, now_s: float) -> list[Running]:
        """Those whose speaker has said nothing for too long."""
        return [
            turn for turn in self._running.values() if turn.ended_s is None and now_s - turn.said_s >= HOLD_S
        ]

    def take_over(self, now_s: float) -> list[Running]:
        """Those of which everything is known, or nothing more is waited for. They are forgotten."""
        over = [
            turn
            for turn in self._running.values()
            if turn.ended_s is not None
            and ((turn.heard is not None and turn.heard.ended) or now_s - turn.ended_s >= LAST_WORD_S)
        ]
        for turn in over:
            del self._running[turn.session]
        return over

    def running(self) -> list[Running]:
        """All of them."""
        return list(self._running.values())

    def _hold(self, turn: Running, now_s: float) -> None:
        for place in turn.places:
            self._floor(place).ask(turn.session, now_s)

    def _floor(self, place: str) -> Floor:
        return self._floors.setdefault(place, Floor())
