"""classifier.tflite of an anomaly model, with what it consists of checked, and whether it says the same."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contract.manifest import ANOMALY
from model_build.anomaly.listening import spreads_of
from model_build.anomaly.network import Network, Standard
from model_build.anomaly.scoring import Residual, Scoring
from model_build.convert import pack_request
from model_build.errors import ParityError
from model_build.export import CLASSIFIER_OPS, _in_child, _require_ops, require_fused_lstm
from model_build.runtime import Classifier
from model_build.shape import STEP_FRAMES

OPS = CLASSIFIER_OPS | {"LOG"}
"""All that classifier.tflite of an anomaly model may consist of; tflite-runtime 2.14 has them too."""

PARITY_LIMIT = 0.15
"""Largest root mean square difference of int8 from float, in units of the spread over all steps."""

_FAR = 2.0
"""The converter is shown frames this much further from normal too, so that an anomaly is not cut off."""


def residuals(network: Network, standard: Standard, recordings: Sequence[NDArray[np.int8]]) -> list[Residual]:
    """(S, STEP_VALUES) of each recording (T, MEL_BINS), heard from a stream's start, in float."""
    found = []
    for features in recordings:
        whole = features[: features.shape[0] // STEP_FRAMES * STEP_FRAMES]
        found.append(network.residual(standard.frames(whole[None].astype(np.float32))).numpy()[0])
    return found


def export_anomaly(
    network: Network, standard: Standard, scoring: Scoring, excerpts: Sequence[NDArray[np.int8]]
) -> bytes:
    """classifier.tflite; ``excerpts`` (T, MEL_BINS), all equally long, show the converter what comes in."""
    frames = standard.frames(np.stack(excerpts).astype(np.float32))
    arrays: dict[str, NDArray[Any]] = {
        **network.arrays(),
        **scoring.arrays(),
        "mean": standard.mean,
        "spread": standard.spread,
        "calibration": np.concatenate([frames, _FAR * frames]),
    }
    content = _in_child(pack_request(ANOMALY, {"window": scoring.window}, arrays))
    _require_ops(content, OPS, "classifier.tflite")
    require_fused_lstm(content)
    return content


def check_parity(
    classifier: Classifier,
    scoring: Scoring,
    floats: Sequence[Residual],
    recordings: Sequence[NDArray[np.int8]],
) -> float:
    """Difference of the exported model from ``floats``, the residuals of ``recordings`` in float.

    In units of the spread over all steps; ``ParityError`` beyond the limit.
    """
    expected = np.concatenate([scoring.spreads(residual) for residual in floats])
    found = np.concatenate([spreads_of(classifier.clip(one, STEP_FRAMES)) for one in recordings])
    apart = float(np.sqrt(np.mean((expected - found) ** 2)) / expected.std())
    if not apart <= PARITY_LIMIT:
        raise ParityError(
            f"anomaly model: int8 is off by {apart:.3f} of the float scores' spread (most {PARITY_LIMIT})"
        )
    return apart
