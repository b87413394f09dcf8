"""Sound of any rate and channel count becomes 16 kHz mono int16, piece by piece. No input or output."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from contract.audio import RATE_HZ


class Converter:
    """One stream: mixed to mono, resampled, clipped. 16 kHz mono 16-bit sound passes bit for bit."""

    def __init__(self, rate_hz: int) -> None:
        self._resampler: Any = None
        if rate_hz != RATE_HZ:
            import soxr

            self._resampler = soxr.ResampleStream(rate_hz, RATE_HZ, 1, dtype="float32", quality="HQ")

    def feed(self, sound: NDArray[np.float32], *, last: bool = False) -> NDArray[np.int16]:
        """What is known after more of it: (n, channels) float32 within ±1 to (m,) int16.

        With ``last`` the resampler gives out what it held back.
        """
        mono = sound[:, 0] if sound.shape[1] == 1 else sound.mean(axis=1, dtype=np.float32)
        if self._resampler is not None:
            mono = self._resampler.resample_chunk(np.ascontiguousarray(mono), last=last)
        scaled = np.nan_to_num(mono) * np.float32(32768.0)
        samples: NDArray[np.int16] = np.clip(np.rint(scaled), -32768, 32767).astype(np.int16)
        return samples


def from_int16(sound: NDArray[np.int16]) -> NDArray[np.float32]:
    """Full scale becomes ±1."""
    return sound.astype(np.float32) / np.float32(32768.0)
