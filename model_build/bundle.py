"""The factory's last step: models, manifest and self-test in one file."""

from collections.abc import Mapping, Sequence

import cbor2
import numpy as np

from contract.audio import FRAMES_PER_S, RATE_HZ
from contract.bundle import write_bundle
from contract.manifest import CLASSIFIER, PREPROCESS, SELFTEST, DataSet
from model_build.audio_file import to_pcm
from model_build.dataset import Pcm
from model_build.export import quantization_of
from model_build.parity_report import PARITY, Part, pack_parity, vectors_part
from model_build.recipe import Recipe
from model_build.runtime import Classifier, Frontend
from model_build.shape import STEP_FRAMES

MINIMUM_AGENT_VERSION = "0.1.0"
FEATURES_TOLERANCE_STEPS = 1
"""Another processor's float may round a feature the other way."""
POSTERIOR_TOLERANCE = 0.05
_SELFTEST_S = 1.6


def make_bundle(
    recipe: Recipe,
    preprocess: bytes,
    classifier: bytes,
    *,
    thresholds: Mapping[str, float],
    metrics: Mapping[str, float],
    datasets: Sequence[DataSet],
    proof: Mapping[str, Part],
) -> bytes:
    """The bundle's bytes; the same models and figures give the same bytes.

    ``proof`` holds the parts of the parity report but for the one about the self-test.
    """
    fields = {
        "name": recipe.name,
        "version": recipe.version,
        "kind": "classifier",
        "description": recipe.description,
        "labels": recipe.labels,
        "thresholds": dict(thresholds),
        "smoothing_s": recipe.decision.smoothing_s,
        "refractory_s": recipe.decision.refractory_s,
        "clip_rule": recipe.decision.clip_rule,
        "clip_gate_db": recipe.decision.clip_gate_db,
        "step_frames": STEP_FRAMES,
        "context_s": recipe.network.pool_steps * STEP_FRAMES / FRAMES_PER_S,
        "minimum_agent_version": MINIMUM_AGENT_VERSION,
        "quantization": quantization_of(classifier),
        "recipe": recipe.name,
        "datasets": tuple(datasets),
        "metrics": {name: round(float(value), 6) for name, value in metrics.items()},
    }
    vectors = selftest(preprocess, classifier, selftest_sound())
    promised = vectors_part(vectors, FEATURES_TOLERANCE_STEPS, POSTERIOR_TOLERANCE)
    files = {
        PREPROCESS: preprocess,
        CLASSIFIER: classifier,
        SELFTEST: vectors,
        PARITY: pack_parity({**proof, "vectors": promised}),
    }
    return write_bundle(fields, files)


def selftest(preprocess: bytes, classifier: bytes, pcm: Pcm) -> bytes:
    """``selftest.cbor``: what the models make of ``pcm`` here and now."""
    features = Frontend(preprocess).features(pcm)
    posteriors = Classifier(classifier).clip(features, STEP_FRAMES)
    return cbor2.dumps(
        {
            "pcm": pcm.astype("<i2").tobytes(),
            "features": features.tobytes(),
            "posteriors": posteriors.astype("<f4").tobytes(),
            "features_tolerance_steps": FEATURES_TOLERANCE_STEPS,
            "posterior_tolerance": POSTERIOR_TOLERANCE,
        },
        canonical=True,
    )


def selftest_sound() -> Pcm:
    """Sound that reaches every band, loud, quiet and silent: a rising tone in bursts over faint noise."""
    time_s = np.arange(round(_SELFTEST_S * RATE_HZ)) / RATE_HZ
    tone = np.sin(2 * np.pi * (60.0 * time_s + 2300.0 * time_s**2))
    bursts = np.maximum(0.0, np.sin(2 * np.pi * 2.5 * time_s)) ** 2
    noise = np.random.default_rng(0).uniform(-1, 1, time_s.size) * 1e-3 * (time_s > 0.1)
    return to_pcm(0.8 * tone * bursts + noise)
