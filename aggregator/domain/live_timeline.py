"""Where sound lies in a stream: counted while it goes on, by its capture time where it breaks. Pure."""

from typing import Final

from contract.audio import RATE_HZ

BREAK_S: Final = 0.1
"""Sound that lies so far from where it was expected does not go on there."""
LONGEST_SILENCE_S: Final = 60.0
"""More is no silence but a clock that was set, or a node that was away: it is left out."""
_TRUST: Final = 0.02
"""How quickly the clock of the sound card is followed: the two clocks drift apart by a little."""


class Timeline:
    """One stream. Positions are samples since its begin, and never go back."""

    def __init__(self) -> None:
        self.end = 0
        """Behind the last sample."""
        self._end_s: float | None = None
        """When that was captured, by the node's clock."""

    def goes_on(self, captured_s: float, samples: int) -> bool:
        """Whether ``samples`` of which the last was captured at ``captured_s`` follow without a break."""
        if self._end_s is None:
            return False
        return abs(captured_s - samples / RATE_HZ - self._end_s) <= BREAK_S

    def extend(self, captured_s: float, samples: int) -> None:
        """They do."""
        self.end += samples
        expected_s = (self._end_s if self._end_s is not None else captured_s) + samples / RATE_HZ
        self._end_s = expected_s + _TRUST * (captured_s - expected_s)

    def begin(self, captured_s: float, samples: int) -> int:
        """They do not; where the first of them lies, after the silence that was between."""
        self.rest_until(captured_s - samples / RATE_HZ)
        start = self.end
        self.end, self._end_s = start + samples, captured_s
        return start

    def rest_until(self, moment_s: float) -> None:
        """Nothing more is heard until ``moment_s``."""
        if self._end_s is not None:
            silence_s = moment_s - self._end_s
            if silence_s > LONGEST_SILENCE_S or silence_s < -LONGEST_SILENCE_S:
                silence_s = 0.0
                self._end_s = moment_s
            if silence_s > 0:
                self.end += round(silence_s * RATE_HZ)
        self._end_s = moment_s if self._end_s is None else max(self._end_s, moment_s)
