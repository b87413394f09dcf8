"""What is old goes, in slices; what is young and the ledger stay."""

import pytest
from sqlalchemy import text

from aggregator.services import retention
from aggregator.services.ingest import IngestService
from aggregator.services.retention import DAY_S, RetentionService
from aggregator.services.review import ReviewService
from aggregator.services.statistics import StatisticsService
from aggregator.settings import Retention
from aggregator.store import retention as store
from aggregator.store.database import Database
from tests.aggregator.heard import Heard
from tests.aggregator.messages import NAMESPACE, NOW_S, detection, features, heartbeat, incoming, raw


def test_old_rows_go_and_are_not_stored_again(any_database: Database) -> None:
    ingest = IngestService(any_database, NAMESPACE, now=lambda: NOW_S)
    old = {"wall_s": NOW_S - 10 * DAY_S, "start_s": NOW_S - 10 * DAY_S, "end_s": NOW_S - 10 * DAY_S}
    window = {"wall_s": NOW_S - 10 * DAY_S, "start_s": NOW_S - 10 * DAY_S}
    messages = [
        *(incoming(detection(sequence, **old)) for sequence in range(1, 4)),
        incoming(detection(4)),
        incoming(features(5, **window)),
        incoming(heartbeat(wall_s=NOW_S - 10 * DAY_S)),
        incoming(heartbeat()),
    ]
    ingest.store(messages)
    limits = Retention(detections_days=7, windows_days=7, levels_days=7)
    assert not RetentionService(any_database, limits, now=lambda: NOW_S).step()
    summary = StatisticsService(any_database).summary()
    assert (summary.detections, summary.windows) == (1, 0)
    assert ingest.store(messages).duplicates == 5
    with any_database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM levels").scalar_one() == 2
    RetentionService(any_database, limits, now=lambda: NOW_S).step()
    with any_database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM levels").scalar_one() == 1


def test_zero_days_keep_for_ever(database: Database) -> None:
    IngestService(database, NAMESPACE).store([incoming(detection(1))])
    forever = Retention(levels_days=0)
    RetentionService(database, forever, now=lambda: NOW_S + 10_000 * DAY_S).step()
    assert StatisticsService(database).summary().detections == 1


def test_the_quarantine_is_bounded_but_its_count_is_not(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "QUARANTINED_KEPT", 5)
    garbage = [raw("detection", b"garbage %d" % number) for number in range(20)]
    IngestService(database, NAMESPACE).store(garbage)
    RetentionService(database, Retention()).step()
    told = StatisticsService(database)
    assert len(told.quarantine()) == 5
    assert told.summary().quarantined == 20


def windows_of(database: Database) -> list[int]:
    with database.read() as connection:
        return list(connection.scalars(text("SELECT id FROM windows ORDER BY id")))


@pytest.fixture
def heard(any_database: Database) -> Heard:
    """Six windows, a minute apart; the first was answered, the second only skipped, the third undone."""
    made = Heard(any_database)
    made.node("attic")
    for number in range(6):
        made.window(at_s=60.0 * number)
    made.cards()
    review = ReviewService(any_database)
    review.answer(1, "Ada", "label", label_id=1)
    review.answer(2, "Ada", "skip")
    review.answer(3, "Ada", "none")
    review.undo("Ada")
    return made


def test_answered_windows_are_spared_unless_told_otherwise(heard: Heard) -> None:
    day_later = NOW_S + DAY_S
    RetentionService(heard.database, Retention(windows_days=1), now=lambda: day_later).step()
    assert windows_of(heard.database) == [1]
    RetentionService(heard.database, Retention(reviewed_windows_days=1), now=lambda: day_later).step()
    assert windows_of(heard.database) == []
    with heard.database.read() as connection:
        assert connection.scalar(text("SELECT count(*) FROM reviews")) == 0


def test_beyond_a_size_the_oldest_go(heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "MEGABYTE", 1000)
    monkeypatch.setattr(retention, "SLICE", 1)
    with heard.database.read() as connection:
        one = store.size_bytes(connection, "windows") // 5
    service = RetentionService(heard.database, Retention(windows_mb=2 * one // 1000 + 1), now=lambda: NOW_S)
    assert service.step()
    assert windows_of(heard.database) == [1, 3, 4, 5, 6]
    while service.step():
        pass
    assert windows_of(heard.database) == [1, 5, 6], "the answered one is of another class"
    assert not service.step()
    assert windows_of(heard.database) == [1, 5, 6]


def test_the_oldest_levels_of_all_nodes_go_first(
    any_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "MEGABYTE", 1)
    ingest = IngestService(any_database, NAMESPACE, now=lambda: NOW_S)
    ingest.store(
        [
            incoming(heartbeat(boot=boot, wall_s=NOW_S + at_s), node)
            for node, boot, at_s in (
                ("attic", "0" * 16, 0), ("barn", "1" * 16, 5), ("attic", "0" * 16, 10), ("barn", "1" * 16, 15)
            )
        ]
    )  # fmt: skip
    RetentionService(any_database, Retention(levels_days=0, levels_mb=50), now=lambda: NOW_S).step()
    with any_database.read() as connection:
        left = connection.execute(text("SELECT start_s FROM levels ORDER BY start_s")).scalars().all()
    assert left == pytest.approx([NOW_S + 8, NOW_S + 13])


@pytest.mark.parametrize("name", store.CLASSES)
def test_what_is_empty_has_no_size(any_database: Database, name: str) -> None:
    with any_database.read() as connection:
        assert store.size_bytes(connection, name) == 0
        assert store.delete_oldest(connection, name, 100, 10) == 0
