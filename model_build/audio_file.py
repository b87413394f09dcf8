"""Any sound file as the product hears it: 16 kHz, mono, int16."""

from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from contract.audio import RATE_HZ
from model_build.errors import DatasetError


def read_pcm(path: Path) -> NDArray[np.int16]:
    """(samples,) int16 of the file in any format that libsndfile reads; ``DatasetError`` if it cannot."""
    try:
        sound, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError, ValueError) as error:
        raise DatasetError(f"{path}: cannot be read as sound: {error}") from error
    if sound.shape[0] == 0 or not np.isfinite(sound).all():
        raise DatasetError(f"{path}: holds no sound")
    mono = sound.mean(axis=1)
    if rate_hz != RATE_HZ:
        mono = soxr.resample(mono, rate_hz, RATE_HZ)
    return to_pcm(mono)


def to_pcm(sound: NDArray[np.floating]) -> NDArray[np.int16]:
    """Samples from -1 to 1 as int16; what is louder is clipped, as a sound card does.

    >>> to_pcm(np.array([0.5, -2.0])).tolist()
    [16384, -32768]
    """
    return np.clip(np.round(sound * 32768.0), -32768, 32767).astype(np.int16)
