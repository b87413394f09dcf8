"""When a shadow listens, so that it takes no more than its share of the processor. Pure."""

from typing import Final

SPELL_S: Final = 20.0
"""Sound that it hears in one piece: what comes before a model is warm is of no use."""
_ADVANCE_S: Final = 60.0
"""So much of its share may be spent before it is earned."""


class Duty:
    """Sound earns processor time, listening spends it. Without credit it pauses until a spell is earned."""

    def __init__(self, share: float, warm_s: float) -> None:
        """``share`` of one core; ``warm_s`` of each spell are needed to get warm."""
        self._share, self._spell_s = share, warm_s + SPELL_S
        self._credit_s = share * _ADVANCE_S
        self._spent_s = self._listened_s = 0.0
        self.listening = share > 0

    def pass_by(self, heard_s: float) -> None:
        """So much sound was skipped."""
        self._earn(heard_s)
        self.listening = self._share > 0 and self._credit_s >= self._needed_s

    def listen(self, heard_s: float, cpu_s: float) -> None:
        """So much sound was heard, for so much processor time."""
        self._spent_s += cpu_s
        self._listened_s += heard_s
        self._earn(heard_s)
        self._credit_s -= cpu_s
        self.listening = self._credit_s > 0

    @property
    def _needed_s(self) -> float:
        """Processor time that one spell takes beyond what it earns."""
        cost = self._spent_s / self._listened_s if self._listened_s else 0.0
        return max(0.0, cost - self._share) * self._spell_s

    def _earn(self, heard_s: float) -> None:
        most_s = max(self._share * _ADVANCE_S, self._needed_s)
        self._credit_s = min(self._credit_s + self._share * heard_s, most_s)
