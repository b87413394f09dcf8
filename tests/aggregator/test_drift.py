"""Deaf microphones, fans and floods are found in a real store, and end; nothing else is an alert."""

import json
from pathlib import Path

import pytest
from sqlalchemy import text

from aggregator import bootstrap
from aggregator.__main__ import main
from aggregator.services.drift import DriftService
from aggregator.services.drift_index import EVERY_S, HOUR_S
from aggregator.settings import Settings, Store
from aggregator.store.database import Database
from tests.aggregator.past import DAY, Past


def usual(past: Past, until: float) -> Past:
    """Four days of nights and days, some dogs and some windows, up to so many hours ago."""
    for day in range(4):
        past.levels(until + DAY * (day + 1), until + DAY * day + 10, -60, -45)
        past.levels(until + DAY * day + 10, until + DAY * day, -50, -20)
    past.detections([until + 3 * step for step in range(32)])
    past.windows([until + 8 * step for step in range(12)])
    return past


@pytest.fixture
def past(any_database: Database) -> Past:
    return Past(any_database)


def kinds(past: Past) -> list[str]:
    return [one.kind for one in DriftService(past.database).open_alerts()]


def test_what_is_as_always_is_no_alert(past: Past) -> None:
    usual(past, 0).index.finish()
    view = DriftService(past.database).node("attic")
    assert view is not None
    assert kinds(past) == []
    assert (view.made_s, view.until_s) == (past.now_s, past.now_s - DAY * HOUR_S)
    assert view.reference_hours >= 70
    assert view.level is not None
    assert view.usual_level is not None
    assert view.level.high_dbfs == pytest.approx(-23, abs=1)
    [dog] = view.labels
    assert (dog.count, dog.floods, dog.per_hour) == (2, False, pytest.approx(1 / 3))
    assert dog.usual_per_hour == pytest.approx(1 / 3, abs=0.1)
    assert view.spectrum is None, "one window in three hours is too few"
    assert view.usual_spectrum is not None
    assert len(view.hours) in (48, 49)


def test_a_microphone_that_went_deaf(past: Past) -> None:
    usual(past, 3)
    past.levels(3, 0, -85, -80)
    past.index.finish()
    service = DriftService(past.database)
    [alert] = service.open_alerts()
    assert (alert.kind, alert.node, alert.begun_s) == ("deaf", "attic", past.now_s)
    assert "dB quieter than those of the quietest hour before" in alert.sentence
    past.later(1)
    past.levels(1, 0, -50, -20)
    past.later(1)
    past.levels(1, 0, -50, -20)
    past.later(1)
    assert kinds(past) == [], "it hears again"
    [ended] = service.alerts("attic")
    assert ended.ended_s is not None
    assert ended.begun_s < ended.held_s < ended.ended_s <= past.now_s


def test_a_fan_that_starts_and_runs_on(past: Past) -> None:
    usual(past, 4)
    past.levels(4, 0, -35, -30)
    past.windows([0.2, 0.9, 1.5, 2.5], hum=(8, 9, 10))
    past.index.finish()
    view = DriftService(past.database).node("attic")
    assert view is not None
    assert view.risen_bins == (8, 9, 10)
    [alert] = DriftService(past.database).open_alerts()
    assert "in 3 of 80 bands: a fan" in alert.sentence
    for _ in range(3):  # it does not become usual within days
        past.now_s += DAY * HOUR_S
        past.levels(DAY, 0, -35, -30)
        past.index.finish()
        assert kinds(past) == ["fan"]
    assert DriftService(past.database).open_alerts()[0].begun_s == alert.begun_s


def test_a_label_that_floods(past: Past) -> None:
    usual(past, 6)
    past.levels(6, 0, -50, -20)
    past.detections([0.01 * step for step in range(100)])
    past.detections([0.01 * step for step in range(10)], label="rain", posterior=0.55)
    past.index.finish()
    [alert] = DriftService(past.database).open_alerts()
    assert (alert.kind, alert.label) == ("flood", "dog")
    assert alert.sentence == "“dog” floods: 16.7 detections an hour; usual are 0.33."
    view = DriftService(past.database).node("attic")
    assert view is not None
    assert [one.label for one in view.labels] == ["dog", "rain"]


def test_a_new_node_and_one_that_is_away_are_no_alert(any_database: Database) -> None:
    fresh = Past(any_database, "fresh")
    fresh.levels(5, 0, -30, -28)
    fresh.detections([0.01 * step for step in range(100)])
    away = usual(Past(any_database, "away"), 30)
    Past(any_database, "mute")
    away.index.finish()
    service = DriftService(any_database)
    assert service.open_alerts() == []
    assert [(one.node, one.level is None) for one in service.nodes()] == [
        ("away", True), ("fresh", False), ("mute", True)
    ]  # fmt: skip


def test_levels_are_read_once_and_looks_are_rare(past: Past) -> None:
    usual(past, 0).index.finish()
    assert not past.index.step(), "everybody was looked at"
    with past.database.write() as connection:
        assert connection.scalar(text("SELECT count(*) FROM level_hours")) in (96, 97)
        connection.execute(text("DELETE FROM levels"))
    past.now_s += EVERY_S + 1
    assert past.index.step()
    view = DriftService(past.database).node("attic")
    assert view is not None
    assert view.reference_hours >= 70, "retention of levels does not take the reference away"


def test_what_is_deleted_is_deleted_here_too(past: Past, tmp_path: Path) -> None:
    usual(past, 3)
    past.levels(3, 0, -85, -80)
    past.index.finish()
    settings = Settings(store=Store(folder=str(tmp_path)))
    bootstrap.deletion(settings, past.database).delete_node_data("attic", "Ada")
    with past.database.read() as connection:
        for table in ("level_hours", "drift_summaries", "drift_alerts"):
            assert connection.scalar(text(f"SELECT count(*) FROM {table}")) == 0


def test_the_command_tells_scripts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["--store-folder", str(tmp_path)]
    opened = bootstrap.database(Settings(store=Store(folder=str(tmp_path))), migrate=True)
    past = Past(opened)
    assert main(["drift", *where]) == 0
    assert "attic: not looked at yet" in capsys.readouterr().out
    usual(past, 3)
    past.levels(3, 0, -85, -80)
    past.index.finish()
    opened.close()
    assert main(["drift", *where]) == 3
    assert "attic: The microphone may be deaf" in capsys.readouterr().out
    assert main(["drift", "--json", *where]) == 3
    told = json.loads(capsys.readouterr().out)
    assert [one["kind"] for one in told["alerts"]] == ["deaf"]
    assert main(["drift", "--now", "--json", *where]) in (0, 3)
