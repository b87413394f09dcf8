"""Sound from stored frames, frame by frame or whole: the same samples either way."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from contract.audio import MEL_BINS
from contract.codec.between import Between
from contract.codec.inversion import MelInversion
from contract.codec.phase import DELAY_FRAMES, PhaseSearch

_INVERSION: Final = MelInversion()
_NOTHING: Final = np.zeros(0, np.int16)


class Reconstruction:
    """One stream: frames in, samples out, DELAY_FRAMES hops later."""

    def __init__(self) -> None:
        self._between = Between()
        self._phases = PhaseSearch()
        self._unborn = DELAY_FRAMES
        self._last = np.zeros((0, MEL_BINS), np.int8)

    def push(self, frames: NDArray[np.int8]) -> NDArray[np.int16]:
        """HOP_SAMPLES samples for each of ``frames`` (T, MEL_BINS): those of the frame DELAY_FRAMES before.

        So the first frames give nothing; what the last ones lack is given by ``finish``.
        """
        hops = [self._hop(frame) for frame in frames]
        if hops:
            self._last = frames[-1:]
        unborn = min(self._unborn, len(hops))
        self._unborn -= unborn
        return np.concatenate([_NOTHING, *hops[unborn:]])

    def finish(self) -> NDArray[np.int16]:
        """The samples that are still owed, as if the last frame went on. Nothing may be pushed afterwards."""
        return self.push(np.repeat(self._last, DELAY_FRAMES, axis=0))

    def _hop(self, frame: NDArray[np.int8]) -> NDArray[np.int16]:
        sound = self._phases.push(self._between.push(_INVERSION.magnitudes(frame)))
        return np.clip(np.rint(sound), -32768, 32767).astype(np.int16)


def reconstruct(frames: NDArray[np.int8]) -> NDArray[np.int16]:
    """The sound of ``frames`` (T, MEL_BINS): T * HOP_SAMPLES samples, in step with what was heard."""
    stream = Reconstruction()
    return np.concatenate([stream.push(frames), stream.finish()])
