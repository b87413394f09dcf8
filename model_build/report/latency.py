"""How long after a word its detection is reported.

A word lasts from the first to the last 10 ms in which the clip is within 25 dB of its loudest and 6 dB above
its own noise floor (the level that a tenth of the clip stays below). The detection is known at the end of the
step on which its report rests. A node that hands the model two steps at a time may add one step to that.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from contract.audio import RATE_HZ
from model_build.dataset import Pcm
from model_build.report.alarms import Asked
from model_build.report.rules import Rules
from model_build.sweep import STEP_S

FRAME_SAMPLES = RATE_HZ // 100
WITHIN_DB = 25.0
ABOVE_FLOOR_DB = 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Seconds to the report of the clips that were detected."""

    detected: int
    clips: int
    """Clips of labels that can be detected"""
    from_end_s: tuple[float, ...]
    """After the word's end; below zero: before it"""
    from_start_s: tuple[float, ...]
    """After the word's start: what counts for a sound that lasts"""

    def quantile(self, part: float, *, start: bool = False) -> float | None:
        """Latency that ``part`` of the detections stay below, from the word's end or its start."""
        values = self.from_start_s if start else self.from_end_s
        return float(np.quantile(values, part)) if values else None


def word_span(pcm: Pcm) -> tuple[int, int]:
    """First sample of the word in a clip, and the first one after it; silence has none and gives (0, 0).

    >>> word_span(np.concatenate([np.zeros(800), np.full(800, 9000), np.zeros(800)]).astype(np.int16))
    (800, 1600)
    """
    frames = pcm[: pcm.size // FRAME_SAMPLES * FRAME_SAMPLES].astype(np.float64).reshape(-1, FRAME_SAMPLES)
    if not frames.any():
        return 0, 0
    levels_db = 10 * np.log10(np.maximum(np.mean(frames**2, axis=1), 1e-3))
    floor_db = min(float(np.quantile(levels_db, 0.1)) + ABOVE_FLOOR_DB, float(levels_db.max()))
    loud = np.flatnonzero((levels_db >= levels_db.max() - WITHIN_DB) & (levels_db >= floor_db))
    return int(loud[0]) * FRAME_SAMPLES, int(loud[-1] + 1) * FRAME_SAMPLES


def measure_latency(asked: Sequence[Asked], words: Sequence[tuple[int, int]], rules: Rules) -> Latency:
    """Latency of the bundle as it is; ``words`` are the first sample of each word and the first after it."""
    from_end, from_start = [], []
    for one, (start, end) in zip(asked, words, strict=True):
        reports = [
            (found.end_step + 1) * STEP_S
            for found in rules.detections(one.posteriors)
            if found.label == one.label and one.steps[0] <= found.start_step <= one.steps[1]
        ]
        if reports:
            from_end.append(round(reports[0] - end / RATE_HZ, 4))
            from_start.append(round(reports[0] - start / RATE_HZ, 4))
    return Latency(
        detected=len(from_end),
        clips=len(asked),
        from_end_s=tuple(from_end),
        from_start_s=tuple(from_start),
    )
