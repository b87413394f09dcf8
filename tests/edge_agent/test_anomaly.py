"""The node with a model of what is normal: a synthesised machine, sound and broken."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from deploy.make_machine_sounds import RATE_HZ, bearing, healthy, heard, make_machine, run
from edge_agent.__main__ import main
from edge_agent.bundles import LoadedBundle, load_bundle
from edge_agent.pipeline import Pipeline, Tuning
from tests.edge_agent.conftest import VERSION, Pcm


@pytest.fixture(scope="module")
def machine_file(models: Path) -> Path:
    """The bundle that the project ships for machine 0 of the synthesised ones."""
    return models / "machine.bundle"


@pytest.fixture(scope="module")
def machine(machine_file: Path) -> LoadedBundle:
    return load_bundle(machine_file, VERSION)


def sound(*, broken: bool, seconds: float = 8.0, seed: int = 900) -> Pcm:
    """Machine 0 for some seconds, which no model has heard."""
    draw, built = np.random.default_rng([0, 9, seed]), make_machine(0)
    turning = run(built, seconds, draw)
    samples = healthy(built, turning, draw)
    if broken:
        samples = bearing(built, turning, samples, 1.0, draw)
    return np.clip(heard(built, samples, draw) * 32768, -32768, 32767).astype(np.int16)


def test_a_broken_bearing_is_detected_as_an_anomaly(machine: LoadedBundle) -> None:
    pipeline = Pipeline(machine, Tuning(thresholds={}))
    steps = pipeline.feed(sound(broken=True), 8.0)
    found = [one for step in steps for one in step.found] + pipeline.finish()
    assert [one.label for one in found] == ["anomaly"]
    assert found[0].posterior > found[0].threshold == machine.manifest.thresholds["anomaly"]


def test_the_machine_as_it_should_be_is_not(machine: LoadedBundle) -> None:
    pipeline = Pipeline(machine, Tuning(thresholds={}))
    steps = pipeline.feed(sound(broken=False), 8.0)
    assert not [one for step in steps for one in step.found] + pipeline.finish()
    scores = [float(step.posteriors[1]) for step in steps]
    assert max(scores) < machine.manifest.thresholds["anomaly"]
    assert all(float(step.posteriors.sum()) == pytest.approx(1.0) for step in steps)


def test_replay_says_score_and_threshold(
    machine_file: Path, machine: LoadedBundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, broken in (("well", False), ("broken", True)):
        soundfile.write(tmp_path / f"{name}.flac", sound(broken=broken), RATE_HZ)
    paths = [str(tmp_path / "well.flac"), str(tmp_path / "broken.flac")]
    assert main(["replay", "--bundle", str(machine_file), "--json", *paths]) == 0
    well, broken_one = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    threshold = machine.manifest.thresholds["anomaly"]
    assert (well["label"], well["detections"]) == ("_normal_", [])
    assert well["score"] < well["threshold"] == threshold
    assert broken_one["label"] == "anomaly"
    assert broken_one["score"] > threshold
    assert main(["replay", "--bundle", str(machine_file), paths[1]]) == 0
    assert (
        f"anomaly, score {broken_one['score']:.2f}, threshold {threshold:.2f} (anomaly"
        in capsys.readouterr().out
    )
