"""Whether what was exported computes what was trained: each question is measured, then held to its limit."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from contract.audio import RATE_HZ
from model_build.dataset import Pcm
from model_build.errors import ParityError
from model_build.frontend_reference import features_db, to_db
from model_build.recipe import FrontendRecipe
from model_build.runtime import Classifier, Frontend
from model_build.shape import STEP_FRAMES

if TYPE_CHECKING:
    from model_build.network import Network

CLIPS = 200
"""Clips that int8 and float are compared on."""

FRONTEND_LIMIT_DB = 0.5
"""Half a step is rounding; the rest is the int8 mel weights and float32."""
AGREEMENT_LIMIT = 0.95
"""Least part of the clips for which int8 and float name the same label."""
NRMSE_LIMIT = 0.15
"""Largest root mean square error of the logits, in units of their spread."""

CALLS_FRAMES = (STEP_FRAMES, 2 * STEP_FRAMES, 5 * STEP_FRAMES)
"""A stream is cut into calls of each of these."""

_SQUARE_HZ = 440.0


class FloatListener:
    """A trained network before its export, asked like what becomes of it."""

    def __init__(self, network: "Network") -> None:
        self._network = network

    def clip(self, features: NDArray[np.int8], frames_per_call: int) -> NDArray[np.float32]:
        """(steps, K) posteriors of a stream (T, MEL_BINS) that begins here, heard in one piece."""
        whole = features[: len(features) // frames_per_call * frames_per_call]
        logits: Any = self._network.logits(whole[None].astype(np.float32), training=False)
        powers = np.exp(logits.numpy()[0] - logits.numpy()[0].max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float32)


def check_frontend(frontend: Frontend, recipe: FrontendRecipe) -> float:
    """Largest difference in decibels from the float64 reference; ``ParityError`` beyond the limit."""
    differences_db = frontend_differences_db(frontend, recipe)
    for name, apart in differences_db.items():
        if apart > FRONTEND_LIMIT_DB:
            raise ParityError(f"front end: {apart:.2f} dB from the reference on {name} sound")
    return max(differences_db.values())


def frontend_differences_db(frontend: Frontend, recipe: FrontendRecipe) -> dict[str, float]:
    """Largest difference from the float64 reference on each probe; a quarter of a decibel is rounding."""
    return {
        name: float(
            np.abs(to_db(frontend.features(pcm)) - np.clip(features_db(pcm, recipe), -119.5, 8.0)).max()
        )
        for name, pcm in probes().items()
    }


def probes() -> dict[str, Pcm]:
    """Two seconds each of sound that breaks front ends."""
    draw = np.random.default_rng(0)
    time_s = np.arange(2 * RATE_HZ) / RATE_HZ
    noise = draw.normal(size=time_s.size)
    waves = {
        "loud": np.sign(np.sin(2 * np.pi * _SQUARE_HZ * time_s)),
        "quiet": noise * 10 ** (-70 / 20),
        "offset": noise * 0.01 + 0.2,
        "uneven": 0.97 * np.sin(2 * np.pi * 500.0 * time_s) + noise * 3e-4,
        "silent": np.zeros(time_s.size),
    }
    return {
        name: np.clip(np.round(wave * 32768), -32768, 32767).astype(np.int16) for name, wave in waves.items()
    }


def check_streaming(classifier: Classifier, features: NDArray[np.int8]) -> None:
    """Refuse a classifier that a clip in one piece and the clip as a stream do not give the same bits."""
    for frames, equal in streaming_equality(classifier, features).items():
        if not equal:
            raise ParityError(f"classifier: {frames} frames a call give other posteriors than one call")


def streaming_equality(classifier: Classifier, features: NDArray[np.int8]) -> dict[int, bool]:
    """Frames per call → whether a stream of such calls gives the bits of the clip in one piece."""
    steps = features.shape[0] // STEP_FRAMES
    whole = classifier.clip(features, steps * STEP_FRAMES)
    equal = {}
    for frames in CALLS_FRAMES:
        streamed = classifier.clip(features, frames)
        equal[frames] = np.array_equal(streamed, whole[: streamed.shape[0]])
    return equal


def check_classifier(
    network: "Network", classifier: Classifier, clips: Sequence[NDArray[np.int8]]
) -> dict[str, float]:
    """Agreement of label and error of logits at the clips' ends, int8 against float."""
    floats, codes = [], []
    for features in clips:
        floats.append(_float_logits(network, features))
        codes.append(_logits(classifier.clip(features, STEP_FRAMES)[-1]))
    expected, found = np.stack(floats), np.stack(codes)
    agreement = float((expected.argmax(1) == found.argmax(1)).mean())
    error = float(np.sqrt(np.mean((expected - found) ** 2)) / expected.std())
    if agreement < AGREEMENT_LIMIT or error > NRMSE_LIMIT:
        raise ParityError(
            f"classifier: int8 names float's label for {agreement:.1%} of {len(clips)} clips (least"
            f" {AGREEMENT_LIMIT:.0%}), logits are off by {error:.3f} of their spread (most {NRMSE_LIMIT})"
        )
    return {"parity_agreement": agreement, "parity_nrmse": error}


def _float_logits(network: "Network", features: NDArray[np.int8]) -> NDArray[np.float64]:
    logits: Any = network.logits(features[None].astype(np.float32), training=False)
    last = features.shape[0] // STEP_FRAMES - 1
    row = logits.numpy()[0, last].astype(np.float64)
    return np.asarray(row - row.mean())


def _logits(posteriors: NDArray[np.float32]) -> NDArray[np.float64]:
    logs = np.log(np.maximum(posteriors.astype(np.float64), 1e-9))
    return np.asarray(logs - logs.mean())
