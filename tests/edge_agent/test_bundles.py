"""A bundle is judged before it runs."""

from pathlib import Path
from typing import Any

import cbor2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.bundle import read_bundle, write_bundle
from contract.errors import BundleError
from contract.manifest import CLASSIFIER, PREPROCESS, SELFTEST
from edge_agent.bundles import load_bundle, read_selftest
from edge_agent.errors import ModelError
from edge_agent.interpreter import Model, runtime_name
from edge_agent.pipeline import Pipeline, Tuning

GIVEN = ("schema", "files", "frontend_digest", "rate_hz", "hop_samples", "window_samples", "mel_bins",
         "feature_scale_db", "feature_zero_point")  # fmt: skip


def changed(source: Path, target: Path, fields: dict[str, Any], files: dict[str, bytes]) -> Path:
    """A bundle whose digests are right, but whose content is another."""
    old = read_bundle(source)
    plain = {name: value for name, value in old.manifest.to_plain().items() if name not in GIVEN}
    target.write_bytes(write_bundle({**plain, **fields}, {**old.files, **files}))
    return target


def vectors(source: Path, **others: Any) -> bytes:
    return cbor2.dumps({**cbor2.loads(read_bundle(source).files[SELFTEST]), **others})


def test_what_is_shipped_is_accepted(models: Path) -> None:
    bundles = [path for path in sorted(models.glob("*.bundle")) if path.stem != "denoise"]
    for path in bundles:
        loaded = load_bundle(path, "0.1.0")
        assert loaded.classifier.inputs["features"].shape == (1, loaded.manifest.step_frames, 80)
    assert runtime_name()


def test_a_front_end_that_computes_otherwise_is_refused(keywords: Path, tmp_path: Path) -> None:
    features = np.frombuffer(cbor2.loads(read_bundle(keywords).files[SELFTEST])["features"], np.int8)
    off = np.clip(features.astype(int) + 9, -128, 127).astype(np.int8).tobytes()
    path = changed(keywords, tmp_path / "x", {}, {SELFTEST: vectors(keywords, features=off)})
    with pytest.raises(BundleError, match=r"front end is off by .* dB"):
        load_bundle(path, "0.1.0")


def test_small_differences_of_this_machine_are_told(keywords: Path, tmp_path: Path) -> None:
    test = read_selftest(read_bundle(keywords).files[SELFTEST], len(read_bundle(keywords).manifest.labels))
    here = load_bundle(keywords, "0.1.0").parity
    features, posteriors = test.features.copy(), test.posteriors.copy()
    features[3, 5] += 1 if features[3, 5] < 0 else -1
    posteriors[7, 2] += 0.02 if posteriors[7, 2] < 0.5 else -0.02
    other = vectors(keywords, features=features.tobytes(), posteriors=posteriors.tobytes())
    parity = load_bundle(changed(keywords, tmp_path / "x", {}, {SELFTEST: other}), "0.1.0").parity
    assert here.feature_steps <= parity.feature_steps == 1
    assert abs(parity.posterior - 0.02) < 0.01 + here.posterior


def test_a_classifier_that_computes_otherwise_is_refused(keywords: Path, tmp_path: Path) -> None:
    posteriors = np.frombuffer(cbor2.loads(read_bundle(keywords).files[SELFTEST])["posteriors"], "<f4")
    off = (1 - posteriors).astype("<f4").tobytes()
    path = changed(keywords, tmp_path / "x", {}, {SELFTEST: vectors(keywords, posteriors=off)})
    with pytest.raises(BundleError, match="posteriors are off"):
        load_bundle(path, "0.1.0")
    nan = np.full_like(posteriors, np.nan).tobytes()
    path = changed(keywords, tmp_path / "y", {}, {SELFTEST: vectors(keywords, posteriors=nan)})
    with pytest.raises(BundleError, match="posteriors are off"):
        load_bundle(path, "0.1.0")


def test_labels_must_fit_the_classifier(keywords: Path, tmp_path: Path) -> None:
    manifest = read_bundle(keywords).manifest
    path = changed(keywords, tmp_path / "x", {"labels": [*manifest.labels, "_more_"]}, {})
    with pytest.raises(BundleError, match="posteriors has shape"):
        load_bundle(path, "0.1.0")


def test_the_step_must_fit_the_classifier(keywords: Path, tmp_path: Path) -> None:
    path = changed(keywords, tmp_path / "x", {"step_frames": 8}, {})
    with pytest.raises(BundleError, match="posteriors has shape"):
        load_bundle(path, "0.1.0")


@pytest.mark.parametrize("name", [CLASSIFIER, PREPROCESS])
def test_what_is_no_model_is_refused(keywords: Path, tmp_path: Path, name: str) -> None:
    path = changed(keywords, tmp_path / "x", {}, {name: b"TFL3 but not really" * 20})
    with pytest.raises(BundleError, match=name):
        load_bundle(path, "0.1.0")


def test_models_in_each_others_place_are_refused(keywords: Path, tmp_path: Path) -> None:
    files = read_bundle(keywords).files
    swapped = {CLASSIFIER: files[PREPROCESS], PREPROCESS: files[CLASSIFIER]}
    with pytest.raises(BundleError, match="has no tensor"):
        load_bundle(changed(keywords, tmp_path / "x", {}, swapped), "0.1.0")


def test_a_bundle_for_a_later_agent_is_refused(keywords: Path, tmp_path: Path) -> None:
    path = changed(keywords, tmp_path / "x", {"minimum_agent_version": "0.10.0"}, {})
    with pytest.raises(BundleError, match=r"needs agent 0\.10\.0 or later"):
        load_bundle(path, "0.9.1")


@given(st.one_of(st.binary(max_size=200), st.builds(cbor2.dumps, st.dictionaries(
    st.sampled_from(["pcm", "features", "posteriors", "features_tolerance_steps", "posterior_tolerance"]),
    st.one_of(st.binary(max_size=200), st.floats(), st.integers(), st.none()),
))))  # fmt: skip
def test_no_bytes_of_vectors_raise_anything_else(content: bytes) -> None:
    try:
        read_selftest(content, 9)
    except BundleError:
        return


def test_an_override_for_a_label_that_is_not_there_is_named(keywords: Path) -> None:
    with pytest.raises(ValueError, match="does not detect 'cow'"):
        Pipeline(load_bundle(keywords, "0.1.0"), Tuning(thresholds={"cow": 0.5}))


def test_the_runtime_says_what_it_does_not_take(keywords: Path) -> None:
    model = Model(read_bundle(keywords).files[PREPROCESS], "front")
    with pytest.raises(ModelError, match="front"):
        model.run({"pcm": np.zeros((1, 5), np.int16)})
