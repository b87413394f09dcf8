"""What can be wrong with a recording itself. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contract.audio import RATE_HZ
from model_build.checks.finding import WARNING, Finding, about
from model_build.checks.place import place
from model_build.dataset import Sound

SILENT_DBFS = -70.0
"""RMS of the loudest tenth of a second, without what is constant: less is no sound of anything."""
CONSTANT_DBFS = -40.0
"""A constant level above this beside silence is a fault of the recorder."""
FULL_SCALE = 32_700
CLIPPED_RUN = 4
"""So many samples in a row at full scale are no peak, but a plateau."""
CLIPPED_PART = 0.01
"""Part of a clip in such runs from which on it is called clipped."""
SHORT_S = 0.1
SHORT_PART = 0.05
"""A recording is too short if it is shorter than both 0.1 s and this part of the recipe's clip."""
_BLOCK = RATE_HZ // 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What is wrong with one clip."""

    silent: bool
    constant: bool
    clipped: bool


def faults(pcm: NDArray[np.int16]) -> Faults:
    """What is wrong with (samples,) of a clip."""
    x = pcm.astype(np.float32)
    mean = float(x.mean())
    blocks = np.pad(x - mean, (0, -x.size % _BLOCK)).reshape(-1, _BLOCK)
    loudest = float(np.sqrt((blocks**2).mean(axis=1).max()))
    silent = loudest < 32768.0 * 10 ** (SILENT_DBFS / 20)
    constant = silent and abs(mean) > 32768.0 * 10 ** (CONSTANT_DBFS / 20)
    return Faults(silent=silent and not constant, constant=constant, clipped=plateau(pcm) > CLIPPED_PART)


def plateau(pcm: NDArray[np.int16]) -> float:
    """Part of the samples that stand in runs at full scale.

    >>> plateau(np.array([0, 32767, 32767, 32767, 32767, 0, 32767, 0], np.int16))
    0.5
    """
    high, low = pcm >= FULL_SCALE, pcm <= -FULL_SCALE
    if not (high.any() or low.any()):
        return 0.0
    return (_in_runs(high) + _in_runs(low)) / pcm.size


def _in_runs(flags: NDArray[np.bool_]) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    lengths = edges[1::2] - edges[::2]
    return int(lengths[lengths >= CLIPPED_RUN].sum())


def signal_findings(sounds: Sequence[Sound], found: Sequence[Faults], clip_s: float) -> tuple[Finding, ...]:
    """Which clips are silent, constant, clipped or too short."""
    least_s = max(SHORT_S, SHORT_PART * clip_s)
    silent = [place(sound) for sound, fault in zip(sounds, found, strict=True) if fault.silent]
    constant = [place(sound) for sound, fault in zip(sounds, found, strict=True) if fault.constant]
    clipped = [place(sound) for sound, fault in zip(sounds, found, strict=True) if fault.clipped]
    short = [place(sound) for sound in sounds if 0 < sound.seconds < least_s]
    return (
        *about(
            WARNING,
            "silent",
            silent,
            "is silent",
            "clips are silent",
            "Remove them, or record them again louder.",
        ),
        *about(
            WARNING,
            "constant",
            constant,
            "holds a constant level and no sound",
            "clips hold a constant level and no sound",
            "The recorder or its cable is at fault: record them again.",
        ),
        *about(
            WARNING,
            "clipped",
            clipped,
            "is clipped: its loud parts stand at full scale",
            "clips are clipped: their loud parts stand at full scale",
            "Record with less gain; some such clips do no harm, a label made of them does.",
        ),
        *about(
            WARNING,
            "short",
            short,
            f"is shorter than {least_s:g} s",
            f"clips are shorter than {least_s:g} s",
            "They are filled up with silence. Remove them if they were cut by mistake.",
        ),
    )
