"""The main job, as a person would run it."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

FIELDS = {"published", "stored", "duplicates", "missing", "quarantined", "detections", "latency_ms"}


def demo(tmp_path: Path, *arguments: str) -> dict[str, Any]:
    path = tmp_path / "report.json"
    command = [sys.executable, "-m", "aggregator", "demo", "--report", str(path), *arguments]
    done = subprocess.run(command, capture_output=True, timeout=150, check=False)
    assert done.returncode == 0, done.stderr.decode()[-3000:] + done.stdout.decode()[-2000:]
    report: dict[str, Any] = json.loads(path.read_text())
    return report


@pytest.mark.slow
def test_three_nodes_deliver_everything(tmp_path: Path) -> None:
    report = demo(tmp_path, "--nodes", "3", "--seconds", "20", "--headless")
    assert report.keys() >= FIELDS
    assert report["published"] > 0
    assert report["published"] == report["stored"]
    assert (report["missing"], report["duplicates"], report["quarantined"]) == (0, 0, 0)
    assert set(report["detections"]) == {"node-1", "node-2", "node-3"}
    assert report["latency_ms"]["p50"] <= report["latency_ms"]["p95"]


@pytest.mark.slow
def test_ctrl_c_ends_a_run_before_its_time_and_reports(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    arguments = ["--nodes", "1", "--seconds", "600", "--headless", "--report", str(path)]
    process = subprocess.Popen(
        [sys.executable, "-m", "aggregator", "demo", *arguments], stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    with process, process.stderr:
        told: list[str] = []
        for line in process.stderr:
            told.append(line)
            if "listens to" in line:
                break
        time.sleep(3)
        process.send_signal(signal.SIGINT)
        told += process.stderr.readlines()
        assert process.wait(60) == 0, "".join(told)
    assert not any("could not deliver" in line for line in told)
    report = json.loads(path.read_text())
    assert report["published"] == report["stored"]


@pytest.mark.slow
def test_a_folder_of_real_clips(tmp_path: Path, shared_data: Path) -> None:
    words = shared_data / "speech_commands" / "validation" / "yes"
    report = demo(tmp_path, "--nodes", "2", "--seconds", "20", "--headless", "--source", str(words))
    assert (report["missing"], report["duplicates"], report["quarantined"]) == (0, 0, 0)
    assert report["detections"]["node-1"]["yes"] >= 5
    assert report["latency_ms"]["p50"] <= report["latency_ms"]["p95"]


@pytest.mark.slow
def test_the_embedded_broker_serves_where_there_is_no_other(tmp_path: Path) -> None:
    report = demo(tmp_path, "--nodes", "2", "--seconds", "15", "--headless", "--broker", "embedded")
    assert "embedded" in report["broker"]
    assert (report["missing"], report["duplicates"], report["quarantined"]) == (0, 0, 0)
