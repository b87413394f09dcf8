"""The tutorial's own commands, in its order, in an empty folder: only fewer epochs."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

TUTORIAL = (ROOT / "docs" / "tutorial-your-own-sounds.md").read_text()
QUICK = " --epochs 2 --copies 2"


def commands() -> Iterator[str]:
    for block in re.findall(r"^```sh\n(.*?)^```$", TUTORIAL, re.MULTILINE | re.DOTALL):
        yield from block.strip().splitlines()


def run(command: str, folder: Path) -> str:
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "COLUMNS": "300",
        "TF_NUM_INTRAOP_THREADS": "1",
    }
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_tutorial_can_be_followed(tmp_path: Path) -> None:
    if shutil.which("espeak-ng") is None:
        pytest.skip("needs espeak-ng")
    (tmp_path / "deploy").symlink_to(ROOT / "deploy")
    said = {}
    for command in commands():
        said[command] = run(command + (QUICK if " train " in command else ""), tmp_path)
    good, bad = (text for command, text in said.items() if "check" in command)
    assert "nothing is wrong" in good
    assert "anna_1.wav" in bad
    assert "ben_1.wav" in bad
    assert "spells it 'lights'" in bad
    heard = next(text for command, text in said.items() if "replay" in command)
    assert "en-029-f3_165_35.wav" in heard
    assert (tmp_path / "wake.bundle").stat().st_size < 350_000


def test_the_tutorial_names_each_command_that_it_needs() -> None:
    words = {tuple(command.removeprefix("! ").split()[:2]) for command in commands()}
    assert {
        ("model-build", "new"),
        ("model-build", "check"),
        ("model-build", "train"),
        ("model-build", "evaluate"),
        ("edge-agent", "replay"),
    } <= words


def test_no_gap_was_left_in_the_tutorial() -> None:
    assert not re.findall(r"@[A-Z]+@", TUTORIAL)
