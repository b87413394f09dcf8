"""Sound to measure with."""

import math

import numpy as np
from numpy.typing import NDArray

from contract.audio import RATE_HZ


def made_up_sound(seconds: float) -> NDArray[np.int16]:
    """Noise with a tone now and then, so that kernels that skip zeros have none to skip; (n,) int16."""
    # Noise enough for this, without numpy.random, whose memory would count as the agent's.
    counts = np.arange(RATE_HZ)
    noise = (np.sin(counts * 12.9898) * 43758.5453) % 1 - 0.5
    tone = 4000 * np.sin(2 * np.pi * 440 / RATE_HZ * counts) * (counts < RATE_HZ // 2)
    parts = [(tone + 2000 * np.roll(noise, 997 * n)).astype(np.int16) for n in range(math.ceil(seconds))]
    sound: NDArray[np.int16] = np.concatenate(parts)[: round(seconds * RATE_HZ)]
    return sound
