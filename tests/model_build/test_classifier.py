"""classifier.tflite as it lies in the shipped bundles."""

import cbor2
import numpy as np
import pytest

from contract.audio import FEATURE_SCALE_DB, FEATURE_ZERO_POINT
from contract.bundle import Bundle
from contract.manifest import CLASSIFIER, PREPROCESS, SELFTEST
from model_build.export import CLASSIFIER_OPS, require_fused_lstm
from model_build.flatbuffer import op_names, read_model, signature_tensor
from model_build.parity import check_streaming
from model_build.runtime import Classifier, Frontend
from model_build.shape import STEP_FRAMES

LIMIT_BYTES = 350_000


@pytest.fixture
def features() -> np.ndarray:
    """(T, 80) frames over the whole range, changing slowly, as no sound but as every code."""
    draw = np.random.default_rng(4)
    return np.clip(np.cumsum(draw.normal(0, 12, (160, 80)), axis=0), -128, 127).astype(np.int8)


def test_streamed_is_whole_bit_for_bit(bundle: Bundle, features: np.ndarray) -> None:
    classifier = Classifier(bundle.files[CLASSIFIER])
    check_streaming(classifier, features)
    whole = classifier.clip(features, 160)
    assert whole.shape == (160 // STEP_FRAMES, len(bundle.manifest.labels))
    np.testing.assert_allclose(whole.sum(axis=1), 1.0, atol=1e-5)


def test_streamed_in_uneven_calls_is_whole_too(bundle: Bundle, features: np.ndarray) -> None:
    whole = Classifier(bundle.files[CLASSIFIER]).clip(features, 160)
    classifier = Classifier(bundle.files[CLASSIFIER])
    parts = [classifier.clip(features[:STEP_FRAMES], STEP_FRAMES)]
    for frames in range(STEP_FRAMES, 160, STEP_FRAMES):
        parts.append(classifier.posteriors(features[frames : frames + STEP_FRAMES], STEP_FRAMES))
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_reset_forgets(bundle: Bundle, features: np.ndarray) -> None:
    classifier = Classifier(bundle.files[CLASSIFIER])
    first = classifier.clip(features, STEP_FRAMES)
    np.testing.assert_array_equal(classifier.clip(features, STEP_FRAMES), first)


def test_the_lstm_is_one_fused_int8_operator_without_clip(bundle: Bundle) -> None:
    content = bundle.files[CLASSIFIER]
    require_fused_lstm(content)
    assert op_names(content).count("UNIDIRECTIONAL_SEQUENCE_LSTM") == 1
    assert set(op_names(content)) <= CLASSIFIER_OPS


def test_it_takes_the_features_of_the_contract(bundle: Bundle) -> None:
    quantization = signature_tensor(read_model(bundle.files[CLASSIFIER]), "features").quantization
    assert quantization.scale.tolist() == [FEATURE_SCALE_DB]
    assert quantization.zeroPoint.tolist() == [FEATURE_ZERO_POINT]


def test_the_self_test_holds_here(bundle: Bundle) -> None:
    vectors = cbor2.loads(bundle.files[SELFTEST])
    pcm = np.frombuffer(vectors["pcm"], "<i2").astype(np.int16)
    features = Frontend(bundle.files[PREPROCESS]).features(pcm)
    expected = np.frombuffer(vectors["features"], np.int8).reshape(-1, 80)
    assert np.abs(features.astype(int) - expected).max() <= vectors["features_tolerance_steps"]
    posteriors = Classifier(bundle.files[CLASSIFIER]).clip(expected, STEP_FRAMES)
    promised = np.frombuffer(vectors["posteriors"], "<f4").reshape(posteriors.shape)
    np.testing.assert_allclose(posteriors, promised, atol=vectors["posterior_tolerance"])


def test_it_is_small(bundle: Bundle) -> None:
    assert sum(len(content) for content in bundle.files.values()) < LIMIT_BYTES
