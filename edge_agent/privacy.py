"""Which windows must not leave the node, decided on the full posteriors. Pure. In doubt a window stays.

A window stays if within it, or within ``MARGIN_S`` around it, a private label may have sounded: a posterior
rises only after the sound has begun, and lags behind its end. So a window leaves when that much more has
been heard.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from contract.sampling import Sampling
from edge_agent.windows import Window

MARGIN_S: Final = 1.0
_REMEMBERED_S: Final = 60.0
"""Longer than a window and its waiting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What makes a step private."""

    labels: tuple[str, ...] = ()
    columns: tuple[int, ...] = ()
    """Where ``labels`` stand in the posteriors."""
    least: float = 1.0
    problem: str = ""
    """Why nothing can be judged, and every window has to stay; empty if it can."""

    def hides(self, posteriors: NDArray[Any]) -> bool:
        """Whether a step among ``posteriors``, (…, labels), is private, or cannot be judged."""
        if self.problem or not np.isfinite(posteriors).all():
            return True
        return bool((posteriors[..., self.columns] >= self.least).any()) if self.columns else False


def make_rule(sampling: Sampling, labels: Sequence[str]) -> Rule:
    """The rule of a policy for a model with these ``labels``."""
    unknown = [label for label in sampling.private if label not in labels]
    if unknown:
        return Rule(
            problem=f"the private label {unknown[0]!r} is none of the model in service, so no window of "
            "features is sent: correct [sampling] private, or the policy on the dashboard"
        )
    return Rule(
        labels=sampling.private,
        columns=tuple(labels.index(label) for label in sampling.private),
        least=sampling.private_least,
    )


class Guard:
    """Holds windows back until it is certain that nothing private is in them or next to them."""

    def __init__(self, rule: Rule, step_s: float) -> None:
        self.rule = rule
        self.hidden = 0
        """Windows that stayed."""
        self._margin = -int(-MARGIN_S // step_s) if rule.labels or rule.problem else 0
        self._remembered = int(_REMEMBERED_S / step_s)
        self._private: deque[int] = deque()
        """The latest private steps, in order."""
        self._waiting: list[Window] = []
        self.now = -1
        """The step heard last."""

    def begin_at(self, index: int) -> None:
        """Take over in the middle of a stream, after this step, which was judged by another rule."""
        self.now = index
        self.hide(0)

    def hear(self, index: int, posteriors: NDArray[Any]) -> None:
        """One more step of the stream, with its (labels,) posteriors."""
        self.now = index
        if self.rule.hides(posteriors):
            self.hide(0)

    def hide(self, back_steps: int) -> None:
        """The step heard last, and ``back_steps`` before it, are private whatever their posteriors say."""
        first = max(0, self.now - back_steps)
        self._private.extend(range(first, self.now + 1))
        while self._private and self._private[0] < self.now - self._remembered:
            self._private.popleft()

    def hold(self, windows: Sequence[Window]) -> None:
        """Take in windows whose steps have all been heard."""
        self._waiting.extend(windows)

    def release(self) -> list[Window]:
        """The windows that may leave now."""
        due = [window for window in self._waiting if window.last_step + self._margin <= self.now]
        self._waiting = [window for window in self._waiting if window.last_step + self._margin > self.now]
        free = [window for window in due if not self._hides(window)]
        self.hidden += len(due) - len(free)
        return free

    def end(self) -> list[Window]:
        """The stream ends here: what may leave. What still waits stays, for what follows was not heard."""
        free = self.release()
        self.hidden += len(self._waiting)
        self._waiting.clear()
        self._private.clear()
        self.now = -1
        return free

    def _hides(self, window: Window) -> bool:
        first, last = window.first_step - self._margin, window.last_step + self._margin
        return self.rule.hides(window.posteriors) or any(first <= step <= last for step in self._private)
