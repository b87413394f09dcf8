"""Sound from frames, hop by hop or whole: the same samples either way."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from contract.audio import FRAMES_PER_S, MEL_BINS
from contract.codec.between import Between
from contract.codec.inversion import MelInversion
from contract.codec.phase import DELAY_HOPS, PhaseSearch

_INVERSION: Final = MelInversion()
_NOTHING: Final = np.zeros(0, np.int16)


class Reconstruction:
    """One stream: frames in, samples out, DELAY_HOPS hops later."""

    def __init__(self, frames_per_s: int = FRAMES_PER_S) -> None:
        """Frames are those of the front end, or those of ``contract.codec.analysis``, twice as many."""
        self._per_hop = frames_per_s // FRAMES_PER_S
        self._between = Between(self._per_hop)
        self._phases = PhaseSearch()
        self._unborn = DELAY_HOPS
        self._waiting = np.zeros((0, MEL_BINS), np.int8)
        self._last = self._waiting

    def push(self, frames: NDArray[np.int8]) -> NDArray[np.int16]:
        """HOP_SAMPLES samples for each hop that ``frames`` (T, MEL_BINS) fill: those of DELAY_HOPS before.

        So the first frames give nothing; what the last ones lack is given by ``finish``.
        """
        joined = np.concatenate([self._waiting, frames])
        whole = len(joined) // self._per_hop * self._per_hop
        self._waiting = joined[whole:]
        self._last = frames[-1:] if len(frames) else self._last
        hops = [self._hop(hop) for hop in joined[:whole].reshape(-1, self._per_hop, MEL_BINS)]
        unborn = min(self._unborn, len(hops))
        self._unborn -= unborn
        return np.concatenate([_NOTHING, *hops[unborn:]])

    def finish(self) -> NDArray[np.int16]:
        """The samples that are still owed, as if the last frame went on. Nothing may be pushed afterwards."""
        missing = -len(self._waiting) % self._per_hop + DELAY_HOPS * self._per_hop
        return self.push(np.repeat(self._last, missing, axis=0))

    def _hop(self, frames: NDArray[np.int8]) -> NDArray[np.int16]:
        sound = self._phases.push(self._between.push(_INVERSION.magnitudes(frames)))
        return np.clip(np.rint(sound), -32768, 32767).astype(np.int16)


def reconstruct(frames: NDArray[np.int8], frames_per_s: int = FRAMES_PER_S) -> NDArray[np.int16]:
    """The sound of ``frames`` (T, MEL_BINS), in step with what was heard: HOP_SAMPLES samples a hop."""
    stream = Reconstruction(frames_per_s)
    return np.concatenate([stream.push(frames), stream.finish()])
