"""An anomaly model's bundle: as a classifier's, but with a self-test that sounds like the machine."""

from collections.abc import Mapping, Sequence

import numpy as np

from contract.bundle import write_bundle
from contract.manifest import ANOMALY, ANOMALY_LABELS, CLASSIFIER, PREPROCESS, SELFTEST, DataSet
from model_build.anomaly.listening import hear
from model_build.anomaly.measure import Rule
from model_build.anomaly.recipe import STEP_S, AnomalyRecipe
from model_build.bundle import (
    FEATURES_TOLERANCE_STEPS,
    MINIMUM_AGENT_VERSION,
    POSTERIOR_TOLERANCE,
    selftest,
    selftest_sound,
)
from model_build.dataset import Pcm
from model_build.parity_report import PARITY, Part, pack_parity, vectors_part
from model_build.runtime import Classifier, Frontend
from model_build.shape import STEP_FRAMES

_GAINS_DB = range(-60, 1, 3)


def make_anomaly_bundle(
    recipe: AnomalyRecipe,
    preprocess: bytes,
    classifier: bytes,
    *,
    typical: Pcm,
    rule: Rule,
    metrics: Mapping[str, float],
    datasets: Sequence[DataSet],
    proof: Mapping[str, Part],
) -> bytes:
    """The bundle's bytes; the same models, figures and ``typical`` sound give the same bytes.

    ``proof`` holds the parts of the parity report but for the one about the self-test.
    """
    vectors = selftest(preprocess, classifier, telling_sound(preprocess, classifier, typical))
    promised = vectors_part(vectors, FEATURES_TOLERANCE_STEPS, POSTERIOR_TOLERANCE)
    files = {
        PREPROCESS: preprocess,
        CLASSIFIER: classifier,
        SELFTEST: vectors,
        PARITY: pack_parity({**proof, "vectors": promised}),
    }
    fields = {
        "name": recipe.name,
        "version": recipe.version,
        "kind": ANOMALY,
        "description": recipe.description,
        "labels": ANOMALY_LABELS,
        "thresholds": rule.thresholds,
        "smoothing_s": rule.smoothing_s,
        "refractory_s": rule.refractory_s,
        "clip_rule": "mean",
        "clip_gate_db": None,
        "step_frames": STEP_FRAMES,
        "context_s": recipe.network.window_steps * STEP_S,
        "minimum_agent_version": MINIMUM_AGENT_VERSION,
        "recipe": recipe.name,
        "datasets": tuple(datasets),
        "metrics": {name: round(float(value), 6) for name, value in metrics.items()},
    }
    return write_bundle(fields, files)


def telling_sound(preprocess: bytes, classifier: bytes, typical: Pcm) -> Pcm:
    """``typical`` normal sound with the common self-test sound over it, as loud as takes the score to a half.

    Where all scores are 0 or 1 a model that computes nonsense would pass.
    """
    models = Frontend(preprocess), Classifier(classifier)
    over = selftest_sound().astype(np.float64)
    under = np.resize(typical, over.size)
    mixed = [np.clip(under + over * 10 ** (gain / 20), -32768, 32767).astype(np.int16) for gain in _GAINS_DB]
    ends = [float(hear(*models, ANOMALY, pcm).posteriors[-1, 1]) for pcm in mixed]
    return mixed[int(np.argmin(np.abs(np.array(ends) - 0.5)))]
