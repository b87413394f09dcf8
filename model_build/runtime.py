"""The TFLite runtime as the factory uses it: the node's own, so that what is measured is what will run."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from contract.audio import HOP_SAMPLES, MEL_BINS
from contract.denoise.spectra import DELAY_SAMPLES


class Frontend:
    """preprocess.tflite, clip by clip or as one stream."""

    def __init__(self, model: bytes) -> None:
        self._graph = _Graph(model)
        self._run_samples = self._graph.shape("pcm")[-1]
        self.reset()

    def features(self, pcm: NDArray[np.int16]) -> NDArray[np.int8]:
        """(T, MEL_BINS) int8 of the whole hops of ``pcm``, heard from a stream's start."""
        self.reset()
        # The silence that fills the last run comes after the sound: no frame of the sound depends on it.
        return self.more(np.pad(pcm, (0, self._run_samples)))[: pcm.size // HOP_SAMPLES]

    def reset(self) -> None:
        """Begin a new stream."""
        self._graph.reset()
        self._rest: NDArray[np.int16] = np.zeros(0, np.int16)

    def more(self, pcm: NDArray[np.int16]) -> NDArray[np.int8]:
        """The frames of the same stream that are now known.

        Samples that do not fill a run of the graph are kept for the next call.
        """
        joined = np.concatenate([self._rest, pcm])
        whole = joined.size // self._run_samples * self._run_samples
        runs, self._rest = joined[:whole].reshape(-1, 1, self._run_samples), joined[whole:]
        frames = np.empty((len(runs), self._run_samples // HOP_SAMPLES, MEL_BINS), dtype=np.int8)
        for index, run in enumerate(runs):
            frames[index] = self._graph.step({"pcm": run})["features"][0]
        return frames.reshape(-1, MEL_BINS)


class Classifier:
    """classifier.tflite, with its stream's state."""

    def __init__(self, model: bytes) -> None:
        self._graph = _Graph(model)

    def reset(self) -> None:
        """Begin a new stream."""
        self._graph.reset()

    def posteriors(self, features: NDArray[np.int8], frames_per_call: int) -> NDArray[np.float32]:
        """(steps, K) posteriors of ``features`` (T, MEL_BINS), heard after what this stream heard before.

        Frames that fill no whole call at the end are left out.
        """
        return np.concatenate([*self._calls(features, frames_per_call)] or [np.empty((0, 0), np.float32)])

    def clip(self, features: NDArray[np.int8], frames_per_call: int) -> NDArray[np.float32]:
        """``posteriors`` of a stream that begins here."""
        self.reset()
        return self.posteriors(features, frames_per_call)

    def _calls(self, features: NDArray[np.int8], frames: int) -> Iterator[NDArray[np.float32]]:
        self._graph.resize("features", (1, frames, MEL_BINS))
        for start in range(0, features.shape[0] - frames + 1, frames):
            chunk = np.ascontiguousarray(features[None, start : start + frames])
            yield self._graph.step({"features": chunk})["posteriors"][0].copy()


class Denoiser:
    """denoise.tflite, recording by recording or as one stream."""

    def __init__(self, model: bytes) -> None:
        self._graph = _Graph(model)

    def reset(self) -> None:
        """Begin a new stream."""
        self._graph.reset()

    def more(self, pcm: NDArray[np.int16]) -> NDArray[np.int16]:
        """What comes out for the next ``pcm`` (n * HOP_SAMPLES,), DELAY_SAMPLES late."""
        hops = [self._graph.step({"pcm": hop})["pcm_out"][0] for hop in pcm.reshape(-1, 1, HOP_SAMPLES)]
        return np.concatenate(hops) if hops else np.zeros(0, np.int16)

    def clean(self, pcm: NDArray[np.int16]) -> NDArray[np.int16]:
        """All of ``pcm`` (samples,) without noise, heard from a stream's start, not late."""
        self.reset()
        return undelayed(self.more, pcm)


def undelayed(
    push: Callable[[NDArray[np.int16]], NDArray[np.int16]], pcm: NDArray[np.int16]
) -> NDArray[np.int16]:
    """``pcm`` (samples,) through a stream that answers DELAY_SAMPLES late, put in its place again."""
    hops = -(-(pcm.size + DELAY_SAMPLES) // HOP_SAMPLES)
    out = push(np.pad(pcm, (0, hops * HOP_SAMPLES - pcm.size)))
    return out[DELAY_SAMPLES : DELAY_SAMPLES + pcm.size]


class _Graph:
    """A TFLite file whose tensors ``state*`` go out of one call into the next as ``state*_out``."""

    def __init__(self, model: bytes) -> None:
        self._interpreter = Interpreter(model_content=model, num_threads=1)
        self._interpreter.allocate_tensors()
        runner: Any = self._interpreter.get_signature_runner()
        self._inputs = {name: detail["index"] for name, detail in runner.get_input_details().items()}
        self._outputs = {name: detail["index"] for name, detail in runner.get_output_details().items()}
        details = runner.get_input_details()
        self._zeros = {
            name: np.zeros(details[name]["shape"], details[name]["dtype"])
            for name in self._inputs
            if name.startswith("state")
        }
        self._state = dict(self._zeros)
        self._shapes = {name: tuple(detail["shape"].tolist()) for name, detail in details.items()}

    def reset(self) -> None:
        self._state = dict(self._zeros)
        # A graph without variables (the front end) has none to reset.
        with suppress(RuntimeError, ValueError):
            self._interpreter.reset_all_variables()

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of an input."""
        return self._shapes[name]

    def resize(self, name: str, shape: tuple[int, ...]) -> None:
        if self._shapes[name] != shape:
            self._interpreter.resize_tensor_input(self._inputs[name], shape)
            self._interpreter.allocate_tensors()
            self._shapes[name] = shape

    def step(self, values: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        for name, value in (values | self._state).items():
            self._interpreter.set_tensor(self._inputs[name], value)
        self._interpreter.invoke()
        outputs = {name: self._interpreter.get_tensor(index) for name, index in self._outputs.items()}
        self._state = {name: outputs[f"{name}_out"] for name in self._state}
        return outputs
