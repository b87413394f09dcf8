"""Any sound file as the product hears it: 16 kHz, mono, int16."""

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from contract.audio import RATE_HZ
from model_build.errors import DatasetError

SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".opus", ".mp3", ".aif", ".aiff", ".au", ".caf", ".w64"})
"""What libsndfile reads and people have."""
_UNKNOWN_LENGTHS = (0, 0xFFFFFFFF)
"""What a program that writes to a pipe puts where the length of a WAV file belongs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """A sound file and what it was before."""

    pcm: NDArray[np.int16]
    """(samples,) at 16 kHz"""
    rate_hz: int
    channels: int
    truncated: bool
    """Whether the file says that it holds more than it does."""

    @property
    def seconds(self) -> float:
        """Length of the recording."""
        return self.pcm.size / RATE_HZ


def decode(path: Path) -> Decoded:
    """The file in any format that libsndfile reads; ``DatasetError`` if it cannot."""
    try:
        with soundfile.SoundFile(path) as file:
            rate_hz, promised = file.samplerate, file.frames
            sound = file.read(dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError, ValueError, TypeError, MemoryError, OverflowError) as error:
        reason = getattr(error, "error_string", str(error)).rstrip(".")
        raise DatasetError(f"{path}: cannot be read as sound: {reason}") from error
    if sound.shape[0] == 0:
        raise DatasetError(f"{path}: holds no sound")
    if not np.isfinite(sound).all():
        raise DatasetError(f"{path}: holds samples that are no numbers (NaN or infinite)")
    mono = sound.mean(axis=1)
    if rate_hz != RATE_HZ:
        mono = soxr.resample(mono, rate_hz, RATE_HZ)
    if mono.size == 0:
        raise DatasetError(f"{path}: holds no sound")
    return Decoded(
        pcm=to_pcm(mono),
        rate_hz=rate_hz,
        channels=sound.shape[1],
        truncated=sound.shape[0] < promised or _cut_off(path),
    )


def read_pcm(path: Path) -> NDArray[np.int16]:
    """(samples,) int16 of the file in any format that libsndfile reads; ``DatasetError`` if it cannot."""
    return decode(path).pcm


def to_pcm(sound: NDArray[np.floating]) -> NDArray[np.int16]:
    """Samples from -1 to 1 as int16; what is louder is clipped, as a sound card does.

    >>> to_pcm(np.array([0.5, -2.0])).tolist()
    [16384, -32768]
    """
    return np.clip(np.round(sound * 32768.0), -32768, 32767).astype(np.int16)


def _cut_off(path: Path) -> bool:
    """Whether a WAV file is shorter than its head says; libsndfile reads what is there and is silent."""
    try:
        with path.open("rb") as file:
            head = file.read(12)
        size = path.stat().st_size
    except OSError:
        return False
    if len(head) < 12 or head[:4] != b"RIFF" or head[8:] != b"WAVE":
        return False
    (promised,) = struct.unpack("<I", head[4:8])
    return promised not in _UNKNOWN_LENGTHS and promised + 8 > size
