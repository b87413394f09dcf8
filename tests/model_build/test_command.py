import json
import subprocess
import sys
from pathlib import Path

import pytest

from contract.bundle import read_bundle
from model_build.__main__ import main


def test_help_teaches_without_tensorflow() -> None:
    code = (
        "import sys\nfrom model_build.__main__ import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "sys.exit('tensorflow' in sys.modules)"
    )
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert child.returncode == 0
    assert "model-build train --recipe keywords" in child.stdout


def test_inspect_prints_the_manifest(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(models / "keywords.bundle"), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["name"] == "keywords"
    assert shown["digest"] == read_bundle(models / "keywords.bundle").digest
    assert main(["inspect", str(models / "sounds.bundle")]) == 0
    assert '"step_frames"' in capsys.readouterr().out


def test_missing_data_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "new.bundle"
    arguments = ["train", "--recipe", "keywords", "--data", str(tmp_path / "absent"), "--out", str(out)]
    assert main(arguments) == 1
    assert "is not a folder" in capsys.readouterr().err
    assert not out.exists()


def test_a_folder_that_is_not_there_is_said_before_training(
    commands: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = commands / "absent" / "new.bundle"
    assert main(["train", "--recipe", "keywords", "--data", str(commands), "--out", str(out)]) == 1
    assert "no folder to write it to" in capsys.readouterr().err


def test_a_bundle_that_is_none_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bad.bundle"
    path.write_bytes(b"PK\x03\x04 not really")
    assert main(["inspect", str(path)]) == 1
    assert "not a readable bundle" in capsys.readouterr().err


@pytest.mark.parametrize("count", ["0", "-1", "many"])
def test_a_count_that_is_none_is_refused(count: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["train", "--recipe", "keywords", "--data", ".", "--out", "x", "--epochs", count])
    assert "whole number from 1 up" in capsys.readouterr().err
