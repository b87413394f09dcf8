"""``edge-agent models``."""

import json
from pathlib import Path

import pytest

from edge_agent.__main__ import main
from edge_agent.update.outcomes import Ready
from edge_agent.update.store import ModelStore
from tests.edge_agent.update.signing import Repository
from tests.edge_agent.update.world import GO_ON, desired, installer


def test_it_shows_slots_failures_job_and_floor(
    tmp_path: Path, store: ModelStore, repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = repository.add(b"good", "m-1.bundle"), repository.add(b"bad", "m-2.bundle")
    one = installer(tmp_path, repository, store)
    assert isinstance(one.step(desired(good), GO_ON), Ready)
    store.begin_probation(good)
    store.confirm(good)
    assert isinstance(one.step(desired(bad, "m-2.bundle"), GO_ON), Ready)
    store.begin_probation(bad)
    store.roll_back(bad, "it went deaf")
    for _ in range(2):
        store.boot()
    arguments = ["models", "--node-state", str(tmp_path), "--model-bundle", str(tmp_path / "shipped.bundle")]
    assert main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert f"a        {good[:12]} in service" in lines
    assert f"b        {bad[:12]}" in lines
    assert f"failed   {bad[:12]} attempt 1: it went deaf" in lines
    assert "starts in a row that have not ended well: 2" in lines
    assert main([*arguments, "--json"]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert [(place["slot"], place["role"]) for place in plain["places"]] == [
        ("a", "in service"), ("b", ""), ("shipped", ""),
    ]  # fmt: skip
    assert plain["pointer"]["failed"][0]["reason"] == "it went deaf"
    assert plain["starts"]["count"] == 2
    assert plain["metadata_versions"]["targets"] == 2
    assert plain["job"]["target"] == "m-2.bundle"


def test_on_a_fresh_node_the_shipped_model_is_in_service(
    tmp_path: Path, shipped: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "--node-state", str(tmp_path), "--model-bundle", str(shipped)]) == 0
    out = capsys.readouterr().out
    assert "shipped" in out
    assert "in service" in out
    assert "not taken" in out


def test_without_any_bundle_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gone = str(tmp_path / "gone")
    assert main(["models", "--node-state", str(tmp_path), "--model-bundle", gone]) == 1
    assert main(["models", "--node-state", str(tmp_path)]) == 2
    assert "[model] bundle" in capsys.readouterr().err
