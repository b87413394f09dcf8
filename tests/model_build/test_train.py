"""From a folder of made-up words to a bundle that knows them."""

import dataclasses
import json
from pathlib import Path

import pytest

from contract.bundle import read_bundle
from contract.manifest import CLASSIFIER
from model_build.__main__ import main
from model_build.export import require_fused_lstm


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.filterwarnings("ignore")  # TensorFlow's own
def test_words_go_in_and_a_bundle_comes_out(commands: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (commands / "training" / "yes" / "00000000_nohash_0.wav").write_bytes(b"RIFF")
    out = commands / "made.bundle"
    arguments = ["train", "--recipe", "keywords", "--data", str(commands), "--out", str(out)]
    assert main([*arguments, "--epochs", "12", "--copies", "4", "--seed", "3", "--json"]) == 0
    printed = capfd.readouterr()
    report = json.loads(printed.out.strip().splitlines()[-1])
    assert sum("cannot be read" in sentence for sentence in report["skipped"]) == 1
    assert sum("is in none of the places" in sentence for sentence in report["skipped"]) == 2
    assert "00000000_nohash_0.wav" in printed.err.replace("\n", "")
    bundle = read_bundle(out)
    assert dataclasses.asdict(bundle.manifest)["name"] == "keywords"
    assert bundle.manifest.datasets[0].clips == 53
    assert bundle.manifest.metrics["parity_agreement"] >= 0.95
    assert report["accuracy"] == pytest.approx(bundle.manifest.metrics["validation_accuracy"], abs=1e-5)
    assert bundle.manifest.metrics["validation_clips"] == 30
    require_fused_lstm(bundle.files[CLASSIFIER])
    assert main(["evaluate", "--bundle", str(out), "--data", str(commands), "--json"]) == 0
    assert json.loads(capfd.readouterr().out.strip().splitlines()[-1])["clips"] == 27
