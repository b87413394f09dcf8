"""The outbox: numbered without a hole, committed, bounded, and what is given up is declared."""

import itertools
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.messages import Detection, Features, Gap
from contract.topics import DETECTION, FEATURES, GAP
from contract.wire import decode_as
from edge_agent.errors import OutboxError
from edge_agent.outbox import Outbox, Reader, Row, count
from edge_agent.outbox.ranges import merge, without
from edge_agent.outbox.storage import Storage
from edge_agent.outbox.waiting import Build, Waiting
from tests.waiting import wait_until

BOOT, NEXT = "a" * 16, "b" * 16


def a_detection(boot: str = BOOT) -> Build:
    def build(sequence: int) -> Detection:
        return Detection(
            boot=boot, wall_s=time.time(), monotonic_s=1, sequence=sequence, model="m@1",
            frontend_digest="0" * 64, label="yes", posterior=0.9, threshold=0.5,
            start_s=1, end_s=2, level_dbfs=-20,
        )  # fmt: skip

    return build


def a_window(boot: str = BOOT, frames: int = 10) -> Build:
    def build(sequence: int) -> Features:
        return Features(
            boot=boot, wall_s=time.time(), monotonic_s=1, sequence=sequence, model="m@1",
            frontend_digest="0" * 64, reason="detection", detection=None, start_s=1, hop_ms=20, mel_bins=80,
            frames=bytes(80 * frames), step_ms=80, labels=("yes",), posteriors=b"\0",
        )  # fmt: skip

    return build


@pytest.fixture
def opened(tmp_path: Path) -> Any:
    """Opens outboxes on one file, and closes them at the end."""
    every: list[Outbox] = []

    def make(boot: str = BOOT, limit_bytes: int = 10**6, **more: Any) -> Outbox:
        outbox = Outbox(tmp_path / "outbox.sqlite", boot, limit_bytes=limit_bytes, commit_s=0.01, **more)
        outbox.start()
        every.append(outbox)
        return outbox

    yield make
    for outbox in every:
        outbox.close()


Open = Callable[..., Outbox]


def committed(outbox: Outbox) -> list[Row]:
    """All rows, once everything that was appended is on the disk."""
    wait_until(lambda: not outbox._has_work(), timeout_s=10)
    time.sleep(0.03)
    reader = Reader(outbox)
    rows = reader.next(10_000)
    reader.close()
    return rows


def gaps(rows: list[Row]) -> list[Gap]:
    return [decode_as(Gap, GAP, row.content) for row in rows if row.kind == "gap"]


def all_declared(outbox: Outbox) -> list[Row]:
    """All rows, once nothing that was given up is undeclared; a gap may itself push a message out."""
    for _ in range(10):
        rows = committed(outbox)
        if not any(boot["undeclared"] for boot in count(outbox.path)["boots"]):
            return rows
        outbox.declare()
    raise AssertionError("never done declaring")


def declared(rows: list[Row]) -> set[int]:
    return {n for gap in gaps(rows) for first, last in gap.ranges for n in range(first, last + 1)}


def fill(outbox: Outbox, kinds: str) -> None:
    for kind in kinds:
        topic, build = (
            (DETECTION, a_detection(outbox.boot)) if kind == "d" else (FEATURES, a_window(outbox.boot))
        )
        outbox.append(topic, build)


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(0, 5)), max_size=20))
def test_ranges_hold_what_they_held(pairs: list[tuple[int, int]]) -> None:
    ranges = [(first, first + more) for first, more in pairs]
    merged = merge(ranges)
    assert {n for a, b in ranges for n in range(a, b + 1)} == {n for a, b in merged for n in range(a, b + 1)}
    assert all(a[1] + 1 < b[0] for a, b in itertools.pairwise(merged))


@given(st.integers(1, 50), st.integers(0, 50), st.lists(st.tuples(st.integers(1, 50), st.integers(0, 5))))
def test_what_is_left_of_a_range_is_what_no_other_holds(
    first: int, last: int, pairs: list[tuple[int, int]]
) -> None:
    held = {n for begin, more in pairs for n in range(begin, begin + more + 1)}
    left = without((first, last), [(begin, begin + more) for begin, more in pairs])
    assert [n for a, b in left for n in range(a, b + 1)] == sorted(set(range(first, last + 1)) - held)
    assert all(a <= b for a, b in left)


@given(st.text("df", max_size=60), st.integers(500, 4000))
def test_memory_is_bounded_and_every_number_is_kept_or_lost(kinds: str, limit: int) -> None:
    waiting = Waiting(BOOT, limit_bytes=limit)
    for kind in kinds:
        waiting.append(*((DETECTION, a_detection()) if kind == "d" else (FEATURES, a_window())))
        if kind == "d":
            work = waiting.take()
            waiting.put_back(work)
    assert waiting.size_bytes <= limit
    work = waiting.take()
    kept = [entry.sequence for entry in work.entries]
    lost = [n for item in work.lost for n in range(item.first, item.last + 1)]
    assert sorted(kept + lost) == list(range(1, len(kinds) + 1))
    assert kept == sorted(kept)


def test_messages_are_numbered_and_survive_until_acknowledged(opened: Open) -> None:
    outbox = opened()
    fill(outbox, "dfdf")
    assert [row.sequence for row in committed(outbox)] == [1, 2, 3, 4]
    outbox.acknowledge(BOOT, 2)
    assert [row.sequence for row in committed(outbox)] == [3, 4]
    outbox.acknowledge(BOOT, 2, refused=(4,))
    assert [row.sequence for row in committed(outbox)] == [3]
    counters = outbox.counters
    assert (counters.rows, counters.last_sequence, counters.dropped) == (1, 4, 0)
    assert counters.size_bytes == len(committed(outbox)[0].content)


def test_a_message_that_breaks_the_contract_takes_no_number(opened: Open) -> None:
    outbox = opened()
    with pytest.raises(ValueError, match="longer than"):
        outbox.append(FEATURES, a_window(frames=2000))
    fill(outbox, "d")
    assert [row.sequence for row in committed(outbox)] == [1]


def test_when_full_the_oldest_windows_go_first_and_are_declared(opened: Open) -> None:
    outbox = opened(limit_bytes=8000)
    fill(outbox, "d" * 5 + "f" * 20)
    rows = committed(outbox)
    kept = {row.sequence for row in rows}
    assert {1, 2, 3, 4, 5, 25} <= kept
    assert 6 not in kept
    rows = all_declared(outbox)
    assert [gap.reason for gap in gaps(rows)] == ["outbox_full"]
    stored = {row.sequence for row in rows if row.kind != "gap"}
    assert declared(rows) == set(range(1, 26)) - stored
    assert outbox.counters.dropped == len(declared(rows))
    assert rows[0].kind == "gap", "an aggregator cannot acknowledge past a hole before it has the gap"


def test_when_full_of_detections_the_newest_are_refused(opened: Open) -> None:
    outbox = opened(limit_bytes=3000)
    fill(outbox, "d" * 30)
    rows = all_declared(outbox)
    kept = {row.sequence for row in rows if row.kind != "gap"}
    assert kept == set(range(1, len(kept) + 1))
    assert declared(rows) == set(range(1, 31)) - kept


def test_what_was_sent_is_not_given_up(opened: Open) -> None:
    outbox = opened(limit_bytes=8000)
    fill(outbox, "ffff")
    outbox.sent_id = committed(outbox)[-1].id
    fill(outbox, "f" * 10)
    assert {1, 2, 3, 4} <= {row.sequence for row in committed(outbox)}


def test_a_run_that_was_interrupted_leaves_a_gap_and_its_rows(opened: Open, tmp_path: Path) -> None:
    first = opened()
    fill(first, "dd")
    committed(first)
    second = opened(NEXT)
    rows = committed(second)
    [gap] = gaps(rows)
    assert (gap.reason, gap.gap_boot, gap.boot, gap.ranges) == ("restart", BOOT, NEXT, ())
    assert gap.start_s <= gap.end_s
    assert {(row.boot, row.sequence) for row in rows} == {(BOOT, 1), (BOOT, 2), (NEXT, 1)}
    second.close()
    third = opened("c" * 16)
    assert [gap.gap_boot for gap in gaps(committed(third))] == [BOOT], "the second ended in good order"
    counted = count(tmp_path / "outbox.sqlite")
    assert {boot["boot"]: boot["last_sequence"] for boot in counted["boots"]}[BOOT] == 2


def test_a_damaged_file_is_put_aside(opened: Open, tmp_path: Path) -> None:
    (tmp_path / "outbox.sqlite").write_bytes(b"this is no database" * 500)
    outbox = opened()
    fill(outbox, "d")
    rows = committed(outbox)
    assert [gap.reason for gap in gaps(rows)] == ["storage_damaged"]
    assert (tmp_path / "outbox.sqlite.damaged").exists()


def test_damage_while_running_is_declared_with_what_was_lost(opened: Open) -> None:
    outbox = opened()
    fill(outbox, "dddd")
    committed(outbox)
    outbox.acknowledge(BOOT, 1)
    committed(outbox)
    outbox.report_damage()
    fill(outbox, "d")
    wait_until(lambda: outbox.generation == 1, timeout_s=10)
    rows = committed(outbox)
    assert declared(rows) == {2, 3, 4}
    assert {row.sequence for row in rows} == {5, 6}


def test_what_a_restored_aggregator_misses_is_declared_once(opened: Open) -> None:
    outbox = opened()
    fill(outbox, "dddddd")
    committed(outbox)
    outbox.acknowledge(BOOT, 4)
    committed(outbox)
    outbox.acknowledge(BOOT, 1)
    assert gaps(committed(outbox)) == [], "it may be late; only one that stays is believed"
    outbox.stalled()
    [gap] = gaps(committed(outbox))
    assert (gap.reason, gap.gap_boot, gap.ranges) == ("storage_damaged", BOOT, ((2, 4),))
    outbox.acknowledge(BOOT, 1)
    committed(outbox)
    outbox.stalled()
    assert len(gaps(committed(outbox))) == 1, "the gap waits to be sent"


def test_an_acknowledgement_behind_others_is_not_believed(opened: Open) -> None:
    outbox = opened()
    fill(outbox, "dddddd")
    committed(outbox)
    for through in (4, 1, 5):
        outbox.acknowledge(BOOT, through)
        committed(outbox)
    outbox.stalled()
    assert gaps(committed(outbox)) == []


def test_what_is_given_up_is_not_taken_for_forgotten(opened: Open) -> None:
    outbox = opened(limit_bytes=8000)
    fill(outbox, "f" * 20)
    committed(outbox)
    for step in (outbox.stalled, outbox.declare, outbox.stalled):
        outbox.acknowledge(BOOT, 0)
        committed(outbox)
        step()
        assert {gap.reason for gap in gaps(committed(outbox))} <= {"outbox_full"}
    assert gaps(committed(outbox))


class Small(Storage):
    """A disk with room for a few pages more; ``roomy`` frees it."""

    pages = 14

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._connection.execute(f"PRAGMA max_page_count = {self.pages}")

    def roomy(self) -> None:
        self._connection.execute("PRAGMA max_page_count = 100000")


def test_a_full_disk_is_told_survived_and_nothing_is_missing(opened: Open, monkeypatch: Any) -> None:
    monkeypatch.setattr("edge_agent.outbox.outbox.RETRY_S", 0.05)
    disks: list[Small] = []

    def small(path: Path) -> Storage:
        disks.append(Small(path))
        return disks[-1]

    outbox = opened(make_storage=small)
    outbox._waiting._limit_bytes = 20_000

    def refused() -> bool:
        fill(outbox, "df")
        return "cannot be written" in outbox.counters.problem

    wait_until(refused, timeout_s=10)
    fill(outbox, "df" * 40)
    assert outbox.counters.dropped > 0
    disks[0].roomy()
    wait_until(lambda: not outbox.counters.problem, timeout_s=10)
    rows = all_declared(outbox)
    assert {gap.reason for gap in gaps(rows)} == {"disk_full"}
    kept = {row.sequence for row in rows}
    assert kept | declared(rows) == set(range(1, max(kept) + 1))
    assert not kept & declared(rows)
    assert outbox.counters.last_sequence == max(kept)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutboxError, match="file"):
        Outbox(tmp_path / "file" / "outbox.sqlite", BOOT, limit_bytes=10**6, commit_s=0.01)


def test_gaps_are_split_so_that_each_is_small_enough(opened: Open) -> None:
    outbox = opened(limit_bytes=150_000)
    # Every second message goes, so that no two ranges become one.
    for _ in range(600):
        fill(outbox, "df")
    wait_until(lambda: not outbox._has_work(), timeout_s=30)
    rows = all_declared(outbox)
    kept = {row.sequence for row in rows}
    assert declared(rows) == set(range(1, outbox.counters.last_sequence + 1)) - kept
    assert all(len(row.content) <= GAP.limit_bytes for row in rows if row.kind == "gap")


def test_counting_reads_an_outbox_in_use(opened: Open, tmp_path: Path) -> None:
    outbox = opened()
    fill(outbox, "ddf")
    committed(outbox)
    counted = count(tmp_path / "outbox.sqlite")
    assert counted["rows"] == 3
    [boot] = counted["boots"]
    assert (boot["boot"], boot["last_sequence"], boot["rows"], boot["clean"]) == (BOOT, 3, 3, False)
    with pytest.raises(OutboxError, match="no outbox"):
        count(tmp_path / "other.sqlite")


def test_every_error_of_the_database_is_told_apart(tmp_path: Path) -> None:
    from edge_agent.outbox.storage import is_damage

    (tmp_path / "x").write_bytes(b"nonsense" * 1000)
    with pytest.raises(sqlite3.DatabaseError) as caught:
        Storage(tmp_path / "x")
    assert is_damage(caught.value)
    assert not is_damage(sqlite3.OperationalError("database is locked"))
