"""What is old goes, in slices; what is young and the ledger stay."""

import pytest

from aggregator.services import retention
from aggregator.services.ingest import IngestService
from aggregator.services.retention import DAY_S, RetentionService
from aggregator.services.statistics import StatisticsService
from aggregator.settings import Retention
from aggregator.store.database import Database
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
