"""The mel filters of the contract, and how the graph keeps their weights."""

import numpy as np
from numpy.typing import NDArray

from contract.codec.mel import POWER_BINS, hz_to_mel, mel_edges_hz, mel_to_hz, mel_weights

__all__ = ["POWER_BINS", "hz_to_mel", "mel_edges_hz", "mel_to_hz", "mel_weights", "quantize_rows"]


def quantize_rows(weights: NDArray[np.float64]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Each row as int8 and the scale that gives it back: ``row ≈ codes * scale``."""
    scale = (weights.max(axis=1) / 127.0).astype(np.float32)
    return np.round(weights / scale[:, None]).astype(np.int8), scale
