"""The small commands: replay, check, devices, outbox, benchmark, help."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.broker import Mosquitto
from tests.edge_agent.agent_process import run_agent


def test_replay_judges_each_file_and_names_the_broken(
    keywords: Path, make_wav: Callable[..., Path], tmp_path: Path
) -> None:
    whole, other = make_wav("a.wav", 1.5), make_wav("b.flac", 1.0, 48_000, 2)
    cut, junk = tmp_path / "cut.wav", tmp_path / "junk.wav"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    junk.write_bytes(b"no sound at all " * 100)
    done = run_agent("replay", "--bundle", keywords, "--json", cut, junk, tmp_path / "none.wav", whole.parent)
    assert done.returncode == 1
    lines = {line["file"]: line for line in map(json.loads, done.stdout.splitlines())}
    assert list(lines) == [str(cut), str(junk), str(tmp_path / "none.wav"), str(whole), str(other)]
    for path in (whole, other):
        line = lines[str(path)]
        assert set(line) == {"file", "label", "posterior", "detections"}
        assert 0 <= line["posterior"] <= 1
    assert "cut off, holds 0.75 s of 1.50 s" in lines[str(cut)]["error"]
    assert "label" in lines[str(cut)], "what is left of it is still judged"
    assert set(lines[str(junk)]) == {"file", "error"}
    assert "no such file" in lines[str(tmp_path / "none.wav")]["error"]
    for path in (cut, junk):
        assert str(path) in done.stderr


def test_replay_hears_each_file_as_a_stream_of_its_own(keywords: Path, make_wav: Callable[..., Path]) -> None:
    first, second = make_wav("a.wav"), make_wav("b.wav", 2.0)
    together = run_agent("replay", "--bundle", keywords, "--json", first, second, first)
    alone = run_agent("replay", "--bundle", keywords, "--json", first)
    assert together.returncode == alone.returncode == 0
    lines = together.stdout.splitlines()
    assert lines[0] == lines[2] == alone.stdout.strip()


def test_replay_refuses_a_bundle_with_one_flipped_bit(
    keywords: Path, make_wav: Callable[..., Path], tmp_path: Path
) -> None:
    content = bytearray(keywords.read_bytes())
    content[len(content) // 2] ^= 1
    broken = tmp_path / "broken.bundle"
    broken.write_bytes(content)
    done = run_agent("replay", "--bundle", broken, make_wav())
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr


def test_replay_hears_real_words(keywords: Path, shared_data: Path) -> None:
    folder = shared_data / "speech_commands" / "validation" / "yes"
    files = sorted(folder.iterdir())[:20]
    done = run_agent("replay", "--bundle", keywords, "--json", *files)
    labels = [json.loads(line)["label"] for line in done.stdout.splitlines()]
    assert labels.count("yes") >= 15


def test_check_finds_what_is_wrong(
    keywords: Path, make_wav: Callable[..., Path], broker: Mosquitto, tmp_path: Path
) -> None:
    common = ["check", "--json", "--node-state", tmp_path / "s", "--input-source", "files"]
    good = [*common, "--input-path", make_wav(), "--model-bundle", keywords, "--broker-port", broker.port]
    done = run_agent(*map(str, good))
    assert done.returncode == 0, done.stdout
    assert [finding["what"] for finding in json.loads(done.stdout)["checks"]] == [
        "input", "bundle", "broker", "enrolled", "disk", "clock",
    ]  # fmt: skip
    figures = json.loads(done.stdout)["checks"][1]["figures"]
    assert set(figures) == {"feature_steps", "posterior"}
    broker.stop()
    (tmp_path / "not-a.bundle").write_bytes(b"x")
    bad = [*common, "--input-path", tmp_path / "none", "--model-bundle", tmp_path / "not-a.bundle",
           "--broker-port", broker.port, "--outbox-limit-bytes", 10**12]  # fmt: skip
    done = run_agent(*map(str, bad))
    assert done.returncode == 1
    findings = {finding["what"]: finding for finding in json.loads(done.stdout)["checks"]}
    for what in ("input", "bundle", "broker", "disk"):
        assert not findings[what]["ok"]
        assert findings[what]["mend"]


def test_benchmark_tells_its_figures(keywords: Path) -> None:
    done = run_agent("benchmark", "--bundle", keywords, "--seconds", "1", "--json")
    figures = json.loads(done.stdout)
    assert {"preprocess_ms_per_s", "classify_ms_per_s", "detect_ms_per_s", "total_ms_per_s"} <= set(figures)
    assert 0 < figures["rss_mb"] <= 70
    assert figures["idle_cpu_percent"] > 0


def test_benchmark_compares_bundles(keywords: Path, models: Path) -> None:
    other = models / "sounds.bundle"
    options = ["--bundle", keywords, "--bundle", other, "--seconds", "1"]
    comparison = json.loads(run_agent("benchmark", *options, "--json").stdout)
    first, second = comparison["bundles"]
    assert (first["bundle"], second["bundle"]) == (str(keywords), str(other))
    fastest = {figures["bundle"]: figures["ratio"] for figures in (first, second)}
    assert fastest.pop(comparison["fastest"]) == 1.0
    assert next(iter(fastest.values())) > 0
    shown = run_agent("benchmark", *options).stdout
    assert "is the fastest on this machine" in shown
    assert shown.count("int8") == 2


def test_outbox_says_that_there_is_none(tmp_path: Path) -> None:
    done = run_agent("outbox", "--node-state", tmp_path)
    assert (done.returncode, "no outbox" in done.stderr) == (2, True)


@pytest.mark.parametrize("command", ["", "run", "check", "devices", "replay", "benchmark", "outbox"])
def test_every_command_explains_itself(command: str) -> None:
    done = run_agent(*filter(None, [command]), "--help")
    assert done.returncode == 0
    assert len(done.stdout) > 150 or command == "devices"


def test_version() -> None:
    assert run_agent("--version").stdout.startswith("edge-agent ")


HEAVY = (
    "numpy",
    "ai_edge_litert",
    "tflite_runtime",
    "sounddevice",
    "soundfile",
    "soxr",
    "paho",
    "av",
    "sqlite3",
)
FORBIDDEN = ("tensorflow", "keras", "scipy", "aggregator", "model_build")


def loaded(code: str) -> set[str]:
    report = "import sys; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(done.stdout.splitlines()[-1].split())


def test_the_command_line_loads_nothing_heavy() -> None:
    assert not loaded("import edge_agent.__main__ as m; m._parser()") & {*HEAVY, *FORBIDDEN}


def test_the_running_agent_loads_no_trainer_and_no_device_that_it_does_not_use() -> None:
    modules = loaded("import edge_agent.agent, edge_agent.mqtt, edge_agent.check, edge_agent.replay")
    assert not modules & {*FORBIDDEN, "sounddevice", "av", "soundfile", "soxr"}
    assert {"numpy", "paho"} <= modules
