"""Frames become posteriors: ``classifier.tflite``, one step of frames at a time."""

from collections.abc import Mapping
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from contract.audio import MEL_BINS

FEATURES: Final = "features"
POSTERIORS: Final = "posteriors"
STATE: Final = "state_"
OUT: Final = "_out"


class Resettable(Protocol):
    """What a classifier needs of a model."""

    @property
    def inputs(self) -> Mapping[str, Any]: ...  # noqa: D102
    @property
    def outputs(self) -> Mapping[str, Any]: ...  # noqa: D102

    def resize(self, name: str, shape: tuple[int, ...]) -> None: ...  # noqa: D102
    def reset(self) -> None: ...  # noqa: D102
    def run(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]: ...  # noqa: D102


class Classifier:
    """One stream through ``classifier.tflite``.

    ``run_frames``, a multiple of ``step_frames``, is how many frames one run of the model takes; the
    posteriors do not depend on it.
    """

    def __init__(self, model: Resettable, step_frames: int, run_frames: int | None = None) -> None:
        self._model = model
        self._run_frames = run_frames or step_frames
        if self._run_frames % step_frames:
            raise ValueError("run_frames must be a multiple of step_frames")
        wanted = (1, self._run_frames, MEL_BINS)
        if model.inputs[FEATURES].shape != wanted:
            model.resize(FEATURES, wanted)
        self._labels = model.outputs[POSTERIORS].shape[-1]
        self._states = {name for name in model.inputs if name.startswith(STATE)}
        self._rest = np.zeros((0, MEL_BINS), np.int8)
        self.reset()

    @property
    def history_frames(self) -> int:
        """Frames that its states look back on, one after the other, at most."""
        return sum(self._model.inputs[name].shape[1] for name in self._states)

    def feed(self, frames: NDArray[np.int8]) -> NDArray[np.float32]:
        """The posteriors that are now known: (n, 80) int8 to (steps, labels) float32."""
        joined = np.concatenate((self._rest, frames)) if len(self._rest) else frames
        runs = len(joined) // self._run_frames
        self._rest = joined[runs * self._run_frames :].copy()
        parts = [
            self._step(joined[index * self._run_frames : (index + 1) * self._run_frames])
            for index in range(runs)
        ]
        return np.concatenate(parts) if parts else np.zeros((0, self._labels), np.float32)

    def reset(self) -> None:
        """Begin a new stream: zeros."""
        self._model.reset()
        inputs = self._model.inputs
        self._state = {name: np.zeros(inputs[name].shape, inputs[name].dtype) for name in self._states}
        self._rest = self._rest[:0]

    def _step(self, frames: NDArray[np.int8]) -> NDArray[np.float32]:
        out = self._model.run({FEATURES: frames[np.newaxis], **self._state})
        self._state = {name: out[name + OUT] for name in self._states}
        raw = out[POSTERIORS].reshape(-1, self._labels)
        if raw.dtype == np.float32:
            return raw
        tensor = self._model.outputs[POSTERIORS]
        steps = raw.astype(np.float32) - tensor.zero_point
        real: NDArray[np.float32] = (steps * np.float32(tensor.scale)).clip(0, 1)
        return real
