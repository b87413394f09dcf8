"""Which messages are on their way: sent over this connection, not yet acknowledged. Pure."""

from typing import Final

LIMIT_MESSAGES: Final = 200
LIMIT_BYTES: Final = 1_000_000
LONGEST_WAIT_S: Final = 60.0


class Window:
    """Bounded, so that an aggregator that is away is not sent the whole outbox; one message always fits."""

    def __init__(self, resend_after_s: float) -> None:
        self._first_wait_s = resend_after_s
        self._wait_s = resend_after_s
        self._sizes: dict[tuple[str, int], int] = {}
        self._size_bytes = 0
        self._progress_s = 0.0

    def __len__(self) -> int:
        return len(self._sizes)

    @property
    def room(self) -> int:
        """Messages that may be sent now."""
        return LIMIT_MESSAGES - len(self._sizes) if self._size_bytes < LIMIT_BYTES else 0

    def sent(self, boot: str, sequence: int, size_bytes: int, now_s: float) -> None:
        """One more is on its way."""
        if not self._sizes:
            self._progress_s = now_s
        self._size_bytes += size_bytes - self._sizes.get((boot, sequence), 0)
        self._sizes[(boot, sequence)] = size_bytes

    def acknowledged(self, boot: str, through: int, refused: tuple[int, ...], now_s: float) -> None:
        """These have arrived, or never will."""
        before = len(self._sizes)
        gone = set(refused)
        self._sizes = {
            key: size
            for key, size in self._sizes.items()
            if key[0] != boot or (key[1] > through and key[1] not in gone)
        }
        if len(self._sizes) < before:
            self._size_bytes = sum(self._sizes.values())
            self._progress_s, self._wait_s = now_s, self._first_wait_s

    def stalled(self, now_s: float) -> bool:
        """Whether to send again: nothing was acknowledged for too long. Longer each time, to a minute."""
        if not self._sizes or now_s - self._progress_s < self._wait_s:
            return False
        self._wait_s = min(max(LONGEST_WAIT_S, self._first_wait_s), self._wait_s * 2)
        return True

    def clear(self) -> None:
        """Nothing is on its way; as after a connection broke."""
        self._sizes.clear()
        self._size_bytes = 0


def back_off_s(failures: int, chance: float, *, first_s: float = 0.5, longest_s: float = 30.0) -> float:
    """Time until the next attempt: doubling, and spread so that a fleet does not come back at once.

    ``chance`` is a random number from 0 to 1.

    >>> back_off_s(0, 1.0), back_off_s(2, 0.0), back_off_s(99, 1.0)
    (0.5, 1.0, 30.0)
    """
    whole = min(longest_s, first_s * 2.0 ** min(failures, 30))
    return whole * (0.5 + chance / 2)
