from pathlib import Path

import pytest

from aggregator.demo.children import Children, DemoError, end
from aggregator.demo.report import Outcome, report
from aggregator.demo.source import plan_nodes


def outcome(**changes: object) -> Outcome:
    fields: dict[str, object] = {
        "seconds": 10.04, "nodes": 2, "broker": "mosquitto", "models": ["keywords"], "published": 10,
        "stored": 7, "declared": 2, "stored_twice": 0, "redelivered": 3, "quarantined": 0,
        "detections": {"node-1": {"yes": 2}}, "latency_p50_ms": 100.0, "latency_p95_ms": 200.0,
    }  # fmt: skip
    return Outcome(**fields | changes)  # type: ignore[arg-type]


def test_missing_is_what_was_neither_stored_nor_declared() -> None:
    assert report(outcome())["missing"] == 1
    assert report(outcome(stored=8))["missing"] == 0


def test_the_report_has_the_fields_that_checks_read() -> None:
    fields = set(report(outcome()))
    assert {
        "published",
        "stored",
        "duplicates",
        "missing",
        "quarantined",
        "detections",
        "latency_ms",
    } <= fields
    assert report(outcome())["latency_ms"] == {"p50": 100.0, "p95": 200.0}


def test_bundles_are_dealt_out_in_turn(tmp_path: Path) -> None:
    bundles = [tmp_path / "a.bundle", tmp_path / "b.bundle"]
    plans = plan_nodes(3, source=tmp_path, microphone=False, bundles=bundles)
    assert [plan.bundle for plan in plans] == [*bundles, bundles[0]]
    assert len({plan.name for plan in plans}) == 3
    assert {plan.source for plan in plans} == {tmp_path}


def test_an_absent_source_is_named(tmp_path: Path) -> None:
    with pytest.raises(DemoError, match="absent"):
        plan_nodes(1, source=tmp_path / "absent", microphone=False, bundles=[tmp_path])


def test_a_child_that_fails_is_reported_with_the_end_of_its_log(tmp_path: Path) -> None:
    with Children(tmp_path) as children:
        process = children.start("teller", ["sh", "-c", "echo it broke; exit 3"])
        process.wait()
        with pytest.raises(DemoError, match=r"(?s)teller ended with status 3.*it broke"):
            children.check()


def test_children_are_ended_when_the_block_is_left(tmp_path: Path) -> None:
    with Children(tmp_path) as children:
        process = children.start("sleeper", ["sleep", "600"])
    assert process.returncode is not None
    end(process)
