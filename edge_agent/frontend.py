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
    """One stream through ``preprocess.tflite``; how the hops are grouped does not matter."""

    def __init__(self, model: Runnable) -> None:
        self._model = model
        self._pcm_dtype = model.inputs[PCM].dtype
        self._zeros = np.zeros(model.inputs[STATE].shape, model.inputs[STATE].dtype)
        self._state = self._zeros

    def feed(self, hops: NDArray[np.int16]) -> NDArray[np.int8]:
        """The frames of ``hops``: (hops, 320) int16 to (hops, 80) int8."""
        frames = np.empty((len(hops), MEL_BINS), np.int8)
        fed = hops if hops.dtype == self._pcm_dtype else hops.astype(self._pcm_dtype)
        for index in range(len(hops)):
            out = self._model.run({PCM: fed[index].reshape(1, HOP_SAMPLES), STATE: self._state})
            self._state = out[STATE_OUT]
            frames[index] = out[FEATURES].reshape(MEL_BINS)
        return frames

    def reset(self) -> None:
        """Begin a new stream: zeros."""
        self._state = self._zeros
