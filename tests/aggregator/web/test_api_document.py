"""docs/api.md names every route and field of the API."""

import re
from dataclasses import fields
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from aggregator.domain.gate_rules import Rule
from aggregator.domain.training_progress import CurvePoint, Progress
from aggregator.services.detections import DetectionView
from aggregator.services.fleet import BootView, GapView, NodeDetail, NodeView
from aggregator.services.release_views import DecisionView, ReleaseView
from aggregator.services.retrain import TrainingView
from aggregator.services.snapshot import SnapshotView
from aggregator.services.statistics import Latency, QuarantineView, Statistics

TEXT = (Path(__file__).resolve().parents[3] / "docs" / "api.md").read_text()


def test_every_route_is_documented(app: Flask) -> None:
    rules = {str(rule) for rule in app.url_map.iter_rules()}
    served = {rule for rule in rules if rule.startswith("/api/") or rule == "/healthz"}
    plain = {re.sub(r"<\w+:", "<", rule) for rule in served}
    documented = set(re.findall(r"^\| `GET (/\S+)` \|", TEXT, re.MULTILINE))
    assert plain == documented


HIDDEN = {"pid", "pid_ticks"}


@pytest.mark.parametrize(
    "view",
    [
        NodeView, NodeDetail, BootView, GapView, DetectionView, Statistics, Latency, QuarantineView,
        TrainingView, Progress, CurvePoint, SnapshotView, ReleaseView, DecisionView, Rule,
    ],
)  # fmt: skip
def test_every_field_is_documented(view: type) -> None:
    missing = [
        field.name
        for field in fields(view)
        if field.name not in HIDDEN and f"`{field.name}`" not in TEXT and f'"{field.name}"' not in TEXT
    ]
    assert missing == []


def test_every_field_of_a_window_is_documented(client: FlaskClient) -> None:
    window = client.get("/api/v1/windows/1").json
    assert window is not None
    assert [name for name in window if f"`{name}`" not in TEXT] == []
