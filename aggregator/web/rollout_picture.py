"""A wave as a bar: how many of its nodes are how far. Pure."""

from dataclasses import dataclass
from typing import Final

from aggregator.services.rollout_views import WaveView

_ORDER: Final = ("succeeded", "assigned", "failed", "withdrawn", "skipped", "waiting")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A stretch of the bar."""

    state: str
    left: float
    """Of a hundred."""
    width: float
    title: str


def wave_picture(wave: WaveView) -> tuple[Part, ...]:
    """The parts of a wave's bar from left to right."""
    parts, left = [], 0.0
    for state in _ORDER:
        count = wave.counts[state]
        width = 100 * count / max(1, wave.nodes)
        if count:
            title = f"{count} of {wave.nodes} {state}"
            parts.append(Part(state=state, left=round(left, 3), width=round(width, 3), title=title))
        left += width
    return tuple(parts)
