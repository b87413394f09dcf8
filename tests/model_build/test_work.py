"""What a work folder keeps, and that a killed training ends as one that was let alone."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from contract.bundle import read_bundle
from model_build.errors import ModelBuildError
from model_build.work import WorkFolder


def test_what_was_made_once_is_not_made_again(tmp_path: Path) -> None:
    work = WorkFolder.open(tmp_path / "w", {"a": 1})
    made = []

    def make() -> dict[str, np.ndarray]:
        made.append(1)
        return {"x": np.arange(3)}

    assert work.once("part", make)["x"].tolist() == [0, 1, 2]
    assert work.once("part", make)["x"].tolist() == [0, 1, 2]
    assert len(made) == 1


def test_what_was_interrupted_is_made_again(tmp_path: Path) -> None:
    work = WorkFolder.open(tmp_path / "w", {"a": 1})

    def fail() -> dict[str, np.ndarray]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work.once("part", fail)
    assert work.once("part", lambda: {"x": np.ones(2)})["x"].tolist() == [1, 1]


def test_another_key_clears_the_folder(tmp_path: Path) -> None:
    WorkFolder.open(tmp_path / "w", {"a": 1}).save("kept", {"x": np.ones(1)})
    assert WorkFolder.open(tmp_path / "w", {"a": 1}).load("kept") is not None
    assert WorkFolder.open(tmp_path / "w", {"a": 2}).load("kept") is None


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(ModelBuildError, match="no work folder"):
        WorkFolder.open(tmp_path, {"a": 1})
    assert (tmp_path / "letter.txt").read_text() == "dear"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_killed_training_goes_on_and_gives_the_same_bytes(commands: Path, tmp_path: Path) -> None:
    """Killed while a teacher and while the model is trained; the bundle is that of a training left alone."""
    recipe = quick_recipe(tmp_path)
    whole, pieces = tmp_path / "whole.bundle", tmp_path / "pieces.bundle"
    subprocess.run(train_command(recipe, commands, whole), check=True, capture_output=True, timeout=300)
    for stage in ("final-teacher-1", "final-seed-2"):
        kill_at(train_command(recipe, commands, pieces), Path(f"{pieces}.work", stage, "checkpoint.npz"))
        assert not pieces.exists()
    subprocess.run(train_command(recipe, commands, pieces), check=True, capture_output=True, timeout=300)
    assert read_bundle(pieces).digest == read_bundle(whole).digest
    dynamic = tmp_path / "dynamic.bundle"
    again = [sys.executable, "-m", "model_build", "bundle", "--work", f"{whole}.work", "--out", str(dynamic)]
    done = subprocess.run(
        [*again, "--variant", "dynamic-range", "--json"], check=True, capture_output=True, timeout=300
    )
    assert json.loads(done.stdout)["variant"] == "dynamic-range"
    assert read_bundle(dynamic).manifest.quantization == "dynamic-range"


def quick_recipe(folder: Path) -> Path:
    """The keywords recipe, small enough for a test, with one teacher."""
    from model_build.recipe import FOLDER

    text = (FOLDER / "keywords.toml").read_text()
    numbers = {"copies": 2, "epochs": 6, "network_seeds": "[2]", "teachers": 1}
    numbers |= {"hidden": 40, "dense": 40, "batch": 32}
    lines = []
    for line in text.splitlines():
        name = line.split(" = ")[0]
        lines.append(f"{name} = {numbers[name]}" if name in numbers else line)
    path = folder / "quick.toml"
    path.write_text("\n".join(lines))
    return path


def train_command(recipe: Path, data: Path, out: Path) -> list[str]:
    return [
        sys.executable, "-m", "model_build", "train",
        "--recipe", str(recipe), "--data", str(data), "--out", str(out),
    ]  # fmt: skip


def kill_at(command: list[str], checkpoint: Path) -> None:
    """Run ``command`` until ``checkpoint`` has been written, then kill it as a power cut would."""
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline_s = time.monotonic() + 240
        while not checkpoint.exists():
            assert child.poll() is None, "the training ended before it could be killed"
            assert time.monotonic() < deadline_s
            time.sleep(0.02)
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
