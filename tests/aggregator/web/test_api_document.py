"""docs/api.md names every route and field of the API."""

import re
from dataclasses import fields
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from aggregator.domain.deletions import Counts
from aggregator.domain.drift_levels import LevelHour
from aggregator.domain.drift_spectra import Spectrum
from aggregator.domain.gate_rules import Rule
from aggregator.domain.guesses import Guess
from aggregator.domain.sampling import Policy
from aggregator.domain.thinness import Thin
from aggregator.domain.training_progress import CurvePoint
from aggregator.domain.training_progress import Progress as TrainingProgress
from aggregator.domain.value import Parts
from aggregator.services.dataset import DatasetView, FrontendCount, LabelCount, PlaceCount, ReviewedWindow
from aggregator.services.deletion import DeletionPlan, DeletionView
from aggregator.services.detections import DetectionView
from aggregator.services.drift_views import AlertView, DriftView, LabelDrift
from aggregator.services.fleet import BootView, GapView, NodeDetail, NodeView
from aggregator.services.labels import LabelView, MergePlan
from aggregator.services.release_views import DecisionView, ReleaseView
from aggregator.services.retrain import TrainingView
from aggregator.services.review import Stored
from aggregator.services.reviews import Acceptance, DisagreementView, Progress, ReviewerView, ReviewView
from aggregator.services.rollout_views import MemberView, PinView, RolloutView, WaveView
from aggregator.services.sampling import NodeSampling
from aggregator.services.snapshot import SnapshotDeletion, SnapshotView
from aggregator.services.statistics import Latency, QuarantineView, Statistics
from contract.sampling import Sampling

TEXT = (Path(__file__).resolve().parents[3] / "docs" / "api.md").read_text()

CONVERTER = r"<[a-z]+(\([^)]*\))?:"


def test_every_route_is_documented(app: Flask) -> None:
    rules = {
        f"{method} {re.sub(CONVERTER, '<', str(rule))}"
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if str(rule).startswith("/api/") or str(rule) == "/healthz"
    }
    assert rules == set(re.findall(r"^\| `([A-Z]+ /\S+)` \|", TEXT, re.MULTILINE))


HIDDEN = {"pid", "pid_ticks"}


@pytest.mark.parametrize(
    "view",
    [
        NodeView,
        NodeDetail,
        BootView,
        GapView,
        DetectionView,
        Statistics,
        Latency,
        QuarantineView,
        Guess,
        Parts,
        Acceptance,
        ReviewView,
        Progress,
        ReviewerView,
        DisagreementView,
        Stored,
        LabelView,
        MergePlan,
        DatasetView,
        LabelCount,
        PlaceCount,
        FrontendCount,
        Thin,
        ReviewedWindow,
        NodeSampling,
        Policy,
        Sampling,
        TrainingView,
        TrainingProgress,
        CurvePoint,
        SnapshotView,
        SnapshotDeletion,
        DeletionPlan,
        DriftView,
        LabelDrift,
        AlertView,
        LevelHour,
        Spectrum,
        DeletionView,
        Counts,
        ReleaseView,
        DecisionView,
        Rule,
        RolloutView,
        WaveView,
        MemberView,
        PinView,
    ],
)
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
