"""Hops of sound without noise: by ``denoise.tflite`` with its state carried outside, or by rule."""

import copy
from collections.abc import Mapping
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from contract.audio import HOP_SAMPLES, RATE_HZ
from contract.denoise.log_mmse import LogMmse
from contract.denoise.spectra import DELAY_SAMPLES

PCM: Final = "pcm"
STATE: Final = "state"
PCM_OUT: Final = "pcm_out"
STATE_OUT: Final = "state_out"

DELAY_S: Final = DELAY_SAMPLES / RATE_HZ
"""How much later sound comes out than it went in."""
CLASSIC: Final = "log-MMSE"

Samples = NDArray[np.int16]


class Runnable(Protocol):
    """What a denoiser needs of a model."""

    @property
    def inputs(self) -> Mapping[str, Any]: ...  # noqa: D102

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]: ...  # noqa: D102


class Denoiser(Protocol):
    """One stream; sound comes out DELAY_SAMPLES later than it went in."""

    @property
    def name(self) -> str: ...  # noqa: D102

    def feed(self, samples: Samples) -> Samples: ...  # noqa: D102
    def follow(self, other: "Denoiser") -> None: ...  # noqa: D102
    def reset(self) -> None: ...  # noqa: D102


class ModelDenoiser:
    """One stream through ``denoise.tflite``."""

    def __init__(self, model: Runnable, name: str) -> None:
        self._model, self.name = model, name
        state = model.inputs[STATE]
        self._state = self._zeros = np.zeros(state.shape, state.dtype)

    def feed(self, samples: Samples) -> Samples:
        """As many samples as come in: (n * 320,)."""
        hops = [self._run(hop) for hop in samples.reshape(-1, 1, HOP_SAMPLES)]
        return np.concatenate(hops) if hops else np.zeros(0, np.int16)

    def follow(self, other: Denoiser) -> None:
        """Go on where another one of the same model is now."""
        if isinstance(other, ModelDenoiser) and other.name == self.name:
            self._state = other._state

    def reset(self) -> None:
        """Begin a new stream."""
        self._state = self._zeros

    def _run(self, hop: Samples) -> Samples:
        out = self._model.run({PCM: hop, STATE: self._state})
        self._state = out[STATE_OUT]
        return out[PCM_OUT].reshape(HOP_SAMPLES)


class ClassicDenoiser:
    """One stream through the rule that needs no model."""

    name: Final = CLASSIC

    def __init__(self) -> None:
        self._rule = LogMmse()

    def feed(self, samples: Samples) -> Samples:
        """As many samples as come in: (n * 320,)."""
        return self._rule.push(samples)

    def follow(self, other: Denoiser) -> None:
        """Go on where another one is now."""
        if isinstance(other, ClassicDenoiser):
            self._rule = copy.deepcopy(other._rule)

    def reset(self) -> None:
        """Begin a new stream."""
        self._rule = LogMmse()
