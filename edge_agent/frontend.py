"""Hops of sound become int8 log-mel frames: ``preprocess.tflite`` with its state carried outside."""

from collections.abc import Mapping
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from contract.audio import HOP_SAMPLES, MEL_BINS

PCM: Final = "pcm"
STATE: Final = "state"
FEATURES: Final = "features"
STATE_OUT: Final = "state_out"


class Runnable(Protocol):
    """What a front end needs of a model."""

    @property
    def inputs(self) -> Mapping[str, Any]: ...  # noqa: D102

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]: ...  # noqa: D102


class FrontEnd:
    """One stream through ``preprocess.tflite``; how the hops are grouped does not matter.

    The graph says in the shape of its input how many hops one run of it takes.
    """

    def __init__(self, model: Runnable) -> None:
        self._model = model
        pcm, state = model.inputs[PCM], model.inputs[STATE]
        self._pcm_shape, self._pcm_dtype = pcm.shape, pcm.dtype
        self._run_hops = pcm.shape[-1] // HOP_SAMPLES
        self._state = self._zeros = np.zeros(state.shape, state.dtype)
        self._rest = np.zeros((0, HOP_SAMPLES), np.int16)

    def feed(self, hops: NDArray[np.int16]) -> NDArray[np.int8]:
        """The frames that are now known: (n, 320) int16 to (frames, 80) int8."""
        joined = np.concatenate((self._rest, hops)) if len(self._rest) else hops
        whole = len(joined) // self._run_hops * self._run_hops
        self._rest = joined[whole:].copy()
        starts = range(0, whole, self._run_hops)
        parts = [self._run(joined[start : start + self._run_hops]) for start in starts]
        return np.concatenate(parts) if parts else np.zeros((0, MEL_BINS), np.int8)

    def follow(self, other: "FrontEnd") -> None:
        """Go on where another one of the same graph is now; it, too, lets no hop wait."""
        self._state, self._rest = other._state, self._rest[:0]

    def reset(self) -> None:
        """Begin a new stream: zeros."""
        self._state = self._zeros
        self._rest = self._rest[:0]

    def _run(self, hops: NDArray[np.int16]) -> NDArray[np.int8]:
        pcm = hops.reshape(self._pcm_shape).astype(self._pcm_dtype, copy=False)
        out = self._model.run({PCM: pcm, STATE: self._state})
        self._state = out[STATE_OUT]
        return out[FEATURES].reshape(-1, MEL_BINS)
