"""Sound from stored frames, frame by frame or whole: the same samples either way."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from contract.audio import HOP_SAMPLES
from contract.codec.between import Between
from contract.codec.inversion import MelInversion
from contract.codec.phase import DELAY_FRAMES, PhaseSearch

_INVERSION: Final = MelInversion()


class Reconstruction:
    """One stream: frames in, samples out, DELAY_FRAMES hops later."""

    def __init__(self) -> None:
        self._between = Between()
        self._phases = PhaseSearch()

    def push(self, frame: NDArray[np.int8]) -> NDArray[np.int16]:
        """HOP_SAMPLES samples for a ``frame`` (MEL_BINS,): those of the frame DELAY_FRAMES before it."""
        fine = self._between.push(_INVERSION.magnitudes(frame))
        sound = self._phases.push(fine)
        return np.clip(np.rint(sound), -32768, 32767).astype(np.int16)


def reconstruct(frames: NDArray[np.int8]) -> NDArray[np.int16]:
    """The sound of ``frames`` (T, MEL_BINS): T * HOP_SAMPLES samples, in step with what was heard."""
    stream = Reconstruction()
    tail = np.repeat(frames[-1:], DELAY_FRAMES, axis=0)
    hops = [stream.push(frame) for frame in np.concatenate([frames, tail])]
    return np.concatenate([np.zeros(0, np.int16), *hops[DELAY_FRAMES:]])[: len(frames) * HOP_SAMPLES]
