"""Figures as the factory writes them, with everything that a test does not care about filled in."""

from collections.abc import Sequence
from typing import Any

from aggregator.domain.figures import Figures, read_figures

LABELS = ("dog", "rain", "_background_")

Answered = tuple[str | None, str | None]
"""Truth, and what was said."""


def plain(
    *,
    windows: Sequence[Answered] = (),
    clips: Sequence[Answered] = (),
    digest: str = "ab" * 32,
    labels: Sequence[str] = LABELS,
    alarms: int = 3,
    hours: float = 10.0,
    silence: int = 0,
    noise: int = 1,
    agreement: float = 0.99,
    size_bytes: int = 200_000,
    cost_ms: float = 4.0,
    first_window: int = 1,
) -> dict[str, Any]:
    return {
        "schema": 1,
        "bundle_digest": digest,
        "labels": list(labels),
        "size_bytes": size_bytes,
        "cost_ms_per_s": cost_ms,
        "parity": {"parity_agreement": agreement},
        "windows": [
            {"window_id": first_window + at, "split": "test", "truth": truth, "said": said, "posterior": 0.7}
            for at, (truth, said) in enumerate(windows)
        ],
        "base": [
            {"clip": at, "truth": truth, "said": said, "posterior": 0.9}
            for at, (truth, said) in enumerate(clips)
        ],
        "streams": {"hours": hours, "false_alarms": alarms, "at_s": []},
        "nothing": {"silence_detections": silence, "noise_detections": noise, "hours": hours},
    }


def figures(**fields: Any) -> Figures:
    return read_figures(plain(**fields))


def answers(truth: str | None, right: int, wrong: int, said: str | None = "_background_") -> list[Answered]:
    """So many right answers, then wrong ones."""
    return [(truth, truth)] * right + [(truth, said)] * wrong
