"""From the work folder of a training to its base archive, and what may go wrong on the way."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from contract.bundle import read_bundle
from model_build.__main__ import main
from model_build.recipe import load_recipe
from model_build.retrain.base_file import read_base
from model_build.retrain.growth import known_network
from tests.model_build.test_work import quick_recipe

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.filterwarnings("ignore")]


def test_a_training_is_kept_and_its_folder_is_watched(
    commands: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    recipe, out, kept = quick_recipe(tmp_path), tmp_path / "made.bundle", tmp_path / "made.base"
    recipe.write_text(recipe.read_text().replace("teachers = 1", "teachers = 0"))
    words = ["--recipe", str(recipe), "--data", str(commands)]
    assert main(["train", *words, "--out", str(out), "--base", str(kept), "--copies", "2"]) == 0
    base, bundle = read_base(kept), read_bundle(out)
    assert base.recipe.targets == load_recipe("keywords").targets
    assert base.origin.digest == bundle.digest
    assert base.frontend_digest == bundle.manifest.frontend_digest
    assert not base.origin.validation_learned
    assert set(base.training.copy.tolist()) == {0, 1, 2}
    assert base.training.features.shape[1:] == (52, 80)
    assert len(base.validation.truth) == bundle.manifest.metrics["validation_clips"]
    heard = known_network(base).logits(base.validation.features.astype(np.float32), training=False).numpy()
    right = float((heard[:, -1].argmax(axis=1) == base.validation.truth).mean())
    assert right == pytest.approx(bundle.manifest.metrics["validation_accuracy"], abs=0.05)
    work = Path(f"{out}.work")
    assert not [*work.glob("copy-[1-9]*")]

    again = ["base", "--work", str(work), "--out", str(tmp_path / "again.base")]
    assert main([*again, "--bundle", str(out), "--json"]) == 0
    report = json.loads(capfd.readouterr().out.strip().splitlines()[-1])
    assert report["digest"] == base.digest
    assert (tmp_path / "again.base").read_bytes() == kept.read_bytes()

    other = tmp_path / "other.bundle"
    shutil.copy(Path(__file__).parents[2] / "models" / "keywords.bundle", other)
    assert main([*again, "--bundle", str(other)]) == 1
    assert "is not the work of bundle keywords@" in capfd.readouterr().err

    changed = next((commands / "training" / "yes").iterdir())
    soundfile.write(changed, 0.1 * np.random.default_rng(0).normal(size=16_000), 16_000)
    assert main([*again, "--bundle", str(out)]) == 1
    assert "was of another recipe, of other recordings" in capfd.readouterr().err
    assert (work / "final-seed-2" / "checkpoint.npz").is_file()


def test_an_anomaly_model_has_no_base(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    words = ["--recipe", "anomaly", "--data", str(tmp_path), "--out", str(tmp_path / "a.bundle")]
    assert main(["train", *words, "--base", str(tmp_path / "a.base")]) == 1
    assert "--base is for classifiers" in capfd.readouterr().err
