"""Clips as they occur in life: after other sound, and followed by more.

A model that has just been reset knows that nothing came before. On a node something always did, so each clip
is put between the end of one recording without a target and the beginning of the next, or between faint noise
where there are no such recordings.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from contract.audio import HOP_SAMPLES, RATE_HZ
from model_build.audio_file import to_pcm
from model_build.dataset import Pcm
from model_build.shape import STEP_FRAMES
from model_build.sweep import STEP_S

LEAD_S = 2.0
"""Sound before the clip."""
TAIL_S = 1.04
"""Sound after it, in which a late detection may still come."""
LATE_S = 0.5
"""A detection that starts this long after the clip still counts as one of the clip."""
_NOISE_RMS = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A clip of ``label`` inside other sound."""

    label: str
    pcm: Pcm
    """(samples,) whole steps"""
    start: int
    """First sample of the clip"""
    end: int
    """First sample after the clip"""

    @property
    def steps(self) -> tuple[int, int]:
        """First and last step in which a detection of the clip may start."""
        step = STEP_FRAMES * HOP_SAMPLES
        return self.start // step, int((self.end / RATE_HZ + LATE_S) / STEP_S)


def embed(clips: Sequence[tuple[str, Pcm]], surroundings: Sequence[Pcm]) -> Iterator[Passage]:
    """Each of ``clips`` (label, sound) inside recordings that hold no target, which take turns."""
    for index, (label, clip) in enumerate(clips):
        # Not always on the step: words do not wait for it.
        lead = round(LEAD_S * RATE_HZ) + index % STEP_FRAMES * HOP_SAMPLES
        before = _around(surroundings, index, lead)[-lead:]
        length = lead + clip.size + round(TAIL_S * RATE_HZ)
        length += -length % (STEP_FRAMES * HOP_SAMPLES)
        after = _around(surroundings, index + 1, length)[: length - lead - clip.size]
        pcm = np.concatenate([before, clip, after])
        yield Passage(label=label, pcm=pcm, start=lead, end=lead + clip.size)


def _around(surroundings: Sequence[Pcm], index: int, samples: int) -> Pcm:
    """At least ``samples`` of a recording, repeated if it is shorter."""
    if not surroundings:
        return to_pcm(np.random.default_rng(index).normal(size=samples) * _NOISE_RMS)
    recording = surroundings[index % len(surroundings)]
    return np.tile(recording, -(-samples // recording.size))
