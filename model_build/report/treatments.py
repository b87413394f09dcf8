"""What microphones and telephones do to a clip."""

from collections.abc import Callable, Mapping

import numpy as np
import soxr

from contract.audio import RATE_HZ
from model_build.dataset import Pcm

NARROW_HZ = 8000
"""Sample rate of a telephone: nothing above 4 kHz is left."""
OFFSET = 3277
"""A tenth of full scale."""
CLIP_GAIN_DB = 20.0
QUIET_DB = -40.0


def _offset(pcm: Pcm) -> Pcm:
    return _whole(pcm.astype(np.float64) + OFFSET)


def _clipped(pcm: Pcm) -> Pcm:
    return _whole(pcm * 10 ** (CLIP_GAIN_DB / 20))


def _quiet(pcm: Pcm) -> Pcm:
    return _whole(pcm * 10 ** (QUIET_DB / 20))


def _narrow(pcm: Pcm) -> Pcm:
    there = soxr.resample(pcm.astype(np.float64), RATE_HZ, NARROW_HZ)
    back = soxr.resample(there, NARROW_HZ, RATE_HZ)
    return _whole(np.pad(back[: pcm.size], (0, max(0, pcm.size - back.size))))


def _whole(sound: np.ndarray) -> Pcm:
    return np.clip(np.round(sound), -32768, 32767).astype(np.int16)


TREATMENTS: Mapping[str, Callable[[Pcm], Pcm]] = {
    "DC offset of a tenth of full scale": _offset,
    "clipped hard, 20 dB too loud": _clipped,
    "40 dB quieter": _quiet,
    "8 kHz sample rate": _narrow,
}
"""Name of the treatment → the clip after it, as long as before."""
