"""Packets that come when they come are played when they are due: in order, losses told, never a backlog.

Pure, and without a clock. Time is counted in packets that were played, so the loudspeaker's own clock rules,
and what it gains or loses against the microphone's is made good by a packet now and then.
"""

from dataclasses import dataclass
from typing import Final, Generic, TypeVar

LEAST_MS: Final = 40
"""Sound that waits before the first packet is played, until it is known what the network needs."""

MOST_MS: Final = 300
"""More never waits: what is older is dropped."""

CONCEALED_MS: Final = 80
"""So long a stream that has run dry is concealed; then it is silent, and begins anew."""

LOOK_BACK_MS: Final = 2000
"""What was more than enough for so long is too much."""

MOST_SKIPPED: Final = 2
"""At once: a longer delay is taken back little by little."""

P = TypeVar("P")


@dataclass(slots=True, kw_only=True)
class Counts:
    """What became of the packets of a stream."""

    played: int = 0
    lost: int = 0
    """Not there when they were due."""
    late: int = 0
    """Came after that, or twice."""
    skipped: int = 0
    """Came in time, but more waited than was needed."""
    dry: int = 0
    """Times that nothing waited when something was due."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due(Generic[P]):
    """What is to be played now."""

    payload: P
    missing: int
    """Packets before it that were lost, and in whose place nothing was heard yet."""
    skipped: tuple[P, ...]
    """Packets before it that are not to be heard, though what follows may hang on them."""


class JitterBuffer(Generic[P]):
    """One stream. ``take`` is called once for each packet's worth of sound that is played."""

    def __init__(self, packet_ms: int, sequences: int) -> None:
        """Sequences are counted modulo ``sequences``."""
        self._sequences = sequences
        self._least, self._most = -(-LEAST_MS // packet_ms), MOST_MS // packet_ms
        self._patience, self._look_back = max(1, CONCEALED_MS // packet_ms), LOOK_BACK_MS // packet_ms
        self._wanted = self._least
        self._waiting: dict[int, P] = {}
        self._next: int | None = None
        self._filled: int | None = 0
        """Takes since something waits, until the stream begins."""
        self._dry = 0
        self._spare, self._seen = self._most, 0
        """The least that waited behind what was due, and how many takes ago that was asked first."""
        self.counts = Counts()

    @property
    def depth(self) -> int:
        """Packets from the one that is due to the newest, those missing included."""
        return max(self._waiting) - self._due() + 1 if self._waiting else 0

    def put(self, sequence: int, payload: P) -> None:
        """A packet has come."""
        number = self._unwrapped(sequence)
        if number in self._waiting or (self._next is not None and number < self._next):
            self.counts.late += 1
            return
        self._waiting[number] = payload
        if self.depth > self._most:
            self._give_up_to(max(self._waiting) - self._wanted + 1)

    def take(self) -> Due[P] | None:
        """The packet that is due; without one conceal while ``dry``, and be silent otherwise."""
        anew = self._filled is not None
        if anew and not self._begins():
            return None
        if not self._waiting:
            self._run_dry()
            return None
        skipped = self._skip()
        first, number = self._due(), min(self._waiting)
        missing = 0 if anew else max(0, number - first - self._dry)
        due = Due(payload=self._waiting.pop(number), missing=missing, skipped=skipped)
        self.counts.played += 1
        self.counts.lost += number - first
        self._next = number + 1
        # What was lost would not have come, however long it had been waited for.
        late = max(0, self._dry - (number - first))
        self._wanted, self._dry = min(self._most, self._wanted + late), 0
        return due

    @property
    def dry(self) -> bool:
        """Whether the stream goes on, though nothing was there for the last take."""
        return self._dry > 0

    def _due(self) -> int:
        return min(self._waiting) if self._next is None else self._next

    def _unwrapped(self, sequence: int) -> int:
        around = self._next if self._next is not None else next(iter(self._waiting), sequence)
        ahead = (sequence - around) % self._sequences
        return around + ahead - (self._sequences if ahead >= self._sequences // 2 else 0)

    def _begins(self) -> bool:
        """Whether enough waits, or something has waited for long enough."""
        if not self._waiting or self._filled is None:
            return False
        self._filled += 1
        if max(self.depth, self._filled) < self._wanted:
            return False
        self._filled, self._spare, self._seen = None, self._most, 0
        return True

    def _run_dry(self) -> None:
        self.counts.dry += not self._dry
        self._dry += 1
        if self._dry > self._patience:
            self._wanted = min(self._most, self._wanted + self._patience)
            self._filled, self._dry = 0, 0

    def _skip(self) -> tuple[P, ...]:
        """A packet or two, if for a while more has waited than was needed."""
        self._spare, self._seen = min(self._spare, self.depth - 1), self._seen + 1
        if self._seen < self._look_back:
            return ()
        too_many = min(self._spare - 1, MOST_SKIPPED)
        self._spare, self._seen = self._most, 0
        if too_many < 1:
            return ()
        self._wanted = max(self._least, self._wanted - too_many)
        return self._give_up_to(self._due() + too_many)

    def _give_up_to(self, number: int) -> tuple[P, ...]:
        """Go on with ``number``; what waited before it."""
        first = self._due()
        given_up = tuple(self._waiting.pop(old) for old in sorted(self._waiting) if old < number)
        self.counts.skipped += len(given_up)
        self.counts.lost += number - first - len(given_up)
        self._next = number
        return given_up
