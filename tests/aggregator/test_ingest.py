"""What becomes of each message, on every database."""

import contextlib
import json
from collections.abc import Iterable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from aggregator.errors import ContentRefusedError, StoreError
from aggregator.services import rows
from aggregator.services.detections import DetectionFilter, DetectionService
from aggregator.services.fleet import FleetService
from aggregator.services.inbox import Incoming
from aggregator.services.ingest import IngestService, Outcome
from aggregator.services.statistics import StatisticsService
from aggregator.store import journal
from aggregator.store.database import Database
from contract import topics
from contract.messages import Detection
from contract.record import Record
from tests.aggregator import messages
from tests.aggregator.messages import (
    BOOT,
    LATER_BOOT,
    NAMESPACE,
    NOW_S,
    birth,
    detection,
    features,
    gap,
    heartbeat,
    incoming,
    raw,
    state,
)


class Desk:
    """An ingest and what can be asked of its store."""

    def __init__(self, database: Database) -> None:
        self.ingest = IngestService(database, NAMESPACE, now=lambda: NOW_S + 1)
        self.fleet = FleetService(database, now=lambda: NOW_S + 1)
        self.detections = DetectionService(database)
        self.statistics = StatisticsService(database)

    def take(self, *records: Record | Incoming) -> Outcome:
        return self.ingest.store([r if isinstance(r, Incoming) else incoming(r) for r in records])

    def through(self, outcome: Outcome) -> dict[str, int]:
        return {r.acknowledgement.boot: r.acknowledgement.through for r in outcome.receipts}


@pytest.fixture
def desk(any_database: Database) -> Desk:
    return Desk(any_database)


def test_a_detection_and_its_window_are_stored_and_acknowledged(desk: Desk) -> None:
    outcome = desk.take(birth(), detection(1), features(2))
    assert outcome.stored == 2
    assert desk.through(outcome) == {BOOT: 2}
    (view,) = desk.detections.page(DetectionFilter()).items
    assert (view.node, view.label, view.posterior, view.start_s) == ("attic", "dog", 0.9, NOW_S - 1)
    detail = desk.detections.detection(view.id)
    assert detail is not None
    assert detail.window is not None
    assert detail.window.features.shape == (100, 80)
    assert detail.window.features[0, :3].tolist() == [0, 1, 2]
    assert detail.window.posteriors.shape == (33, 3)
    assert detail.window.posteriors[0].tolist() == [1, 0, 0]
    assert detail.window.frontend_digest == messages.DIGEST
    assert detail.window.detection_id == view.id


def test_a_message_is_stored_once_and_acknowledged_every_time(desk: Desk) -> None:
    desk.take(detection(1))
    again = desk.take(detection(1), detection(1))
    assert (again.stored, again.duplicates) == (0, 2)
    assert desk.through(again) == {BOOT: 1}
    twice_in_one = desk.take(detection(2), detection(2))
    assert (twice_in_one.stored, twice_in_one.duplicates) == (1, 1)
    assert desk.statistics.summary().duplicates == 3
    assert desk.statistics.stored_twice() == 0


def test_out_of_order_messages_are_acknowledged_when_the_hole_is_filled(desk: Desk) -> None:
    assert desk.through(desk.take(detection(3), detection(2))) == {BOOT: 0}
    assert desk.through(desk.take(detection(1))) == {BOOT: 3}


def test_a_declared_gap_fills_the_hole(desk: Desk) -> None:
    assert desk.through(desk.take(detection(1), detection(6))) == {BOOT: 1}
    assert desk.through(desk.take(gap(7, ranges=((2, 3), (4, 5))))) == {BOOT: 7}
    assert desk.statistics.summary().gaps == 4
    (node,) = desk.fleet.nodes()
    assert node.gaps == 4


def test_what_was_declared_lost_and_came_all_the_same_is_not_missing(desk: Desk) -> None:
    desk.take(detection(1), gap(4, ranges=((1, 3),)))
    assert desk.statistics.summary().gaps == 2
    desk.take(detection(2))
    assert desk.statistics.summary().gaps == 1
    assert desk.statistics.summary().detections == 2


def test_a_gap_may_speak_of_an_earlier_boot(desk: Desk) -> None:
    outcome = desk.take(gap(1, boot=LATER_BOOT, gap_boot=BOOT, ranges=((1, 5),)))
    assert desk.through(outcome) == {BOOT: 5, LATER_BOOT: 1}


def test_progress_survives_a_restart_of_ingest(any_database: Database) -> None:
    first, second = Desk(any_database), Desk(any_database)
    first.take(detection(1), detection(2), detection(5), gap(7, ranges=((4, 4),)))
    assert second.through(second.take(detection(3))) == {BOOT: 5}


def _broken() -> Iterable[tuple[str, Incoming, bool]]:
    plain = detection(1).to_plain()
    yield "unknown schema", raw("detection", json.dumps(plain | {"schema": 99}).encode()), True
    yield "wrong type", raw("detection", json.dumps(plain | {"posterior": "high"}).encode()), True
    yield "out of range", raw("detection", json.dumps(plain | {"posterior": 7}).encode()), True
    yield "garbage", raw("detection", b"\xff\x00garbage"), False
    yield "too large", raw("detection", b" " * 300_000), False
    yield "not CBOR", raw("features", b"\xff\xff"), False
    yield "command from a node", raw("command", b"{}"), False
    yield "strange topic", Incoming(topic="x/\x00y", payload=b"", retained=False, received_s=NOW_S), False
    yield "strange node", raw("detection", json.dumps(plain).encode(), node="No-Such"), False


@pytest.mark.parametrize(("what", "broken", "identified"), list(_broken()), ids=lambda value: str(value)[:20])
def test_what_cannot_be_read_is_quarantined(
    desk: Desk, what: str, broken: Incoming, identified: bool
) -> None:
    outcome = desk.take(broken, detection(2))
    assert (outcome.stored, outcome.quarantined) == (1, 1)
    # Only what tells its boot and sequence can be acknowledged: the rest might be anything.
    assert desk.through(outcome) == {BOOT: 2 if identified else 0}
    (kept,) = desk.statistics.quarantine()
    assert kept.reason
    assert kept.size_bytes == len(broken.payload)
    assert desk.statistics.summary().quarantined == 1
    assert desk.take(broken).quarantined == (0 if identified else 1)


def test_a_quarantined_message_beyond_a_hole_is_named_as_refused(desk: Desk) -> None:
    broken = raw("detection", json.dumps(detection(5).to_plain() | {"schema": 9}).encode())
    (receipt,) = desk.take(detection(1), broken).receipts
    assert (receipt.acknowledgement.through, receipt.acknowledgement.refused) == (1, (5,))


def test_a_clock_at_1970_is_corrected_by_the_steady_clock(desk: Desk) -> None:
    desk.take(incoming(heartbeat(wall_s=50.0, monotonic_s=50.0), received_s=NOW_S))
    late = detection(1, wall_s=62.0, monotonic_s=62.0, start_s=60.0, end_s=61.0)
    desk.take(incoming(late, received_s=NOW_S + 5000))
    (view,) = desk.detections.page(DetectionFilter()).items
    assert (view.start_s, view.end_s, view.clock_trusted) == (NOW_S + 10, NOW_S + 11, False)
    (node,) = desk.fleet.nodes()
    assert node.clock_offset_s == NOW_S - 50
    assert desk.statistics.summary().latency.p95_ms is None


def test_a_node_comes_and_goes(desk: Desk) -> None:
    desk.take(birth(), state(), heartbeat())
    (node,) = desk.fleet.nodes()
    assert (node.status, node.level_dbfs, node.site, node.tags) == ("online", -30.5, "barn", ("north",))
    assert node.model == messages.MODEL
    desk.take(state(online=False))
    assert desk.fleet.nodes()[0].status == "offline"


def test_a_late_will_of_an_earlier_boot_changes_nothing(desk: Desk) -> None:
    desk.take(birth(), state())
    desk.take(birth(boot=LATER_BOOT), state(boot=LATER_BOOT))
    desk.take(state(online=False), heartbeat())
    (node,) = desk.fleet.nodes()
    assert (node.boot, node.status) == (LATER_BOOT, "online")


def test_retained_facts_do_not_make_a_node_be_heard(desk: Desk) -> None:
    desk.take(incoming(state(online=False), retained=True), incoming(birth(), retained=True))
    (node,) = desk.fleet.nodes()
    assert (node.status, node.last_heard_s, node.model) == ("offline", None, messages.MODEL)


def test_levels_become_a_series(desk: Desk) -> None:
    desk.take(heartbeat(), heartbeat(wall_s=NOW_S + 2, levels_dbfs=(-20.0, -20.0)))
    series = desk.fleet.levels("attic", NOW_S - 10, NOW_S + 10, points=10)
    assert [(point.start_s, point.max_dbfs) for point in series.points] == [
        (NOW_S - 2, -30.5),
        (NOW_S, -20.0),
    ]


def test_counts_per_label_and_bucket(desk: Desk) -> None:
    desk.take(
        detection(1, start_s=NOW_S - 30),
        detection(2, start_s=NOW_S - 29),
        detection(3, start_s=NOW_S - 1, label="rain"),
    )
    counts = desk.fleet.detection_counts("attic", NOW_S - 40, NOW_S, buckets=4)
    assert counts.counts == {"dog": (0, 2, 0, 0), "rain": (0, 0, 0, 1)}
    detail = desk.fleet.node("attic")
    assert detail is not None
    assert detail.detections == 3
    assert desk.statistics.summary().detections_by_node == {"attic": {"dog": 2, "rain": 1}}
    assert desk.fleet.node("cellar") is None


def test_two_nodes_with_the_same_boot_are_two(desk: Desk) -> None:
    outcome = desk.take(incoming(detection(1), "attic"), incoming(detection(1), "cellar"))
    assert outcome.stored == 2
    assert {receipt.node for receipt in outcome.receipts} == {"attic", "cellar"}


@pytest.mark.parametrize("any_database", ["postgresql"], indirect=True)
def test_a_server_that_cuts_the_line_costs_one_attempt_at_most(desk: Desk, postgres_url: str) -> None:
    desk.take(detection(1))
    other = Database(postgres_url)
    with other.write() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        )
    other.close()
    with contextlib.suppress(StoreError):
        desk.take(detection(2))
    assert desk.through(desk.take(detection(2), detection(3))) == {BOOT: 3}


def test_a_store_that_refuses_one_message_takes_the_others(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse_rain(connection: Connection, name: str) -> int:
        if name == "rain":
            raise ContentRefusedError("not this one")
        return find_label(connection, name)

    find_label = journal.label_id
    monkeypatch.setattr(journal, "label_id", refuse_rain)
    outcome = desk.take(detection(1), detection(2, label="rain"), detection(3))
    assert (outcome.stored, outcome.quarantined) == (2, 1)
    assert max(desk.through(outcome).values()) == 3
    assert "not this one" in desk.statistics.quarantine()[0].reason


def test_a_fault_of_ours_costs_only_the_message_that_meets_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail_on_rain(record: Detection) -> dict[str, object]:
        return of_detection(record) if record.label != "rain" else {"posterior": 2**70}

    of_detection = rows.of_detection
    monkeypatch.setattr(rows, "of_detection", fail_on_rain)
    outcome = desk.take(detection(1), detection(2, label="rain"), detection(3))
    assert (outcome.stored, outcome.quarantined) == (2, 1)
    assert max(desk.through(outcome).values()) == 3


def test_boundless_gaps_can_be_counted(any_database: Database, desk: Desk) -> None:
    boots = (BOOT, LATER_BOOT)
    desk.take(*(gap(1, boot=boot, gap_boot=boot, ranges=((1, 2**53),) * 2000) for boot in boots))
    detail = desk.fleet.node("attic")
    assert detail is not None
    assert [found.count for found in detail.gaps] == [2**53, 2**53]
    with any_database.write() as connection:
        connection.exec_driver_sql(f"UPDATE boots SET missing = {2**62}")
    assert desk.statistics.summary().gaps == desk.fleet.nodes()[0].gaps == 2**63


@given(
    kind=st.sampled_from([topic.kind for topic in topics.ALL]),
    payload=st.binary(max_size=200) | st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    ).map(lambda plain: json.dumps(plain).encode()),
    node=st.sampled_from(["attic", "", "A", "x" * 65, "\ud800"]),
)  # fmt: skip
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_content_raises_out_of_ingest(database: Database, kind: str, payload: bytes, node: str) -> None:
    outcome = IngestService(database, NAMESPACE).store([raw(kind, payload, node)])
    assert outcome.quarantined + outcome.stored + outcome.duplicates <= 1


def test_the_latest_detections_of_each_node_are_found_at_once(desk: Desk) -> None:
    """As one asks for each node by itself, whatever the order in which they were stored."""
    heard = {"attic": (5, 9, 7, 1), "barn": (3, 3), "cave": ()}
    for name, times in heard.items():
        desk.take(incoming(birth(), name))
        desk.take(*(
            incoming(detection(number, start_s=NOW_S - 100 + at_s, end_s=NOW_S - 99 + at_s), name)
            for number, at_s in enumerate(times, 1)
        ))  # fmt: skip
    found = desk.detections.last_of_each(3)
    assert found == {
        name: list(desk.detections.page(DetectionFilter(node=name), limit=3).items)
        for name in ("attic", "barn")
    }
    assert [one.start_s - NOW_S + 100 for one in found["attic"]] == [9, 7, 5]
