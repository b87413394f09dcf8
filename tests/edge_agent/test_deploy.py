"""What is deployed fits the agent: the example names every setting, the installer is sound."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from edge_agent.settings import every_setting, load_settings
from tests.conftest import ROOT

EDGE = ROOT / "deploy" / "edge"
SPOKEN = ROOT / "aggregator" / "demo_sounds" / "words" / "words-1.opus"


def uncommented() -> Iterator[str]:
    """The example with every key switched on: what follows a `# ` and looks like `key = value`."""
    for line in (EDGE / "agent.example.toml").read_text().splitlines():
        yield re.sub(r"^# ([a-z_]+ = )", r"\1", line)


def test_the_example_names_every_setting_and_only_those(tmp_path: Path) -> None:
    plain = tomllib.loads("\n".join(uncommented()))
    named = {(section, key) for section, keys in plain.items() for key in keys}
    assert named == {(section, key) for section, key, *_ in every_setting()}


def test_the_example_shows_the_defaults() -> None:
    plain = tomllib.loads("\n".join(uncommented()))
    examples = {("node", "tags"), ("model", "bundle"), ("input", "usb_id"), ("detector", "thresholds"),
                ("detector", "smoothing_s"), ("detector", "refractory_s"),
                ("sampling", "private"), ("live", "indicator_program")}  # fmt: skip
    for section, key, _, _, default in every_setting():
        if (section, key) not in examples:
            assert plain[section][key] == (default if default is not None else ""), (section, key)


def test_the_example_is_accepted() -> None:
    assert load_settings(EDGE / "agent.example.toml", {}, {}).input.source == "microphone"


def test_the_installer_is_a_sound_script_and_explains_itself() -> None:
    script = EDGE / "install.sh"
    subprocess.run(["sh", "-n", str(script)], check=True)
    told = subprocess.run(["sh", str(script), "--help"], capture_output=True, text=True, check=True)
    assert "Asks nothing" in told.stdout
    assert "[--root FILE]" in told.stdout
    assert told.stdout.rstrip().endswith("by a way that you trust.")
    refused = subprocess.run(["sh", str(script), "--what"], capture_output=True, text=True)
    assert (refused.returncode, "unknown option" in refused.stderr) == (1, True)
    if shutil.which("shellcheck"):
        subprocess.run(["shellcheck", str(script)], check=True)


def test_the_installer_finds_every_setting_that_it_fills_in() -> None:
    script, example = (EDGE / "install.sh").read_text(), (EDGE / "agent.example.toml").read_text()
    patterns = re.findall(r'"s\|(\^[^|]+)\|', script)
    assert len(patterns) == 6
    for pattern in patterns:
        assert len(re.findall(pattern, example, re.MULTILINE)) == 1, pattern


def test_the_unit_is_hardened_and_starts_the_agent() -> None:
    unit = (EDGE / "soundpost-agent.service").read_text().splitlines()
    for line in ("Type=notify", "NoNewPrivileges=yes", "ProtectSystem=strict", "Restart=always"):
        assert line in unit
    [start] = [line for line in unit if line.startswith("ExecStart=")]
    assert start.endswith("edge-agent run --config /etc/soundpost/agent.toml")


def copy_of_the_source(folder: Path) -> Path:
    """What is installed, apart: building leaves files behind."""
    copy = folder / "source"
    copy.mkdir()
    for name in ("contract", "edge_agent", "aggregator", "model_build"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    (copy / "README.md").write_text("Soundpost\n")
    return copy


def make_environment(folder: Path, *installs: Sequence[str]) -> Path:
    """The agent in a new virtual environment, made by these calls of pip; skips without the package index."""
    python = folder / "venv" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
    for arguments in installs:
        command = [str(python), "-m", "pip", "install", "--quiet", *arguments]
        installed = subprocess.run(command, capture_output=True, text=True)
        if installed.returncode and "connection" in installed.stderr.lower():
            pytest.skip("needs the package index")
        assert installed.returncode == 0, installed.stderr
    return python.with_name("edge-agent")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_edge_extra_alone_runs_the_agent(tmp_path: Path, keywords: Path) -> None:
    agent = make_environment(tmp_path, [f"{copy_of_the_source(tmp_path)}[edge]"])
    (tmp_path / "silence.raw").write_bytes(bytes(64_000))
    with (tmp_path / "silence.raw").open("rb") as silence:
        done = subprocess.run(
            [str(agent), "run", "--model-bundle", str(keywords), "--broker-host", "",
             "--node-state", str(tmp_path / "state"), "--input-source", "stdin"],
            stdin=silence, capture_output=True, text=True, timeout=60, cwd=tmp_path,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "heard_s=2" in done.stderr
    assert not list((tmp_path / "venv").rglob("tensorflow/__init__.py"))


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="tflite-runtime is only for Python 3.11")
def test_the_runtime_of_a_32_bit_pi_hears_the_same(tmp_path: Path, keywords: Path) -> None:
    packages = ("cbor2", "numpy<2", "paho-mqtt", "sounddevice", "soundfile", "soxr", "tflite-runtime==2.14.0")
    source = copy_of_the_source(tmp_path)
    agent = make_environment(tmp_path, packages, ["--no-deps", str(source)])
    assert not list((tmp_path / "venv").rglob("ai_edge_litert"))
    there, here = (
        json.loads(
            subprocess.run(
                [str(program), "replay", "--json", "--bundle", str(keywords), str(SPOKEN)],
                capture_output=True, text=True, check=True, timeout=60, cwd=tmp_path,
            ).stdout
        )
        for program in (agent, Path(sys.executable).with_name("edge-agent"))
    )  # fmt: skip
    assert there["label"] == here["label"]
    assert [(found["label"], found["start_s"]) for found in there["detections"]] == [
        (found["label"], found["start_s"]) for found in here["detections"]
    ]
    for found, same in zip(there["detections"], here["detections"], strict=True):
        assert found["posterior"] == pytest.approx(same["posterior"], abs=0.05)
    assert len(here["detections"]) >= 3
