"""Anomaly models as they are trained, exported, measured and run, on a machine that is synthesised."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from contract.bundle import Bundle, read_bundle
from contract.manifest import ANOMALY_LABELS, CLASSIFIER, PREPROCESS
from deploy.make_machine_sounds import make
from model_build.__main__ import main
from model_build.anomaly.export import OPS
from model_build.anomaly.factory import build
from model_build.anomaly.network import Standard
from model_build.anomaly.recipe import AnomalyRecipe, load_anomaly_recipe
from model_build.anomaly.training import train
from model_build.audio_file import read_pcm
from model_build.examples import whole_steps
from model_build.export import require_fused_lstm
from model_build.flatbuffer import op_names
from model_build.runtime import Classifier, Frontend
from model_build.work import WorkFolder

TINY = """\
kind = "anomaly"
name = "pump"
version = "1"
description = "A made-up pump."
normal = []
[frontend]
high_pass_hz = 30.0
floor_rise_db_per_s = 4.0
floor_fall = 0.25
suppression_db = 0.0
margin_db = 6.0
fade_db = 9.0
[network]
dense = 24
hidden = 24
bottleneck = 6
decoder = 32
window_s = 0.96
[training]
seed = 1
epochs = 5
batches = 40
batch = 16
excerpt_s = 1.6
peak_rate = 5e-3
weight_decay = 0.01
average_decay = 0.98
gain_db = 1.0
dropout = 0.1
[decision]
false_alarms_per_h = 0.5
smoothing_s = 0.0
refractory_s = 10.0
"""


@pytest.fixture(scope="module")
def recipe_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "pump.toml"
    path.write_text(TINY)
    return path


@pytest.fixture(scope="module")
def recipe(recipe_file: Path) -> AnomalyRecipe:
    return load_anomaly_recipe(str(recipe_file))


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Little sound of a machine and its faults."""
    folder = tmp_path_factory.mktemp("machine")
    make(folder, machine=0, normal=40, faulty=2, seconds=5.0)
    return folder


@pytest.fixture(scope="module")
def bundle_file(machine: Path, recipe_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the command makes of it."""
    out = tmp_path_factory.mktemp("out") / "pump.bundle"
    assert main(["train", "--recipe", str(recipe_file), "--data", str(machine), "--out", str(out)]) == 0
    return out


@pytest.fixture(scope="module")
def bundle(bundle_file: Path) -> Bundle:
    return read_bundle(bundle_file)


@pytest.fixture(scope="module")
def features(bundle: Bundle, machine: Path) -> np.ndarray:
    """(T, 80) frames of a fault."""
    pcm = read_pcm(machine / "anomalous" / "rattle-slight" / "000.flac")
    return Frontend(bundle.files[PREPROCESS]).features(whole_steps(pcm))


class Killed(Exception):
    """The training was stopped."""


def stop_after(epochs: int):
    def progress(what: str, done: int, total: int) -> None:
        if what.startswith("training") and done == epochs:
            raise Killed

    return progress


def quiet(*_: object) -> None:
    """No progress."""


def frames(seed: int) -> np.ndarray:
    """(T, 80) frames with something to learn: bands that rise and fall together."""
    draw = np.random.default_rng(seed)
    level = 30 * np.sin(np.arange(200) / 9 + draw.uniform(0, 6))[:, None] * np.linspace(-1, 1, 80)
    return np.clip(level + draw.normal(0, 3, (200, 80)) - 40, -128, 127).astype(np.int8)


@pytest.mark.slow
def test_a_killed_training_goes_on_to_the_same_weights(recipe: AnomalyRecipe, tmp_path: Path) -> None:
    tiny = dataclasses.replace(recipe, training=dataclasses.replace(recipe.training, batches=3, epochs=3))
    learned = [frames(seed) for seed in range(4)]
    standard = Standard.of(learned)
    whole = train(tiny, standard, learned, None, quiet).arrays()
    work = WorkFolder.open(tmp_path / "work", {})
    with pytest.raises(Killed):
        train(tiny, standard, learned, work, stop_after(2))
    seen: list[int] = []
    resumed = train(tiny, standard, learned, work, lambda what, done, total: seen.append(done)).arrays()
    assert seen == [3]
    for name, values in whole.items():
        np.testing.assert_array_equal(resumed[name], values)


@pytest.mark.slow
def test_streamed_is_whole_bit_for_bit(bundle: Bundle, features: np.ndarray) -> None:
    classifier = Classifier(bundle.files[CLASSIFIER])
    whole = classifier.clip(features, len(features))
    assert whole.shape == (len(features) // 4, 2)
    for count in (4, 8, 20):
        streamed = classifier.clip(features, count)
        np.testing.assert_array_equal(streamed, whole[: len(streamed)])
    np.testing.assert_allclose(whole.sum(axis=1), 1.0, atol=1e-6)


@pytest.mark.slow
def test_it_is_small_fused_int8_and_of_known_operators(bundle: Bundle, bundle_file: Path) -> None:
    require_fused_lstm(bundle.files[CLASSIFIER])
    assert set(op_names(bundle.files[CLASSIFIER])) <= OPS
    assert bundle_file.stat().st_size < 200_000
    assert bundle.manifest.kind == "anomaly"
    assert bundle.manifest.labels == ANOMALY_LABELS
    assert bundle.manifest.metrics["parity_nrmse"] < 0.15


@pytest.mark.slow
def test_faults_are_told_from_normal_sound(
    bundle_file: Path, bundle: Bundle, machine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", "--bundle", str(bundle_file), "--data", str(machine), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["auc"] == pytest.approx(bundle.manifest.metrics["heldout_auc"], abs=1e-6)
    assert found["auc_interval"][0] <= found["auc"] <= found["auc_interval"][1]
    clear = [area for kind, area in found["auc_per_kind"].items() if kind.endswith("-clear")]
    assert len(clear) == 4
    assert np.mean(clear) > 0.9
    assert found["auc"] > 0.8
    assert found["detected"].keys() == found["auc_per_kind"].keys()
    assert found["false_alarms"] == 0


@pytest.mark.slow
def test_inspect_shows_it(bundle_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(bundle_file), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["thresholds"].keys() == {"anomaly"}
    assert shown["parity"].keys() >= {"frontend", "scores", "streamed", "vectors"}
    assert all(shown["parity"]["streamed"]["equal"].values())


@pytest.mark.slow
def test_a_killed_build_goes_on_to_the_same_bundle(
    recipe: AnomalyRecipe, machine: Path, bundle: Bundle, tmp_path: Path
) -> None:
    with pytest.raises(Killed):
        build(recipe, machine, stop_after(2), work=tmp_path / "work")
    built = build(recipe, machine, quiet, work=tmp_path / "work")
    assert read_bundle(built.content).digest == bundle.digest
