"""The mel filters: which power bins add up to which feature."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from contract.audio import MEL_BINS, RATE_HZ, WINDOW_SAMPLES

LOW_HZ: Final = 30.0
HIGH_HZ: Final = 8000.0
POWER_BINS: Final = WINDOW_SAMPLES // 2 + 1

# Slaney's scale is linear up to 1 kHz and logarithmic above.
_LINEAR_HZ = 200.0 / 3.0
_BREAK_HZ = 1000.0
_LOG_STEP = np.log(6.4) / 27.0


def hz_to_mel(hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Slaney's mel of each frequency.

    >>> hz_to_mel(np.array([500.0, 1000.0])).round(6).tolist()
    [7.5, 15.0]
    """
    above = _BREAK_HZ / _LINEAR_HZ + np.log(np.maximum(hz, 1.0) / _BREAK_HZ) / _LOG_STEP
    return np.where(hz < _BREAK_HZ, hz / _LINEAR_HZ, above)


def mel_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Frequency of each of Slaney's mels, the inverse of ``hz_to_mel``."""
    knee = _BREAK_HZ / _LINEAR_HZ
    return np.where(mel < knee, mel * _LINEAR_HZ, _BREAK_HZ * np.exp((mel - knee) * _LOG_STEP))


def mel_edges_hz() -> NDArray[np.float64]:
    """(MEL_BINS + 2,) frequencies: filter ``i`` rises from ``i``, peaks at ``i + 1``, ends at ``i + 2``."""
    low, high = hz_to_mel(np.array([LOW_HZ, HIGH_HZ]))
    return mel_to_hz(np.linspace(low, high, MEL_BINS + 2))


def mel_weights() -> NDArray[np.float64]:
    """(MEL_BINS, POWER_BINS) triangles of height one; neighbours add up to one between their peaks."""
    edges = mel_edges_hz()
    bins_hz = np.arange(POWER_BINS) * (RATE_HZ / WINDOW_SAMPLES)
    rising = (bins_hz[None, :] - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins_hz[None, :]) / (edges[2:] - edges[1:-1])[:, None]
    return np.maximum(0.0, np.minimum(rising, falling))
